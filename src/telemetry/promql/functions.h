#pragma once

// The functions of PromQL: names and signatures. What they compute is in evaluator_*.cc.
// Source: https://prometheus.io/docs/prometheus/latest/querying/functions/

#include <span>
#include <string_view>
#include <vector>

#include "telemetry/promql/ast.h"

namespace wellrun::telemetry::promql {

struct FunctionInfo {
  std::string_view name;
  std::vector<ValueType> args;
  int variadic = 0;  ///< how many of the last arguments may be left out; -1: the last may be
                     ///< repeated or left out
  ValueType returns = ValueType::kVector;
  bool experimental = false;
};

/// Null for an unknown name. Names are case-sensitive.
const FunctionInfo* find_function(std::string_view name);
std::span<const FunctionInfo> all_functions();

}  // namespace wellrun::telemetry::promql
