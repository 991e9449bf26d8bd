#include "journal/verify.h"

#include <fmt/format.h>

#include "journal/sqlite_schema.h"
#include "journal/store.h"
#include "platform/db/sqlite.h"

namespace wellrun::journal {
namespace {

constexpr std::uint64_t kProgressEvery = 10'000;

/// An error of SQLite on the way from one fact to the next is the next one's.
Error at_fact(Sequence seq, const Error& error) {
  return corrupt_fact(seq, fmt::format("cannot be read ({})", error.message));
}

Status check_facts(db::Sqlite& database, VerifyReport& report,
                   const std::function<void(std::uint64_t)>& progress) {
  ChainCheck check(Head{});
  const auto broken = [&](Sequence seq, Error error) {
    report.broken_fact = seq;
    return std::unexpected(std::move(error));
  };
  TRY(auto rows,
      database.prepare(fmt::format("SELECT {} FROM facts NOT INDEXED ORDER BY seq", kFactColumns)));
  while (true) {
    const auto next = check.head().seq + 1;
    const auto row = rows.step();
    if (!row) return broken(next, at_fact(next, row.error()));
    if (!*row) break;
    const auto stored = read_row(rows);
    if (!stored) return broken(next, stored.error());
    if (auto added = check.add(*stored); !added) return broken(next, added.error());
    if (auto whole = complete(*stored); !whole) return broken(next, whole.error());
    report.last_seq = check.head().seq;
    report.last_hash = check.head().hash;
    if (++report.facts_checked % kProgressEvery == 0 && progress) progress(report.facts_checked);
  }
  TRY(const auto head, read_head(database));
  auto end = check_end(check.head(), head);
  if (!end) return broken(std::min(check.head().seq + 1, head.seq), std::move(end).error());
  return {};
}

Status check_blobs(db::Sqlite& database, VerifyReport& report) {
  TRY(auto rows, database.prepare("SELECT digest,content FROM blobs NOT INDEXED"));
  while (true) {
    TRY(const bool row, rows.step());
    if (!row) return {};
    if (blob_digest(rows.text(1)) != rows.text(0))
      return fail(ErrorCode::kCorrupt,
                  fmt::format("the stored content {} is not what was written; restore the file "
                              "from a backup",
                              rows.text(0)));
    ++report.blobs_checked;
  }
}

/// Indexes that miss a row, pages used twice: not facts, but what finds them.
Status check_structure(db::Sqlite& database) {
  TRY(auto rows, database.prepare("PRAGMA integrity_check(1)"));
  TRY(const bool row, rows.step());
  if (!row || rows.text(0) == "ok") return {};
  return fail(ErrorCode::kCorrupt,
              fmt::format("every fact is what was written, but SQLite finds the file damaged: {}; "
                          "export and import the journal, or restore a backup",
                          rows.text(0)));
}

Status check_all(db::Sqlite& database, VerifyReport& report,
                 const std::function<void(std::uint64_t)>& progress) {
  TRY_STATUS(check_facts(database, report, progress));
  TRY_STATUS(check_blobs(database, report));
  return check_structure(database);
}

}  // namespace

Result<VerifyReport> verify_journal(const std::string& path,
                                    const std::function<void(std::uint64_t)>& progress) {
  TRY(auto database, db::Sqlite::open(path, {.create = false, .query_only = true}));
  TRY_STATUS(check_schema(database));
  TRY(const auto moment, db::Transaction::begin(database, db::Transaction::Kind::kRead));
  VerifyReport report;
  if (auto checked = check_all(database, report, progress); !checked)
    report.problem = std::move(checked).error();
  return report;
}

}  // namespace wellrun::journal
