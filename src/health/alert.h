#pragma once

// An alert as Prometheus knows it: what a rule says about one series of its expression. Plain data;
// what happens to it is in alert_fsm.h.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/labels.h"
#include "core/time.h"

namespace wellrun::health {

enum class AlertState { kInactive, kPending, kFiring };
const char* name_of(AlertState state);

/// An alerting rule, wherever it was declared.
struct AlertRule {
  std::string key;    ///< "rules/<group>/<alert>" or "slos/<slo>/<alert>"
  std::string alert;  ///< its name
  std::string expr;
  Duration hold{0};  ///< Prometheus' `for`
  Duration keep_firing_for{0};
  int limit = 0;  ///< most alerts it may have; 0: none said
  std::map<std::string, std::string> labels, annotations;  ///< templates
  std::string workload, procedure;
  std::string source = "rule";  ///< rule or slo
  std::string slo, kpi;
};

struct ActiveAlert {
  std::string fingerprint;
  Labels labels;  ///< with alertname, without __name__
  std::map<std::string, std::string> annotations;
  double value = 0;
  AlertState state = AlertState::kPending;
  Timestamp active_at;   ///< when the expression first held
  Timestamp fired_at{};  ///< zero while it has not
  std::optional<Timestamp> keep_firing_since;
  Json evidence = {};       ///< why it fired; see facts::AlertFired
  bool taken_over = false;  ///< it fired before a restart and was not seen to hold since

  std::string severity() const;  ///< of its labels: page, ticket, or info for anything else
};

/// Of one rule, by fingerprint.
using ActiveAlerts = std::map<std::string, ActiveAlert>;

/// 16 hexadecimal digits out of the rule's key and the alert's labels; the same in every process.
std::string fingerprint_of(const AlertRule& rule, const Labels& labels);

}  // namespace wellrun::health
