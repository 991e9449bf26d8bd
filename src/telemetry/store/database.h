#pragma once

// RocksDB as this store uses it: column families, keys, small buffers (docs/formats/telemetry.md).
// The only header here that shows RocksDB; nothing outside of this folder includes it. Thread-safe.

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <string>

#include "core/result.h"
#include "telemetry/model.h"
#include "telemetry/storage.h"
#include "telemetry/store/chunk.h"
#include "telemetry/store/damage.h"

namespace wellrun::telemetry::store {

enum class Family : std::size_t {
  kDefault,
  kSeries,
  kChunks,
  kLogs,
  kLogsIndex,
  kSpans,
  kSpansIndex,
  kStarts
};

/// kNoSpace, kCorrupt or kIo, with `what` in front.
Error database_error(const rocksdb::Status& status, std::string_view what);

/// A table or a block of it that is not what was written, or is not there.
bool is_lost(const rocksdb::Status& status);

std::string chunk_key(std::uint32_t ref, std::int64_t first_ms);

class ChunkSink;
struct KnownTable;
class KeptChunks;

class Database {
 public:
  /// Each stretch of stored bytes that is not what was written goes to `on_damage`, now and when a
  /// reader meets it, on its thread. A database that RocksDB finds too damaged to open is opened
  /// without what cannot be read; then, from what its files hold.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& dir,
                                                std::size_t cache_bytes,
                                                std::function<void(Damage)> on_damage);
  ~Database();

  /// Tells of damage, and ends compaction, also over restarts, until mend() has done its work: it
  /// would meet what cannot be read again and again.
  void report(Damage found) const;

  /// Why a read ended early; damage is reported, and is kCorrupt, whether bytes are not what was
  /// written or are not there.
  Error error_of(const rocksdb::Status& status, const std::string& what) const;

  /// Whether damage was reported, and what was mended of it is not yet used.
  bool is_damaged() const { return is_damaged_; }
  /// Whether mend() has something to do.
  bool needs_mending() const { return is_damaged_ && !awaits_restart_; }
  /// Whether all is mended, and some of it not yet used: mend() asks again.
  bool awaits_restart() const { return awaits_restart_; }

  /// Reads every table; takes out of each what cannot be read (a block that holds rows costs its
  /// rows; an index is made anew; where it is anything else, the table is kept in `lost_dir`, and
  /// its rows are put into a new one), and lets compaction go on. What is lost is reported before
  /// it is taken out. Reads and writes go on meanwhile. Takes as long as reading everything; a
  /// crash in between loses nothing that could be read, and the next call goes on. False: all is
  /// mended, but RocksDB has a table open as it was; it reads what is there now, and compacts,
  /// after the next start. kCancelled; kIo, kNoSpace: the disk failed, and the damage stays.
  Result<bool> mend(const std::filesystem::path& lost_dir, std::atomic<bool>& cancelled);

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  std::unique_ptr<rocksdb::Iterator> iterate(Family family) const;

  /// std::nullopt when absent, or damaged (reported then).
  Result<std::optional<std::string>> get(Family family, const std::string& key) const;

  /// Survives kill -9 (RocksDB's log); `sync`: power loss too.
  Status write(rocksdb::WriteBatch& batch, bool sync = false);
  /// Lost in a crash unless flush_metrics() followed.
  Status write_unlogged(rocksdb::WriteBatch& batch);
  Status flush_metrics();
  /// Rewrites the tables of series and chunks without what is deleted. kConflict while there is
  /// damage.
  Status compact_metrics();
  /// The same for chunks, beside other compactions, and only where something was deleted or
  /// overwritten.
  Status compact_chunks(std::atomic<bool>& cancelled);
  std::uint64_t chunk_table_bytes() const;
  /// Above every ref that tables know. A series whose row was lost may have chunks: no other is to
  /// come under its ref.
  std::uint32_t end_of_refs() const;

  /// Appends the samples of `ref` in `range` (either list may be null), each sorted only within its
  /// chunk. A damaged block is left out and reported. kIo: the disk failed.
  /// `behind_smaller`: the iterator stands where a read of a smaller ref left it, which may spare a
  /// search.
  Status read_chunks(rocksdb::Iterator& iterator, std::uint32_t ref, TimeRange range,
                     std::vector<Sample>* samples, std::vector<HistogramSample>* histograms,
                     bool behind_smaller = false) const;
  /// The same of chunks that were copied.
  void read_chunks(const KeptChunks& chunks, std::uint32_t ref, TimeRange range,
                   std::vector<Sample>* samples, std::vector<HistogramSample>* histograms) const;
  /// Copies all chunks of `ref` from the window of `start_ms` on. False: they are too many, or not
  /// all could be read.
  bool copy_chunks(rocksdb::Iterator& iterator, std::uint32_t ref, std::int64_t start_ms,
                   bool behind_smaller, KeptChunks& out) const;

 private:
  Database(std::filesystem::path dir, std::function<void(Damage)> on_damage)
      : dir_(std::move(dir)), on_damage_(std::move(on_damage)) {}
  rocksdb::Status try_open(const rocksdb::DBOptions& options,
                           const std::vector<rocksdb::ColumnFamilyDescriptor>& families);

  void salvage(std::uint32_t ref, TimeRange range, std::vector<Sample>* samples,
               std::vector<HistogramSample>* histograms) const;
  void read_or_report(const ChunkSink& sink, std::int64_t first_ms, std::string_view chunk) const;
  /// Beside the database: there is one while damage that was found in it has not been mended.
  std::filesystem::path damage_marker() const { return dir_.string() + ".damaged"; }
  /// Notes damage without touching RocksDB: callable from its own threads. True: it is the first.
  bool mark_damaged(const Damage& found) const;
  void set_compaction(bool enabled) const;
  Status may_compact() const;
  Status compact(Family of, const rocksdb::CompactRangeOptions& options);

  class CompactionListener;
  /// One file of one family, as the manifest has it.
  struct Table {
    rocksdb::ColumnFamilyHandle* family = nullptr;
    std::string name;  ///< "/000123.sst"
    std::filesystem::path path;
    std::uint64_t size = 0;
    std::string smallest, largest;

    std::string where() const { return "database, " + family->GetName(); }
    KnownTable known() const;
  };
  std::vector<Table> tables() const;
  /// False: something else than blocks of rows and their index cannot be read.
  Result<bool> mend_in_place(const Table& table);
  std::shared_ptr<const rocksdb::TableProperties> properties_of(const Table& table) const;
  Status rebuild(const Table& table, const std::filesystem::path& lost_dir,
                 std::atomic<bool>& cancelled);
  bool rewrite(const Table& table, std::atomic<bool>& cancelled);
  bool is_read(const Table& table) const;
  Status mend_tables(const std::filesystem::path& lost_dir, std::atomic<bool>& cancelled);
  rocksdb::Status write_with(const rocksdb::WriteOptions& options, rocksdb::WriteBatch& batch);

  std::filesystem::path dir_;
  std::function<void(Damage)> on_damage_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  mutable std::atomic<bool> is_damaged_ = false;
  std::atomic<bool> awaits_restart_ = false;  ///< mended, but for what RocksDB has open:
  std::vector<Table> not_read_;               ///< under mend_mutex_
  std::mutex mend_mutex_;
};

}  // namespace wellrun::telemetry::store
