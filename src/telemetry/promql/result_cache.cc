#include "telemetry/promql/result_cache.h"

#include <algorithm>
#include <cmath>

#include "telemetry/promql/functions.h"

namespace wellrun::telemetry::promql {
namespace {

constexpr std::int64_t kLongest = 1'000'000'000'000'000;  ///< beyond, times could overflow
constexpr std::size_t kLabelBytes = 64;    ///< of a label beside its text: two strings
constexpr std::size_t kColumnBytes = 256;  ///< of a column beside its steps and labels
constexpr std::size_t kStepBytes = sizeof(double) + sizeof(Cell);

/// Known without the query's step and range; rounded as the evaluator does.
std::optional<std::int64_t> constant_ms(const DurationExpr& expr) {
  using Kind = DurationExpr::Kind;
  if (expr.kind == Kind::kStep || expr.kind == Kind::kRange) return std::nullopt;
  for (const auto* part : {expr.left.get(), expr.right.get()})
    if (part != nullptr && !constant_ms(*part)) return std::nullopt;
  const auto seconds = evaluate_duration(expr, 0, 0);
  if (!seconds) return std::nullopt;
  const double ms = *seconds * 1000;
  if (!(std::abs(ms) < static_cast<double>(kLongest))) return std::nullopt;
  return std::llround(ms);
}

Reach wider(const Reach& a, const Reach& b) {
  return {std::max(a.back_ms, b.back_ms), std::max(a.ahead_ms, b.ahead_ms)};
}

/// Of everything below an expression.
class Walk {
 public:
  explicit Walk(std::int64_t lookback_ms) : lookback_ms_(lookback_ms) {}

  std::optional<Reach> of(const Expr& expr) const {
    const auto reach =
        std::visit([&](const auto& node) -> std::optional<Reach> { return of(node); }, expr.node);
    if (!reach || reach->back_ms > kLongest || reach->ahead_ms > kLongest) return std::nullopt;
    return reach;
  }

 private:
  std::optional<Reach> of(const NumberLiteral&) const { return Reach{}; }
  std::optional<Reach> of(const StringLiteral&) const { return Reach{}; }
  std::optional<Reach> of(const Paren& node) const { return of(*node.expr); }
  std::optional<Reach> of(const Unary& node) const { return of(*node.expr); }

  /// Smoothed and anchored selectors look as far beyond their edges as an instant selector looks
  /// back, and so do those that read histograms one after the other.
  std::optional<Reach> of(const VectorSelector& node) const {
    return shifted({lookback_ms_, node.smoothed ? lookback_ms_ : 0}, node.shift);
  }
  std::optional<Reach> of(const MatrixSelector& node) const {
    return longer(of(*node.selector), *node.range);
  }
  std::optional<Reach> of(const Subquery& node) const {
    if (node.step && !constant_ms(*node.step)) return std::nullopt;
    const auto inner = longer(of(*node.expr), *node.range);
    return inner ? shifted(*inner, node.shift) : std::nullopt;
  }

  std::optional<Reach> of(const Binary& node) const {
    const auto left = of(*node.left), right = of(*node.right);
    if (!left || !right) return std::nullopt;
    return wider(*left, *right);
  }

  std::optional<Reach> of(const Aggregate& node) const {
    switch (node.op) {
      case AggregateOp::kTopk:
      case AggregateOp::kBottomk:
      case AggregateOp::kLimitk:
      case AggregateOp::kCountValues:
        return std::nullopt;
      default:
        break;
    }
    const auto param = node.param ? of(*node.param) : Reach{};
    const auto inner = of(*node.expr);
    if (!param || !inner) return std::nullopt;
    return wider(*param, *inner);
  }

  std::optional<Reach> of(const Call& node) const {
    const auto name = node.function->name;
    if (name == "info" || name == "start" || name == "end" || name == "range" || name == "step")
      return std::nullopt;
    const bool over_time = std::ranges::any_of(
        node.args, [](const ExprPtr& arg) { return arg->type == ValueType::kMatrix; });
    Reach reach;
    for (const auto& arg : node.args) {
      // A parameter that is wrong at one step is told when any step has samples.
      if (over_time && arg->type == ValueType::kScalar && !is_constant(*arg)) return std::nullopt;
      const auto one = of(*arg);
      if (!one) return std::nullopt;
      reach = wider(reach, *one);
    }
    return reach;
  }

  static bool is_constant(const Expr& expr) {
    if (expr.as<NumberLiteral>()) return true;
    if (const auto* node = expr.as<Paren>()) return is_constant(*node->expr);
    if (const auto* node = expr.as<Unary>()) return is_constant(*node->expr);
    const auto* node = expr.as<Binary>();
    return node != nullptr && is_constant(*node->left) && is_constant(*node->right);
  }

  static std::optional<Reach> longer(std::optional<Reach> reach, const DurationExpr& range) {
    const auto ms = constant_ms(range);
    if (!reach || !ms || *ms < 0) return std::nullopt;
    reach->back_ms += *ms;
    return reach;
  }

  static std::optional<Reach> shifted(Reach reach, const TimeShift& shift) {
    if (shift.at != TimeShift::At::kNone) return std::nullopt;
    if (!shift.offset) return reach;
    const auto ms = constant_ms(*shift.offset);
    if (!ms) return std::nullopt;
    reach.back_ms += std::max<std::int64_t>(0, *ms);
    reach.ahead_ms += std::max<std::int64_t>(0, -*ms);
    return reach;
  }

  const std::int64_t lookback_ms_;
};

/// Whether the value comes from reading many samples.
bool is_worth_keeping(const Expr& expr) {
  if (expr.type != ValueType::kVector) return false;
  if (expr.as<VectorSelector>() || expr.as<Aggregate>()) return true;
  const auto* call = expr.as<Call>();
  return call != nullptr && std::ranges::any_of(call->args, [](const ExprPtr& arg) {
           return arg->type == ValueType::kMatrix;
         });
}

std::size_t bytes_of(const KeptResult& result) {
  std::size_t bytes = sizeof result;
  for (const auto& column : result.columns) {
    bytes += kColumnBytes + kStepBytes * column.cells.capacity();
    for (const auto& label : column.labels)
      bytes += kLabelBytes + label.name.size() + label.value.size();
  }
  return bytes;
}

}  // namespace

std::optional<Reach> reach_of(const Expr& expr, std::int64_t lookback_ms) {
  if (!is_worth_keeping(expr)) return std::nullopt;
  return Walk(lookback_ms).of(expr);
}

bool ResultCache::fits(std::size_t columns, std::size_t steps) const {
  return columns * (kColumnBytes + kStepBytes * steps) <= max_bytes_ / 8;
}

std::shared_ptr<const KeptResult> ResultCache::find(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return entries_.front().result;
}

void ResultCache::keep(const std::string& key, KeptResult result) {
  const auto bytes = bytes_of(result) + 2 * key.size();
  if (bytes > max_bytes_ / 4) return;
  Entry entry{key, std::make_shared<const KeptResult>(std::move(result)), bytes};
  const std::scoped_lock lock(mutex_);
  if (const auto known = by_key_.find(key); known != by_key_.end()) drop(known->second);
  entries_.push_front(std::move(entry));
  by_key_.emplace(entries_.front().key, entries_.begin());
  statistics_.bytes += bytes;
  while (statistics_.bytes > max_bytes_) drop(std::prev(entries_.end()));
}

void ResultCache::drop(std::list<Entry>::iterator entry) {
  statistics_.bytes -= entry->bytes;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

ResultCache::Statistics ResultCache::statistics() const {
  const std::scoped_lock lock(mutex_);
  auto statistics = statistics_;
  statistics.results = entries_.size();
  return statistics;
}

void ResultCache::count(std::size_t steps_found, std::size_t steps_computed) {
  const std::scoped_lock lock(mutex_);
  statistics_.steps_found += steps_found;
  statistics_.steps_computed += steps_computed;
}

}  // namespace wellrun::telemetry::promql
