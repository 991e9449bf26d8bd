#pragma once

// Exemplars: single observations with a trace id, kept in memory in a ring that is bounded in
// number and bytes; the oldest go first. Receivers add, /api/v1/query_exemplars reads. Thread-safe.
// A ring with a folder is there again after a restart or kill -9: what was committed stands in a
// log (docs/formats/telemetry.md, "Exemplars"). Source: OpenMetrics 1.0.0, "Exemplars"; Prometheus'
// exemplar storage.

#include <absl/container/flat_hash_map.h>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "telemetry/exemplar.h"
#include "telemetry/matching.h"
#include "telemetry/model.h"
#include "telemetry/store/wal.h"

namespace wellrun::telemetry {

struct SeriesExemplars {
  Labels series;
  std::vector<Exemplar> exemplars;  ///< sorted by time
};

struct ExemplarLimits {
  std::size_t max_count = 100'000;
  std::size_t max_bytes = 32U << 20;  ///< in memory; the log takes at most twice as much
};

class ExemplarStore {
 public:
  /// In memory only.
  explicit ExemplarStore(ExemplarLimits limits = {});
  /// With what the log in `dir` (made when absent) still holds. Damage in it is logged and stepped
  /// over. kIo, kNoSpace.
  static Result<std::unique_ptr<ExemplarStore>> open(const std::filesystem::path& dir,
                                                     ExemplarLimits limits = {});
  ~ExemplarStore();

  enum class Added {
    kNew,
    kSame,        ///< as the newest of its series, times of scrapes aside: not kept again
    kOutOfOrder,  ///< before the newest of its series, see comes_before()
    kTooLong,     ///< names and values have more than 128 characters together
    kNotText,     ///< a name or value is not UTF-8: no answer in JSON could hold it
  };
  Added add(const Labels& series, Exemplar exemplar);

  /// What was added survives kill -9 from here on. A full disk costs only that: it is logged.
  void commit();

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
  Added add_locked(const Labels& series, Exemplar exemplar);
  void drop_oldest();
  void replay(std::string_view payload);
  Status write(std::string_view plain);

  const ExemplarLimits limits_;
  mutable std::mutex mutex_;
  std::deque<Slot> slots_;  ///< oldest first
  std::size_t bytes_ = 0;
  absl::flat_hash_map<std::uint64_t, std::vector<std::unique_ptr<Series>>>
      series_;  ///< by hash of the labels

  std::string pending_;  ///< added and not committed
  std::unique_ptr<store::Wal> log_;
  std::mutex log_mutex_;
};

}  // namespace wellrun::telemetry
