#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

struct BudgetStep {
  double at = 100;
  std::vector<std::string> then;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("What happens once so much of the budget is used.");
    s.field("at", &BudgetStep::at, "Per cent of the error budget used. Left again 2 below.")
        .required()
        .range(1, 1000);
    s.field(
         "then", &BudgetStep::then,
         "`flag-deployments`: the deployment gate warns. `refuse-deployments`: it is closed. "
         "`ticket`, `page`: the alert SloBudgetSpent fires so. `action`: an action for the owner "
         "is created, due in two weeks.")
        .required()
        .one_of({"flag-deployments", "refuse-deployments", "ticket", "page", "action"});
  }
};

/// What closes when an error budget is used up.
struct BudgetPolicy {
  static constexpr const char* kKind = "BudgetPolicy";
  Metadata metadata;
  std::string description;
  Ref<Workload> workload;
  std::vector<Ref<Slo>> slos;
  Ref<Team> owner;
  std::vector<BudgetStep> steps;

  /// Whether the budget of `slo`, an SLO of `slo_workload`, is under it.
  bool covers(const std::string& slo, const std::string& slo_workload) const {
    for (const auto& each : slos) {
      if (each.name == slo) return true;
    }
    return slos.empty() && workload.name == slo_workload;
  }

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("What closes, and who is told, when an error budget is used up.");
    s.field("description", &BudgetPolicy::description, "What was agreed, in words.");
    s.field("workload", &BudgetPolicy::workload,
            "All SLOs of this workload, unless `slos` names some.")
        .required();
    s.field("slos", &BudgetPolicy::slos, "Only these SLOs.");
    s.field("owner", &BudgetPolicy::owner, "Who acts. Default: the workload's owner.");
    s.field("steps", &BudgetPolicy::steps, "From the smallest to the largest.")
        .required()
        .count(1, 20);
  }
};

}  // namespace wellrun::catalog
