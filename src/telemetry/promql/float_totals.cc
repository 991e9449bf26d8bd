#include "telemetry/promql/float_totals.h"

#include <algorithm>
#include <cmath>

#include "telemetry/promql/kahan.h"

namespace wellrun::telemetry::promql {
namespace {

bool is_sum(AggregateOp op) {
  return op == AggregateOp::kSum || op == AggregateOp::kAvg;
}
bool is_extreme(AggregateOp op) {
  return op == AggregateOp::kMin || op == AggregateOp::kMax;
}

/// For every step: adding kNothing changes nothing.
void add_sums(std::span<double> sums, std::span<double> compensations,
              std::span<const double> values) {
  for (std::size_t i = 0; i < sums.size(); ++i) kahan_add(values[i], sums[i], compensations[i]);
}

void add_counts(std::span<std::uint32_t> counts, std::span<const Cell> cells) {
  static_assert(static_cast<int>(Cell::kAbsent) == 0 && static_cast<int>(Cell::kFloat) == 1);
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += static_cast<std::uint32_t>(cells[i]);
}

void keep_extreme(double& kept, double value, bool least) {
  if (std::isnan(kept) || (least ? kept > value : kept < value)) kept = value;
}

}  // namespace

bool is_running_total(AggregateOp op) {
  return is_sum(op) || is_extreme(op) || op == AggregateOp::kCount || op == AggregateOp::kGroup;
}

struct FloatTotals::Row {
  std::span<double> values, compensations;
  std::span<std::uint32_t> counts;
};

FloatTotals::FloatTotals(AggregateOp op, std::size_t groups, std::size_t steps)
    : op_(op), steps_(steps), counts_(groups * steps) {
  if (is_sum(op)) values_.resize(groups * steps, kNothing);
  if (is_sum(op)) compensations_.resize(groups * steps);
  if (is_extreme(op)) values_.resize(groups * steps, std::nan(""));
}

FloatTotals::Row FloatTotals::row(std::size_t group) {
  const auto part = [&](auto& all) {
    return all.empty() ? std::span(all) : std::span(all).subspan(group * steps_, steps_);
  };
  return {part(values_), part(compensations_), part(counts_)};
}

void FloatTotals::add(std::size_t group, Lane lane) {
  const auto to = row(group);
  add_counts(to.counts, lane.cells);
  if (is_sum(op_)) add_sums(to.values, to.compensations, lane.values);
  if (!is_extreme(op_)) return;
  for (std::size_t i = 0; i < steps_; ++i)
    if (lane.cells[i] == Cell::kFloat)
      keep_extreme(to.values[i], lane.values[i], op_ == AggregateOp::kMin);
}

void FloatTotals::merge(const FloatTotals& other) {
  if (is_sum(op_)) {
    add_sums(values_, compensations_, other.values_);
    for (std::size_t i = 0; i < compensations_.size(); ++i)
      if (!std::isinf(values_[i])) compensations_[i] += other.compensations_[i];
  }
  if (is_extreme(op_))
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (other.counts_[i] > 0)
        keep_extreme(values_[i], other.values_[i], op_ == AggregateOp::kMin);
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

bool FloatTotals::is_exact() const {
  if (op_ != AggregateOp::kAvg) return true;
  return std::ranges::none_of(values_, [](double sum) { return std::isinf(sum); });
}

bool FloatTotals::result(std::size_t group, Lane out) const {
  const auto start = group * steps_;
  bool any = false;
  for (std::size_t i = 0; i < steps_; ++i) {
    const auto count = counts_[start + i];
    if (count == 0) continue;
    any = true;
    switch (op_) {
      case AggregateOp::kSum:
        out.put(i, values_[start + i] + compensations_[start + i]);
        break;
      case AggregateOp::kAvg:
        out.put(i, (values_[start + i] + compensations_[start + i]) / static_cast<double>(count));
        break;
      case AggregateOp::kCount:
        out.put(i, static_cast<double>(count));
        break;
      case AggregateOp::kGroup:
        out.put(i, 1);
        break;
      default:
        out.put(i, values_[start + i]);
        break;
    }
  }
  return any;
}

}  // namespace wellrun::telemetry::promql
