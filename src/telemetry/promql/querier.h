#pragma once

// The engine as the port that rules, KPIs and assessment ask through.

#include <memory>

#include "platform/runtime/runtime.h"
#include "telemetry/promql/engine.h"
#include "telemetry/query.h"

namespace wellrun::telemetry::promql {

/// Evaluates on runtime.workers and answers on runtime.strand. `runtime` and `engine` outlive the
/// querier and every question asked of it.
std::unique_ptr<Querier> make_querier(Runtime& runtime, const Engine& engine);

/// What a rule uses of a result: a scalar is one series without labels.
/// kInvalid for a string or a range vector.
Result<InstantResult> instant_result(QueryResult result);

}  // namespace wellrun::telemetry::promql
