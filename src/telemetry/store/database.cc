#include "telemetry/store/database.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/database_log.h"
#include "telemetry/store/kept_chunks.h"
#include "telemetry/store/table_file.h"

namespace wellrun::telemetry::store {
namespace {

constexpr const char* kFamilyNames[] = {"default",    "series", "chunks",      "logs",
                                        "logs_index", "spans",  "spans_index", "starts"};

}  // namespace

bool is_lost(const rocksdb::Status& status) {
  return status.IsCorruption() || status.IsPathNotFound() ||
         (status.IsIOError() && status.subcode() == rocksdb::Status::kPathNotFound);
}

namespace {

rocksdb::ColumnFamilyOptions family_options(std::size_t index,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  const bool is_chunks = index == static_cast<std::size_t>(Family::kChunks);
  options.write_buffer_size = is_chunks ? 8U << 20 : 2U << 20;
  options.arena_block_size = 64U << 10;
  options.max_write_buffer_number = 3;
  options.compression = rocksdb::kZSTD;
  options.compression_opts.level = is_chunks ? 9 : 3;
  options.bottommost_compression = rocksdb::kZSTD;
  options.target_file_size_base = 32U << 20;
  options.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = is_chunks ? 32U << 10 : 16U << 10;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.format_version = 5;
  table.checksum = rocksdb::kCRC32c;  // table_blocks.h finds blocks by it
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

namespace {

rocksdb::DBOptions database_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_background_jobs = 2;
  options.db_write_buffer_size = 24U << 20;
  options.max_open_files = 256;
  options.info_log = std::make_shared<NoDatabaseLog>();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  options.verify_sst_unique_id_in_manifest = false;  // else none could take a lost table's place
  options.max_total_wal_size = 16U << 20;
  options.avoid_flush_during_shutdown = true;
  options.bytes_per_sync = 1U << 20;
  options.allow_fallocate = false;  // reserved and not written would count as used
  return options;
}

/// What RocksDB says of damage, of a missing file, or of a manifest that it cannot follow.
bool is_damage(const rocksdb::Status& status) {
  return status.IsCorruption() || status.IsPathNotFound() || status.IsInvalidArgument() ||
         status.IsNotFound() || status.IsIncomplete();
}

bool has_lost_its_manifest(const std::filesystem::path& dir) {
  std::error_code error;
  if (std::filesystem::exists(dir / "CURRENT", error)) return false;
  return std::ranges::any_of(std::filesystem::directory_iterator(dir, error),
                             [](const auto& entry) { return entry.path().extension() == ".sst"; });
}

/// What mending left in a crash.
void remove_made_tables(const std::filesystem::path& dir) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error))
    if (entry.path().string().ends_with(kMadeSuffix)) std::filesystem::remove(entry.path(), error);
}

}  // namespace

/// Compaction that meets damage would leave RocksDB read-only. Here it only fails, and is not tried
/// again before the tables have been mended.
class Database::CompactionListener final : public rocksdb::EventListener {
 public:
  explicit CompactionListener(const Database& database) : database_(database) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    if (reason != rocksdb::BackgroundErrorReason::kCompaction || !is_lost(*error)) return;
    Damage found{"database, compaction", error->ToString()};
    database_.mark_damaged(found);
    database_.on_damage_(std::move(found));
    *error = rocksdb::Status::OK();
  }

 private:
  const Database& database_;
};

rocksdb::Status Database::try_open(const rocksdb::DBOptions& options,
                                   const std::vector<rocksdb::ColumnFamilyDescriptor>& families) {
  rocksdb::DB* db = nullptr;
  handles_.clear();
  auto status = rocksdb::DB::Open(options, dir_.string(), families, &handles_, &db);
  db_.reset(db);
  return status;
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& dir,
                                                 std::size_t cache_bytes,
                                                 std::function<void(Damage)> on_damage) {
  const auto cache = rocksdb::NewLRUCache(cache_bytes, 2);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  std::error_code error;
  std::unique_ptr<Database> database(new Database(dir, std::move(on_damage)));
  remove_made_tables(dir);
  database->is_damaged_ = std::filesystem::exists(database->damage_marker(), error);
  for (std::size_t i = 0; i < std::size(kFamilyNames); ++i) {
    families.emplace_back(kFamilyNames[i], family_options(i, cache));
    families.back().options.disable_auto_compactions = database->is_damaged_;
  }
  auto options = database_options();
  options.listeners.push_back(std::make_shared<CompactionListener>(*database));
  auto status = has_lost_its_manifest(dir)
                    ? rocksdb::Status::Corruption("CURRENT, which names the manifest, is missing")
                    : database->try_open(options, families);
  if (!status.ok() && is_damage(status)) {
    database->report({"database", status.ToString()});
    for (auto& family : families) family.options.disable_auto_compactions = true;
    options.create_if_missing = false;
    options.paranoid_checks = false;  // leaves out the files that cannot be read
    status = database->try_open(options, families);
  }
  if (!status.ok() && is_damage(status)) {
    status = rocksdb::RepairDB(dir.string(), options, families);
    if (status.ok()) status = database->try_open(options, families);
  }
  if (!status.ok())
    return std::unexpected(
        database_error(status, "opening the telemetry database " + dir.string()));
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

bool Database::mark_damaged(const Damage& found) const {
  if (is_damaged_.exchange(true)) return false;
  std::ofstream(damage_marker()) << found.where << ": " << found.what << '\n';
  return true;
}

void Database::set_compaction(bool enabled) const {
  for (auto* handle : handles_)
    db_->SetOptions(handle, {{"disable_auto_compactions", enabled ? "false" : "true"}});
}

void Database::report(Damage found) const {
  if (mark_damaged(found) && db_) set_compaction(false);
  on_damage_(std::move(found));
}

Error Database::error_of(const rocksdb::Status& status, const std::string& what) const {
  auto error = database_error(status, what);
  if (!is_lost(status)) return error;
  error.code = ErrorCode::kCorrupt;
  report({"database, " + what, status.ToString()});
  return error;
}

Result<std::optional<std::string>> Database::get(Family of, const std::string& key) const {
  std::string value;
  const auto status = db_->Get({}, family(of), key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (is_lost(status)) {
    report({"database, " + key, status.ToString()});
    return std::nullopt;
  }
  if (!status.ok())
    return std::unexpected(database_error(status, "reading the telemetry database"));
  return value;
}

rocksdb::Status Database::write_with(const rocksdb::WriteOptions& options,
                                     rocksdb::WriteBatch& batch) {
  auto status = db_->Write(options, &batch);
  if (!status.ok() && db_->Resume().ok()) status = db_->Write(options, &batch);
  if (status.IsCorruption()) report({"database", status.ToString()});
  return status;
}

Status Database::write(rocksdb::WriteBatch& batch, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  if (const auto status = write_with(options, batch); !status.ok())
    return std::unexpected(database_error(status, "writing to the telemetry database"));
  return {};
}

Status Database::write_unlogged(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  if (const auto status = write_with(options, batch); !status.ok())
    return std::unexpected(database_error(status, "writing chunks to the telemetry database"));
  return {};
}

/// RocksDB 7.8 answers OK, and has not written, when it is recovering from a full disk by itself;
/// the log must not go then. So what it has left in memory is asked for, too.
Status Database::flush_metrics() {
  constexpr int kTries = 3;  ///< what another flush had under way is waited for by the next
  const std::vector flushed = {family(Family::kDefault), family(Family::kSeries),
                               family(Family::kChunks)};
  for (int tries = 0; tries < kTries; ++tries) {
    if (const auto status = db_->Flush({}, flushed); !status.ok())
      return std::unexpected(database_error(status, "flushing chunks to the telemetry database"));
    const bool is_done = std::ranges::none_of(flushed, [&](rocksdb::ColumnFamilyHandle* one) {
      std::uint64_t waiting = 1;
      const bool known =
          db_->GetIntProperty(one, rocksdb::DB::Properties::kNumImmutableMemTable, &waiting);
      return !known || waiting > 0;
    });
    if (is_done) return {};
  }
  return fail(ErrorCode::kUnavailable,
              "the telemetry database has not written what it was given: it is recovering from an "
              "error, such as a full disk, and is tried again",
              dir_.string());
}

Status Database::may_compact() const {
  if (!is_damaged_) return {};
  return fail(ErrorCode::kConflict,
              awaits_restart_ ? "tables are not rewritten before the next start: damaged ones were "
                                "mended, and are open as they were"
                              : "tables are not rewritten while some of them are damaged: that is "
                                "being mended",
              damage_marker().string());
}

Status Database::compact(Family of, const rocksdb::CompactRangeOptions& options) {
  const auto status = db_->CompactRange(options, family(of), nullptr, nullptr);
  if (status.ok()) return {};
  return std::unexpected(database_error(status, "rewriting tables without what is deleted"));
}

Status Database::compact_metrics() {
  TRY_STATUS(may_compact());
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  for (const auto of : {Family::kSeries, Family::kChunks, Family::kStarts})
    TRY_STATUS(compact(of, options));
  return {};
}

Status Database::compact_chunks(std::atomic<bool>& cancelled) {
  TRY_STATUS(may_compact());
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.canceled = &cancelled;
  return compact(Family::kChunks, options);
}

std::uint32_t Database::end_of_refs() const {
  std::uint32_t end = 0;
  for (const auto of : {Family::kSeries, Family::kChunks, Family::kStarts}) {
    rocksdb::ColumnFamilyMetaData tables;
    db_->GetColumnFamilyMetaData(family(of), &tables);
    for (const auto& level : tables.levels)
      for (const auto& file : level.files)
        if (file.largestkey.size() >= 4)
          end = std::max(end, read_key32(file.largestkey.data()) + 1);
  }
  return end;
}

std::uint64_t Database::chunk_table_bytes() const {
  std::uint64_t bytes = 0;
  db_->GetIntProperty(family(Family::kChunks), rocksdb::DB::Properties::kLiveSstFilesSize, &bytes);
  return bytes;
}

namespace {

bool is_at(const rocksdb::Iterator& rows, std::uint32_t ref) {
  return rows.Valid() && rows.key().size() == 12 && read_key32(rows.key().data()) == ref;
}
std::int64_t first_ms_at(const rocksdb::Iterator& rows) {
  return read_key_time(rows.key().data() + 4);
}
std::string_view chunk_at(const rocksdb::Iterator& rows) {
  return {rows.value().data(), rows.value().size()};
}

void seek(rocksdb::Iterator& rows, const std::string& key, bool behind_smaller) {
  const bool is_there = behind_smaller && rows.Valid() && rows.key().compare(key) >= 0;
  if (!is_there) rows.Seek(key);
}

}  // namespace

/// Takes the chunks of one series to samples.
class ChunkSink {
 public:
  ChunkSink(std::uint32_t ref, TimeRange range, std::vector<Sample>* samples,
            std::vector<HistogramSample>* histograms)
      : ref_(ref), range_(range), samples_(samples), histograms_(histograms) {}

  std::uint32_t ref() const { return ref_; }

  Status read(std::string_view chunk) const {
    TRY(const auto header, read_chunk_header(chunk));
    if (header.last_ms < range_.start_ms) return {};
    if (header.kind == ChunkKind::kFloats && samples_ != nullptr)
      return decode_floats(chunk, range_, *samples_);
    if (header.kind == ChunkKind::kHistograms && histograms_ != nullptr)
      return decode_histograms(chunk, *histograms_);
    return {};
  }

 private:
  const std::uint32_t ref_;
  const TimeRange range_;
  std::vector<Sample>* const samples_;
  std::vector<HistogramSample>* const histograms_;
};

Status Database::read_chunks(rocksdb::Iterator& iterator, std::uint32_t ref, TimeRange range,
                             std::vector<Sample>* samples, std::vector<HistogramSample>* histograms,
                             bool behind_smaller) const {
  const ChunkSink sink(ref, range, samples, histograms);
  seek(iterator, chunk_key(ref, chunk_window(range.start_ms)), behind_smaller);
  for (; is_at(iterator, ref) && first_ms_at(iterator) <= range.end_ms; iterator.Next())
    read_or_report(sink, first_ms_at(iterator), chunk_at(iterator));
  if (iterator.status().ok()) return {};
  if (!is_lost(iterator.status()))
    return std::unexpected(
        database_error(iterator.status(), fmt::format("reading chunks of series {}", ref)));
  report({"database, chunks", iterator.status().ToString()});
  salvage(ref, range, samples, histograms);
  return {};
}

void Database::read_chunks(const KeptChunks& chunks, std::uint32_t ref, TimeRange range,
                           std::vector<Sample>* samples,
                           std::vector<HistogramSample>* histograms) const {
  const ChunkSink sink(ref, range, samples, histograms);
  chunks.each(range.end_ms, [&](std::int64_t first_ms, std::string_view chunk) {
    read_or_report(sink, first_ms, chunk);
  });
}

bool Database::copy_chunks(rocksdb::Iterator& iterator, std::uint32_t ref, std::int64_t start_ms,
                           bool behind_smaller, KeptChunks& out) const {
  seek(iterator, chunk_key(ref, chunk_window(start_ms)), behind_smaller);
  for (; is_at(iterator, ref); iterator.Next())
    if (!out.add(first_ms_at(iterator), chunk_at(iterator))) return false;
  return iterator.status().ok();
}

/// An iterator over all tables ends where one of them is damaged; so each is read by itself, from
/// both ends. What was read before comes twice, which readers expect.
void Database::salvage(std::uint32_t ref, TimeRange range, std::vector<Sample>* samples,
                       std::vector<HistogramSample>* histograms) const {
  const auto first = chunk_key(ref, chunk_window(range.start_ms));
  const auto last = chunk_key(ref, range.end_ms);
  rocksdb::ColumnFamilyMetaData tables;
  db_->GetColumnFamilyMetaData(family(Family::kChunks), &tables);
  for (const auto& level : tables.levels)
    for (const auto& file : level.files) {
      if (file.smallestkey > last || file.largestkey < first) continue;
      rocksdb::SstFileReader table(db_->GetOptions(family(Family::kChunks)));
      if (!table.Open(file.directory + "/" + file.relative_filename).ok()) continue;
      const std::unique_ptr<rocksdb::Iterator> rows(table.NewIterator({}));
      const ChunkSink sink(ref, range, samples, histograms);
      auto done_until = INT64_MIN;
      for (rows->Seek(first); is_at(*rows, ref) && first_ms_at(*rows) <= range.end_ms;
           rows->Next()) {
        done_until = first_ms_at(*rows);
        read_or_report(sink, done_until, chunk_at(*rows));
      }
      if (rows->status().ok()) continue;
      for (rows->SeekForPrev(last); is_at(*rows, ref) && first_ms_at(*rows) > done_until;
           rows->Prev())
        read_or_report(sink, first_ms_at(*rows), chunk_at(*rows));
    }
}

void Database::read_or_report(const ChunkSink& sink, std::int64_t first_ms,
                              std::string_view chunk) const {
  if (auto done = sink.read(chunk); !done)
    on_damage_({fmt::format("chunk of series {} that begins at {} ms", sink.ref(), first_ms),
                done.error().message});
}

}  // namespace wellrun::telemetry::store
