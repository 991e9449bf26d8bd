#pragma once

// Turns at even times: each interval is cut from the wall clock, so that samples and evaluations of
// many targets spread evenly and lie where they lay before a restart; the way to the next one is
// walked on the steady clock, so that a wall clock that is set costs one turn at most.

#include "core/time.h"

namespace wellrun {

/// Nobody waits for the second turn of a longer one, and much longer ones overflow where time is
/// reckoned with.
inline constexpr Duration kLongestInterval = std::chrono::days(365);

/// How long from `now` until the next slot, a multiple of `interval` (above 0, at most
/// kLongestInterval) plus `offset` (0 ≤ offset < interval): more than 0, at most a little over
/// `interval`. A slot nearer than a 500th of the interval counts as the one that was just taken:
/// the two clocks do not go equally fast, and a wait may end a moment before its slot.
constexpr Duration until_slot(Timestamp now, Duration interval, Duration offset) {
  const auto since = (now.time_since_epoch() - offset) % interval;
  const auto wait = interval - (since < Duration{0} ? since + interval : since);
  return wait * 500 < interval ? wait + interval : wait;
}

}  // namespace wellrun
