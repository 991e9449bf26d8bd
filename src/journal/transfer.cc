#include "journal/transfer.h"

#include <array>
#include <fmt/format.h>
#include <istream>

#include "core/bytes.h"
#include "core/text.h"
#include "journal/effect.h"
#include "journal/sqlite_schema.h"
#include "journal/store.h"
#include "platform/db/file_lock.h"
#include "platform/db/sqlite.h"

namespace wellrun::journal {
namespace {

constexpr int kLinesVersion = 1;
constexpr std::size_t kMaxLineBytes = 96 << 20;  ///< the largest blob in base64, and some

// ---- export ----

Status export_facts(db::Sqlite& database, const LineSink& sink, TransferReport& report) {
  ChainCheck check(Head{});
  TRY(auto rows,
      database.prepare(fmt::format("SELECT {} FROM facts NOT INDEXED ORDER BY seq", kFactColumns)));
  while (true) {
    TRY(const bool row, rows.step());
    if (!row) break;
    TRY(auto stored, read_row(rows));
    TRY_STATUS(check.add(stored));
    TRY(const auto fact, complete(std::move(stored)));
    TRY_STATUS(sink(to_text(Json{{"fact", to_json(fact)}})));
    ++report.facts;
  }
  TRY(const auto head, read_head(database));
  TRY_STATUS(check_end(check.head(), head));
  report.last_hash = head.hash;
  return {};
}

Status export_outbox(db::Sqlite& database, const LineSink& sink, TransferReport& report) {
  TRY(auto rows, database.prepare("SELECT intent,begun,outcome FROM outbox ORDER BY id"));
  while (true) {
    TRY(const bool row, rows.step());
    if (!row) return {};
    TRY(auto intent, parse_json(rows.text(0)));
    Json outcome;
    if (!rows.is_null(2)) {
      TRY(outcome, parse_json(rows.text(2)));
    }
    TRY_STATUS(sink(to_text(Json{{"intent", std::move(intent)},
                                 {"begun", rows.integer(1) != 0},
                                 {"outcome", std::move(outcome)}})));
    ++report.intents;
  }
}

Status export_blobs(db::Sqlite& database, const LineSink& sink, TransferReport& report) {
  TRY(auto rows, database.prepare("SELECT digest,content FROM blobs NOT INDEXED ORDER BY rowid"));
  while (true) {
    TRY(const bool row, rows.step());
    if (!row) return {};
    TRY_STATUS(sink(to_text(Json{{"blob", rows.text(0)}, {"base64", to_base64(rows.text(1))}})));
    ++report.blobs;
  }
}

Json end_line(const TransferReport& report) {
  return {{"end",
           {{"facts", report.facts},
            {"intents", report.intents},
            {"blobs", report.blobs},
            {"hash", report.last_hash}}}};
}

// ---- import ----

/// The next line without its line feed; std::nullopt at the end. Bounded, unlike std::getline.
Result<std::optional<std::string>> next_line(std::istream& in) {
  std::string line;
  auto* bytes = in.rdbuf();
  for (int c = bytes->sbumpc(); c != std::char_traits<char>::eof(); c = bytes->sbumpc()) {
    if (c == '\n') return std::optional(std::move(line));
    if (line.size() == kMaxLineBytes)
      return fail(ErrorCode::kTooLarge, fmt::format("is longer than {} bytes", kMaxLineBytes));
    line.push_back(static_cast<char>(c));
  }
  return line.empty() ? std::nullopt : std::optional(std::move(line));
}

class Import {
 public:
  explicit Import(db::Sqlite& database) : database_(database) {}

  Status add(const Json& line) {
    if (is_ended_) return fail(ErrorCode::kInvalid, "follows the end line");
    if (!line.is_object()) return fail(ErrorCode::kInvalid, "is not a JSON object");
    if (!is_begun_) return begin(line);
    if (line.contains("fact")) return add_fact(line["fact"]);
    if (line.contains("intent")) return add_intent(line);
    if (line.contains("blob")) return add_blob(line);
    if (line.contains("end")) return end(line);
    return fail(ErrorCode::kInvalid, "is none of fact, intent, blob and end");
  }

  Result<TransferReport> finish() {
    if (!is_ended_)
      return fail(ErrorCode::kCorrupt, "the end line is missing: the lines were cut off");
    TRY_STATUS(write_head(database_, chain_.head()));
    return report_;
  }

 private:
  Status begin(const Json& line) {
    if (line != Json{{"wellrun_journal", kLinesVersion}})
      return fail(ErrorCode::kInvalid,
                  fmt::format("should be {{\"wellrun_journal\":{}}}", kLinesVersion));
    is_begun_ = true;
    return {};
  }

  Status add_fact(const Json& json) {
    StoredFact stored;
    TRY(stored.fact, fact_from_json(json));
    stored.body = to_text(stored.fact.body);
    TRY_STATUS(chain_.add(stored));
    TRY_STATUS(insert_fact(database_, stored.fact, stored.body));
    report_.last_hash = stored.fact.hash;
    ++report_.facts;
    return {};
  }

  Status add_intent(const Json& line) {
    TRY(const auto intent, intent_from_json(line["intent"]));
    const auto text = to_text(to_json(intent));
    std::optional<std::string> outcome_text;
    if (const auto found = line.find("outcome"); found != line.end() && !found->is_null()) {
      TRY(const auto outcome, outcome_from_json(*found));
      outcome_text = to_text(to_json(outcome));
    }
    TRY(auto insert, database_.prepare("INSERT INTO outbox(key,intent,begun,outcome) "
                                       "VALUES(?,?,?,?)"));
    insert.bind(intent.key).bind(text).bind(bool_or(line, "begun", false) ? 1 : 0);
    outcome_text ? insert.bind(*outcome_text) : insert.bind_null();
    ++report_.intents;
    return insert.run();
  }

  Status add_blob(const Json& line) {
    const auto content = from_base64(text_or(line, "base64"));
    const auto digest = text_or(line, "blob");
    if (!content || blob_digest(*content) != digest)
      return fail(ErrorCode::kCorrupt, fmt::format("does not hold the content {}", quote(digest)));
    TRY(auto insert, database_.prepare("INSERT INTO blobs VALUES(?,?)"));
    insert.bind(digest).bind_blob(*content);
    ++report_.blobs;
    return insert.run();
  }

  Status end(const Json& line) {
    is_ended_ = true;
    if (line == end_line(report_)) return {};
    return fail(ErrorCode::kCorrupt, fmt::format("says {}, but the lines before are {}",
                                                 to_text(line), to_text(end_line(report_))));
  }

  db::Sqlite& database_;
  ChainCheck chain_{Head{}};
  TransferReport report_;
  bool is_begun_ = false, is_ended_ = false;
};

Status refuse_used(db::Sqlite& database, const std::string& path) {
  TRY(auto select, database.prepare("SELECT EXISTS(SELECT 1 FROM facts) OR EXISTS(SELECT 1 FROM "
                                    "outbox) OR EXISTS(SELECT 1 FROM blobs)"));
  TRY(const bool row, select.step());
  if (!row || select.integer(0) == 0) return {};
  return fail(ErrorCode::kConflict,
              fmt::format("{} holds a journal already; import into a new file", path));
}

}  // namespace

Result<TransferReport> export_lines(const std::string& path, const LineSink& sink) {
  TRY(auto database, db::Sqlite::open(path, {.create = false, .query_only = true}));
  TRY_STATUS(check_schema(database));
  TRY(const auto moment, db::Transaction::begin(database, db::Transaction::Kind::kRead));
  TransferReport report;
  TRY_STATUS(sink(to_text(Json{{"wellrun_journal", kLinesVersion}})));
  TRY_STATUS(export_facts(database, sink, report));
  TRY_STATUS(export_outbox(database, sink, report));
  TRY_STATUS(export_blobs(database, sink, report));
  TRY_STATUS(sink(to_text(end_line(report))));
  return report;
}

Result<TransferReport> import_lines(const std::string& path, std::istream& lines) {
  TRY(const auto lock, db::FileLock::take(path + ".lock", "the journal " + path));
  TRY(auto database, db::Sqlite::open(path));
  TRY_STATUS(migrate(database));
  TRY_STATUS(refuse_used(database, path));
  TRY(auto transaction, db::Transaction::begin(database, db::Transaction::Kind::kWrite));
  Import import(database);
  for (std::uint64_t number = 1;; ++number) {
    const auto at_line = [number](Error error) {
      error.context = fmt::format("line {}", number);
      return std::unexpected(std::move(error));
    };
    auto line = next_line(lines);
    if (!line) return at_line(std::move(line).error());
    if (!*line) break;
    const auto json = parse_json(**line, 128);
    if (!json) return at_line(json.error());
    if (auto added = import.add(*json); !added) return at_line(std::move(added).error());
  }
  TRY(auto report, import.finish());
  TRY_STATUS(transaction.commit());
  return report;
}

}  // namespace wellrun::journal
