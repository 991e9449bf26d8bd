#pragma once

// KPIs, SLOs, rules and alerts over HTTP; the last two in Prometheus' shape, so that its tools read
// them. On the strand.

#include <vector>

#include "health/evaluator.h"
#include "platform/http/router.h"

namespace wellrun::health {

/// GET /api/v1/kpis, /api/v1/slos, /api/v1/rules, /api/v1/alerts. All outlive the routes.
std::vector<http::Route> health_routes(Runtime runtime, const catalog::Catalog& catalog,
                                       const Evaluator& evaluator, const HealthDomain& domain);

}  // namespace wellrun::health
