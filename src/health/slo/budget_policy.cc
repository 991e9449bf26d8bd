#include "health/slo/budget_policy.h"

#include <algorithm>
#include <fmt/format.h>

#include "catalog/kinds/budget_policy.h"

namespace wellrun::health {
namespace {

bool does(const facts::BudgetStepReached& step, const char* what) {
  return std::ranges::find(step.then, what) != step.then.end();
}

/// Every step that the catalog's policies say of `slo`, `used` not filled in.
template <typename Take>
void for_each_step(const catalog::Catalog& catalog, const catalog::Slo& slo, const Take& take) {
  for (const auto* policy : catalog.all<catalog::BudgetPolicy>()) {
    if (!policy->covers(slo.metadata.name, slo.service.name)) continue;
    const auto owner = catalog::owner_or_workloads(catalog, policy->owner, slo.service);
    for (const auto& step : policy->steps) {
      take(facts::BudgetStepReached{.slo = slo.metadata.name,
                                    .workload = slo.service.name,
                                    .policy = policy->metadata.name,
                                    .at = step.at,
                                    .used = 0,
                                    .then = step.then,
                                    .owner = owner.name});
    }
  }
}

}  // namespace

bool does_the_same(const facts::BudgetStepReached& one, const facts::BudgetStepReached& other) {
  return one.workload == other.workload && one.then == other.then;
}

std::string budget_step_key(const facts::BudgetStepReached& step) {
  return fmt::format("{}/{}/{:g}", step.slo, step.policy, step.at);
}

BudgetSteps steps_for(const catalog::Catalog& catalog, const catalog::Slo& slo,
                      const BudgetUse& use, const BudgetSteps& standing) {
  BudgetSteps steps;
  for_each_step(catalog, slo, [&](facts::BudgetStepReached step) {
    const auto stands = standing.find(budget_step_key(step));
    const bool stood = stands != standing.end() && does_the_same(stands->second, step);
    if (use.percent < (stood ? step.at - kHysteresis : step.at)) return;
    if (!stood && !use.held_back.empty()) return;
    step.used = stood ? stands->second.used : use.percent;
    steps.emplace(budget_step_key(step), std::move(step));
  });
  return steps;
}

BudgetSteps still_said(const catalog::Catalog& catalog, const BudgetSteps& standing) {
  BudgetSteps steps;
  for (const auto* slo : catalog.all<catalog::Slo>()) {
    for_each_step(catalog, *slo, [&](facts::BudgetStepReached step) {
      const auto stands = standing.find(budget_step_key(step));
      if (stands == standing.end()) return;
      step.used = stands->second.used;
      steps.emplace(stands->first, std::move(step));
    });
  }
  return steps;
}

std::optional<AlertRule> budget_alert_rule(const catalog::Slo& slo,
                                           const facts::BudgetStepReached& step) {
  const bool page = does(step, "page");
  if (!page && !does(step, "ticket")) return std::nullopt;
  AlertRule rule;
  rule.key = fmt::format("slos/{}/{}", step.slo, kBudgetAlert);
  rule.alert = kBudgetAlert;
  rule.expr = fmt::format("error budget used >= {:g}%", step.at);
  rule.workload = step.workload;
  rule.procedure = slo.procedure.name;
  rule.source = "slo";
  rule.slo = step.slo;
  rule.kpi = slo.kpi.name;
  rule.labels = {{"slo", step.slo},
                 {"workload", step.workload},
                 {"severity", page ? "page" : "ticket"},
                 {"policy", step.policy},
                 {"at", fmt::format("{:g}", step.at)}};
  rule.annotations = {
      {"summary", fmt::format("{} has used {:.0f}% of its error budget", step.slo, step.used)},
      {"description", fmt::format("Policy {} from {:g}% on: {}.", step.policy, step.at,
                                  fmt::join(step.then, ", "))}};
  return rule;
}

}  // namespace wellrun::health
