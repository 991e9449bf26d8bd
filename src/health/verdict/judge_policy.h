#pragma once

// How careful a judge is. Plain data; the defaults are what `wellrun canary judge` uses.

#include <string>
#include <vector>

namespace wellrun::health {

enum class Direction { kHigherIsWorse, kLowerIsWorse };

/// A quantile of a metric's values, watched as a metric of its own: "latency_ms p99".
struct WatchedQuantile {
  std::string metric;
  double quantile = 0.95;  ///< in (0, 1)
};

struct JudgePolicy {
  /// Probability of ever calling a healthy canary worse, over all metrics and the whole watch. In
  /// (0, 1).
  double false_alarm = 0.004;
  /// Probability of ever passing a canary that is worse by the margin. In (0, 1).
  double false_pass = 0.01;
  /// A change smaller than this is no reason to fail, however sure: of levels, relative; of odds, a
  /// factor.
  double practical_change = 0.03;
  double practical_factor = 1.2;
  /// To pass is to show that a level is not higher by this much (of odds: CountEvidence::kMargin).
  double margin = 0.05;
  /// Nothing passes before: faults like to come late (caches, leaks, schedules).
  double pass_after_s = 40 * 60;
  std::vector<WatchedQuantile> quantiles;
  std::vector<std::string> expected;        ///< metrics that must be there
  std::vector<std::string> lower_is_worse;  ///< metrics for which less is worse, such as throughput
};

}  // namespace wellrun::health
