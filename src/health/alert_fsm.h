#pragma once

// What an evaluation of an alerting rule does to its alerts. Pure.
//
//   (absent) ──expression holds──▶ pending ──held for `for`──▶ firing
//   pending ──no longer──▶ (absent)
//   firing ──no longer, for `keep_firing_for`──▶ (absent): resolved
//
// Source: Prometheus' rules/alerting.go (AlertingRule.Eval). One difference: a resolved alert is
// forgotten at once, because the journal remembers it.

#include "core/result.h"
#include "health/alert.h"
#include "health/alert_template.h"
#include "telemetry/query.h"

namespace wellrun::health {

inline constexpr std::size_t kMaxAlertsPerRule = 500;

/// When series were first active before a restart, by labels (ALERTS_FOR_STATE's, without
/// __name__).
using RestoredStarts = std::map<Labels, Timestamp>;

struct EvaluationContext {
  Timestamp now;
  std::map<std::string, std::string> external_labels;
  std::string external_url;
  RestoredStarts restored;
  TemplateQuery query = {};  ///< for templates
  std::size_t most_alerts = kMaxAlertsPerRule;
};

/// One step. `series`: the expression's result at `context.now`; every one of them, whatever its
/// value, is active. A template that fails becomes the text "<error expanding template: …>".
///
/// Errors: two series with the same labels (kInvalid) and more than `most_alerts` (kTooLarge) leave
/// the alerts as they were; more than the rule's own limit (kExhausted) ends them, as in
/// Prometheus. A template whose query has no answer yet (kUnavailable, see TemplateQueries) leaves
/// them, too: the same step is to be taken again when it has.
Result<ActiveAlerts> evaluate(const AlertRule& rule, const ActiveAlerts& before,
                              const std::vector<telemetry::InstantSeries>& series,
                              const EvaluationContext& context);

}  // namespace wellrun::health
