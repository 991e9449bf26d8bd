#pragma once

// Which times of a store's samples changed since when: what lets results that were computed before
// be used again without being wrong. A store tells it of every change; a cache asks. Thread-safe.
//
// The contract that makes a cache exact: a reader takes version() before it reads and keeps it with
// what it computed. A store calls changed() after a change can be read and before the writer hears
// of it. So whatever a reader missed, or saw half of, is told under a later version; and whatever
// was acknowledged before a reader asks is known to it.

#include <cstdint>
#include <deque>
#include <mutex>

namespace wellrun::telemetry {

class ChangeLog {
 public:
  /// Samples were added, changed or deleted, none of them before `oldest_ms`: after writes, in
  /// order or not, and after deletions, of whatever series.
  void changed(std::int64_t oldest_ms);

  /// Samples before `cutoff_ms` are being given up (retention). Called before the first is gone; a
  /// cutoff never goes back.
  void dropping_before(std::int64_t cutoff_ms);

  /// Of some series, samples before `until_ms` were given up: by a rule for them, or thinned. Told
  /// after it can be read.
  void gave_up_before(std::int64_t until_ms);

  std::uint64_t version() const;

  /// Samples before this time are as they were at `version`, but for those dropped. INT64_MAX: all
  /// are. May be lower than necessary, never higher.
  std::int64_t unchanged_before(std::uint64_t version) const;

  /// Samples from this time on were not given up since `version`; INT64_MIN: none was. May be
  /// higher than necessary, never lower.
  std::int64_t dropped_before(std::uint64_t version) const;

 private:
  struct Change {
    std::uint64_t version;
    std::int64_t oldest_ms;
  };

  mutable std::mutex mutex_;
  std::uint64_t version_ = 0;
  std::int64_t dropped_before_ms_ = INT64_MIN;
  struct GivenUp {
    std::uint64_t version;
    std::int64_t until_ms;
  };
  std::deque<GivenUp> given_up_;  ///< versions rise, times fall: what a later one covers is not
                                  ///< listed
  std::deque<Change> changes_;    ///< versions and times both rise: what a later change reaches
                                  ///< further back than is not listed
};

}  // namespace wellrun::telemetry
