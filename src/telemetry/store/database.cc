#include "telemetry/store/database.h"

#include <algorithm>
#include <fmt/format.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {
namespace {

constexpr const char* kFamilyNames[] = {"default",    "series", "chunks",     "logs",
                                        "logs_index", "spans",  "spans_index"};

rocksdb::ColumnFamilyOptions family_options(std::size_t index,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  const bool is_chunks = index == static_cast<std::size_t>(Family::kChunks);
  options.write_buffer_size = is_chunks ? 8U << 20 : 2U << 20;
  options.arena_block_size = 64U << 10;
  options.max_write_buffer_number = 3;
  options.compression = rocksdb::kZSTD;
  options.compression_opts.level = 3;
  options.bottommost_compression = rocksdb::kZSTD;
  options.target_file_size_base = 32U << 20;
  options.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = is_chunks ? 32U << 10 : 16U << 10;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.format_version = 5;
  table.index_block_restart_interval = 16;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

Error database_error(const rocksdb::Status& status, std::string_view what) {
  const auto code = status.IsNoSpace()      ? ErrorCode::kNoSpace
                    : status.IsCorruption() ? ErrorCode::kCorrupt
                                            : ErrorCode::kIo;
  return Error{code, fmt::format("{}: {}", what, status.ToString()), {}};
}

std::string chunk_key(std::uint32_t ref, std::int64_t first_ms) {
  std::string key;
  put_key32(key, ref);
  put_key_time(key, first_ms);
  return key;
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& dir,
                                                 std::size_t cache_bytes) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_background_jobs = 2;
  options.db_write_buffer_size = 24U << 20;
  options.max_open_files = 256;
  options.keep_log_file_num = 1;
  options.info_log_level = rocksdb::ERROR_LEVEL;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  options.max_total_wal_size = 16U << 20;
  options.avoid_flush_during_shutdown = true;
  options.bytes_per_sync = 1U << 20;
  const auto cache = rocksdb::NewLRUCache(cache_bytes, 2);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < std::size(kFamilyNames); ++i)
    families.emplace_back(kFamilyNames[i], family_options(i, cache));
  std::unique_ptr<Database> database(new Database);
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, dir.string(), families, &database->handles_, &db);
  if (!status.ok())
    return std::unexpected(
        database_error(status, "opening the telemetry database " + dir.string()));
  database->db_.reset(db);
  return database;
}

Database::~Database() {
  if (!db_) return;
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close();
}

std::unique_ptr<rocksdb::Iterator> Database::iterate(Family of) const {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options, family(of)));
}

Result<std::optional<std::string>> Database::get(Family of, const std::string& key) const {
  std::string value;
  const auto status = db_->Get({}, family(of), key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok())
    return std::unexpected(database_error(status, "reading the telemetry database"));
  return value;
}

Status Database::write(rocksdb::WriteBatch& batch, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  auto status = db_->Write(options, &batch);
  if (!status.ok() && db_->Resume().ok()) status = db_->Write(options, &batch);
  if (!status.ok())
    return std::unexpected(database_error(status, "writing to the telemetry database"));
  return {};
}

Status Database::write_unlogged(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  auto status = db_->Write(options, &batch);
  if (!status.ok() && db_->Resume().ok()) status = db_->Write(options, &batch);
  if (!status.ok())
    return std::unexpected(database_error(status, "writing chunks to the telemetry database"));
  return {};
}

Status Database::flush_metrics() {
  const auto status =
      db_->Flush({}, {family(Family::kDefault), family(Family::kSeries), family(Family::kChunks)});
  if (!status.ok())
    return std::unexpected(database_error(status, "flushing chunks to the telemetry database"));
  return {};
}

Status Database::read_chunks(rocksdb::Iterator& iterator, std::uint32_t ref, TimeRange range,
                             std::vector<Sample>* samples,
                             std::vector<HistogramSample>* histograms) const {
  for (iterator.Seek(chunk_key(ref, chunk_window(range.start_ms))); iterator.Valid();
       iterator.Next()) {
    const auto key = iterator.key();
    if (key.size() != 12 || read_key32(key.data()) != ref ||
        read_key_time(key.data() + 4) > range.end_ms)
      break;
    const std::string_view chunk(iterator.value().data(), iterator.value().size());
    auto damaged = [&](Error error) {
      error.code = ErrorCode::kCorrupt;
      error.context = fmt::format("chunk of series {} that begins at {} ms", ref,
                                  read_key_time(key.data() + 4));
      return std::unexpected(std::move(error));
    };
    const auto header = read_chunk_header(chunk);
    if (!header) return damaged(header.error());
    if (header->last_ms < range.start_ms) continue;
    if (header->kind == ChunkKind::kFloats && samples != nullptr) {
      if (auto read = decode_floats(chunk, *samples); !read) return damaged(read.error());
    } else if (header->kind == ChunkKind::kHistograms && histograms != nullptr) {
      if (auto read = decode_histograms(chunk, *histograms); !read) return damaged(read.error());
    }
  }
  if (!iterator.status().ok())
    return std::unexpected(
        database_error(iterator.status(), fmt::format("reading chunks of series {}", ref)));
  return {};
}

}  // namespace wellrun::telemetry::store
