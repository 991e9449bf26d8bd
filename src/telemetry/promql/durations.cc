// Duration expressions: what they come to, and what is wrong with them.

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "telemetry/promql/evaluator.h"

namespace wellrun::telemetry::promql {
namespace {

using Kind = DurationExpr::Kind;

constexpr double kMostSeconds = 9.2e9;  ///< durations of 64 bits end there, in nanoseconds

Result<double> combined(Kind kind, double left, double right) {
  switch (kind) {
    case Kind::kMin:
      return std::min(left, right);
    case Kind::kMax:
      return std::max(left, right);
    case Kind::kAdd:
      return left + right;
    case Kind::kSub:
      return left - right;
    case Kind::kMul:
      return left * right;
    case Kind::kDiv:
      if (right == 0) return fail(ErrorCode::kInvalid, "division by zero");
      return left / right;
    case Kind::kMod:
      if (right == 0) return fail(ErrorCode::kInvalid, "modulo by zero");
      return std::fmod(left, right);
    case Kind::kPow:
      return std::pow(left, right);
    case Kind::kNegate:
      return -left;
    default:
      return left;
  }
}

Result<double> value_of(const DurationExpr& expr, double step, double range) {
  if (expr.kind == Kind::kNumber) return expr.seconds;
  if (expr.kind == Kind::kStep) return step;
  if (expr.kind == Kind::kRange) return range;
  double left = 0, right = 0;
  if (expr.left) {
    TRY(left, value_of(*expr.left, step, range));
  }
  if (expr.right) {
    TRY(right, value_of(*expr.right, step, range));
  }
  return combined(expr.kind, left, right);
}

}  // namespace

Result<double> evaluate_duration(const DurationExpr& expr, double step_seconds,
                                 double range_seconds) {
  TRY(const double seconds, value_of(expr, step_seconds, range_seconds));
  if (!(std::abs(seconds) <= kMostSeconds))
    return fail(ErrorCode::kInvalid, "duration out of range");
  return seconds;
}

Result<double> Evaluator::seconds_of(const DurationExpr& expr) const {
  return evaluate_duration(expr, static_cast<double>(duration_step_ms_) / 1000,
                           static_cast<double>(whole_.end_ms - whole_.start_ms) / 1000);
}

std::int64_t Evaluator::milliseconds(const DurationExpr& expr) const {
  const double ms = seconds_of(expr).value() * 1000;  // check_durations() has seen it
  // What is less than a millisecond is cut off; what is missing by rounding alone is not missing.
  constexpr double kRounding = 1e-6;
  return static_cast<std::int64_t>(ms + std::copysign(kRounding, ms));
}

Status Evaluator::check_durations(const Expr& expr) const {
  const auto check = [&](const DurationPtr& duration) -> Status {
    if (!duration) return {};
    const auto seconds = seconds_of(*duration);
    if (seconds) return {};
    return fail(seconds.error().code,
                fmt::format("{}: {}", line_and_column(query_, expr.position.start),
                            seconds.error().message));
  };
  if (const auto* selector = expr.as<VectorSelector>()) TRY_STATUS(check(selector->shift.offset));
  if (const auto* matrix = expr.as<MatrixSelector>()) TRY_STATUS(check(matrix->range));
  if (const auto* subquery = expr.as<Subquery>())
    for (const auto* part : {&subquery->range, &subquery->step, &subquery->shift.offset})
      TRY_STATUS(check(*part));
  for (const auto* child : children_of(expr)) TRY_STATUS(check_durations(*child));
  return {};
}

}  // namespace wellrun::telemetry::promql
