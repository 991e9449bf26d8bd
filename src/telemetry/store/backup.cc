// A copy of the store while it runs: the database at one moment, then whatever the log holds.

#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/utilities/checkpoint.h>
#include <unistd.h>

#include "telemetry/store/core.h"

namespace wellrun::telemetry::store {
namespace {

namespace fs = std::filesystem;

Status sync_path(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (synced) return {};
  return fail(ErrorCode::kIo,
              fmt::format("making a backup durable failed: {}", std::strerror(error)),
              path.string());
}

/// Hard links where the file system allows, copies elsewhere.
Status copy_database(const Database& database, const fs::path& to) {
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(&database.db(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(to.string());
  if (status.ok()) return {};
  return std::unexpected(database_error(status, "copying the telemetry database"));
}

/// The last segment may end in the middle of a record that was never acknowledged; opening the copy
/// cuts it off.
Status copy_log(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  for (const auto segment : wal_segments(from)) {
    const auto copy = wal_segment_path(to, segment);
    if (!error) fs::copy_file(wal_segment_path(from, segment), copy, error);
    if (error)
      return fail(error == std::errc::no_space_on_device ? ErrorCode::kNoSpace : ErrorCode::kIo,
                  "copying a log segment failed: " + error.message(), copy.string());
    TRY_STATUS(sync_path(copy));
  }
  return sync_path(to);
}

}  // namespace

Status backup(Core& core, const fs::path& to) {
  // No checkpoint may come between: it would move samples from a log that was not copied yet to a
  // database that was.
  const std::scoped_lock once(core.checkpoint_mutex);
  std::error_code error;
  if (fs::exists(to, error))
    return fail(ErrorCode::kConflict, "a backup goes to a folder that does not exist yet",
                to.string());
  fs::create_directories(to, error);
  if (error)
    return fail(ErrorCode::kIo, "making the backup's folder failed: " + error.message(),
                to.string());
  TRY_STATUS(copy_database(*core.database, to / "db"));
  TRY_STATUS(copy_log(core.options.dir / "wal", to / "wal"));
  return sync_path(to);
}

}  // namespace wellrun::telemetry::store
