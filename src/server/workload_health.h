#pragma once

// How a workload is, and why, in words: the worst of what is known of its incidents, KPIs and SLOs.
// Pure.

#include <string>
#include <vector>

#include "health/evaluator.h"
#include "respond/incident.h"

namespace wellrun::server {

class WorkloadHealth {
 public:
  /// A serious one (severity 1 or 2) that is not mitigated is critical, any other puts at risk.
  void take_incident(const respond::Incident& incident);
  /// `status` as shown: missed is critical, at_risk puts at risk.
  void take_kpi(const std::string& name, const std::string& status);
  /// A budget that burns too fast or is overspent puts at risk: what was promised will not be kept,
  /// or was not. One that is overspent by too few events to say anything (BudgetUse.held_back) does
  /// not. Without events nothing is known.
  void take_slo(const std::string& name, const health::SloReading& reading);

  /// critical, at_risk, healthy, or no_data when no KPI and no SLO says anything.
  const char* state() const;
  /// The gravest first; empty unless critical or at risk.
  std::vector<std::string> reasons() const;

 private:
  std::vector<std::string> critical_, at_risk_;
  bool is_known_ = false;
};

}  // namespace wellrun::server
