#pragma once

// Where facts are kept: SQLite, one file. Group commit: append() returns at once, the writer thread puts everything that
// waits into one transaction with synchronous=FULL, then calls back. Readers see committed facts only.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "journal/effect.h"
#include "journal/fact.h"

namespace wellrun::journal {

/// One turn's worth, committed whole or not at all. Facts are complete but for `hash`, which the store computes.
struct Batch {
  std::vector<Fact> facts;
  std::vector<Intent> intents;                            ///< new in the outbox
  std::vector<std::string> begun;                         ///< keys whose performing is about to begin
  std::vector<std::pair<std::string, Outcome>> finished;  ///< keys that got an outcome
};

struct OutboxEntry {
  Intent intent;
  bool begun = false;
};

struct FactQuery {
  Sequence after = 0;
  std::optional<std::string> stream;
  std::optional<std::string> type_prefix;  ///< "incident." or a whole type
  std::optional<std::string> correlation;
  std::optional<Timestamp> from, to;  ///< inclusive, exclusive
  std::size_t limit = 1000;
  bool newest_first = false;
};

struct Snapshot {
  Sequence seq = 0;
  Json body;  ///< {"<domain>": …}
};

/// A port: the SQLite one is opened by open_sqlite_store(), tests have one in memory that can crash (memory_store.h).
/// Reads may come from any thread; append() from one.
class Store {
 public:
  virtual ~Store() = default;

  /// Calls `committed` exactly once, from any thread: after the batch is durable, or with why it is not (kNoSpace, kIo).
  virtual void append(Batch batch, std::move_only_function<void(Status)> committed) = 0;

  virtual Sequence last_sequence() const = 0;
  virtual std::string last_hash() const = 0;

  /// In order of seq (or the reverse), upcast to the newest schema.
  virtual Result<std::vector<Fact>> read(const FactQuery& query) const = 0;

  virtual Result<std::vector<OutboxEntry>> open_intents() const = 0;

  virtual Result<std::optional<Snapshot>> last_snapshot() const = 0;
  virtual Status put_snapshot(const Snapshot& snapshot) = 0;

  /// Content too large for a fact; returns its digest ("sha256:…"). Idempotent, durable before return.
  virtual Result<std::string> put_blob(std::string_view content) = 0;
  virtual Result<std::string> get_blob(std::string_view digest) const = 0;
};

}  // namespace wellrun::journal
