#include "health/baseline/episode.h"

#include <algorithm>

#include "health/baseline/tuning.h"

namespace wellrun::health::baseline {
namespace {

double half_of_one(double surprise) {
  return 0.5 * surprise / (surprise + kTuning.half_score);
}

bool is_still_unusual(double surprise) {
  return surprise >= kTuning.alarm - kTuning.still_unusual;
}

}  // namespace

double Episode::bar() const {
  return std::max(kTuning.alarm, state_.peak + kTuning.clearly_worse);
}

void Episode::count(double surprise) {
  constexpr double kLeast = 0.05;
  constexpr double kFade = 0.8;
  weight_ = 1;
  if (surprise > kTuning.alarm) {
    state_.rows += 1;
    weight_ = std::max(kLeast, 1 / state_.rows);
  } else {
    state_.rows *= kFade;
  }
}

/// Nearly an alarm, news since the last one, and so far off that a person would see it.
bool Episode::warns(double surprise, double deviations) const {
  return is_still_unusual(surprise) && surprise >= state_.peak + kTuning.clearly_worse &&
         deviations >= kTuning.far_off;
}

/// Of a row that is no alarm.
double Episode::score_within(double surprise) const {
  constexpr double kJustBelow = 0.49;
  const double own = half_of_one(surprise);
  return is_still_unusual(surprise) ? std::max(own, kJustBelow * state_.fresh) : own;
}

double Episode::score(double surprise, double rows_per_day, double deviations) {
  state_.peak = std::max(0.0, state_.peak - kTuning.calm_per_day / rows_per_day);
  state_.fresh *= kTuning.fresh_row;
  if (warns(surprise, deviations)) state_.fresh = std::max(state_.fresh, kTuning.warning);
  if (surprise < bar()) return score_within(surprise);
  state_.peak = surprise;
  state_.fresh = 1;
  return 0.5 + half_of_one(surprise - kTuning.alarm);
}

}  // namespace wellrun::health::baseline
