#pragma once

// What the journal's file looks like inside, shared by store, verification, export and import.

#include "core/result.h"
#include "journal/fact.h"
#include "platform/db/sqlite.h"

namespace wellrun::journal {

/// Stands in the file's header (PRAGMA application_id), "Wrun": any SQLite tool tells whose it is.
inline constexpr std::int64_t kApplicationId = 0x5772756e;
inline constexpr std::int64_t kSchemaVersion = 1;

/// Creates the tables in an empty file, or brings older ones to kSchemaVersion. kCorrupt: the file
/// belongs to something else; kUnsupported: it is newer than this program.
Status migrate(db::Sqlite& database);

/// kCorrupt or kUnsupported when the file is not a journal of kSchemaVersion.
Status check_schema(db::Sqlite& database);

/// A row of facts as it is stored.
struct StoredFact {
  Fact fact;         ///< without body; schema as stored
  std::string body;  ///< the text that was hashed
};

/// Columns of facts, in the order that read_row() wants them first.
inline constexpr const char* kFactColumns =
    "seq,time_ms,stream,stream_version,type,schema,actor,cause,correlation,body,hash";

/// kCorrupt when a column has another type than was written.
Result<StoredFact> read_row(const db::Statement& row);

/// Parses the body, as stored: kCorrupt when that fails.
Result<Fact> complete(StoredFact stored);
/// The same, with schema and body as the newest version would have written them.
Result<Fact> complete_upcast(StoredFact stored);

Status insert_fact(db::Sqlite& database, const Fact& fact, std::string_view body);

/// The last fact's position and hash, written with every commit: a missing end is noticed.
struct Head {
  Sequence seq = 0;
  std::string hash;
};
Result<Head> read_head(db::Sqlite& database);
Status write_head(db::Sqlite& database, const Head& head);

/// Follows the chain from `head` (the fact before `from`) on, through rows in order.
class ChainCheck {
 public:
  explicit ChainCheck(Head head) : head_(std::move(head)) {}
  /// kCorrupt when `stored` is not the fact that was written after the one before; names it.
  Status add(const StoredFact& stored);
  const Head& head() const { return head_; }

 private:
  Head head_;
  std::int64_t last_time_ms_ = INT64_MIN;
};

/// kCorrupt when the chain that was followed to its end does not end at the head.
Status check_end(const Head& followed, const Head& head);

Error corrupt_fact(Sequence seq, std::string_view what);

}  // namespace wellrun::journal
