#pragma once

// Changes of what the database holds of series, written together: chunks that go or are put, the
// bounds that follow from it, series that end. Memory says so only once the database does, so that
// a write that fails leaves both as they were. Inside this folder only; under checkpoint_mutex.

#include <map>
#include <rocksdb/write_batch.h>

#include "telemetry/store/core.h"

namespace wellrun::telemetry::store {

class DiskChanges {
 public:
  explicit DiskChanges(Core& core) : core_(core) {}

  void remove_chunk(const std::string& key, std::size_t size_bytes);
  void put_chunk(const std::string& key, const std::string& chunk);

  /// What will be on disk of the series. A series with nothing anywhere ends: what comes of it
  /// later begins anew, under another ref.
  void set_bounds(std::uint32_t ref, DiskBounds bounds) { bounds_[ref] = bounds; }

  std::optional<DiskBounds> bounds_of(std::uint32_t ref) const {
    const auto found = bounds_.find(ref);
    return found == bounds_.end() ? std::nullopt : std::optional(found->second);
  }

  /// Durable when it returns; a no-op without changes. After an error nothing of it is to be tried
  /// again with this object.
  Status write();
  bool is_large() const;

 private:
  void put_bounds();
  /// Refs of the series that ended.
  std::vector<std::uint32_t> settle();
  bool settle(std::uint32_t ref, DiskBounds bounds);
  Status remove_rows(const std::vector<std::uint32_t>& ended);

  Core& core_;
  rocksdb::WriteBatch batch_;
  std::map<std::uint32_t, DiskBounds> bounds_;
  std::uint64_t removed_bytes_ = 0, put_bytes_ = 0;
};

}  // namespace wellrun::telemetry::store
