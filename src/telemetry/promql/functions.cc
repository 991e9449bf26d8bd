#include "telemetry/promql/functions.h"

#include <unordered_map>

namespace wellrun::telemetry::promql {
namespace {

constexpr auto kS = ValueType::kScalar;
constexpr auto kV = ValueType::kVector;
constexpr auto kM = ValueType::kMatrix;
constexpr auto kStr = ValueType::kString;

const std::vector<FunctionInfo>& table() {
  static const std::vector<FunctionInfo> functions = [] {
    std::vector<FunctionInfo> f;
    for (const char* name : {"abs",
                             "ceil",
                             "floor",
                             "exp",
                             "sqrt",
                             "ln",
                             "log2",
                             "log10",
                             "sgn",
                             "sin",
                             "cos",
                             "tan",
                             "asin",
                             "acos",
                             "atan",
                             "sinh",
                             "cosh",
                             "tanh",
                             "asinh",
                             "acosh",
                             "atanh",
                             "deg",
                             "rad",
                             "timestamp",
                             "absent",
                             "sort",
                             "sort_desc",
                             "histogram_count",
                             "histogram_sum",
                             "histogram_avg",
                             "histogram_stddev",
                             "histogram_stdvar"})
      f.push_back({name, {kV}});
    for (const char* name : {"minute", "hour", "day_of_week", "day_of_month", "day_of_year",
                             "days_in_month", "month", "year"})
      f.push_back({name, {kV}, 1});
    for (const char* name :
         {"rate", "increase", "irate", "idelta", "delta", "deriv", "resets", "changes",
          "avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time",
          "last_over_time", "present_over_time", "stddev_over_time", "stdvar_over_time",
          "absent_over_time"})
      f.push_back({name, {kM}});
    for (const char* name :
         {"first_over_time", "mad_over_time", "ts_of_min_over_time", "ts_of_max_over_time",
          "ts_of_last_over_time", "ts_of_first_over_time"})
      f.push_back({name, {kM}, 0, kV, true});
    f.push_back({"round", {kV, kS}, 1});
    f.push_back({"clamp", {kV, kS, kS}});
    f.push_back({"clamp_min", {kV, kS}});
    f.push_back({"clamp_max", {kV, kS}});
    f.push_back({"predict_linear", {kM, kS}});
    f.push_back({"quantile_over_time", {kS, kM}});
    f.push_back({"double_exponential_smoothing", {kM, kS, kS}, 0, kV, true});
    f.push_back({"label_replace", {kV, kStr, kStr, kStr, kStr}});
    f.push_back({"label_join", {kV, kStr, kStr, kStr}, -1});
    f.push_back({"sort_by_label", {kV, kStr}, -1, kV, true});
    f.push_back({"sort_by_label_desc", {kV, kStr}, -1, kV, true});
    f.push_back({"histogram_quantile", {kS, kV}});
    f.push_back({"histogram_fraction", {kS, kS, kV}});
    f.push_back({"histogram_quantiles", {kV, kStr, kS, kS}, -1, kV, true});
    f.push_back({"info", {kV, kV}, 1, kV, true});
    f.push_back({"start_timestamp", {kV}, 0, kV, true});
    f.push_back({"vector", {kS}});
    f.push_back({"scalar", {kV}, 0, kS});
    f.push_back({"time", {}, 0, kS});
    f.push_back({"pi", {}, 0, kS});
    for (const char* name : {"step", "range", "start", "end"}) f.push_back({name, {}, 0, kS, true});
    for (const char* name : {"min_of", "max_of"}) f.push_back({name, {kS, kS}, 0, kS, true});
    return f;
  }();
  return functions;
}

}  // namespace

const FunctionInfo* find_function(std::string_view name) {
  static const auto index = [] {
    std::unordered_map<std::string_view, const FunctionInfo*> map;
    for (const auto& function : table()) map.emplace(function.name, &function);
    return map;
  }();
  auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

std::span<const FunctionInfo> all_functions() {
  return table();
}

}  // namespace wellrun::telemetry::promql
