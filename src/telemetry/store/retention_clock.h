#pragma once

// Which time the retention reckons from. A wall clock that is set forward makes every sample old at
// once, and what was deleted does not come back when the clock is set right. So this clock goes
// with the steady one, and what the wall clock is ahead of it is believed little by little: an e-th
// part of the rest remains after a day. A jump of a year that lasts ten seconds costs an hour of
// the oldest data, and one that is right is made up for within days. Nothing is ever deleted for a
// time that the wall clock has not reached.
//
// docs/decisions/0005-two-clocks.md says why. Asked each second or so (a jump counts for as long as
// it was seen). Thread-safe.

#include <chrono>
#include <mutex>

#include "core/time.h"

namespace wellrun::telemetry::store {

class RetentionClock {
 public:
  /// What it said last in the life before, or the best guess: a time when the server was up.
  void start(Timestamp last, std::chrono::nanoseconds steady);

  /// Never later than `wall`. Both clocks now.
  Timestamp now(Timestamp wall, std::chrono::nanoseconds steady);

 private:
  std::mutex mutex_;
  Timestamp time_{};
  std::chrono::nanoseconds looked_{};  ///< on the steady clock
};

}  // namespace wellrun::telemetry::store
