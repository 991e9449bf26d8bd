#pragma once

// What an evaluation of an alerting rule does to its alerts. Pure.
//
//   (absent) ──expression holds──▶ pending ──held for `for`──▶ firing
//   pending ──no longer──▶ (absent)
//   firing ──no longer, for `keep_firing_for`──▶ (absent): resolved
//
// After an outage longer than the look-back one that fired before goes on for a look-back at least.
//
// Source: Prometheus' rules/alerting.go (AlertingRule.Eval). One difference: a resolved alert is
// forgotten at once, because the journal remembers it.

#include <optional>

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
  /// Soon after a start: what was measured may not be there yet, after an outage that was longer
  /// than the look-back, so that no answer says nothing of an alert that was taken over.
  bool keeps_taken_over = false;
};

/// The rule's alerts after a step.
struct Evaluation {
  ActiveAlerts alerts;
  std::optional<Error> left_out;  ///< there are more series than are followed: says how many
};

/// One step. `series`: the expression's result at `context.now`; every one of them, whatever its
/// value, is active. A template that fails becomes the text "<error expanding template: …>".
/// Of more than `most_alerts` series those are followed that were already, then others in an order
/// that is the same each time: an outage that is larger than expected must not be a silent one.
///
/// Errors: two series with the same labels (kInvalid) leave the alerts as they were; more than the
/// rule's own limit (kExhausted) ends them, as in Prometheus. A template whose query has no answer
/// yet (kUnavailable, see TemplateQueries) leaves them, too: the same step is to be taken again
/// when it has.
Result<Evaluation> evaluate(const AlertRule& rule, const ActiveAlerts& before,
                            const std::vector<telemetry::InstantSeries>& series,
                            const EvaluationContext& context);

}  // namespace wellrun::health
