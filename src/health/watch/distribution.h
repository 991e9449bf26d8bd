#pragma once

// Histograms as what they are: observations that were counted. A series of them is watched by a
// quantile, and speaks as often as there are enough observations for one: the few of a quiet night
// are gathered until they say as much as the many of a busy noon, so that the noise of a point is
// about the same at any hour. Pure. docs/baselines.md, "Histograms".

#include <optional>
#include <vector>

#include "telemetry/model.h"

namespace wellrun::health::watch {

inline constexpr double kWatchedQuantile = 0.95;
/// Five of them lie beyond the quantile, on average.
inline constexpr double kEnoughObservations = 100;
/// What took longer to come together is not one moment any more, and is left out.
inline constexpr Duration kLongestGathering = std::chrono::hours(1);

/// One histogram's samples: counts since it began. Sorted by time.
struct Distribution {
  Labels labels;  ///< as its series', with the quantile that is watched; of classic buckets without
                  ///< `le` and `_bucket`
  std::vector<telemetry::HistogramSample> samples;
};

/// Takes the histograms out of what was read: native ones, and classic ones, which are put together
/// from their buckets (a time at which one is missing is left out). The rest stays as it is.
std::vector<Distribution> take_distributions(std::vector<telemetry::SeriesData>& read);

/// Gathers the observations of one histogram. Not thread-safe.
class Gathering {
 public:
  /// `from`: when the last point was made, if one was: earlier samples are known.
  explicit Gathering(std::optional<Timestamp> from) : from_(from) {}

  /// The next sample; an earlier one or the same again is ignored. A point, when there have been
  /// enough observations since the last: its time is the sample's. A reset counts from zero, a
  /// stale marker is the end of what was gathered; one that cannot be compared with the sample
  /// before (other buckets altogether) begins anew.
  std::optional<telemetry::Sample> observe(const telemetry::HistogramSample& sample);

  /// Of the newest sample, or of the last point before; nothing when there was neither.
  std::optional<Timestamp> last_time() const;

 private:
  void begin(const telemetry::HistogramSample& sample);

  std::optional<Timestamp> from_;
  std::optional<telemetry::HistogramSample> last_;
  std::optional<telemetry::Histogram> gathered_;
  std::int64_t began_ms_ = 0;
};

}  // namespace wellrun::health::watch
