#include "telemetry/promql/ast.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

namespace wellrun::telemetry::promql {

const char* documented_name(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
    case ValueType::kString:
      return "string";
    case ValueType::kNone:
      break;
  }
  return "none";
}

const char* name_of(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "vector";
    case ValueType::kMatrix:
      return "matrix";
    case ValueType::kString:
      return "string";
    case ValueType::kNone:
      break;
  }
  return "none";
}

const char* name_of(AggregateOp op) {
  constexpr const char* kNames[] = {"sum",   "avg",          "min",    "max",        "group",
                                    "count", "count_values", "stddev", "stdvar",     "quantile",
                                    "topk",  "bottomk",      "limitk", "limit_ratio"};
  return kNames[static_cast<std::size_t>(op)];
}

const char* name_of(BinaryOp op) {
  constexpr const char* kNames[] = {"+", "-",  "*", "/",  "%",  "^",  "atan2", "==", "!=",
                                    "<", "<=", ">", ">=", "</", ">/", "and",   "or", "unless"};
  return kNames[static_cast<std::size_t>(op)];
}

bool is_comparison(BinaryOp op) {
  return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterEqual;
}
bool is_trim(BinaryOp op) {
  return op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower;
}
bool is_set_operator(BinaryOp op) {
  return op >= BinaryOp::kAnd;
}

const Expr& unwrapped(const Expr& expr) {
  const Expr* at = &expr;
  while (const auto* paren = at->as<Paren>()) at = paren->expr.get();
  return *at;
}

std::vector<const Expr*> children_of(const Expr& expr) {
  std::vector<const Expr*> children;
  const auto add = [&](const ExprPtr& child) {
    if (child) children.push_back(child.get());
  };
  if (const auto* matrix = expr.as<MatrixSelector>()) add(matrix->selector);
  if (const auto* subquery = expr.as<Subquery>()) add(subquery->expr);
  if (const auto* call = expr.as<Call>()) std::ranges::for_each(call->args, add);
  if (const auto* aggregate = expr.as<Aggregate>()) add(aggregate->param), add(aggregate->expr);
  if (const auto* binary = expr.as<Binary>()) add(binary->left), add(binary->right);
  if (const auto* unary = expr.as<Unary>()) add(unary->expr);
  if (const auto* paren = expr.as<Paren>()) add(paren->expr);
  return children;
}

namespace {

void visit_selectors(const Expr& expr, const std::function<void(const VectorSelector&)>& see) {
  if (const auto* selector = expr.as<VectorSelector>()) see(*selector);
  for (const auto* child : children_of(expr)) visit_selectors(*child, see);
}

}  // namespace

std::vector<const VectorSelector*> selectors_of(const Expr& expr) {
  std::vector<const VectorSelector*> found;
  visit_selectors(expr, [&](const VectorSelector& selector) { found.push_back(&selector); });
  return found;
}

std::vector<std::string> metric_names_of(const Expr& expr) {
  std::vector<std::string> names;
  for (const auto* selector : selectors_of(expr))
    for (const auto& matcher : selector->matchers)
      if (matcher.name == kMetricNameLabel && matcher.kind == Matcher::Kind::kEqual &&
          !matcher.value.empty())
        names.push_back(matcher.value);
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

std::string line_and_column(std::string_view query, std::size_t offset) {
  offset = std::min(offset, query.size());
  std::size_t line = 1, line_start = 0;
  for (std::size_t i = 0; i < offset; ++i)
    if (query[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
  return fmt::format("{}:{}", line, offset - line_start + 1);
}

}  // namespace wellrun::telemetry::promql
