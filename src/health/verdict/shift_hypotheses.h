#pragma once

// How a series goes on although nothing was done: the hypotheses that shift_evidence.h weighs, and
// the covariances that they stand for. Pure.

#include <array>
#include <span>
#include <vector>

#include "health/verdict/shift_evidence.h"

namespace wellrun::health {

/// Memories of the wander, in steps: the time after which correlation has fallen to 1/e.
inline constexpr std::array<double, 5> kShiftMemories{1, 3, 10, 30, 100};

/// Variances are shares of noise and wander together, which is one.
struct ShiftHypothesis {
  double weight = 0;       ///< prior probability; all sum to one
  double wander = 0;       ///< share of the variance that has a memory; the rest is independent
  std::size_t memory = 0;  ///< index into kShiftMemories
  double daily = 0;        ///< variance of the season of the day
  double weekly = 0;       ///< of the season of the week
  double trend = 0;        ///< of how much a straight line climbs in a hundred steps
};

const std::vector<ShiftHypothesis>& shift_hypotheses();

/// Covariances of all readings, part by part, so that a hypothesis only adds them up.
class ShiftKernels {
 public:
  ShiftKernels(std::span<const ShiftReading> readings, const ShiftModel& model);

  /// Of readings `i` and `j` <= `i`, without the effect.
  double covariance(const ShiftHypothesis& hypothesis, std::size_t i, std::size_t j) const {
    const auto& part = parts_[i * (i + 1) / 2 + j];
    return part.level + hypothesis.wander * part.wander[hypothesis.memory] +
           hypothesis.daily * part.daily + hypothesis.weekly * part.weekly +
           hypothesis.trend * part.trend + (i == j ? 1 - hypothesis.wander : 0);
  }

 private:
  struct Part {
    double level, daily, weekly, trend;
    std::array<double, kShiftMemories.size()> wander;
  };
  std::vector<Part> parts_;  ///< lower triangle, row by row
};

}  // namespace wellrun::health
