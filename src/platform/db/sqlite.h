#pragma once

// SQLite's C API with owners and Results, nothing more: no query builder, no mapping. Used by the
// journal. A connection and its statements belong to one thread at a time; two connections are
// independent. Why not SOCI: docs/decisions/0001-sqlite-c-api.md.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace wellrun::db {

struct SqliteOptions {
  bool create = true;       ///< the file, when it does not exist; its folder must
  bool query_only = false;  ///< refuses every change through this connection
  int cache_kib = 2048;
  int busy_timeout_ms = 5000;  ///< how long a statement waits for another connection's lock
};

enum class ColumnType { kInteger, kReal, kText, kBlob, kNull };

/// A prepared statement in use, bound from the first parameter on in order of the bind calls.
/// Destroying it gives it back to its connection's cache; views of columns end with the next
/// step(). A bind that fails is reported by step().
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(std::int64_t value);
  /// The bytes must stay until the statement is stepped to its end or destroyed.
  Statement& bind(std::string_view text);
  Statement& bind_blob(std::string_view bytes);
  Statement& bind_null();

  /// True: there is a row. kNoSpace, kCorrupt, kConflict (a lock or a constraint), kIo.
  Result<bool> step();
  /// Steps a statement that gives no rows to its end, and makes it ready to be bound again.
  Status run();

  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  ///< of a blob too; empty for null
  bool is_null(int column) const;
  ColumnType type(int column) const;

 private:
  void keep(int bind_code);

  sqlite3_stmt* statement_;
  int bound_count_ = 0;
  int bind_code_ = 0;  ///< the first that was not success
};

class Sqlite {
 public:
  /// WAL, synchronous=FULL, foreign keys on; a new file is its owner's alone. kCorrupt for a file
  /// that is not a database.
  static Result<Sqlite> open(const std::string& path, SqliteOptions options = {});

  /// One or several statements without parameters and rows.
  Status execute(const std::string& sql);

  /// `sql` is prepared once and kept (at most 64 texts). The same text twice at one time is a bug.
  Result<Statement> prepare(std::string_view sql);

  /// `PRAGMA name`, the first column of the first row.
  Result<std::int64_t> pragma(std::string_view name);

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  explicit Sqlite(sqlite3* handle) : handle_(handle) {}

  std::unique_ptr<sqlite3, Close> handle_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>>
      statements_;  ///< destroyed before the handle
};

/// Rolls back unless commit() succeeded. Takes the write lock at once when `begin()` is told to.
class Transaction {
 public:
  enum class Kind { kRead, kWrite };
  static Result<Transaction> begin(Sqlite& database, Kind kind);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  /// Durable when it returns success.
  Status commit();

 private:
  explicit Transaction(Sqlite* database) : database_(database) {}
  Sqlite* database_;
};

}  // namespace wellrun::db
