#pragma once

// Results of sub-expressions over steps, kept from one range query to the next: a dashboard that
// asks again a minute later computes one step instead of all. Thread-safe; memory is bounded.
//
// What may be kept (reach_of()): an aggregation, a function over time or a selector whose value at
// a step follows from the samples in a known stretch of time around that step, whatever the query's
// other steps are. A result is used again as far as ChangeLog says that this stretch has not
// changed. What stands around such a sub-expression is computed anew each time.

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "telemetry/promql/value.h"

namespace wellrun::telemetry::promql {

/// A value at time t follows from the samples in [t - back_ms, t + ahead_ms].
struct Reach {
  std::int64_t back_ms = 0, ahead_ms = 0;
};

/// std::nullopt for what is not worth keeping (scalars, operators, cheap functions), or does not
/// follow from its own steps alone: `@`, start(), end(), range(), step(), info(), and ties of topk
/// and the like, which go by the order of all series. `lookback_ms`: of the query.
std::optional<Reach> reach_of(const Expr& expr, std::int64_t lookback_ms);

/// Columns over steps, sorted by labels, each different; floats only. Nothing was to be said about
/// it: what gives annotations is not kept.
struct KeptResult {
  Steps steps;
  Columns columns;
  std::uint64_t version = 0;  ///< of the ChangeLog, before any sample was read
};

class ResultCache {
 public:
  /// 0: nothing is kept.
  explicit ResultCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  bool is_on() const { return max_bytes_ > 0; }
  /// Whether a result of this size is taken.
  bool fits(std::size_t columns, std::size_t steps) const;

  /// Null when there is none.
  std::shared_ptr<const KeptResult> find(const std::string& key);
  /// Takes the place of what was kept under the key.
  void keep(const std::string& key, KeptResult result);

  struct Statistics {
    std::uint64_t steps_found = 0, steps_computed = 0;  ///< of what may be kept, since the start
    std::size_t results = 0, bytes = 0;                 ///< held
  };
  Statistics statistics() const;
  void count(std::size_t steps_found, std::size_t steps_computed);

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const KeptResult> result;
    std::size_t bytes = 0;
  };
  void drop(std::list<Entry>::iterator entry);

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  ///< the one used last first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
  Statistics statistics_;
};

}  // namespace wellrun::telemetry::promql
