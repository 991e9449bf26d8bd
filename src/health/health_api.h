#pragma once

// Rules and alerts over HTTP in Prometheus' shape, so that its tools read them. On the strand.

#include <vector>

#include "health/evaluator.h"
#include "platform/http/router.h"

namespace wellrun::health {

/// GET /api/v1/rules, /api/v1/alerts. All outlive the routes.
std::vector<http::Route> health_routes(Runtime runtime, const Evaluator& evaluator,
                                       const HealthDomain& domain);

}  // namespace wellrun::health
