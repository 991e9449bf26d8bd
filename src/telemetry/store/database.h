#pragma once

// RocksDB as this store uses it: column families, keys, small buffers (docs/formats/telemetry.md).
// The only header here that shows RocksDB; nothing outside of this folder includes it. Thread-safe.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <string>

#include "core/result.h"
#include "telemetry/model.h"
#include "telemetry/storage.h"
#include "telemetry/store/chunk.h"

namespace wellrun::telemetry::store {

enum class Family : std::size_t {
  kDefault,
  kSeries,
  kChunks,
  kLogs,
  kLogsIndex,
  kSpans,
  kSpansIndex
};

/// kNoSpace, kCorrupt or kIo, with `what` in front.
Error database_error(const rocksdb::Status& status, std::string_view what);

std::string chunk_key(std::uint32_t ref, std::int64_t first_ms);

class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& dir,
                                                std::size_t cache_bytes);
  ~Database();

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  std::unique_ptr<rocksdb::Iterator> iterate(Family family) const;

  /// std::nullopt when absent.
  Result<std::optional<std::string>> get(Family family, const std::string& key) const;

  /// Survives kill -9 (RocksDB's log); `sync`: power loss too.
  Status write(rocksdb::WriteBatch& batch, bool sync = false);
  /// Lost in a crash unless flush_metrics() followed.
  Status write_unlogged(rocksdb::WriteBatch& batch);
  Status flush_metrics();

  /// Appends the samples of `ref` in `range` (either list may be null), each sorted only within its
  /// chunk.
  Status read_chunks(rocksdb::Iterator& iterator, std::uint32_t ref, TimeRange range,
                     std::vector<Sample>* samples, std::vector<HistogramSample>* histograms) const;

 private:
  Database() = default;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace wellrun::telemetry::store
