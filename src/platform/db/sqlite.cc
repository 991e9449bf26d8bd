#include "platform/db/sqlite.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include "core/assert.h"
#include "core/text.h"

namespace wellrun::db {
namespace {

constexpr std::size_t kMaxStatements = 64;

ErrorCode code_of(int code, int system_error) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::kNoSpace;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CONSTRAINT:
      return ErrorCode::kConflict;
    case SQLITE_TOOBIG:
      return ErrorCode::kTooLarge;
    case SQLITE_NOMEM:
      return ErrorCode::kExhausted;
    case SQLITE_INTERRUPT:
      return ErrorCode::kCancelled;
    case SQLITE_IOERR:
      return system_error == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return ErrorCode::kIo;
    default:
      return ErrorCode::kInternal;
  }
}

std::string advice_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNoSpace:
      return "; free space on that disk";
    case ErrorCode::kCorrupt:
      return "; restore the file from a backup";
    default:
      return {};
  }
}

Error error_of(sqlite3* handle, int code, std::string_view tried) {
  const auto extended = handle != nullptr && code == sqlite3_errcode(handle)
                            ? sqlite3_extended_errcode(handle)
                            : code;
  const auto kind = code_of(code, handle != nullptr ? sqlite3_system_errno(handle) : 0);
  const char* path = handle != nullptr ? sqlite3_db_filename(handle, "main") : nullptr;
  return Error{kind,
               fmt::format("SQLite could not {}: {} (code {}){}", tried,
                           handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code),
                           extended, advice_for(kind)),
               path != nullptr ? path : ""};
}

std::string shortened(std::string_view sql) {
  return quote(sql.substr(0, 60));
}

/// Made before SQLite makes it, for its permissions. Whatever goes wrong here, SQLite says next.
void create_private(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace

// ---- Statement ----

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)),
      bound_count_(other.bound_count_),
      bind_code_(other.bind_code_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Statement::keep(int bind_code) {
  if (bind_code_ == SQLITE_OK) bind_code_ = bind_code;
}

Statement& Statement::bind(std::int64_t value) {
  keep(sqlite3_bind_int64(statement_, ++bound_count_, value));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  const char* bytes = text.data() != nullptr ? text.data() : "";
  keep(sqlite3_bind_text64(statement_, ++bound_count_, bytes, text.size(), SQLITE_STATIC,
                           SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  keep(sqlite3_bind_blob64(statement_, ++bound_count_, data, bytes.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null() {
  keep(sqlite3_bind_null(statement_, ++bound_count_));
  return *this;
}

Result<bool> Statement::step() {
  auto* handle = sqlite3_db_handle(statement_);
  if (bind_code_ != SQLITE_OK)
    return std::unexpected(
        error_of(handle, bind_code_, fmt::format("bind {}", shortened(sqlite3_sql(statement_)))));
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  auto error = error_of(handle, code, fmt::format("run {}", shortened(sqlite3_sql(statement_))));
  sqlite3_reset(statement_);
  return std::unexpected(std::move(error));
}

Status Statement::run() {
  TRY(const bool row, step());
  WELLRUN_ASSERT(!row, fmt::format("{} gives rows", sqlite3_sql(statement_)));
  sqlite3_reset(statement_);
  bound_count_ = 0;
  return {};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
  return type(column) == ColumnType::kNull;
}

ColumnType Statement::type(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_INTEGER:
      return ColumnType::kInteger;
    case SQLITE_FLOAT:
      return ColumnType::kReal;
    case SQLITE_TEXT:
      return ColumnType::kText;
    case SQLITE_BLOB:
      return ColumnType::kBlob;
    default:
      return ColumnType::kNull;
  }
}

// ---- Sqlite ----

void Sqlite::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

void Sqlite::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Result<Sqlite> Sqlite::open(const std::string& path, SqliteOptions options) {
  if (options.create) create_private(path);
  sqlite3* handle = nullptr;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (options.create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Sqlite database(handle);
  if (code != SQLITE_OK)
    return std::unexpected(error_of(handle, code, fmt::format("open {}", quote(path))));
  sqlite3_extended_result_codes(handle, 0);
  sqlite3_busy_timeout(handle, options.busy_timeout_ms);
  TRY_STATUS(database.execute(fmt::format(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
      "PRAGMA trusted_schema=OFF; PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-{};"
      "PRAGMA query_only={}",
      options.cache_kib, options.query_only ? 1 : 0)));
  return database;
}

Status Sqlite::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return std::unexpected(error_of(handle_.get(), code, fmt::format("run {}", shortened(sql))));
}

Result<Statement> Sqlite::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK)
      return std::unexpected(
          error_of(handle_.get(), code, fmt::format("prepare {}", shortened(sql))));
    std::erase_if(statements_, [this](const auto& kept) {
      return statements_.size() >= kMaxStatements && sqlite3_stmt_busy(kept.second.get()) == 0;
    });
    found = statements_.emplace(std::string(sql), statement).first;
  }
  WELLRUN_ASSERT(sqlite3_stmt_busy(found->second.get()) == 0,
                 fmt::format("{} is used twice at one time", shortened(sql)));
  return Statement(found->second.get());
}

Result<std::int64_t> Sqlite::pragma(std::string_view name) {
  TRY(auto statement, prepare(fmt::format("PRAGMA {}", name)));
  TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

// ---- Transaction ----

Result<Transaction> Transaction::begin(Sqlite& database, Kind kind) {
  TRY_STATUS(database.execute(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN"));
  return Transaction(&database);
}

Transaction::~Transaction() {
  // A transaction that SQLite has already rolled back (disk full) answers with an error: as wanted.
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Status Transaction::commit() {
  TRY_STATUS(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace wellrun::db
