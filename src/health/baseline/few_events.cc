#include "health/baseline/few_events.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "health/baseline/tuning.h"

namespace wellrun::health::baseline {
namespace {

constexpr double kFewRows = 4;
constexpr double kSomeRows = 24;
constexpr double kMostEvents = 30;        ///< more are told apart well enough by their own history
constexpr double kMostCounted = 1e6;      ///< in a row; beyond it is another number: a time, a size
constexpr double kLeastDispersion = 0.5;  ///< of the variance to the mean; 1: independent events
constexpr Surprise kUnlimited = std::numeric_limits<double>::infinity();

/// A Poisson count whose rate is a gamma of shape `shape` and rate `rate`: negative binomial.
/// P(count >= `events`), or P(count <= `events`); where the terms of the sum are too small for a
/// double, the smallest one.
double chance(int events, double shape, double rate, FewEvents::Side side) {
  constexpr int kMostTerms = 1000;
  const bool more = side == FewEvents::Side::kMore;
  const double p = 1 / (rate + 1);
  double mass = std::exp(shape * std::log1p(-p));
  double below = 0, from = 0;
  for (int i = 0; more ? i < events + kMostTerms : i <= events; ++i) {
    (i < events ? below : from) += mass;
    if (i > events && mass < 1e-6 * from) break;
    mass *= p * (shape + i) / (i + 1);
  }
  return std::max(more ? from : below + from, std::numeric_limits<double>::min());
}

}  // namespace

void FewEvents::observe(double value) {
  if (value < 0 || value > kMostCounted || value != std::floor(value)) state_.counts = false;
  if (!state_.counts) return;
  state_.last = value;
  state_.lately += value - state_.lately / kFewRows;
  state_.of_late += value - state_.of_late / kSomeRows;
}

void FewEvents::learn(double value) {
  if (!state_.counts) return;
  const double keep = 1 - 1 / kTuning.memory_rows;
  state_.rows = keep * state_.rows + 1;
  state_.events = keep * state_.events + value;
  state_.squares = keep * state_.squares + value * value;
}

Surprise FewEvents::of(double events, double rows, Side side) const {
  const double whole = std::round(events);
  if (whole > kMostEvents) return kUnlimited;
  const double rate = (state_.rows + 1) / rows;
  return -std::log10(std::min(1.0, chance(static_cast<int>(whole), state_.events + 1, rate, side)));
}

Surprise FewEvents::most(Side side) const {
  if (!state_.counts || state_.rows < 1) return kUnlimited;
  const double mean = state_.events / state_.rows;
  const double variance = state_.squares / state_.rows - mean * mean;
  if (variance < kLeastDispersion * mean) return kUnlimited;
  return std::max({of(state_.last, 1, side), of(state_.lately, kFewRows, side),
                   of(state_.of_late, kSomeRows, side)});
}

}  // namespace wellrun::health::baseline
