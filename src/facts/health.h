#pragma once

// Facts of the health domain: alerts that fired and resolved, and KPIs that changed status.
// Streams: alert/<fingerprint>, kpi/<name>. Each carries the values that it was decided on, so that
// it stands when the telemetry has expired.

#include <cmath>
#include <map>
#include <string>

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
  std::string source;  ///< rule or slo
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

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AlertFired, fingerprint, alert, labels, annotations,
                                                value, expr, workload, severity, procedure, source,
                                                slo, kpi, active_since, rule, evidence)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AlertResolved, fingerprint, alert, labels, workload,
                                                severity, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(KpiStatusChanged, kpi, workload, from, to, value,
                                                target)

}  // namespace wellrun::facts
