#pragma once

// SLOs over HTTP: the list and the error-budget report.

#include <vector>

#include "health/evaluator.h"
#include "journal/store.h"
#include "platform/http/router.h"
#include "telemetry/in_turn.h"
#include "telemetry/promql/engine.h"

namespace wellrun::health {

/// All outlive the routes. Reports take their turn among the queries. `retention`: how long samples
/// are kept that no Retention names; zero: not known.
std::vector<http::Route> slo_routes(Runtime runtime, const catalog::Catalog& catalog,
                                    const Evaluator& evaluator, const HealthDomain& domain,
                                    const telemetry::promql::Engine& engine,
                                    const journal::Store& journal,
                                    telemetry::RunningQueries& running, Duration retention = {});

}  // namespace wellrun::health
