#pragma once

// Running an alerting rule over what was measured, and since when there is something to run it
// over. Synchronous, for workers.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "health/alert.h"
#include "health/rules/backtest.h"
#include "telemetry/promql/engine.h"

namespace wellrun::health::rules {

struct Trial {
  AlertRule rule;
  Timestamp start, end;
  Duration interval{60'000};  ///< between two evaluations; at least 1 ms
};

/// The longest length of time that a request may name: with longer ones nothing can be reckoned.
inline constexpr Duration kLongestField = std::chrono::days(3650);

/// A length of time in a request; kInvalid, also beyond kLongestField, names the field.
Result<Duration> duration_field(const Json& json, const char* name, Duration otherwise);

/// A rule as POST /api/v1/rules/backtest takes it: {alert, expr, for, keep_firing_for, labels}.
/// kInvalid names the field.
Result<AlertRule> rule_of(const Json& json);

/// When the rule would have fired in [start, end]. kDeadline once `timed_out` says so; errors of
/// the engine and of the state machine.
Result<Firings> fire(const Trial& trial, const telemetry::promql::Engine& engine,
                     const std::function<bool()>& timed_out);

struct Measured {
  /// When the youngest of what the expression reads was first measured, to the hour before; empty:
  /// nothing of it ever was.
  std::optional<Timestamp> since;
  std::vector<std::string> never;  ///< selectors of which no sample is there
};

/// Looks no further back than `from`. Of what does not parse, or reads no series: since `from`.
Result<Measured> measured(const std::string& promql, Timestamp from, Timestamp to,
                          const telemetry::MetricReader& reader);

}  // namespace wellrun::health::rules
