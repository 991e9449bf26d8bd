#pragma once

// When a counter began: the start (created) timestamps that senders give with samples. Few series
// have them and they change only at a restart, so they are a side column of their own: once a
// change a row, instead of once a sample. Stored before the write is acknowledged. Rows that cannot
// be read are told (Database::report) and passed over. Thread-safe. Stored bytes:
// docs/formats/telemetry.md.

#include <absl/container/flat_hash_map.h>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <rocksdb/write_batch.h>
#include <shared_mutex>
#include <vector>

#include "telemetry/store/database.h"

namespace wellrun::telemetry::store {

class StartTimes {
 public:
  /// Reads which series have start timestamps.
  static std::unique_ptr<StartTimes> open(Database& database);

  bool knows(std::uint32_t ref) const;
  bool any() const { return any_.load(std::memory_order_relaxed); }

  /// What one write brings; made on its thread, put() before the answer.
  class Write {
   public:
    explicit Write(StartTimes& of) : of_(of) {}
    /// With the series' block locked. 0: the sample has no start. `newest`: it is later than every
    /// sample of its series.
    void note(std::uint32_t ref, std::int64_t time_ms, std::int64_t start_ms, bool newest);
    /// `with_starts`: the write brought some. Then it fails, too, when those of an earlier one that
    /// could not be put cannot yet: it may be that one repeated, whose samples are known by now.
    Status put(bool with_starts);

   private:
    StartTimes& of_;
    rocksdb::WriteBatch batch_;
  };

  /// Reads the starts of samples of one series, for one query on one thread.
  class Reader {
   public:
    explicit Reader(const StartTimes& of) : of_(of) {}
    /// Fills the starts of `data` (samples within `range`, sorted). Leaves them empty when there
    /// are none, or none can be read.
    void read(std::uint32_t ref, TimeRange range, SeriesData& data);

   private:
    const StartTimes& of_;
    std::unique_ptr<rocksdb::Iterator> rows_;
  };

  /// A power loss after this costs nothing that was put before.
  Status sync();

  /// Forgets what no sample at or after `cutoff_ms` needs, and series that are gone.
  Status prune(std::int64_t cutoff_ms, const std::function<bool(std::uint32_t ref)>& is_gone);

 private:
  Status put_waiting();

  explicit StartTimes(Database& database) : database_(database) {}

  Database& database_;
  std::atomic<bool> any_ = false, unsynced_ = false;
  std::mutex waiting_mutex_;
  std::vector<rocksdb::WriteBatch> waiting_;  ///< could not be put, oldest first
  std::atomic<bool> any_waiting_ = false;
  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<std::uint32_t, std::int64_t> latest_;  ///< ref -> start of its newest samples
};

}  // namespace wellrun::telemetry::store
