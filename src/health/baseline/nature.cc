#include "health/baseline/nature.h"

#include <algorithm>

namespace wellrun::health::baseline {

const char* name_of(Nature nature) {
  switch (nature) {
    case Nature::kGauge:
      return "gauge";
    case Nature::kNonNegative:
      return "non-negative";
    case Nature::kRatio:
      return "ratio";
    case Nature::kCounter:
      return "counter";
  }
  return "gauge";
}

bool is_restart(double before, double now) {
  constexpr double kNearZero = 0.1;
  return now >= 0 && now < kNearZero * before;
}

void NatureFinder::restore(const State& state) {
  state_ = state;
  decide_whether_a_counter();
}

void NatureFinder::observe(double value) {
  if (state_.count == 0) {
    state_.lowest = state_.highest = value;
  } else if (value > state_.last) {
    ++state_.rises;
  } else if (is_restart(state_.last, value)) {
    ++state_.restarts;
  } else if (value < state_.last) {
    state_.fell = true;
  }
  ++state_.count;
  state_.last = value;
  state_.lowest = std::min(state_.lowest, value);
  state_.highest = std::max(state_.highest, value);
  decide_whether_a_counter();
}

/// Long enough that a gauge would have fallen, mostly rising, and restarts are the exception: a
/// quiet series with bursts falls to zero as often as it rises. One that was told stays a counter
/// while nothing happens: nights without events are longer than days with them.
void NatureFinder::decide_whether_a_counter() {
  constexpr std::int64_t kEnough = 40;
  constexpr std::int64_t kRisesARestart = 10;
  const bool rising = 2 * state_.rises > state_.count;
  const bool falls =
      state_.fell || state_.lowest < 0 || state_.rises < kRisesARestart * state_.restarts;
  if (state_.counter && falls) state_.fell = true;
  state_.counter = !falls && (state_.counter || (state_.count >= kEnough && rising));
}

Nature NatureFinder::nature() const {
  if (state_.counter) return Nature::kCounter;
  if (state_.count == 0 || state_.lowest < 0) return Nature::kGauge;
  return state_.highest <= 1 ? Nature::kRatio : Nature::kNonNegative;
}

}  // namespace wellrun::health::baseline
