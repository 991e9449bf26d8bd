#include "journal/backup.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

#include "journal/sqlite_schema.h"
#include "platform/db/sqlite.h"

namespace wellrun::journal {
namespace {

/// SQLite does not sync what VACUUM INTO wrote.
Status sync(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (synced) return {};
  return fail(ErrorCode::kIo,
              fmt::format("making the journal's copy durable failed: {}", std::strerror(error)),
              path);
}

}  // namespace

Status backup_journal(const std::string& path, const std::string& to) {
  if (std::filesystem::exists(to))
    return fail(ErrorCode::kConflict, "a backup goes to a file that does not exist yet", to);
  TRY(auto database, db::Sqlite::open(path, {.create = false}));
  TRY_STATUS(check_schema(database));
  TRY(auto copy, database.prepare("VACUUM INTO ?"));
  TRY_STATUS(copy.bind(std::string_view(to)).run());
  return sync(to);
}

}  // namespace wellrun::journal
