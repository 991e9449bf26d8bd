#pragma once

// A Store in memory, for tests and simulation. It commits later, on the strand, and can fail or
// crash at any append. After a crash nothing more is committed and no callback comes; recover()
// makes it usable by a new Ledger, with what was durable. Outlives the ledger and every task on the
// strand. Reads are thread-safe.

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>

#include "journal/store.h"
#include "platform/runtime/runtime.h"

namespace wellrun::journal {

class MemoryStore final : public Store {
 public:
  enum class Fault {
    kNone,
    kFail,         ///< not durable, and says so (kIo)
    kCrashBefore,  ///< the process dies before this append is durable
    kCrashAfter,   ///< durable, but nobody hears of it
  };
  /// Asked once an append, numbered from 1 for the whole life of the store, when it would become
  /// durable.
  using Hook = std::function<Fault(std::uint64_t append, const Batch& batch)>;

  explicit MemoryStore(Strand& strand) : strand_(strand) {}

  void set_hook(Hook hook) { hook_ = std::move(hook); }
  bool crashed() const { return crashed_; }
  std::uint64_t append_count() const { return append_count_; }

  /// After a crash, and after VirtualRuntime::crash() has dropped what was still on its way.
  void recover() { crashed_ = false; }

  void append(Batch batch, std::move_only_function<void(Status)> committed) override;
  Sequence last_sequence() const override;
  std::string last_hash() const override;
  Result<std::vector<Fact>> read(const FactQuery& query) const override;
  Result<std::uint64_t> stream_version(std::string_view stream) const override;
  Result<std::vector<OutboxEntry>> open_intents() const override;
  Result<bool> has_intent(std::string_view key) const override;
  Result<std::optional<Snapshot>> last_snapshot() const override;
  void put_snapshot(Snapshot snapshot, std::move_only_function<void(Status)> stored) override;
  Result<std::string> put_blob(std::string_view content) override;
  Result<std::string> get_blob(std::string_view digest) const override;

 private:
  struct Intended {
    OutboxEntry entry;
    bool finished = false;
  };

  void commit(const Batch& batch, std::move_only_function<void(Status)> committed);
  Status check(const Batch& batch) const;
  void keep(const Batch& batch);

  Strand& strand_;
  Hook hook_;
  bool crashed_ = false;
  std::uint64_t append_count_ = 0;

  mutable std::mutex mutex_;
  std::vector<Fact> facts_;
  std::map<std::string, std::uint64_t, std::less<>> stream_versions_;
  std::vector<Intended> outbox_;
  std::map<std::string, std::size_t, std::less<>> outbox_by_key_;
  std::optional<Snapshot> snapshot_;
  std::map<std::string, std::string, std::less<>> blobs_;
};

/// True when `fact` is one that `query` asks for (limit and order aside).
bool matches(const FactQuery& query, const Fact& fact);

}  // namespace wellrun::journal
