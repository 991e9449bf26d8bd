#include "health/rules/rule_inputs.h"

#include <algorithm>

#include "core/labels.h"
#include "telemetry/promql/parser.h"

namespace wellrun::health::rules {
namespace {

bool has_fixed_name(const telemetry::promql::VectorSelector& selector) {
  return std::ranges::any_of(selector.matchers, [](const telemetry::Matcher& matcher) {
    return matcher.name == kMetricNameLabel && matcher.kind == telemetry::Matcher::Kind::kEqual;
  });
}

}  // namespace

RuleInputs inputs_of(std::string_view promql) {
  const auto parsed = telemetry::promql::parse(promql);
  if (!parsed) return {};
  const auto selectors = telemetry::promql::selectors_of(**parsed);
  return {.names = telemetry::promql::metric_names_of(**parsed),
          .anything = !std::ranges::all_of(
              selectors, [](const auto* selector) { return has_fixed_name(*selector); })};
}

}  // namespace wellrun::health::rules
