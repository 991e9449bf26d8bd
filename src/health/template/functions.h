#pragma once

// The functions that templates call: Go's (and, printf, index …) and Prometheus' (query, humanize
// …). Pure, but for what the environment answers.

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "health/template/value.h"

namespace wellrun::health::templates {

/// What functions see of the outside.
struct Environment {
  Timestamp now;
  std::string external_url;
  /// A list of structs {Labels, Value}; see query_sample().
  std::function<Result<Value>(const std::string& promql)> query;
  /// Runs a defined template: what `tmpl` calls.
  std::function<Result<std::string>(const std::string& name, const Value& data)> run_defined;
};

using Arguments = std::span<const Value>;

struct FunctionInfo {
  std::string_view name;
  int min_arguments = 0;
  int max_arguments = -1;  ///< -1: any number
  Result<Value> (*call)(const Environment& environment, Arguments arguments) = nullptr;
  std::size_t steps = 1;  ///< what a call of short values costs
};

/// nullptr when there is none. `and` and `or` are here too, but the interpreter calls them itself:
/// they do not evaluate what they need not.
const FunctionInfo* find_function(std::string_view name);
std::vector<std::string> function_names();

/// One element of a query's answer, as `first`, `label` and `value` take it. `value`: its number,
/// or the text of a histogram.
Value query_sample(std::map<std::string, std::string> labels, Value value);

/// As a parameter of a URL (application/x-www-form-urlencoded): a space is "+".
std::string query_escaped(std::string_view text);

/// The two halves of the table.
std::span<const FunctionInfo> go_functions();
std::span<const FunctionInfo> prometheus_functions();

/// A method of a value (`.Format` of a time); std::nullopt when it has none of that name.
std::optional<Result<Value>> call_method(const Value& value, std::string_view name,
                                         Arguments arguments);

}  // namespace wellrun::health::templates
