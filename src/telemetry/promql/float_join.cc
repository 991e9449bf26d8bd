#include "telemetry/promql/float_join.h"

#include <algorithm>
#include <cmath>

namespace wellrun::telemetry::promql {
namespace {

bool has_histograms(const Column& column) {
  return !column.histograms.empty();
}

/// The column of each group; std::nullopt when a group has two.
std::optional<std::vector<std::size_t>> column_of_group(const MatchedSide& side,
                                                        std::size_t group_count) {
  std::vector<std::size_t> column(group_count, kNoPartner);
  for (std::size_t i = 0; i < side.group.size(); ++i) {
    auto& slot = column[side.group[i]];
    if (slot != kNoPartner) return std::nullopt;
    slot = i;
  }
  return column;
}

}  // namespace

double arithmetic(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::kAdd:
      return left + right;
    case BinaryOp::kSub:
      return left - right;
    case BinaryOp::kMul:
      return left * right;
    case BinaryOp::kDiv:
      return left / right;
    case BinaryOp::kMod:
      return std::fmod(left, right);
    case BinaryOp::kPow:
      return std::pow(left, right);
    case BinaryOp::kAtan2:
      return std::atan2(left, right);
    default:
      return 0;
  }
}

bool holds(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::kEqual:
      return left == right;
    case BinaryOp::kNotEqual:
      return left != right;
    case BinaryOp::kLess:
      return left < right;
    case BinaryOp::kLessEqual:
      return left <= right;
    case BinaryOp::kGreater:
      return left > right;
    case BinaryOp::kGreaterEqual:
      return left >= right;
    default:
      return false;
  }
}

std::optional<std::vector<std::size_t>> single_partners(const MatchedSide& many,
                                                        const MatchedSide& one,
                                                        std::size_t group_count, bool one_to_one) {
  if (std::ranges::any_of(many.columns, has_histograms) ||
      std::ranges::any_of(one.columns, has_histograms))
    return std::nullopt;
  const auto partner_of = column_of_group(one, group_count);
  if (!partner_of || (one_to_one && !column_of_group(many, group_count))) return std::nullopt;
  std::vector<std::size_t> partners;
  partners.reserve(many.group.size());
  for (const auto group : many.group) partners.push_back((*partner_of)[group]);
  return partners;
}

void join_floats(BinaryOp op, bool as_bool, const Column& left, const Column& right, Column& out) {
  const bool compares = is_comparison(op);
  for (std::size_t i = 0; i < out.cells.size(); ++i) {
    if (left.cells[i] != Cell::kFloat || right.cells[i] != Cell::kFloat) continue;
    const double a = left.floats[i], b = right.floats[i];
    if (!compares) {
      out.set(i, arithmetic(op, a, b));
    } else if (as_bool) {
      out.set(i, holds(op, a, b) ? 1.0 : 0.0);
    } else if (holds(op, a, b)) {
      out.set(i, a);
    }
  }
}

}  // namespace wellrun::telemetry::promql
