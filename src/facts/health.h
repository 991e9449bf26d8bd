#pragma once

// Facts of the health domain: alerts that fired and resolved and what people said of them, KPIs
// that changed status and were reviewed, error budgets that reached a step of their policy.
// Streams: alert/<fingerprint>, kpi/<name>, slo/<name>. Each carries the values that it was decided
// on, so that it stands when the telemetry has expired.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/json.h"

namespace wellrun::facts {

/// A number as JSON has it; what JSON cannot say becomes "NaN", "+Inf" or "-Inf".
inline Json number_json(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return value;
}

struct AlertFired {
  static constexpr auto kType = "alert.fired";
  std::string fingerprint;
  std::string alert;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  Json value;  ///< as number_json() has it
  std::string expr;
  std::string workload;  ///< or empty
  std::string severity;  ///< page, ticket or info
  std::string procedure;
  std::string source;  ///< rule, slo, evaluation (it could not be made) or series limit
  std::string slo;
  std::string kpi;
  std::string active_since;  ///< RFC 3339: when the expression first held
  std::string rule;          ///< "rules/<group>/<alert>" or "slos/<slo>/<alert>"
  /// Why: parts of the expression with their values at that time, a list of {expr, count, series:
  /// [{labels, value}]} or {expr, error}; null when they were not asked.
  Json evidence;
};

struct AlertResolved {
  static constexpr auto kType = "alert.resolved";
  std::string fingerprint;
  std::string alert;
  std::map<std::string, std::string> labels;
  std::string workload;
  std::string severity;
  std::string reason;  ///< "no longer true" or "rule removed"
};

struct KpiStatusChanged {
  static constexpr auto kType = "kpi.status_changed";
  std::string kpi;
  std::string workload;
  std::string from;  ///< on_target, at_risk, missed or no_data
  std::string to;
  Json value;  ///< as number_json() has it; null without data
  double target = 0;
};

/// A person's word on an alert that fired: was there something to act on?
struct AlertVerdictGiven {
  static constexpr auto kType = "alert.verdict_given";
  std::string fingerprint;
  std::string alert;
  std::string rule;
  std::string workload;
  std::int64_t fired_seq = 0;  ///< of the alert.fired that it is about
  std::string verdict;         ///< real or noise
  std::string comment;
  std::string by;
};

/// Somebody looked whether a KPI still says what it should, and what was decided on it.
struct KpiReviewed {
  static constexpr auto kType = "kpi.reviewed";
  std::string kpi;
  std::string workload;
  std::string decision;  ///< what it changed, or empty: nothing
  std::string by;
};

/// An error budget is used up as far as a step of its policy says.
struct BudgetStepReached {
  static constexpr auto kType = "budget.step_reached";
  std::string slo;
  std::string workload;
  std::string policy;
  double at = 100;                ///< per cent used that the step begins at
  double used = 100;              ///< per cent used when it was reached
  std::vector<std::string> then;  ///< what the step does, as BudgetPolicy has it
  std::string owner;
};

struct BudgetStepLeft {
  static constexpr auto kType = "budget.step_left";
  std::string slo;
  std::string workload;
  std::string policy;
  double at = 100;
  double used = 0;
  std::string reason;  ///< "recovered" or "no longer said by the policy"
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AlertFired, fingerprint, alert, labels, annotations,
                                                value, expr, workload, severity, procedure, source,
                                                slo, kpi, active_since, rule, evidence)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AlertResolved, fingerprint, alert, labels, workload,
                                                severity, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(KpiStatusChanged, kpi, workload, from, to, value,
                                                target)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AlertVerdictGiven, fingerprint, alert, rule,
                                                workload, fired_seq, verdict, comment, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(KpiReviewed, kpi, workload, decision, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(BudgetStepReached, slo, workload, policy, at, used,
                                                then, owner)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(BudgetStepLeft, slo, workload, policy, at, used,
                                                reason)

}  // namespace wellrun::facts
