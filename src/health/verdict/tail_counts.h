#pragma once

// A quantile of two distributions as counts: how many of each group's values lie above the quantile
// that both groups have together, in short blocks of time. If nothing changed, every value of a
// block is equally likely to be among the highest, whatever the distribution, so count_evidence.h
// can compare the counts; season and drift cancel. For independent values (latencies of requests),
// not for gauges.
//
// Not thread-safe. Memory is bounded: at most kCapacity values a group and block; beyond, the block
// is full and what comes is left out until the next tick.

#include <array>
#include <optional>
#include <vector>

#include "health/verdict/count_evidence.h"
#include "health/verdict/value_blocks.h"

namespace wellrun::health {

/// Values above the common quantile, of values, by Group.
using TailBlock = std::array<EventCount, 2>;

class TailCounts {
 public:
  static constexpr std::size_t kCapacity = 4096;

  /// `quantile` in (0, 1): 0.95 watches the slowest twentieth.
  explicit TailCounts(double quantile) : quantile_(quantile) {}

  /// `value` is finite.
  void add(Group group, double value);

  /// What is ready at a tick: nothing until each group has five values and both together enough for
  /// two above the quantile. Values equal to the quantile are not above it.
  std::optional<TailBlock> close();

  /// Throws away the values of the open block.
  void discard() { open_ = {}; }

 private:
  double quantile_;
  std::array<std::vector<double>, 2> open_;
};

}  // namespace wellrun::health
