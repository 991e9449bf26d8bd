#pragma once

// Rules over HTTP, beside /api/v1/rules: trying one on history.

#include <vector>

#include "journal/store.h"
#include "platform/http/router.h"
#include "telemetry/promql/engine.h"
#include "telemetry/running_queries.h"

namespace wellrun::health::rules {

/// POST /api/v1/rules/backtest, which takes its turn among the queries. All outlive the routes.
std::vector<http::Route> rules_routes(const Clock& clock, const telemetry::promql::Engine& engine,
                                      const journal::Store& journal,
                                      telemetry::RunningQueries& running);

/// What the operation answers: the rule's firings in [start, end] of the request, beside the
/// incidents that the journal has. Runs for up to a minute: kDeadline, or until `cancelled` says
/// so: kCancelled. Defaults: the last 7 days, every minute. kInvalid names the field; kTooLarge
/// beyond 50,000 evaluations.
Result<Json> answer_backtest(const Json& request, Timestamp now, const Clock& clock,
                             const telemetry::promql::Engine& engine, const journal::Store& journal,
                             const std::function<bool()>& cancelled = {});

}  // namespace wellrun::health::rules
