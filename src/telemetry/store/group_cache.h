#pragma once

// The groups that series fall into, kept from query to query: what a series is called never
// changes, so its group under a `by` or `without` is found once. Thread-safe. Memory is bounded;
// what was not used longest goes first.

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>

#include "telemetry/series_scan.h"
#include "telemetry/store/head.h"

namespace wellrun::telemetry::store {

class GroupCache {
 public:
  explicit GroupCache(std::size_t max_bytes = 16U << 20) : max_bytes_(max_bytes) {}
  ~GroupCache();

  /// `refs`: ascending. Cost: of a series met before, a look-up in an array.
  SeriesGroups of(const Head& head, const GroupBy& by, std::span<const std::uint32_t> refs) const;

  std::size_t size_bytes() const;

 private:
  class Table;
  std::shared_ptr<Table> table_for(const GroupBy& by) const;
  void make_room() const;

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  mutable std::list<std::shared_ptr<Table>> tables_;  ///< the one used last first
};

}  // namespace wellrun::telemetry::store
