#pragma once

// Delta points added up to cumulative ones, in bounded memory. Owned by OtlpReceiver. Thread-safe
// (one short lock a point).
//
// A repeated point (same series, same end time: a sender's retry) gives the same total again. A
// point that ends before the last one is refused. After a restart totals begin at zero, which
// PromQL sees as a counter reset.

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

class DeltaState {
 public:
  explicit DeltaState(DeltaLimits limits = {}) : limits_(limits) {}

  /// Adds `values` elementwise to the series' totals and returns these. `shape` are a histogram's
  /// bounds: when they change, totals begin anew. kConflict: older than the last point; kExhausted:
  /// no space for another series.
  Result<std::vector<double>> add(const Labels& series, std::int64_t end_ns,
                                  std::vector<double> shape, std::vector<double> values,
                                  Timestamp now);

  /// The same for a native histogram; of two schemas the coarser is kept.
  Result<Histogram> add(const Labels& series, std::int64_t end_ns, Histogram delta, Timestamp now);

  std::size_t series_count() const;

 private:
  struct Hash {
    std::size_t operator()(const Labels& labels) const;
  };
  struct Total {
    std::int64_t end_ns = 0;
    Timestamp used;
    std::vector<double> shape, values;
    Histogram native;
    std::size_t bytes = 0;
  };

  Result<Total*> find_or_make(const Labels& series, std::size_t bytes, Timestamp now);
  void forget_idle(Timestamp now);

  const DeltaLimits limits_;
  mutable std::mutex mutex_;
  absl::flat_hash_map<Labels, Total, Hash> totals_;
  std::size_t bytes_ = 0;
  Timestamp swept_{};
};

}  // namespace wellrun::telemetry::otlp
