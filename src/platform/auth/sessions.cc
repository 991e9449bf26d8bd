#include "platform/auth/sessions.h"

#include <algorithm>

namespace wellrun {
namespace {

constexpr std::size_t kMaxSessions = 10'000;
constexpr std::size_t kMaxRemotes = 10'000;
constexpr Duration kWindow{60'000};

}  // namespace

void Sessions::add(std::string hash, std::string token, Timestamp expires) {
  if (sessions_.size() >= kMaxSessions) {
    sessions_.erase(std::ranges::min_element(
        sessions_, {}, [](const auto& entry) { return entry.second.expires; }));
  }
  sessions_[std::move(hash)] = {.token = std::move(token), .expires = expires};
}

void Sessions::remove(const std::string& hash) {
  sessions_.erase(hash);
}

void Sessions::remove_of_token(const std::string& token) {
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.token == token; });
}

std::string Sessions::token_of(const std::string& hash, Timestamp now) const {
  const auto found = sessions_.find(hash);
  if (found == sessions_.end() || now >= found->second.expires) return {};
  return found->second.token;
}

bool FailureLimiter::fail(std::string_view remote, Timestamp now) {
  const bool is_new_window = now < window_start_ || now - window_start_ >= kWindow;
  if (is_new_window) {
    window_start_ = now;
    failures_.clear();
  }
  const auto found = failures_.find(remote);
  if (found != failures_.end()) return ++found->second > per_minute_;
  if (failures_.size() >= kMaxRemotes) return true;  // many remotes at once are one attack
  failures_.emplace(remote, 1);
  return per_minute_ < 1;
}

}  // namespace wellrun
