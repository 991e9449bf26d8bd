#include "telemetry/store/regex_cache.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kMaxRegexBytes = 64U << 10;
constexpr std::size_t kMaxKept = 128;
constexpr std::size_t kMaxMatchedKept = 64U << 10;  ///< values of one entry; more are matched anew

re2::RE2::Options quiet() {
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  return options;
}

}  // namespace

RegexCache::Entry::Entry(const std::string& pattern)
    : regex_(pattern, quiet()), matches_empty_(regex_.ok() && re2::RE2::FullMatch("", regex_)) {}

std::vector<std::uint32_t> RegexCache::Entry::matching(
    std::uint64_t arrangement, std::size_t count,
    const std::function<std::string_view(std::size_t)>& value) {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(arrangement_, arrangement) != arrangement) {
    seen_ = 0;
    matched_.clear();
  }
  for (; seen_ < count; ++seen_) {
    const auto text = value(seen_);
    if (re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), regex_))
      matched_.push_back(static_cast<std::uint32_t>(seen_));
  }
  if (matched_.size() <= kMaxMatchedKept) return matched_;
  seen_ = 0;
  return std::exchange(matched_, {});
}

Result<std::shared_ptr<RegexCache::Entry>> RegexCache::get(std::string_view label,
                                                           const std::string& pattern) const {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(
      kept_, [&](const Kept& one) { return one.label == label && one.pattern == pattern; });
  if (found != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, found);
    return kept_.front().entry;
  }
  if (pattern.size() > kMaxRegexBytes)
    return fail(ErrorCode::kInvalid,
                fmt::format("a regular expression of {} bytes is longer than {}", pattern.size(),
                            kMaxRegexBytes));
  auto entry = std::make_shared<Entry>(pattern);
  if (!entry->regex().ok())
    return fail(ErrorCode::kInvalid, fmt::format("regular expression {} is not valid: {}",
                                                 quote(pattern), entry->regex().error()));
  if (kept_.size() == kMaxKept) kept_.pop_back();
  kept_.push_front({std::string(label), pattern, entry});
  return entry;
}

}  // namespace wellrun::telemetry::store
