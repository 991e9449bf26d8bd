#pragma once

// Functions over time and instant look-ups on one series of floats, for all steps of a query at
// once: windows move forward, so their edges are found without a search, resets are found once, and
// sums and extremes of overlapping windows share their work. The kernels of range_functions.cc say
// what each function means; these give the same (sums to the last bits), for the cases they take.
// Pure functions.

#include <cstdint>
#include <functional>
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

/// Whether these are the samples' times; for long lists that mostly are.
bool are_times_of(std::span<const std::int64_t> times, std::span<const Sample> samples);

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

/// Where the windows of all steps lie in the samples of one series after another. Series that are
/// scraped together have the same times: what follows from times alone is kept for the next one.
class Windows {
 public:
  explicit Windows(const WindowSteps& steps) : steps_(steps) {}

  const WindowSteps& steps() const { return steps_; }

  struct Edges {
    std::uint32_t first = 0, end = 0;  ///< samples first … end - 1; none when they are equal
    bool empty() const { return first == end; }
    std::uint32_t size() const { return end - first; }
  };
  /// One a step, until the next call. `samples`: sorted by time, times unique.
  std::span<const Edges> place(std::span<const Sample> samples);
  std::span<const Edges> edges() const { return edges_; }

  /// What an extrapolating function makes of times alone, one a step, for as long as they stay the
  /// same; empty after they have changed. A Windows serves one function.
  struct Factor {
    double factor = 0;
    double start_share = 0;
  };
  std::vector<Factor>& factors() { return factors_; }

 private:
  const WindowSteps steps_;
  std::vector<Edges> edges_;
  std::vector<std::int64_t> times_;  ///< of the series before, when worth it
  std::vector<Factor> factors_;
};

/// Fills a cleared lane. `samples`: sorted by time, times unique, without stale markers. False when
/// no step gets a value.
using WindowFunction = bool (*)(std::span<const Sample> samples, Windows& windows, Lane out);

/// Null for a function that is only known to range_functions.cc.
WindowFunction window_function(std::string_view name);

/// The same with what it keeps from series to series.
using LaneFunction = std::function<bool(std::span<const Sample> samples, Lane out)>;

/// The value of an instant selector at each step: the latest sample in the window (the lookback),
/// unless that is a stale marker. Fills a cleared lane; false when no step sees a sample.
bool latest_values(std::span<const Sample> samples, Windows& windows, Lane out);

/// False only when there is surely none; many are looked at at once.
bool may_hold_stale_markers(std::span<const Sample> samples);

/// `samples` itself when no stale marker is in it, or a copy in `kept` without them.
std::span<const Sample> without_stale_markers(std::span<const Sample> samples,
                                              std::vector<Sample>& kept);

/// Of at least one sample, as Prometheus adds them up.
double sum_of(std::span<const Sample> samples);
double average_of(std::span<const Sample> samples);

}  // namespace wellrun::telemetry::promql
