#include "telemetry/change_log.h"

#include <algorithm>

namespace wellrun::telemetry {
namespace {

constexpr std::int64_t kSameMs = 1000;      ///< changes this near to one another are told as one
constexpr std::size_t kMostChanges = 4096;  ///< beyond, the oldest are told as one
constexpr std::size_t kMostGivenUp = 64;    ///< the same

}  // namespace

void ChangeLog::changed(std::int64_t oldest_ms) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  while (!changes_.empty() && changes_.back().oldest_ms >= oldest_ms) changes_.pop_back();
  if (!changes_.empty() && oldest_ms < changes_.back().oldest_ms + kSameMs) {
    changes_.back().version = version_;
    return;
  }
  changes_.push_back({version_, oldest_ms});
  if (changes_.size() <= kMostChanges) return;
  const auto oldest = changes_.front().oldest_ms;
  changes_.pop_front();
  changes_.front().oldest_ms = oldest;
}

void ChangeLog::dropping_before(std::int64_t cutoff_ms) {
  const std::scoped_lock lock(mutex_);
  dropped_before_ms_ = std::max(dropped_before_ms_, cutoff_ms);
}

std::uint64_t ChangeLog::version() const {
  const std::scoped_lock lock(mutex_);
  return version_;
}

std::int64_t ChangeLog::unchanged_before(std::uint64_t version) const {
  const std::scoped_lock lock(mutex_);
  const auto later = std::ranges::upper_bound(changes_, version, {}, &Change::version);
  return later == changes_.end() ? INT64_MAX : later->oldest_ms;
}

void ChangeLog::gave_up_before(std::int64_t until_ms) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  while (!given_up_.empty() && given_up_.back().until_ms <= until_ms) given_up_.pop_back();
  given_up_.push_back({version_, until_ms});
  if (given_up_.size() <= kMostGivenUp) return;
  const auto furthest = given_up_.front().until_ms;
  given_up_.pop_front();
  given_up_.front().until_ms = furthest;
}

std::int64_t ChangeLog::dropped_before(std::uint64_t version) const {
  const std::scoped_lock lock(mutex_);
  const auto later = std::ranges::upper_bound(given_up_, version, {}, &GivenUp::version);
  return later == given_up_.end() ? dropped_before_ms_
                                  : std::max(dropped_before_ms_, later->until_ms);
}

}  // namespace wellrun::telemetry
