#pragma once

// Delta points added up to cumulative ones, in bounded memory. Owned by OtlpReceiver. Thread-safe
// (one short lock a point).
//
// A repeated point (same series, same end time: a sender's retry) gives the same total again. A
// point that ends before the last one, or began before the first one, is refused: what it counts
// was counted. A gap does not end a total: PromQL would miss the reset where the point after it is
// the larger one. After a restart totals begin at zero, with a start time of their own. Source:
// OpenTelemetry specification, metrics/data-model.md, "Sums: Delta-to-Cumulative".

#include <absl/container/flat_hash_map.h>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"
#include "telemetry/model.h"

namespace wellrun::telemetry::otlp {

struct DeltaLimits {
  std::size_t max_bytes = 64 << 20;
  Duration idle{
      3'600'000};  ///< a series without points for this long may be forgotten when space is needed
};

/// What one point counts over; Unix nanoseconds, start 0: not said.
struct DeltaInterval {
  std::int64_t start_ns = 0, end_ns = 0;
};

/// A total, and since when it counts (0: not known).
template <typename Value>
struct DeltaTotal {
  Value value;
  std::int64_t start_ns = 0;
};

class DeltaState {
 public:
  explicit DeltaState(DeltaLimits limits = {}) : limits_(limits) {}

  /// Adds `values` elementwise to the series' totals and returns these. `shape` are a histogram's
  /// bounds: when they change, totals begin anew. kConflict: counted before; kExhausted: no space
  /// for another series, or for this one to grow (what was counted before stays).
  Result<DeltaTotal<std::vector<double>>> add(const Labels& series, DeltaInterval interval,
                                              std::vector<double> shape, std::vector<double> values,
                                              Timestamp now);

  /// The same for a native histogram; of two schemas the coarser is kept.
  Result<DeltaTotal<Histogram>> add(const Labels& series, DeltaInterval interval, Histogram delta,
                                    Timestamp now);

  std::size_t series_count() const;

 private:
  struct Hash {
    std::size_t operator()(const Labels& labels) const;
  };
  struct Total {
    std::int64_t start_ns = 0, end_ns = 0;
    Timestamp used;
    std::vector<double> shape, values;
    Histogram native;
    std::size_t bytes = 0;
  };

  Total* find(const Labels& series, Timestamp now);
  Result<Total*> make_room(const Labels& series, Total* known, std::size_t bytes, Timestamp now);
  void forget_idle(Timestamp now);

  const DeltaLimits limits_;
  mutable std::mutex mutex_;
  absl::flat_hash_map<Labels, Total, Hash> totals_;
  std::size_t bytes_ = 0;
  Timestamp swept_{};
};

}  // namespace wellrun::telemetry::otlp
