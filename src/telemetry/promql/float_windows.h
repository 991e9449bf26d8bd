#pragma once

// Functions over time and instant look-ups on one series of floats, for all steps of a query at
// once: windows move forward, so their edges are found without a search, resets are found once, and
// sums and extremes of overlapping windows share their work. The kernels of range_functions.cc say
// what each function means; these give the same (sums to the last bits), for the cases they take.
// Pure functions.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "telemetry/promql/value.h"

namespace wellrun::telemetry::promql {

/// Step i sees the samples in (end - range_ms, end] with end = first_end_ms + i * step_ms.
struct WindowSteps {
  std::int64_t first_end_ms = 0;
  std::int64_t step_ms = 1;
  std::int64_t range_ms = 0;
  std::size_t count = 0;

  std::int64_t end_ms(std::size_t step) const {
    return first_end_ms + static_cast<std::int64_t>(step) * step_ms;
  }
};

/// What a cell without a value holds, so that sums need not look: adding it changes nothing.
inline constexpr double kNothing = -0.0;

/// One value a step. `cells` are kFloat or kAbsent; `values` of absent cells are kNothing.
struct Lane {
  std::span<Cell> cells;
  std::span<double> values;

  void put(std::size_t step, double value) const {
    cells[step] = Cell::kFloat;
    values[step] = value;
  }
  void clear() const;
};

/// A Lane with memory of its own.
class LaneBuffer {
 public:
  explicit LaneBuffer(std::size_t steps) : cells_(steps), values_(steps) {}
  Lane lane() { return {cells_, values_}; }

 private:
  std::vector<Cell> cells_;
  std::vector<double> values_;
};

/// Fills a cleared lane. `samples`: sorted by time, times unique, without stale markers. False when
/// no step sees a sample, whether or not that makes a value.
using WindowFunction = bool (*)(std::span<const Sample> samples, const WindowSteps& steps,
                                Lane out);

/// Null for a function that is only known to range_functions.cc.
WindowFunction window_function(std::string_view name);

/// The value of an instant selector at each step: the latest sample in the window (the lookback),
/// unless that is a stale marker. Fills a cleared lane.
void latest_values(std::span<const Sample> samples, const WindowSteps& steps, Lane out);

/// `samples` itself when no stale marker is in it, or a copy in `kept` without them.
std::span<const Sample> without_stale_markers(std::span<const Sample> samples,
                                              std::vector<Sample>& kept);

/// Of at least one sample, as Prometheus adds them up.
double sum_of(std::span<const Sample> samples);
double average_of(std::span<const Sample> samples);

}  // namespace wellrun::telemetry::promql
