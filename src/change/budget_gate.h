#pragma once

// The deployment gate of error budgets: what the steps of budget policies that stand say of
// deployments to a workload. A fold of budget.* facts. Plain data and pure functions.

#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/time.h"
#include "journal/fact.h"

namespace wellrun::change {

/// A step that stands and says something of deployments.
struct GateReason {
  std::string slo, policy;
  std::string workload;
  double at = 100, used = 100;  ///< per cent of the budget
  bool refuses = false;         ///< else it flags
  Timestamp since;
};

class BudgetGate {
 public:
  /// Nothing for facts of other types.
  void apply(const journal::Fact& fact);

  /// Those of `workload`, refusals first.
  std::vector<GateReason> reasons(const std::string& workload) const;
  /// open, flagged or refused.
  std::string state(const std::string& workload) const;

  Json snapshot() const;
  /// Throws Json::exception for what snapshot() did not write.
  void restore(const Json& snapshot);

 private:
  std::map<std::string, GateReason> standing_;  ///< by slo, policy and step
};

/// {workload, state, reasons}.
Json gate_json(const BudgetGate& gate, const std::string& workload);

}  // namespace wellrun::change
