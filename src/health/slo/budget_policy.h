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
#include "health/slo/budget.h"

namespace wellrun::health {

inline constexpr const char* kBudgetAlert = "SloBudgetSpent";
inline constexpr double kHysteresis = 2;  ///< per cent of the budget

/// By budget_step_key().
using BudgetSteps = std::map<std::string, facts::BudgetStepReached>;

/// "checkout/freeze/100".
std::string budget_step_key(const facts::BudgetStepReached& step);

/// The steps that stand for `slo` with so much of its budget used; `standing`: those that stand
/// already (of any SLO), which keep the `used` that they were reached with. While `use` is held
/// back none is reached; those that stand go on by its `percent`.
BudgetSteps steps_for(const catalog::Catalog& catalog, const catalog::Slo& slo,
                      const BudgetUse& use, const BudgetSteps& standing);

/// Those of `standing` (of any SLO) that the catalog still says, as it says them now: another
/// `then` or workload is taken over, with the `used` that the step was reached with. Not in it:
/// steps whose SLO, policy or border is gone. Needs no data, so that a gate does not stay closed
/// for want of them.
BudgetSteps still_said(const catalog::Catalog& catalog, const BudgetSteps& standing);

/// Whether a step is still the same to those who act on it.
bool does_the_same(const facts::BudgetStepReached& one, const facts::BudgetStepReached& other);

/// The rule of the alert that a step fires, or nothing when it does neither `ticket` nor `page`.
std::optional<AlertRule> budget_alert_rule(const catalog::Slo& slo,
                                           const facts::BudgetStepReached& step);

}  // namespace wellrun::health
