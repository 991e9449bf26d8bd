#pragma once

// Aggregation of floats into groups, all steps at once: one pass over each series' lane, into rows
// that lie beside each other in memory. For the operators whose result is a running total;
// aggregate.cc says what each means. One thread; partial totals of several threads are merged.

#include <cstdint>
#include <vector>

#include "telemetry/promql/ast.h"
#include "telemetry/promql/float_windows.h"

namespace wellrun::telemetry::promql {

/// sum, avg, min, max, count, group.
bool is_running_total(AggregateOp op);

class FloatTotals {
 public:
  /// `op`: one that is_running_total().
  FloatTotals(AggregateOp op, std::size_t groups, std::size_t steps);

  void add(std::size_t group, Lane lane);
  /// Of the same operator and size; adds as if its lanes had come after ours.
  void merge(const FloatTotals& other);

  /// False: an average overflowed or met an infinity, where the order of additions has rules of its
  /// own; aggregate the general way.
  bool is_exact() const;

  /// Fills a cleared lane with the group's results; false when the group has none.
  bool result(std::size_t group, Lane out) const;

 private:
  struct Row;
  Row row(std::size_t group);

  AggregateOp op_;
  std::size_t steps_;
  std::vector<double> values_;         ///< sum, least or greatest, row after row
  std::vector<double> compensations_;  ///< of sums
  std::vector<std::uint32_t> counts_;
};

}  // namespace wellrun::telemetry::promql
