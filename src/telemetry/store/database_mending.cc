// Taking out of RocksDB's tables what cannot be read, while it runs: compaction would meet it again
// and again, so without this the tables would grow for ever.

#include <fmt/format.h>

#include "telemetry/store/database.h"
#include "telemetry/store/table_file.h"

namespace wellrun::telemetry::store {
namespace {

namespace fs = std::filesystem;

/// What cannot be used is kept beside, for a person to look at.
Status keep_lost(const fs::path& table, const fs::path& lost_dir) {
  std::error_code error;
  if (!fs::exists(table, error)) return {};
  fs::create_directories(lost_dir, error);
  const auto kept = lost_dir / table.filename();
  if (!error) fs::remove(kept, error);
  if (!error) fs::create_hard_link(table, kept, error);
  if (!error) return {};
  return fail(ErrorCode::kIo, "keeping a damaged table failed: " + error.message(), kept.string());
}

}  // namespace

/// One file of one family, as the manifest has it.
struct Database::Table {
  rocksdb::ColumnFamilyHandle* family = nullptr;
  std::string name;  ///< "/000123.sst"
  fs::path path;
  std::uint64_t size = 0;
  std::string smallest, largest;

  std::string where() const { return "database, " + family->GetName(); }
};

std::vector<Database::Table> Database::tables() const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::vector<Table> tables;
  for (auto& file : files)
    for (auto* handle : handles_)
      if (handle->GetName() == file.column_family_name)
        tables.push_back({.family = handle,
                          .name = file.name,
                          .path = file.db_path + file.name,
                          .size = file.size,
                          .smallest = std::move(file.smallestkey),
                          .largest = std::move(file.largestkey)});
  return tables;
}

Result<bool> Database::mend_rows(const Table& table) {
  const auto options = db_->GetOptions(table.family);
  while (true) {
    const auto status = verify_table(options, table.path);
    if (status.ok()) return true;
    if (!is_lost(status))
      return std::unexpected(database_error(status, "reading the table " + table.path.string()));
    const auto block = bad_block(status);
    if (!block || !holds_rows(table.path, *block)) return false;
    on_damage_({table.where(), status.ToString()});
    TRY_STATUS(empty_block(options, table.path, *block));
  }
}

/// RocksDB may have read before what is damaged now, and can write the table anew then. True: the
/// table is no more.
bool Database::rewrite(const Table& table) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  const rocksdb::Slice first(table.smallest), last(table.largest);
  // It fails where the table cannot be read; whether it is there still tells.
  (void)db_->CompactRange(options, table.family, &first, &last);
  return std::ranges::none_of(tables(), [&](const Table& one) { return one.name == table.name; });
}

Status Database::give_up(const Table& table, const fs::path& lost_dir) {
  if (rewrite(table)) return {};
  const auto status = verify_table(db_->GetOptions(table.family), table.path);
  if (status.ok()) return {};
  TRY_STATUS(keep_lost(table.path, lost_dir));
  TRY(const auto found, rebuild_table(table.path, table.size, table.largest));
  on_damage_(
      {table.where(),
       fmt::format("{} ({}: a new index was made for {} of its {} bytes, the rows that were found)",
                   status.ToString(), table.path.string(), found, table.size)});
  return {};
}

Status Database::mend(const fs::path& lost_dir, const std::atomic<bool>& cancelled) {
  const std::scoped_lock once(mend_mutex_);
  if (!is_damaged_) return {};
  set_compaction(false);  // compaction that met the damage could not end itself
  std::vector<Table> unreadable;
  for (const auto& table : tables()) {
    if (cancelled) return fail(ErrorCode::kCancelled, "mending damaged tables was given up");
    TRY(const bool is_sound, mend_rows(table));
    if (!is_sound) unreadable.push_back(table);
  }
  for (const auto& table : unreadable) TRY_STATUS(give_up(table, lost_dir));
  std::error_code error;
  fs::remove(damage_marker(), error);
  is_damaged_ = false;
  set_compaction(true);
  return {};
}

}  // namespace wellrun::telemetry::store
