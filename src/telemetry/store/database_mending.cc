// Taking out of RocksDB's tables what cannot be read, while it runs: compaction would meet it again
// and again, so without this the tables would grow for ever.

#include <fmt/format.h>

#include "platform/log/log.h"
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

Status given_up() {
  return fail(ErrorCode::kCancelled, "mending damaged tables was given up");
}

}  // namespace

KnownTable Database::Table::known() const {
  return {.path = path,
          .size = size,
          .largest = largest,
          .family = {.id = family->GetID(), .name = family->GetName()}};
}

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

/// They stand in a block of their own. Null when that cannot be read.
std::shared_ptr<const rocksdb::TableProperties> Database::properties_of(const Table& table) const {
  const rocksdb::Range range(table.smallest, table.largest);
  rocksdb::TablePropertiesCollection found;
  (void)db_->GetPropertiesOfTablesInRange(table.family, &range, 1, &found);
  for (const auto& [path, properties] : found)
    if (path.ends_with(table.name)) return properties;
  return nullptr;
}

Result<bool> Database::mend_in_place(const Table& table) {
  const auto options = db_->GetOptions(table.family);
  while (true) {
    const auto status = verify_table(options, table.path);
    if (status.ok()) return true;
    if (!is_lost(status))
      return std::unexpected(database_error(status, "reading the table " + table.path.string()));
    const auto block = bad_block(status);
    if (!block) return false;
    if (holds_rows(table.path, *block)) {
      on_damage_({table.where(), status.ToString()});
      TRY_STATUS(empty_block(options, table.path, *block));
      continue;
    }
    const auto properties = properties_of(table);
    if (!properties) return false;
    TRY(const auto found, mend_index(options, table.known(), *block, *properties));
    if (!found) return false;
    on_damage_({table.where(), fmt::format("{} (a new index was made for {} of {} bytes of rows)",
                                           status.ToString(), *found, block->offset)});
  }
}

/// RocksDB may have read before what is damaged now, and can write the table anew then. True: the
/// table is no more.
bool Database::rewrite(const Table& table, std::atomic<bool>& cancelled) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  options.canceled = &cancelled;
  const rocksdb::Slice first(table.smallest), last(table.largest);
  // It fails where the table cannot be read; whether it is there still tells.
  (void)db_->CompactRange(options, table.family, &first, &last);
  return std::ranges::none_of(tables(), [&](const Table& one) { return one.name == table.name; });
}

Status Database::rebuild(const Table& table, const fs::path& lost_dir,
                         std::atomic<bool>& cancelled) {
  if (rewrite(table, cancelled)) return {};
  if (cancelled) return given_up();
  const auto options = db_->GetOptions(table.family);
  const auto status = verify_table(options, table.path);
  if (status.ok()) return {};
  on_damage_({table.where(), fmt::format("{} ({}: its rows are looked for in {} bytes)",
                                         status.ToString(), table.path.string(), table.size)});
  TRY_STATUS(keep_lost(table.path, lost_dir));
  TRY(const auto found, rebuild_table(options, table.known()));
  log(Level::kWarning, "telemetry/store", "a damaged table has a new index",
      {{"table", table.path.string()}, {"bytes", table.size}, {"bytes_of_rows", found}});
  return {};
}

/// RocksDB may have the table open as it was.
bool Database::is_read(const Table& table) const {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options, table.family));
  for (rows->Seek(table.smallest); rows->Valid() && rows->key().compare(table.largest) <= 0;)
    rows->Next();
  if (!rows->status().ok())
    log(Level::kWarning, "telemetry/store", "a mended table is not read yet",
        {{"table", table.path.string()}, {"error", rows->status().ToString()}});
  return rows->status().ok();
}

Status Database::mend_tables(const fs::path& lost_dir, std::atomic<bool>& cancelled) {
  set_compaction(false);  // compaction that met the damage could not end itself
  std::vector<Table> unreadable;
  for (const auto& table : tables()) {
    if (cancelled) return given_up();
    TRY(const bool is_sound, mend_in_place(table));
    if (!is_sound) unreadable.push_back(table);
  }
  for (const auto& table : unreadable) TRY_STATUS(rebuild(table, lost_dir, cancelled));
  not_read_ = std::move(unreadable);
  return {};
}

Result<bool> Database::mend(const fs::path& lost_dir, std::atomic<bool>& cancelled) {
  const std::scoped_lock once(mend_mutex_);
  if (!is_damaged_) return true;
  if (!awaits_restart_) TRY_STATUS(mend_tables(lost_dir, cancelled));
  std::erase_if(not_read_, [this](const Table& table) { return is_read(table); });
  awaits_restart_ = !not_read_.empty();
  if (awaits_restart_) return false;
  std::error_code error;
  fs::remove(damage_marker(), error);
  is_damaged_ = false;
  set_compaction(true);
  return true;
}

}  // namespace wellrun::telemetry::store
