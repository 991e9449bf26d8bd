#pragma once

// Exemplars: single observations with a trace id, kept in memory in a ring that is bounded in
// number and bytes; the oldest go first. Receivers add, /api/v1/query_exemplars reads. Thread-safe.
// Lost at a restart. Source: OpenMetrics 1.0.0, "Exemplars"; Prometheus' exemplar storage.

#include <absl/container/flat_hash_map.h>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "telemetry/exemplar.h"
#include "telemetry/matching.h"
#include "telemetry/model.h"

namespace wellrun::telemetry {

struct SeriesExemplars {
  Labels series;
  std::vector<Exemplar> exemplars;  ///< sorted by time
};

struct ExemplarLimits {
  std::size_t max_count = 100'000;
  std::size_t max_bytes = 32U << 20;
};

class ExemplarStore {
 public:
  explicit ExemplarStore(ExemplarLimits limits = {});
  ~ExemplarStore();

  enum class Added {
    kNew,
    kSame,        ///< as the newest of its series: not kept again
    kOutOfOrder,  ///< older than the newest of its series
    kTooLong,     ///< names and values have more than 128 characters together
  };
  Added add(const Labels& series, Exemplar exemplar);

  /// Of series that match any of `sets` (empty: all), sorted by labels.
  std::vector<SeriesExemplars> select(const std::vector<MatcherSet>& sets, TimeRange range) const;

  std::size_t size() const;

 private:
  struct Series;
  struct Slot {
    Series* series;
    Exemplar exemplar;
    std::size_t bytes;
  };
  void drop_oldest();

  const ExemplarLimits limits_;
  mutable std::mutex mutex_;
  std::deque<Slot> slots_;  ///< oldest first
  std::size_t bytes_ = 0;
  absl::flat_hash_map<std::uint64_t, std::vector<std::unique_ptr<Series>>>
      series_;  ///< by hash of the labels
};

}  // namespace wellrun::telemetry
