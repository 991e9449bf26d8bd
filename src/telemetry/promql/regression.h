#pragma once

// The line that deriv() and predict_linear() lay through the samples of a window. For one thread.

#include <cstdint>
#include <span>
#include <vector>

#include "telemetry/model.h"
#include "telemetry/promql/float_windows.h"

namespace wellrun::telemetry::promql {

/// Values and seconds: `intercept` is the line's value at the origin that it was asked for.
struct Line {
  double slope = 0, intercept = 0;
};

/// Least squares by compensated sums, as Prometheus adds them up (linearRegression). What follows
/// from times alone is kept for the next window: the series of a metric are mostly scraped
/// together.
class Regression {
 public:
  /// `samples`: at least two, times unique. Values that are all the same give just that line; all
  /// the same infinity gives NaN.
  Line through(std::span<const Sample> samples, std::int64_t origin_ms);

 private:
  void take_times_of(std::span<const Sample> samples, std::int64_t origin_ms);

  std::vector<std::int64_t> times_;  ///< of the window before
  std::int64_t origin_ms_ = 0;
  std::vector<double> xs_;         ///< seconds from the origin
  double sum_x_ = 0, sum_xx_ = 0;  ///< over xs_, of x and of its square
};

/// The two functions for all windows of a series, as WindowFunction.
bool deriv_windows(std::span<const Sample> samples, Windows& windows, Regression& lines, Lane out);

/// From what the line says at a step: each step's time and how far ahead it looks.
struct Horizon {
  std::int64_t first_step_ms = 0;
  std::span<const double> ahead_seconds;
};
bool predict_linear_windows(std::span<const Sample> samples, Windows& windows, Regression& lines,
                            const Horizon& horizon, Lane out);

}  // namespace wellrun::telemetry::promql
