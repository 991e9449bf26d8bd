#include "change/budget_gate.h"

#include <algorithm>
#include <fmt/format.h>

#include "facts/health.h"

namespace wellrun::change {
namespace {

std::string key_of(const std::string& slo, const std::string& policy, double at) {
  return fmt::format("{}/{}/{:g}", slo, policy, at);
}

bool says(const facts::BudgetStepReached& step, const char* what) {
  return std::ranges::find(step.then, what) != step.then.end();
}

Json reason_json(const GateReason& reason) {
  return {{"slo", reason.slo},
          {"policy", reason.policy},
          {"at", reason.at},
          {"used", reason.used},
          {"refuses", reason.refuses},
          {"since", format_rfc3339(reason.since)},
          {"text", fmt::format("{} has used {:.0f}% of its error budget; policy {} {} deployments "
                               "from {:g}% on",
                               reason.slo, reason.used, reason.policy,
                               reason.refuses ? "refuses" : "flags", reason.at)}};
}

}  // namespace

void BudgetGate::apply(const journal::Fact& fact) {
  if (fact.type == facts::BudgetStepReached::kType) {
    const auto step = fact.body.get<facts::BudgetStepReached>();
    const bool refuses = says(step, "refuse-deployments");
    if (!refuses && !says(step, "flag-deployments")) return;
    standing_.insert_or_assign(key_of(step.slo, step.policy, step.at),
                               GateReason{.slo = step.slo,
                                          .policy = step.policy,
                                          .workload = step.workload,
                                          .at = step.at,
                                          .used = step.used,
                                          .refuses = refuses,
                                          .since = fact.time});
  } else if (fact.type == facts::BudgetStepLeft::kType) {
    const auto left = fact.body.get<facts::BudgetStepLeft>();
    standing_.erase(key_of(left.slo, left.policy, left.at));
  }
}

std::vector<GateReason> BudgetGate::reasons(const std::string& workload) const {
  std::vector<GateReason> reasons;
  for (const auto& [key, reason] : standing_) {
    if (reason.workload == workload) reasons.push_back(reason);
  }
  std::ranges::stable_sort(reasons, std::greater<>(), &GateReason::refuses);
  return reasons;
}

std::string BudgetGate::state(const std::string& workload) const {
  const auto found = reasons(workload);
  if (found.empty()) return "open";
  return found.front().refuses ? "refused" : "flagged";
}

Json BudgetGate::snapshot() const {
  Json list = Json::array();
  for (const auto& [key, reason] : standing_)
    list.push_back({reason.slo, reason.policy, reason.workload, reason.at, reason.used,
                    reason.refuses, to_unix_ms(reason.since)});
  return list;
}

void BudgetGate::restore(const Json& snapshot) {
  standing_.clear();
  for (const auto& each : snapshot) {
    GateReason reason{.slo = each.at(0).get<std::string>(),
                      .policy = each.at(1).get<std::string>(),
                      .workload = each.at(2).get<std::string>(),
                      .at = each.at(3).get<double>(),
                      .used = each.at(4).get<double>(),
                      .refuses = each.at(5).get<bool>(),
                      .since = from_unix_ms(each.at(6).get<std::int64_t>())};
    const auto key = key_of(reason.slo, reason.policy, reason.at);
    standing_.insert_or_assign(key, std::move(reason));
  }
}

Json gate_json(const BudgetGate& gate, const std::string& workload) {
  Json reasons = Json::array();
  for (const auto& reason : gate.reasons(workload)) reasons.push_back(reason_json(reason));
  return {{"workload", workload}, {"state", gate.state(workload)}, {"reasons", std::move(reasons)}};
}

}  // namespace wellrun::change
