#include "journal/memory_store.h"

#include <fmt/format.h>

#include "core/bytes.h"
#include "core/text.h"

namespace wellrun::journal {
namespace {

bool matches_name(const std::optional<std::string>& wanted, std::string_view name,
                  char prefix_end) {
  if (!wanted) return true;
  return wanted->ends_with(prefix_end) ? name.starts_with(*wanted) : name == *wanted;
}

}  // namespace

bool matches(const FactQuery& query, const Fact& fact) {
  return fact.seq > query.after && (!query.before || fact.seq < *query.before) &&
         matches_name(query.stream, fact.stream, '/') &&
         matches_name(query.type_prefix, fact.type, '.') &&
         (!query.correlation || fact.correlation == *query.correlation) &&
         (!query.from || fact.time >= *query.from) && (!query.to || fact.time < *query.to);
}

void MemoryStore::append(Batch batch, std::move_only_function<void(Status)> committed) {
  strand_.post([this, batch = std::move(batch), committed = std::move(committed)]() mutable {
    commit(batch, std::move(committed));
  });
}

void MemoryStore::commit(const Batch& batch, std::move_only_function<void(Status)> committed) {
  if (crashed_) return;
  const auto fault = hook_ ? hook_(++append_count_, batch) : (++append_count_, Fault::kNone);
  if (fault == Fault::kCrashBefore) {
    crashed_ = true;
    return;
  }
  if (fault == Fault::kFail) {
    committed(fail(ErrorCode::kIo, "the journal could not be written (injected by a test)"));
    return;
  }
  if (auto checked = check(batch); !checked) {
    committed(std::move(checked));
    return;
  }
  keep(batch);
  if (fault == Fault::kCrashAfter) {
    crashed_ = true;
    return;
  }
  committed({});
}

Status MemoryStore::check(const Batch& batch) const {
  const std::lock_guard lock(mutex_);
  Sequence expected = facts_.size();
  auto last_time = facts_.empty() ? Timestamp::min() : facts_.back().time;
  std::map<std::string_view, std::uint64_t> versions;
  for (const auto& fact : batch.facts) {
    if (fact.seq != ++expected)
      return fail(ErrorCode::kConflict,
                  fmt::format("fact {} does not follow {}", fact.seq, expected - 1));
    if (fact.time < std::exchange(last_time, fact.time))
      return fail(ErrorCode::kConflict,
                  fmt::format("fact {} is earlier than the one before it", fact.seq));
    const auto known = stream_versions_.find(fact.stream);
    auto& version =
        versions.try_emplace(fact.stream, known == stream_versions_.end() ? 0 : known->second)
            .first->second;
    if (fact.stream_version != ++version)
      return fail(ErrorCode::kConflict, fmt::format("version {} of stream {} does not follow {}",
                                                    fact.stream_version, fact.stream, version - 1));
  }
  return {};
}

void MemoryStore::keep(const Batch& batch) {
  const std::lock_guard lock(mutex_);
  for (auto fact : batch.facts) {
    const auto& previous = facts_.empty() ? std::string() : facts_.back().hash;
    fact.hash = chain_hash(previous, fact, to_text(fact.body));
    stream_versions_[fact.stream] = fact.stream_version;
    facts_.push_back(std::move(fact));
  }
  for (const auto& intent : batch.intents) {
    if (outbox_by_key_.try_emplace(intent.key, outbox_.size()).second)
      outbox_.push_back({.entry = {.intent = intent, .begun = false}});
  }
  for (const auto& key : batch.begun) {
    if (const auto at = outbox_by_key_.find(key); at != outbox_by_key_.end())
      outbox_[at->second].entry.begun = true;
  }
  for (const auto& [key, outcome] : batch.finished) {
    if (const auto at = outbox_by_key_.find(key); at != outbox_by_key_.end())
      outbox_[at->second].finished = true;
  }
}

Sequence MemoryStore::last_sequence() const {
  const std::lock_guard lock(mutex_);
  return facts_.size();
}

std::string MemoryStore::last_hash() const {
  const std::lock_guard lock(mutex_);
  return facts_.empty() ? std::string() : facts_.back().hash;
}

Result<std::vector<Fact>> MemoryStore::read(const FactQuery& query) const {
  const std::lock_guard lock(mutex_);
  std::vector<Fact> found;
  const auto take = [&](const Fact& fact) {
    if (found.size() < query.limit && matches(query, fact)) found.push_back(fact);
  };
  if (query.newest_first) {
    std::for_each(facts_.rbegin(), facts_.rend(), take);
  } else if (query.after < facts_.size()) {
    std::for_each(facts_.begin() + static_cast<std::ptrdiff_t>(query.after), facts_.end(), take);
  }
  for (auto& fact : found) {
    if (auto done = upcast(fact); !done) return std::unexpected(std::move(done).error());
  }
  return found;
}

Result<std::uint64_t> MemoryStore::stream_version(std::string_view stream) const {
  const std::lock_guard lock(mutex_);
  const auto found = stream_versions_.find(stream);
  return found == stream_versions_.end() ? 0 : found->second;
}

Result<std::vector<OutboxEntry>> MemoryStore::open_intents() const {
  const std::lock_guard lock(mutex_);
  std::vector<OutboxEntry> open;
  for (const auto& intended : outbox_)
    if (!intended.finished) open.push_back(intended.entry);
  return open;
}

Result<bool> MemoryStore::has_intent(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  return outbox_by_key_.contains(key);
}

Result<std::optional<Snapshot>> MemoryStore::last_snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void MemoryStore::put_snapshot(Snapshot snapshot, std::move_only_function<void(Status)> stored) {
  {
    const std::lock_guard lock(mutex_);
    if (!crashed_) snapshot_ = std::move(snapshot);
  }
  stored({});
}

Result<std::string> MemoryStore::put_blob(std::string_view content) {
  const std::lock_guard lock(mutex_);
  auto digest = blob_digest(content);
  blobs_.emplace(digest, content);
  return digest;
}

Result<std::string> MemoryStore::get_blob(std::string_view digest) const {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(digest);
  if (found == blobs_.end())
    return fail(ErrorCode::kNotFound, fmt::format("no stored content {}", quote(digest)));
  return found->second;
}

}  // namespace wellrun::journal
