#pragma once

// Budget policies as code: which steps an error budget has reached. Pure.
//
// A step is reached when the part of the budget that is used comes to its `at`, and left again once
// it is kHysteresis below, so that a budget on the border does not open and close the gate by
// turns. What a step does is done by those who see its fact: health fires the alert SloBudgetSpent,
// change flags or closes the deployment gate, improve creates an action.

#include <map>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/kinds/slo.h"
#include "facts/health.h"
#include "health/alert.h"

namespace wellrun::health {

inline constexpr double kHysteresis = 2;  ///< per cent of the budget

/// By budget_step_key().
using BudgetSteps = std::map<std::string, facts::BudgetStepReached>;

/// "checkout/freeze/100".
std::string budget_step_key(const facts::BudgetStepReached& step);

/// The steps that stand for `slo` with `used_percent` of its budget used; `standing`: those that
/// stand already (of any SLO), which keep the `used` that they were reached with.
BudgetSteps steps_for(const catalog::Catalog& catalog, const catalog::Slo& slo, double used_percent,
                      const BudgetSteps& standing);

/// The rule of the alert that a step fires, or nothing when it does neither `ticket` nor `page`.
std::optional<AlertRule> budget_alert_rule(const catalog::Slo& slo,
                                           const facts::BudgetStepReached& step);

}  // namespace wellrun::health
