#pragma once

// Why an alert fired: the parts of its expression with the values that they had. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "health/alert.h"
#include "telemetry/query.h"

namespace wellrun::health::rules {

inline constexpr std::size_t kMostParts = 8;
inline constexpr std::size_t kMostPartSeries = 3;  ///< of each part, shown in full

/// The sides of operators, and what aggregations and functions take, from the outside inwards, each
/// once. Constants and range selectors are left out. Of what does not parse: nothing.
std::vector<std::string> parts_of(std::string_view promql);

/// One part as the alert saw it: those of its series that agree with the alert in every label that
/// both have, labels that the rule itself sets left out; largest values first. An error is said in
/// words.
Json part_evidence(const std::string& promql, const Result<telemetry::InstantResult>& result,
                   const AlertRule& rule, const ActiveAlert& alert);

}  // namespace wellrun::health::rules
