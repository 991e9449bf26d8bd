#pragma once

// Where facts are kept: SQLite, one file. Group commit: append() returns at once, the writer thread
// puts everything that waits into one transaction with synchronous=FULL, then calls back. Readers
// see committed facts only.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "journal/effect.h"
#include "journal/fact.h"

namespace wellrun::journal {

/// One turn's worth, committed whole or not at all. Facts are complete but for `hash`,
/// which the store computes.
struct Batch {
  std::vector<Fact> facts;
  std::vector<Intent> intents;     ///< new in the outbox
  std::vector<std::string> begun;  ///< keys whose performing is about to begin
  std::vector<std::pair<std::string, Outcome>> finished;  ///< keys that got an outcome
};

struct OutboxEntry {
  Intent intent;
  bool begun = false;
};

struct FactQuery {
  Sequence after = 0;
  std::optional<std::string> stream;       ///< exact; ending in '/': a prefix
  std::optional<std::string> type_prefix;  ///< ending in '.': a prefix; otherwise exact
  std::optional<std::string> correlation;
  std::optional<Timestamp> from, to;  ///< inclusive, exclusive
  std::optional<Sequence> before;     ///< only smaller
  std::size_t limit = 1000;
  bool newest_first = false;
};

struct Snapshot {
  Sequence seq = 0;
  Json body;  ///< {"<domain>": …}
};

/// "sha256:" and the digest in hex: the name of a blob.
std::string blob_digest(std::string_view content);

/// A port: the SQLite one is opened by open_sqlite_store(), tests have one in memory that can crash
/// (memory_store.h). Reads may come from any thread; append() from one.
class Store {
 public:
  virtual ~Store() = default;

  /// Calls `committed` exactly once, from any thread, in the order of appending: after the batch is
  /// durable, or with why it is not (kIo; kConflict when seq, time or stream version does
  /// not follow what is stored). On a full disk it waits for room, and so do those behind it:
  /// kNoSpace only when the store ends meanwhile.
  virtual void append(Batch batch, std::move_only_function<void(Status)> committed) = 0;

  /// kNoSpace while the disk is nearly full: a batch appended now might have to wait until there is
  /// room. Whoever can still refuse, asks first. Thread-safe, cheap.
  virtual Status has_room() const { return {}; }

  virtual Sequence last_sequence() const = 0;
  virtual std::string last_hash() const = 0;

  /// In order of seq (or the reverse), upcast to the newest schema.
  virtual Result<std::vector<Fact>> read(const FactQuery& query) const = 0;

  /// How many committed facts a stream has; 0 for one that does not exist.
  virtual Result<std::uint64_t> stream_version(std::string_view stream) const = 0;

  /// Intents without outcome, in order of commit.
  virtual Result<std::vector<OutboxEntry>> open_intents() const = 0;

  /// True when an intent of that key was ever committed, finished ones included.
  virtual Result<bool> has_intent(std::string_view key) const = 0;

  virtual Result<std::optional<Snapshot>> last_snapshot() const = 0;
  /// Does not wait for the disk. Calls `stored` once, from any thread, when it is durable or with
  /// why not; facts appended meanwhile do not fail with it.
  virtual void put_snapshot(Snapshot snapshot, std::move_only_function<void(Status)> stored) = 0;

  /// Content too large for a fact; returns its digest ("sha256:…") without waiting for the disk. It
  /// is durable, and can be read, no later than what is appended after it. Idempotent. kTooLarge.
  virtual Result<std::string> put_blob(std::string_view content) = 0;
  virtual Result<std::string> get_blob(std::string_view digest) const = 0;
};

}  // namespace wellrun::journal
