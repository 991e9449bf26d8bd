#include "health/watch/watch_store.h"

#include <cstdio>
#include <fmt/format.h>

#include "platform/log/log.h"

namespace wellrun::health::watch {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kApplicationId = 0x5772626c;  // "Wrbl", in the file's header

std::string text_of(const Labels& identity) {
  Json json = Json::object();
  for (const auto& label : identity) json[label.name] = label.value;
  return to_text(json);
}

Result<Labels> labels_of(std::string_view text) {
  TRY(const auto json, parse_json(text));
  std::vector<Label> labels;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string()) return fail(ErrorCode::kCorrupt, "a label's value is no text");
    labels.push_back({name, value.get<std::string>()});
  }
  return Labels(std::move(labels));
}

/// Those that cannot be read are forgotten: nothing is decided by them.
std::deque<Anomaly> anomalies_of(std::string_view text) {
  try {
    return parse_json(text).value_or(Json::array()).get<std::deque<Anomaly>>();
  } catch (const Json::exception&) {
    return {};
  }
}

Result<db::Sqlite> open_database(const std::string& path) {
  // The states are small and read once: a small cache will do.
  TRY(auto database, db::Sqlite::open(path, {.cache_kib = 256}));
  TRY(const auto version, database.pragma("user_version"));
  TRY(const auto owner, database.pragma("application_id"));
  if (version == kVersion && owner == kApplicationId) return database;
  if (version != 0 || owner != 0)
    return fail(ErrorCode::kCorrupt, fmt::format("holds version {} of application {:x}, not "
                                                 "version {} of baselines",
                                                 version, owner, kVersion));
  TRY_STATUS(database.execute(
      "BEGIN IMMEDIATE;"
      "CREATE TABLE watch(key TEXT PRIMARY KEY, definition TEXT NOT NULL, read_to_ms INTEGER NOT "
      "NULL) WITHOUT ROWID;"
      "CREATE TABLE series(watch TEXT NOT NULL, labels TEXT NOT NULL, model BLOB NOT NULL, notes "
      "TEXT NOT NULL, anomalies TEXT NOT NULL, PRIMARY KEY(watch, labels)) WITHOUT ROWID;"
      "PRAGMA application_id=" +
      std::to_string(kApplicationId) + "; PRAGMA user_version=" + std::to_string(kVersion) +
      "; COMMIT"));
  return database;
}

void set_aside(const std::string& path, const Error& error) {
  log(Level::kWarning, "health/watch", "set aside; everything is learned anew from history",
      {{"file", path}, {"error", error.message}});
  for (const auto* part : {"", "-wal", "-shm"})
    (void)std::rename((path + part).c_str(), (path + ".damaged" + part).c_str());
}

}  // namespace

Result<db::Sqlite*> WatchStore::database() {
  if (database_) return &*database_;
  auto opened = open_database(path_);
  if (!opened && opened.error().code == ErrorCode::kCorrupt) {
    set_aside(path_, opened.error());
    opened = open_database(path_);
  }
  if (!opened) return std::unexpected(std::move(opened).error());
  database_.emplace(std::move(*opened));
  return &*database_;
}

Result<std::vector<StoredWatch>> WatchStore::watches() {
  TRY(auto* const database, this->database());
  TRY(auto rows, database->prepare("SELECT key, definition, read_to_ms FROM watch ORDER BY key"));
  std::vector<StoredWatch> watches;
  for (;;) {
    TRY(const bool more, rows.step());
    if (!more) return watches;
    watches.push_back(
        {std::string(rows.text(0)), std::string(rows.text(1)), from_unix_ms(rows.integer(2))});
  }
}

Result<std::vector<StoredSeries>> WatchStore::series(const std::string& watch) {
  TRY(auto* const database, this->database());
  TRY(auto rows,
      database->prepare(
          "SELECT labels, model, notes, anomalies FROM series WHERE watch=? ORDER BY labels"));
  rows.bind(std::string_view(watch));
  std::vector<StoredSeries> series;
  for (;;) {
    TRY(const bool more, rows.step());
    if (!more) return series;
    auto identity = labels_of(rows.text(0));
    auto notes = parse_json(rows.text(2));
    if (identity && notes)
      series.push_back({std::move(*identity), std::string(rows.text(1)), std::move(*notes),
                        anomalies_of(rows.text(3))});
  }
}

Status WatchStore::save(const StoredWatch& watch, const std::vector<StoredSeries>& changed,
                        const std::vector<Labels>& gone) {
  TRY(auto* const database, this->database());
  TRY(auto transaction, db::Transaction::begin(*database, db::Transaction::Kind::kWrite));
  {
    TRY(auto put, database->prepare("INSERT OR REPLACE INTO series VALUES(?,?,?,?,?)"));
    for (const auto& each : changed) {
      const auto labels = text_of(each.identity);
      const auto notes = to_text(each.notes);
      const auto anomalies = to_text(Json(each.anomalies));
      TRY_STATUS(put.bind(std::string_view(watch.key))
                     .bind(std::string_view(labels))
                     .bind_blob(each.model)
                     .bind(std::string_view(notes))
                     .bind(std::string_view(anomalies))
                     .run());
    }
    TRY(auto remove, database->prepare("DELETE FROM series WHERE watch=? AND labels=?"));
    for (const auto& identity : gone) {
      const auto labels = text_of(identity);
      TRY_STATUS(remove.bind(std::string_view(watch.key)).bind(std::string_view(labels)).run());
    }
    TRY(auto head, database->prepare("INSERT OR REPLACE INTO watch VALUES(?,?,?)"));
    TRY_STATUS(head.bind(std::string_view(watch.key))
                   .bind(std::string_view(watch.definition))
                   .bind(to_unix_ms(watch.read_to))
                   .run());
  }
  return transaction.commit();
}

Status WatchStore::forget(const std::string& watch) {
  TRY(auto* const database, this->database());
  TRY(auto transaction, db::Transaction::begin(*database, db::Transaction::Kind::kWrite));
  {
    TRY(auto series, database->prepare("DELETE FROM series WHERE watch=?"));
    TRY_STATUS(series.bind(std::string_view(watch)).run());
    TRY(auto head, database->prepare("DELETE FROM watch WHERE key=?"));
    TRY_STATUS(head.bind(std::string_view(watch)).run());
  }
  return transaction.commit();
}

}  // namespace wellrun::health::watch
