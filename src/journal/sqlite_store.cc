#include "journal/sqlite_store.h"

#include <atomic>
#include <filesystem>
#include <fmt/format.h>
#include <mutex>
#include <unordered_map>
#include <variant>

#include "core/text.h"
#include "journal/sqlite_schema.h"
#include "platform/db/file_lock.h"
#include "platform/db/sqlite.h"
#include "platform/log/log.h"
#include "platform/runtime/task_thread.h"

namespace wellrun::journal {
namespace {

constexpr Sequence kFactsCheckedOnOpen = 1000;
constexpr std::size_t kMaxCachedVersions = 100'000;
constexpr std::size_t kMaxBlobBytes = 64 << 20;
constexpr int kSnapshotsKept = 2;
constexpr std::uintmax_t kMinFreeBytes = 8U << 20;  ///< commands are refused below
constexpr Duration kRoomInterval{200};              ///< between tries on a full disk
constexpr int kMaxSnapshotDepth = 128;              ///< a domain's state around a body of its facts

/// What the writer thread is to store: a batch or a blob, in one transaction with others, or a
/// snapshot.
struct Waiting {
  Batch batch;
  std::string digest, content;  ///< of a blob
  std::optional<Snapshot> snapshot;
  std::move_only_function<void(Status)> stored;  ///< empty for a blob
};

/// A connection and who may use it now.
struct Reader {
  explicit Reader(db::Sqlite database_in) : database(std::move(database_in)) {}
  std::mutex mutex;
  db::Sqlite database;
};

/// One condition of a query and what is bound to it.
class Conditions {
 public:
  void add(std::string_view sql, std::int64_t value) { put(sql, value); }
  void add(std::string_view sql, std::string value) { put(sql, std::move(value)); }

  void add_literal(std::string_view sql) { start(sql); }

  /// Equal to `name`, or beginning with it when it ends in `prefix_end`.
  void add_name(std::string_view column, const std::optional<std::string>& name, char prefix_end) {
    if (!name) return;
    if (!name->ends_with(prefix_end)) return put(fmt::format("{}=?", column), *name);
    auto end = *name;
    end.back() = static_cast<char>(prefix_end + 1);
    put(fmt::format("{}>=?", column), *name);
    put(fmt::format("{}<?", column), std::move(end));
  }

  const std::string& sql() const { return sql_; }

  void bind(db::Statement& statement) const {
    for (const auto& value : values_) {
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        statement.bind(*number);
      } else {
        statement.bind(std::get<std::string>(value));
      }
    }
  }

 private:
  void start(std::string_view sql) {
    sql_ += sql_.empty() ? " WHERE " : " AND ";
    sql_ += sql;
  }

  void put(std::string_view sql, std::variant<std::int64_t, std::string> value) {
    start(sql);
    values_.push_back(std::move(value));
  }

  std::string sql_;
  std::vector<std::variant<std::int64_t, std::string>> values_;
};

std::int64_t as_integer(std::uint64_t value) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX));
}

/// The newest facts are what was written, and none is missing at the end.
Result<Timestamp> check_tail(db::Sqlite& database, const Head& head) {
  Head before{.seq = head.seq > kFactsCheckedOnOpen ? head.seq - kFactsCheckedOnOpen : 0,
              .hash = {}};
  TRY(auto first, database.prepare("SELECT hash FROM facts WHERE seq=?"));
  first.bind(as_integer(before.seq));
  TRY(const bool has_first, first.step());
  if (before.seq > 0 && !has_first) return std::unexpected(corrupt_fact(before.seq, "is missing"));
  if (has_first) before.hash = first.text(0);
  ChainCheck check(before);
  auto last = Timestamp::min();
  TRY(auto rows,
      database.prepare(fmt::format("SELECT {} FROM facts WHERE seq>? ORDER BY seq", kFactColumns)));
  rows.bind(as_integer(before.seq));
  while (true) {
    TRY(const bool row, rows.step());
    if (!row) break;
    TRY(const auto stored, read_row(rows));
    TRY_STATUS(check.add(stored));
    last = stored.fact.time;
  }
  TRY_STATUS(check_end(check.head(), head));
  return last;
}

class SqliteStore final : public Store {
 public:
  SqliteStore(db::FileLock lock, db::Sqlite writer, db::Sqlite reader, db::Sqlite lookup, Head head,
              Timestamp last_time, std::string path)
      : lock_(std::move(lock)),
        path_(std::move(path)),
        write_(std::move(writer)),
        read_(std::move(reader)),
        lookup_(std::move(lookup)),
        head_(std::move(head)),
        last_time_(last_time),
        writer_("journal") {}

  void append(Batch batch, std::move_only_function<void(Status)> committed) override {
    enqueue({.batch = std::move(batch), .stored = std::move(committed)});
  }

  Status has_room() const override {
    std::error_code error;
    const auto space = std::filesystem::space(path_, error);
    if (!is_waiting_for_room_.load() && (error || space.available >= kMinFreeBytes)) return {};
    return fail(
        ErrorCode::kNoSpace,
        fmt::format("the disk is full ({} bytes are left, the journal keeps {} free): nothing "
                    "is recorded until there is room",
                    error ? 0 : space.available, kMinFreeBytes),
        path_);
  }

  Sequence last_sequence() const override {
    const std::lock_guard lock(head_mutex_);
    return head_.seq;
  }

  std::string last_hash() const override {
    const std::lock_guard lock(head_mutex_);
    return head_.hash;
  }

  Result<std::vector<Fact>> read(const FactQuery& query) const override {
    const std::lock_guard lock(read_.mutex);
    Sequence after = query.after;
    Sequence before = query.before.value_or(INT64_MAX);
    if (query.from) {
      TRY(const auto first, first_at(*query.from));
      after = std::max(after, first - 1);
    }
    if (query.to) {
      TRY(const auto first, first_at(*query.to));
      before = std::min(before, first);
    }
    return select(query, after, before);
  }

  Result<std::uint64_t> stream_version(std::string_view stream) const override {
    const std::lock_guard lock(lookup_.mutex);
    return version_of(lookup_.database, stream);
  }

  Result<std::vector<OutboxEntry>> open_intents() const override {
    const std::lock_guard lock(lookup_.mutex);
    TRY(auto rows, lookup_.database.prepare(
                       "SELECT intent,begun FROM outbox WHERE outcome IS NULL ORDER BY id"));
    std::vector<OutboxEntry> open;
    while (true) {
      TRY(const bool row, rows.step());
      if (!row) return open;
      TRY(const auto json, parse_json(rows.text(0)));
      TRY(auto intent, intent_from_json(json));
      open.push_back({.intent = std::move(intent), .begun = rows.integer(1) != 0});
    }
  }

  Result<bool> has_intent(std::string_view key) const override {
    const std::lock_guard lock(lookup_.mutex);
    TRY(auto select, lookup_.database.prepare("SELECT 1 FROM outbox WHERE key=?"));
    select.bind(key);
    return select.step();
  }

  /// One that is not what was written is passed over: replay needs none.
  Result<std::optional<Snapshot>> last_snapshot() const override {
    const std::lock_guard lock(lookup_.mutex);
    TRY(auto rows,
        lookup_.database.prepare("SELECT seq,digest,body FROM snapshots ORDER BY seq DESC"));
    while (true) {
      TRY(const bool row, rows.step());
      if (!row) return std::nullopt;
      if (blob_digest(rows.text(2)) != rows.text(1)) continue;
      auto body = parse_json(rows.text(2), kMaxSnapshotDepth);
      if (body)
        return Snapshot{.seq = static_cast<Sequence>(rows.integer(0)), .body = std::move(*body)};
    }
  }

  void put_snapshot(Snapshot snapshot, std::move_only_function<void(Status)> stored) override {
    enqueue({.snapshot = std::move(snapshot), .stored = std::move(stored)});
  }

  Result<std::string> put_blob(std::string_view content) override {
    if (content.size() > kMaxBlobBytes)
      return fail(ErrorCode::kTooLarge, fmt::format("content of {} bytes cannot be stored, at most "
                                                    "{} fit",
                                                    content.size(), kMaxBlobBytes));
    auto digest = blob_digest(content);
    enqueue({.digest = digest, .content = std::string(content)});
    return digest;
  }

  Result<std::string> get_blob(std::string_view digest) const override {
    const std::lock_guard lock(lookup_.mutex);
    TRY(auto select, lookup_.database.prepare("SELECT content FROM blobs WHERE digest=?"));
    select.bind(digest);
    TRY(const bool row, select.step());
    if (!row) return fail(ErrorCode::kNotFound, fmt::format("no stored content {}", quote(digest)));
    auto content = std::string(select.text(0));
    if (blob_digest(content) != digest)
      return fail(ErrorCode::kCorrupt, fmt::format("the stored content {} is not what was written; "
                                                   "restore the file from a backup",
                                                   digest));
    return content;
  }

 private:
  static Result<std::uint64_t> version_of(db::Sqlite& database, std::string_view stream) {
    TRY(auto select, database.prepare("SELECT MAX(stream_version) FROM facts WHERE stream=?"));
    select.bind(stream);
    TRY(const bool row, select.step());
    return row ? static_cast<std::uint64_t>(select.integer(0)) : 0;
  }

  // Reading, with read_.mutex held.

  /// The first fact at or after `time`, or the one that comes next; times never go back.
  Result<Sequence> first_at(Timestamp time) const {
    Sequence low = 1;
    Sequence high = last_sequence() + 1;
    while (low < high) {
      const auto middle = low + (high - low) / 2;
      TRY(auto select, read_.database.prepare("SELECT time_ms FROM facts WHERE seq=?"));
      select.bind(as_integer(middle));
      TRY(const bool row, select.step());
      if (!row) return std::unexpected(corrupt_fact(middle, "is missing"));
      if (from_unix_ms(select.integer(0)) < time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  Result<std::vector<Fact>> select(const FactQuery& query, Sequence after, Sequence before) const {
    Conditions conditions;
    conditions.add("seq>?", as_integer(after));
    conditions.add("seq<?", as_integer(before));
    conditions.add_name("stream", query.stream, '/');
    conditions.add_name("type", query.type_prefix, '.');
    if (query.correlation) {
      conditions.add("correlation=?", *query.correlation);
      // The index holds no empty ones, and SQLite wants that said.
      if (!query.correlation->empty()) conditions.add_literal("correlation<>''");
    }
    TRY(auto rows, read_.database.prepare(
                       fmt::format("SELECT {} FROM facts{} ORDER BY seq{} LIMIT ?", kFactColumns,
                                   conditions.sql(), query.newest_first ? " DESC" : "")));
    conditions.bind(rows);
    rows.bind(as_integer(query.limit));
    std::vector<Fact> found;
    while (true) {
      TRY(const bool row, rows.step());
      if (!row) return found;
      TRY(auto stored, read_row(rows));
      TRY(auto fact, complete_upcast(std::move(stored)));
      found.push_back(std::move(fact));
    }
  }

  void enqueue(Waiting waiting) {
    const std::lock_guard lock(waiting_mutex_);
    waiting_.push_back(std::move(waiting));
    if (std::exchange(is_draining_, true)) return;
    writer_.post([this] { drain(); });
  }

  // Writing, on the writer thread.

  void drain() {
    while (true) {
      std::vector<Waiting> group;
      {
        const std::lock_guard lock(waiting_mutex_);
        group.swap(waiting_);
        if (group.empty()) {
          is_draining_ = false;
          return;
        }
      }
      auto results = commit(group);
      while (is_out_of_room(results)) {
        if (!is_waiting_for_room_.exchange(true))
          log(Level::kError, "journal", "the disk is full: waiting for room", {{"file", path_}});
        if (!writer_.pause(kRoomInterval)) break;
        results = commit(group);
      }
      if (is_waiting_for_room_.exchange(false) && !is_out_of_room(results))
        log(Level::kInfo, "journal", "there is room again", {{"file", path_}});
      for (std::size_t i = 0; i < group.size(); ++i)
        if (group[i].stored && !group[i].snapshot) group[i].stored(results[i]);
      // After the facts: nobody waits for a snapshot.
      for (auto& each : group)
        if (each.snapshot) each.stored(write_snapshot(*each.snapshot));
    }
  }

  static bool is_out_of_room(const std::vector<Status>& results) {
    return std::ranges::any_of(results, [](const Status& result) {
      return !result && result.error().code == ErrorCode::kNoSpace;
    });
  }

  /// One transaction for all of them: what does not follow what is stored is left out, anything
  /// else that fails fails for all.
  std::vector<Status> commit(const std::vector<Waiting>& group) {
    const std::lock_guard lock(write_.mutex);
    std::vector<Status> results(group.size());
    const auto written = write_group(group, results);
    if (written) return results;
    versions_.clear();
    for (auto& result : results)
      if (result) result = written;
    return results;
  }

  Status write_group(const std::vector<Waiting>& group, std::vector<Status>& results) {
    TRY_STATUS(usable());
    auto transaction = db::Transaction::begin(write_.database, db::Transaction::Kind::kWrite);
    if (!transaction) return remember(std::unexpected(transaction.error()));
    auto head = head_;  // only this thread changes it
    auto last_time = last_time_;
    for (std::size_t i = 0; i < group.size(); ++i) {
      results[i] = check(group[i].batch, head, last_time);
      if (!results[i] && results[i].error().code != ErrorCode::kConflict)
        return remember(std::move(results[i]));
      if (!results[i]) continue;
      if (!group[i].digest.empty()) TRY_STATUS(remember(write_blob(group[i])));
      TRY_STATUS(remember(write(group[i].batch, head)));
      if (!group[i].batch.facts.empty()) last_time = group[i].batch.facts.back().time;
    }
    TRY_STATUS(remember(write_head(write_.database, head)));
    TRY_STATUS(remember(transaction->commit()));
    const std::lock_guard lock(head_mutex_);
    head_ = std::move(head);
    last_time_ = last_time;
    return {};
  }

  Status write_blob(const Waiting& blob) {
    TRY(auto insert, write_.database.prepare("INSERT OR IGNORE INTO blobs VALUES(?,?)"));
    insert.bind(blob.digest).bind_blob(blob.content);
    return insert.run();
  }

  Status write_snapshot(const Snapshot& snapshot) {
    const auto body = to_text(snapshot.body);
    const auto digest = blob_digest(body);
    const std::lock_guard lock(write_.mutex);
    TRY_STATUS(usable());
    TRY(auto transaction, db::Transaction::begin(write_.database, db::Transaction::Kind::kWrite));
    TRY(auto insert, write_.database.prepare("INSERT OR REPLACE INTO snapshots VALUES(?,?,?)"));
    insert.bind(as_integer(snapshot.seq)).bind(digest).bind(body);
    TRY_STATUS(insert.run());
    TRY(auto remove, write_.database.prepare("DELETE FROM snapshots WHERE seq NOT IN (SELECT seq "
                                             "FROM snapshots ORDER BY seq DESC LIMIT ?)"));
    remove.bind(kSnapshotsKept);
    TRY_STATUS(remove.run());
    return remember(transaction.commit());
  }

  Status check(const Batch& batch, const Head& head, Timestamp last_time) {
    auto seq = head.seq;
    std::unordered_map<std::string_view, std::uint64_t> versions;
    for (const auto& fact : batch.facts) {
      if (fact.seq != ++seq)
        return fail(ErrorCode::kConflict,
                    fmt::format("fact {} does not follow {}", fact.seq, seq - 1));
      if (fact.time < std::exchange(last_time, fact.time))
        return fail(ErrorCode::kConflict,
                    fmt::format("fact {} is earlier than the one before it", fact.seq));
      auto version = versions.find(fact.stream);
      if (version == versions.end()) {
        TRY(const auto stored, cached_version(fact.stream));
        version = versions.emplace(fact.stream, stored).first;
      }
      if (fact.stream_version != ++version->second)
        return fail(ErrorCode::kConflict,
                    fmt::format("version {} of stream {} does not follow {}", fact.stream_version,
                                fact.stream, version->second - 1));
    }
    return {};
  }

  Result<std::uint64_t> cached_version(const std::string& stream) {
    const auto found = versions_.find(stream);
    if (found != versions_.end()) return found->second;
    return version_of(write_.database, stream);
  }

  Status write(const Batch& batch, Head& head) {
    auto& database = write_.database;
    if (versions_.size() > kMaxCachedVersions) versions_.clear();
    for (auto fact : batch.facts) {
      const auto body = to_text(fact.body);
      fact.hash = chain_hash(head.hash, fact, body);
      TRY_STATUS(insert_fact(database, fact, body));
      versions_[fact.stream] = fact.stream_version;
      head = {.seq = fact.seq, .hash = std::move(fact.hash)};
    }
    for (const auto& intent : batch.intents) {
      const auto text = to_text(to_json(intent));
      TRY(auto insert, database.prepare("INSERT OR IGNORE INTO outbox(key,intent) VALUES(?,?)"));
      insert.bind(intent.key).bind(text);
      TRY_STATUS(insert.run());
    }
    for (const auto& key : batch.begun) {
      TRY(auto update, database.prepare("UPDATE outbox SET begun=1 WHERE key=?"));
      update.bind(key);
      TRY_STATUS(update.run());
    }
    for (const auto& [key, outcome] : batch.finished) {
      const auto text = to_text(to_json(outcome));
      TRY(auto update, database.prepare("UPDATE outbox SET outcome=? WHERE key=?"));
      update.bind(text).bind(key);
      TRY_STATUS(update.run());
    }
    return {};
  }

  // With write_.mutex held.

  Status usable() const {
    if (broken_) return std::unexpected(*broken_);
    return {};
  }

  /// After a failed write nobody knows what the disk holds: a second try might succeed on pages
  /// that the operating system has dropped (https://wiki.postgresql.org/wiki/Fsync_Errors).
  Status remember(Status status) {
    if (status || status.error().code == ErrorCode::kNoSpace ||
        status.error().code == ErrorCode::kConflict)
      return status;
    broken_ = status.error();
    return status;
  }

  db::FileLock lock_;
  const std::string path_;
  std::atomic<bool> is_waiting_for_room_ = false;
  Reader write_;
  mutable Reader read_;    ///< for queries
  mutable Reader lookup_;  ///< for what the strand asks: never behind a long query

  mutable std::mutex head_mutex_;
  Head head_;
  Timestamp last_time_;
  std::unordered_map<std::string, std::uint64_t> versions_;  ///< of some streams; writer only
  std::optional<Error> broken_;

  std::mutex waiting_mutex_;
  std::vector<Waiting> waiting_;
  bool is_draining_ = false;
  TaskThread writer_;  ///< last: its destruction commits what waits
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path) {
  TRY(auto lock, db::FileLock::take(path + ".lock", "the journal " + path));
  TRY(auto writer, db::Sqlite::open(path));
  TRY_STATUS(migrate(writer));
  TRY(auto head, read_head(writer));
  TRY(const auto last_time, check_tail(writer, head));
  TRY(auto reader, db::Sqlite::open(path, {.create = false, .query_only = true}));
  TRY(auto lookup, db::Sqlite::open(path, {.create = false, .query_only = true}));
  return std::make_unique<SqliteStore>(std::move(lock), std::move(writer), std::move(reader),
                                       std::move(lookup), std::move(head), last_time, path);
}

}  // namespace wellrun::journal
