// The canonical text of a tree, on one line or broken over several, and the tree as JSON.

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "core/text.h"
#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/functions.h"
#include "telemetry/promql/json_tree.h"
#include "telemetry/promql/parser.h"

namespace wellrun::telemetry::promql {
namespace {

constexpr std::size_t kLineLength = 100;

bool is_plain_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string label_name(std::string_view name) {
  return is_plain_name(name) ? std::string(name) : quote(name);
}

std::string label_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + label_name(name);
  return out;
}

std::string seconds_text(double seconds) {
  const double ms = seconds * 1000;
  return format_duration(Duration{static_cast<std::int64_t>(std::llround(ms))});
}

std::string duration_text(const DurationExpr& expr) {
  using Kind = DurationExpr::Kind;
  const auto both = [&](const char* op) {
    return duration_text(*expr.left) + " " + op + " " + duration_text(*expr.right);
  };
  switch (expr.kind) {
    case Kind::kNumber: {
      const bool whole_ms = std::abs(expr.seconds * 1000 - std::round(expr.seconds * 1000)) < 1e-9;
      return whole_ms ? seconds_text(expr.seconds) : go_number(expr.seconds);
    }
    case Kind::kStep:
      return "step()";
    case Kind::kRange:
      return "range()";
    case Kind::kMin:
      return "min_of(" + duration_text(*expr.left) + ", " + duration_text(*expr.right) + ")";
    case Kind::kMax:
      return "max_of(" + duration_text(*expr.left) + ", " + duration_text(*expr.right) + ")";
    case Kind::kAdd:
      return both("+");
    case Kind::kSub:
      return both("-");
    case Kind::kMul:
      return both("*");
    case Kind::kDiv:
      return both("/");
    case Kind::kMod:
      return both("%");
    case Kind::kPow:
      return both("^");
    case Kind::kNegate:
      return "-" + duration_text(*expr.left);
    case Kind::kParen:
      return "(" + duration_text(*expr.left) + ")";
  }
  return {};
}

std::string shift_text(const TimeShift& shift) {
  std::string out;
  if (shift.at == TimeShift::At::kTimestamp)
    out += fmt::format(" @ {:.3f}", static_cast<double>(shift.at_ms) / 1000);
  if (shift.at == TimeShift::At::kStart) out += " @ start()";
  if (shift.at == TimeShift::At::kEnd) out += " @ end()";
  if (shift.offset) out += " offset " + duration_text(*shift.offset);
  return out;
}

const char* operator_of(Matcher::Kind kind) {
  switch (kind) {
    case Matcher::Kind::kEqual:
      return "=";
    case Matcher::Kind::kNotEqual:
      return "!=";
    case Matcher::Kind::kRegex:
      return "=~";
    case Matcher::Kind::kNotRegex:
      return "!~";
  }
  return "=";
}

/// The selector without range and shift. A name stands before the braces only where it was written
/// there; matchers are in the order of their text.
std::string selector_text(const VectorSelector& node) {
  std::vector<std::string> inner;
  for (const auto& matcher : node.matchers) {
    if (!node.name.empty() && matcher.name == kMetricNameLabel &&
        matcher.kind == Matcher::Kind::kEqual && matcher.value == node.name)
      continue;
    inner.push_back(label_name(matcher.name) + operator_of(matcher.kind) + quote(matcher.value));
  }
  if (inner.empty()) return node.name.empty() ? "{}" : node.name;
  std::ranges::sort(inner);
  return fmt::format("{}{{{}}}", node.name, fmt::join(inner, ","));
}

std::string extended_text(const VectorSelector& node) {
  return node.anchored ? " anchored" : node.smoothed ? " smoothed" : "";
}

std::string operator_text(const Binary& node) {
  std::string out = name_of(node.op);
  if (node.return_bool) out += " bool";
  const auto& matching = node.matching;
  const bool grouped = matching.cardinality == Cardinality::kManyToOne ||
                       matching.cardinality == Cardinality::kOneToMany;
  if (matching.on || !matching.labels.empty() || grouped)
    out += fmt::format(" {} ({})", matching.on ? "on" : "ignoring", label_names(matching.labels));
  if (grouped)
    out += fmt::format(
        " {} ({})", matching.cardinality == Cardinality::kManyToOne ? "group_left" : "group_right",
        label_names(matching.include));
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  if (matching.fill_left && matching.fill_right &&
      same(*matching.fill_left, *matching.fill_right)) {
    out += fmt::format(" fill ({})", go_number(*matching.fill_left));
  } else {
    if (matching.fill_left) out += fmt::format(" fill_left ({})", go_number(*matching.fill_left));
    if (matching.fill_right)
      out += fmt::format(" fill_right ({})", go_number(*matching.fill_right));
  }
  return out;
}

std::string aggregate_head(const Aggregate& node) {
  std::string out = name_of(node.op);
  if (node.without)
    out += fmt::format(" without ({}) ", label_names(node.grouping));
  else if (!node.grouping.empty())
    out += fmt::format(" by ({}) ", label_names(node.grouping));
  return out;
}

std::string number_text(const NumberLiteral& node) {
  if (node.written_as_duration)
    return (node.value < 0 ? "-" : "") + seconds_text(std::abs(node.value));
  return go_decimal(node.value);
}

std::string indented(const Expr& expr, std::size_t level) {
  const std::string pad(level * 2, ' ');
  const std::string line = to_string(expr);
  // A subquery that is short is not indented: so Prometheus has it.
  if (line.size() <= kLineLength) return expr.as<Subquery>() ? line : pad + line;
  const auto list = [&](const std::vector<const Expr*>& items) {
    std::string out;
    for (const Expr* item : items) out += (out.empty() ? "" : ",\n") + indented(*item, level + 1);
    return out;
  };
  if (const auto* node = expr.as<Aggregate>()) {
    std::vector<const Expr*> items;
    if (node->param) items.push_back(node->param.get());
    items.push_back(node->expr.get());
    return pad + aggregate_head(*node) + "(\n" + list(items) + "\n" + pad + ")";
  }
  if (const auto* node = expr.as<Call>()) {
    std::vector<const Expr*> items;
    for (const auto& arg : node->args) items.push_back(arg.get());
    return pad + std::string(node->function->name) + "(\n" + list(items) + "\n" + pad + ")";
  }
  if (const auto* node = expr.as<Binary>())
    return indented(*node->left, level + 1) + "\n" + pad + operator_text(*node) + "\n" +
           indented(*node->right, level + 1);
  if (const auto* node = expr.as<Paren>())
    return pad + "(\n" + indented(*node->expr, level + 1) + "\n" + pad + ")";
  if (const auto* node = expr.as<Unary>()) {
    const std::string child = indented(*node->expr, level);
    return pad + (node->negative ? "-" : "+") + child.substr(pad.size());
  }
  if (const auto* node = expr.as<Subquery>())
    return indented(*node->expr, level) + fmt::format("[{}:{}]{}", duration_text(*node->range),
                                                      node->step ? duration_text(*node->step) : "",
                                                      shift_text(node->shift));
  return pad + line;
}

/// Of what is known without a query's step and range; 0 for what comes to no duration.
std::int64_t milliseconds_of(const DurationExpr& expr) {
  return static_cast<std::int64_t>(evaluate_duration(expr, 0, 0).value_or(0) * 1000);
}

Json shift_json(const TimeShift& shift) {
  Json out = {{"offset", shift.offset ? milliseconds_of(*shift.offset) : 0}};
  out["timestamp"] = shift.at == TimeShift::At::kTimestamp ? Json(shift.at_ms) : Json();
  out["startOrEnd"] = shift.at == TimeShift::At::kStart ? Json("start")
                      : shift.at == TimeShift::At::kEnd ? Json("end")
                                                        : Json();
  return out;
}

Json matchers_json(const VectorSelector& node) {
  Json out = Json::array();
  for (const auto& matcher : node.matchers)
    out.push_back(
        {{"name", matcher.name}, {"type", operator_of(matcher.kind)}, {"value", matcher.value}});
  return out;
}

}  // namespace

std::string to_string(const Expr& expr) {
  if (const auto* node = expr.as<NumberLiteral>()) return number_text(*node);
  if (const auto* node = expr.as<StringLiteral>()) return quote(node->value);
  if (const auto* node = expr.as<VectorSelector>())
    return selector_text(*node) + extended_text(*node) + shift_text(node->shift);
  if (const auto* node = expr.as<MatrixSelector>()) {
    const auto& selector = std::get<VectorSelector>(node->selector->node);
    return selector_text(selector) + "[" + duration_text(*node->range) + "]" +
           extended_text(selector) + shift_text(selector.shift);
  }
  if (const auto* node = expr.as<Subquery>())
    return fmt::format("{}[{}:{}]{}", to_string(*node->expr), duration_text(*node->range),
                       node->step ? duration_text(*node->step) : "", shift_text(node->shift));
  if (const auto* node = expr.as<Call>()) {
    std::string args;
    for (const auto& arg : node->args) args += (args.empty() ? "" : ", ") + to_string(*arg);
    return fmt::format("{}({})", node->function->name, args);
  }
  if (const auto* node = expr.as<Aggregate>())
    return aggregate_head(*node) + "(" + (node->param ? to_string(*node->param) + ", " : "") +
           to_string(*node->expr) + ")";
  if (const auto* node = expr.as<Binary>())
    return to_string(*node->left) + " " + operator_text(*node) + " " + to_string(*node->right);
  if (const auto* node = expr.as<Unary>())
    return (node->negative ? "-" : "+") + to_string(*node->expr);
  return "(" + to_string(*std::get<Paren>(expr.node).expr) + ")";
}

std::string pretty(const Expr& expr) {
  return indented(expr, 0);
}

Json tree_as_json(const Expr& expr) {
  if (const auto* node = expr.as<NumberLiteral>())
    return {{"type", "numberLiteral"}, {"val", go_decimal(node->value)}};
  if (const auto* node = expr.as<StringLiteral>())
    return {{"type", "stringLiteral"}, {"val", node->value}};
  if (const auto* node = expr.as<Paren>())
    return {{"type", "parenExpr"}, {"expr", tree_as_json(*node->expr)}};
  if (const auto* node = expr.as<Unary>())
    return {{"type", "unaryExpr"},
            {"op", node->negative ? "-" : "+"},
            {"expr", tree_as_json(*node->expr)}};
  if (const auto* node = expr.as<VectorSelector>()) {
    Json out = shift_json(node->shift);
    out.update({{"type", "vectorSelector"},
                {"name", node->name},
                {"matchers", matchers_json(*node)},
                {"anchored", node->anchored},
                {"smoothed", node->smoothed}});
    return out;
  }
  if (const auto* node = expr.as<MatrixSelector>()) {
    Json out = tree_as_json(*node->selector);
    out["type"] = "matrixSelector";
    out["range"] = milliseconds_of(*node->range);
    return out;
  }
  if (const auto* node = expr.as<Subquery>()) {
    Json out = shift_json(node->shift);
    out.update({{"type", "subquery"},
                {"expr", tree_as_json(*node->expr)},
                {"range", milliseconds_of(*node->range)},
                {"step", node->step ? milliseconds_of(*node->step) : 0}});
    return out;
  }
  if (const auto* node = expr.as<Call>()) {
    Json args = Json::array(), types = Json::array();
    for (const auto& arg : node->args) args.push_back(tree_as_json(*arg));
    for (const auto type : node->function->args) types.push_back(name_of(type));
    return {{"type", "call"},
            {"args", std::move(args)},
            {"func",
             {{"name", node->function->name},
              {"argTypes", std::move(types)},
              {"variadic", node->function->variadic},
              {"returnType", name_of(node->function->returns)}}}};
  }
  if (const auto* node = expr.as<Aggregate>())
    return {{"type", "aggregation"},
            {"op", name_of(node->op)},
            {"expr", tree_as_json(*node->expr)},
            {"param", node->param ? tree_as_json(*node->param) : Json()},
            {"grouping", node->grouping},
            {"without", node->without}};
  const auto& node = std::get<Binary>(expr.node);
  Json matching;
  if (expr.type == ValueType::kVector && node.left->type == ValueType::kVector &&
      node.right->type == ValueType::kVector) {
    constexpr const char* kCards[] = {"one-to-one", "many-to-one", "one-to-many", "many-to-many"};
    matching = {{"card", kCards[static_cast<std::size_t>(node.matching.cardinality)]},
                {"labels", node.matching.labels},
                {"on", node.matching.on},
                {"include", node.matching.include}};
    matching["fillValues"] = {
        {"lhs", node.matching.fill_left ? Json(*node.matching.fill_left) : Json()},
        {"rhs", node.matching.fill_right ? Json(*node.matching.fill_right) : Json()}};
  }
  return {{"type", "binaryExpr"},
          {"op", name_of(node.op)},
          {"lhs", tree_as_json(*node.left)},
          {"rhs", tree_as_json(*node.right)},
          {"matching", std::move(matching)},
          {"bool", node.return_bool}};
}

}  // namespace wellrun::telemetry::promql
