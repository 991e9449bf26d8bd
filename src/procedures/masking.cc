#include "procedures/masking.h"

#include <algorithm>

namespace wellrun::procedures {
namespace {

constexpr std::size_t kShortestSecret = 4;

/// Length of the longest end of `text` that `secret` begins with, but is not the whole of.
std::size_t begun(std::string_view text, std::string_view secret) {
  for (auto length = std::min(text.size(), secret.size() - 1); length > 0; --length) {
    if (text.ends_with(secret.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::string masked(std::string text, const std::map<std::string, std::string>& secrets) {
  for (const auto& [name, value] : secrets) {
    if (value.size() < kShortestSecret) continue;
    for (auto at = text.find(value); at != std::string::npos; at = text.find(value, at + 3))
      text.replace(at, value.size(), "***");
  }
  return text;
}

std::string PieceMask::add(std::string_view piece) {
  held_ = masked(held_ + std::string(piece), secrets_);
  std::size_t kept = 0;
  for (const auto& [name, value] : secrets_) {
    if (value.size() >= kShortestSecret) kept = std::max(kept, begun(held_, value));
  }
  auto shown = held_.substr(0, held_.size() - kept);
  held_.erase(0, shown.size());
  return shown;
}

}  // namespace wellrun::procedures
