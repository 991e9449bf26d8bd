#include "procedures/masking.h"

#include <algorithm>
#include <vector>

namespace wellrun::procedures {
namespace {

constexpr std::size_t kShortestSecret = 4;

using Secrets = std::map<std::string, std::string>;

struct Span {
  std::size_t begin, end;
};

/// Where `text` holds secrets: sorted, those that overlap as one.
std::vector<Span> secret_spans(std::string_view text, const Secrets& secrets) {
  std::vector<Span> found;
  for (const auto& [name, value] : secrets) {
    if (value.size() < kShortestSecret) continue;
    for (auto at = text.find(value); at != std::string_view::npos; at = text.find(value, at + 1))
      found.push_back({at, at + value.size()});
  }
  std::ranges::sort(found, {}, &Span::begin);
  std::vector<Span> joined;
  for (const auto& span : found) {
    if (joined.empty() || span.begin >= joined.back().end) {
      joined.push_back(span);
    } else {
      joined.back().end = std::max(joined.back().end, span.end);
    }
  }
  return joined;
}

/// Length of the longest end of `text` that `secret` begins with, but is not the whole of.
std::size_t begun(std::string_view text, std::string_view secret) {
  for (auto length = std::min(text.size(), secret.size() - 1); length > 0; --length) {
    if (text.ends_with(secret.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::string masked(std::string_view text, const Secrets& secrets) {
  std::string shown;
  std::size_t from = 0;
  for (const auto& [begin, end] : secret_spans(text, secrets)) {
    shown.append(text.substr(from, begin - from)).append("***");
    from = end;
  }
  return shown.append(text.substr(from));
}

std::string PieceMask::add(std::string_view piece) {
  held_ += piece;
  std::size_t kept = 0;
  for (const auto& [name, value] : secrets_) {
    if (value.size() >= kShortestSecret) kept = std::max(kept, begun(held_, value));
  }
  auto cut = held_.size() - kept;
  // A secret that is there as a whole may go on as another: it is not cut through.
  for (const auto& [begin, end] : secret_spans(held_, secrets_)) {
    if (begin < cut && cut < end) cut = begin;
  }
  auto shown = masked(std::string_view(held_).substr(0, cut), secrets_);
  held_.erase(0, cut);
  return shown;
}

}  // namespace wellrun::procedures
