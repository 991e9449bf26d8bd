#pragma once

// How two healthy groups may differ although nothing changed: the hypotheses that level_evidence.h
// weighs, and what is believed of them before the first row. Pure.
//
// Two families, because two kinds of series are watched. Independent values (sampled requests)
// scatter much and wander little: wander is measured by a single value's scatter, and what would
// hide a lasting effect (wide *and* long) is thought improbable. A gauge is smooth from reading to
// reading and wanders by percents of its level. Which family a series belongs to is learned from
// its own readings.

#include <vector>

namespace wellrun::health {

/// The groups' difference wanders as a stationary first-order autoregression.
struct WanderHypothesis {
  double weight = 0;    ///< prior probability; all weights sum to one
  double variance = 0;  ///< of the wander, in squared units of the difference; 0: none
  double memory_s = 0;  ///< time after which correlation has fallen to 1/e
  bool smooth = false;  ///< of the gauge's family
};

/// How a metric is read, as its first blocks show.
struct MetricReadings {
  double value_variance = 0;  ///< scatter of a single value's difference in a block, of both groups
  double usual_step = 0;      ///< of readings that often stay as they are, when they move; else 0
  bool coarse = false;        ///< mostly equal to the one before (coarseness.h)
};

/// All that is believed possible; the weights sum to one.
std::vector<WanderHypothesis> wander_hypotheses(const MetricReadings& readings);

}  // namespace wellrun::health
