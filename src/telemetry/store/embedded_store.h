#pragma once

// The embedded telemetry store: metrics in a sharded head with a write-ahead log and compressed
// chunks in RocksDB; logs and spans in RocksDB. One per process and folder. Thread-safe. Stored
// bytes: docs/formats/telemetry.md.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "platform/runtime/runtime.h"
#include "telemetry/change_log.h"
#include "telemetry/retention_rules.h"
#include "telemetry/series_owners.h"
#include "telemetry/storage.h"
#include "telemetry/store/wal.h"

namespace wellrun::telemetry {

namespace store {
struct Core;
}

struct EmbeddedStoreOptions {
  std::filesystem::path dir;  ///< made when absent
  Duration retention = std::chrono::days(15);
  Duration out_of_order_window{
      0};  ///< how far behind the newest sample of all an older one of a series may come
  Duration flush_interval{
      1000};  ///< fdatasync of the log: what a power loss may cost. 0: before each answer
  Duration checkpoint_interval = std::chrono::hours(2);
  std::uint64_t min_idle_samples =
      100'000;  ///< and 64 a series: beyond, the head moves when nothing has come for a second
  std::uint64_t max_head_samples =
      8'000'000;  ///< 16 bytes each; beyond, the head moves to the database
  std::uint64_t max_log_bytes = 128ULL << 20;  ///< beyond, too: it bounds the time to start
  std::size_t max_series = 4'000'000;
  std::size_t max_label_bytes = 64U << 10;  ///< of one series
  Duration max_future = std::chrono::minutes(10);
  std::uint64_t min_free_bytes = 64ULL << 20;  ///< less free disk space refuses writes; reads go on
  /// Of blocks of the database; of chunks that queries have read, twice as much.
  std::size_t cache_bytes = 16U << 20;
  Workers* readers = nullptr;  ///< who helps with a large read; null: the runtime's
  std::function<Result<std::uint64_t>()> free_bytes;  ///< of the disk; empty: asks the file system
};

struct DeletedSamples {
  std::size_t series = 0;  ///< that lost samples
  std::uint64_t samples = 0;
};

/// Series for which the same holds.
struct RetentionShare {
  KeptAs kept;
  std::size_t series = 0;
  Labels example;
};

struct StoreStatistics {
  std::size_t series = 0;
  std::uint64_t head_samples = 0;
  std::uint64_t log_bytes = 0;
  /// That take memory: places for series, with those of ended ones in blocks of 64 where others
  /// live; label pairs, with those that no series has any more.
  std::size_t series_held = 0, label_pairs_held = 0;
  std::size_t ended_series = 0;       ///< whose labels and places are still to be given back
  std::vector<store::Damage> damage;  ///< found since open
};

class EmbeddedStore final : public MetricReader, public MetricWriter, public SignalStore {
 public:
  /// Reads the log of an earlier run. Damage in the log does not fail it: see statistics().
  static Result<std::unique_ptr<EmbeddedStore>> open(EmbeddedStoreOptions options, Runtime runtime);

  /// stop(), when nobody called it.
  ~EmbeddedStore() override;

  /// Waits for background work, moves the head to the database, empties the log. Reads still work,
  /// writes are refused.
  Status stop();

  /// The same while running; called by itself as the options say.
  Status checkpoint();
  /// Drops what is older than the retention, and thins what rules say; done by itself each hour, in
  /// slices.
  Status prune();
  /// What is kept of some series otherwise than `retention` says, from the next prune on (samples
  /// older than the retention are taken at once). kInvalid for a bad regex: the rules before hold.
  Status set_retention(std::vector<RetentionRule> rules);
  /// What holds for the series that match, and how many they are; those without rules come last.
  Result<std::vector<RetentionShare>> retention_of(const std::vector<Matcher>& matchers) const;
  StoreStatistics statistics() const;
  /// What would be chunks if the head moved to the database now: the columns of samples that series
  /// have there. Linear in the series.
  std::size_t head_chunks() const;
  /// Told of every write, deletion and the retention; lives as long as the store.
  const ChangeLog& changes() const;
  /// Of all samples; zero while there is none.
  Timestamp newest_sample() const;

  /// Deletes the samples in `range` of the series that match any of `sets` (at least one), as far
  /// as they were acknowledged before the call; durable when it returns. A series without any left
  /// is gone. Cost: a checkpoint, and reading the chunks of these series. After an error some may
  /// be deleted. kInvalid for a bad regex, kNoSpace, kIo, kCorrupt.
  Result<DeletedSamples> delete_samples(const std::vector<std::vector<Matcher>>& sets,
                                        TimeRange range);
  /// Gives the disk back what was deleted; takes as long as rewriting everything. Damaged tables
  /// are mended first.
  Status compact();

  /// Makes `dir`, which must not exist, a telemetry folder of its own with everything acknowledged
  /// so far; reads and writes go on. kConflict, kNoSpace, kIo: what was made of it is left there.
  Status backup(const std::filesystem::path& dir);

  Result<std::vector<SeriesData>> select(const std::vector<Matcher>& matchers, TimeRange range,
                                         const ReadLimits& limits) const override;
  Result<std::unique_ptr<SeriesScan>> scan(const std::vector<Matcher>& matchers, TimeRange range,
                                           SamplesWanted wanted,
                                           const ReadLimits& limits) const override;
  Result<std::vector<Labels>> series(const std::vector<std::vector<Matcher>>& sets, TimeRange range,
                                     const ReadLimits& limits) const override;
  Result<std::vector<std::string>> label_names(const std::vector<std::vector<Matcher>>& sets,
                                               TimeRange range,
                                               const ReadLimits& limits) const override;
  Result<std::vector<std::string>> label_values(const std::string& name,
                                                const std::vector<std::vector<Matcher>>& sets,
                                                TimeRange range,
                                                const ReadLimits& limits) const override;
  std::vector<Metadata> metadata() const override;
  Cardinality cardinality(std::size_t limit) const override;
  /// The same of one owner's series, and of those that match; without times.
  Cardinality cardinality_of(const OwnerUsage& owner, std::size_t limit) const;
  Result<Cardinality> cardinality_of(const std::vector<Matcher>& matchers, std::size_t limit) const;

  /// Whose series are whose, and how many each may have: an owner at its limit gets no new ones,
  /// its known ones go on. Before the first call nobody has a limit. What is stored is counted
  /// anew, in slices that keep nobody waiting: call it on a worker.
  void set_owners(OwnerRules rules);
  std::vector<OwnerUsage> owners() const;

  Result<WriteOutcome> write(std::vector<SeriesWrite> series) override;
  Result<WriteOutcome> write_batch(const SampleBatch& batch) override;
  void put_metadata(std::vector<Metadata> metadata) override;

  Status put_logs(std::vector<LogRecord> records) override;
  Status put_spans(std::vector<SpanRecord> records) override;
  Result<std::vector<LogRecord>> logs(const LogQuery& query) const override;
  Result<std::vector<SpanRecord>> spans(const SpanQuery& query) const override;

 private:
  struct Background;
  explicit EmbeddedStore(std::unique_ptr<store::Core> core);
  void tick();
  void prune_a_slice(std::chrono::nanoseconds now);
  Status prune_signals();

  std::unique_ptr<store::Core> core_;
  std::shared_ptr<Background> background_;
};

}  // namespace wellrun::telemetry
