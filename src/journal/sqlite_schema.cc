#include "journal/sqlite_schema.h"

#include <array>
#include <charconv>
#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::journal {
namespace {

// Every column of facts but hash is hashed (docs/formats/journal.md). Times never go back with seq,
// so a time is found by bisection and needs no index.
constexpr const char* kCreate = R"(
CREATE TABLE facts(
  seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, stream TEXT NOT NULL,
  stream_version INTEGER NOT NULL, type TEXT NOT NULL, schema INTEGER NOT NULL,
  actor TEXT NOT NULL, cause INTEGER NOT NULL, correlation TEXT NOT NULL, body TEXT NOT NULL,
  hash TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX facts_by_stream ON facts(stream, stream_version);
CREATE INDEX facts_by_type ON facts(type);
CREATE INDEX facts_by_correlation ON facts(correlation) WHERE correlation <> '';
CREATE TABLE outbox(
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, intent TEXT NOT NULL,
  begun INTEGER NOT NULL DEFAULT 0, outcome TEXT) STRICT;
CREATE INDEX outbox_open ON outbox(id) WHERE outcome IS NULL;
CREATE TABLE blobs(digest TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE snapshots(seq INTEGER PRIMARY KEY, digest TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('head', '0:');
)";

/// What brings a file of the version before to this one; index 0 makes version 1 of an empty file.
constexpr std::array<const char*, kSchemaVersion> kMigrations{kCreate};

Status refuse_foreign(std::int64_t application, std::int64_t version) {
  if (application != kApplicationId)
    return fail(ErrorCode::kCorrupt, "this SQLite file is not a Wellrun journal");
  if (version > kSchemaVersion || version < 1)
    return fail(ErrorCode::kUnsupported,
                fmt::format("the journal has format version {}, this program reads up to {}; use "
                            "the version of Wellrun that wrote it, or a newer one",
                            version, kSchemaVersion));
  return {};
}

}  // namespace

Status migrate(db::Sqlite& database) {
  TRY(const auto application, database.pragma("application_id"));
  TRY(auto version, database.pragma("user_version"));
  TRY(const auto schema, database.pragma("schema_version"));
  const bool is_empty = application == 0 && version == 0 && schema == 0;
  if (!is_empty) TRY_STATUS(refuse_foreign(application, version));
  if (version == kSchemaVersion) return {};
  TRY(auto transaction, db::Transaction::begin(database, db::Transaction::Kind::kWrite));
  for (; version < kSchemaVersion; ++version)
    TRY_STATUS(database.execute(kMigrations[static_cast<std::size_t>(version)]));
  TRY_STATUS(database.execute(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}",
                                          kApplicationId, kSchemaVersion)));
  return transaction.commit();
}

Status check_schema(db::Sqlite& database) {
  TRY(const auto application, database.pragma("application_id"));
  TRY(const auto version, database.pragma("user_version"));
  TRY_STATUS(refuse_foreign(application, version));
  if (version != kSchemaVersion)
    return fail(ErrorCode::kUnsupported,
                fmt::format("the journal has the older format version {}; start `wellrun serve` "
                            "on it once",
                            version));
  return {};
}

Status check_end(const Head& followed, const Head& head) {
  if (followed.seq < head.seq) return std::unexpected(corrupt_fact(followed.seq + 1, "is missing"));
  if (followed.seq > head.seq || followed.hash != head.hash)
    return std::unexpected(corrupt_fact(followed.seq, "is not the last that was committed"));
  return {};
}

Error corrupt_fact(Sequence seq, std::string_view what) {
  return Error{ErrorCode::kCorrupt,
               fmt::format("fact {} of the journal {}; restore the file from a backup", seq, what),
               {}};
}

Result<StoredFact> read_row(const db::Statement& row) {
  static constexpr std::string_view kTypes = "iitititittt";
  const auto seq = static_cast<Sequence>(row.integer(0));
  for (int column = 0; column < static_cast<int>(kTypes.size()); ++column) {
    const auto wanted = kTypes[static_cast<std::size_t>(column)] == 'i' ? db::ColumnType::kInteger
                                                                        : db::ColumnType::kText;
    if (row.type(column) != wanted)
      return std::unexpected(
          corrupt_fact(seq, fmt::format("has another type in column {}", column)));
  }
  if (row.integer(5) < 1 || row.integer(5) > INT32_MAX)
    return std::unexpected(corrupt_fact(seq, "has no valid schema version"));
  StoredFact stored;
  auto& fact = stored.fact;
  fact.seq = seq;
  fact.time = from_unix_ms(row.integer(1));
  fact.stream = row.text(2);
  fact.stream_version = static_cast<std::uint64_t>(row.integer(3));
  fact.type = row.text(4);
  fact.schema = static_cast<int>(row.integer(5));
  fact.actor = row.text(6);
  fact.cause = static_cast<Sequence>(row.integer(7));
  fact.correlation = row.text(8);
  stored.body = row.text(9);
  fact.hash = row.text(10);
  return stored;
}

Result<Fact> complete(StoredFact stored) {
  auto body = parse_json(stored.body);
  if (!body) return std::unexpected(corrupt_fact(stored.fact.seq, "has a body that is not JSON"));
  stored.fact.body = std::move(*body);
  return std::move(stored.fact);
}

Result<Fact> complete_upcast(StoredFact stored) {
  TRY(auto fact, complete(std::move(stored)));
  if (auto done = upcast(fact); !done) return std::unexpected(std::move(done).error());
  return fact;
}

Status insert_fact(db::Sqlite& database, const Fact& fact, std::string_view body) {
  TRY(auto insert, database.prepare("INSERT INTO facts VALUES(?,?,?,?,?,?,?,?,?,?,?)"));
  insert.bind(static_cast<std::int64_t>(fact.seq))
      .bind(to_unix_ms(fact.time))
      .bind(fact.stream)
      .bind(static_cast<std::int64_t>(fact.stream_version))
      .bind(fact.type)
      .bind(fact.schema)
      .bind(fact.actor)
      .bind(static_cast<std::int64_t>(fact.cause))
      .bind(fact.correlation)
      .bind(body)
      .bind(fact.hash);
  return insert.run();
}

Result<Head> read_head(db::Sqlite& database) {
  TRY(auto select, database.prepare("SELECT value FROM meta WHERE key='head'"));
  TRY(const bool row, select.step());
  const auto text = row ? std::string(select.text(0)) : std::string();
  const auto colon = text.find(':');
  Head head;
  const auto* end = text.data() + std::min(colon, text.size());
  const auto [stop, problem] = std::from_chars(text.data(), end, head.seq);
  if (colon == std::string::npos || problem != std::errc{} || stop != end)
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("the journal's head is {}; restore the file from a backup", quote(text)));
  head.hash = text.substr(colon + 1);
  return head;
}

Status write_head(db::Sqlite& database, const Head& head) {
  const auto text = fmt::format("{}:{}", head.seq, head.hash);
  TRY(auto update, database.prepare("UPDATE meta SET value=? WHERE key='head'"));
  update.bind(text);
  return update.run();
}

Status ChainCheck::add(const StoredFact& stored) {
  const auto& fact = stored.fact;
  if (fact.seq != head_.seq + 1) return std::unexpected(corrupt_fact(head_.seq + 1, "is missing"));
  if (chain_hash(head_.hash, fact, stored.body) != fact.hash)
    return std::unexpected(corrupt_fact(fact.seq, "is not what was written (its hash differs)"));
  if (to_unix_ms(fact.time) < last_time_ms_)
    return std::unexpected(corrupt_fact(fact.seq, "is earlier than the one before it"));
  last_time_ms_ = to_unix_ms(fact.time);
  head_ = {.seq = fact.seq, .hash = fact.hash};
  return {};
}

}  // namespace wellrun::journal
