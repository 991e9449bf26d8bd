#pragma once

// KPIs over HTTP: how each stands and when it is to be reviewed, a person's review, that somebody
// looked at its chart, and the figures of operations that come built in.

#include <vector>

#include "health/evaluator.h"
#include "health/operations/operations_domain.h"
#include "platform/http/router.h"

namespace wellrun::health {

/// All outlive the routes.
std::vector<http::Route> kpi_routes(Runtime runtime, journal::Ledger& ledger,
                                    const catalog::Catalog& catalog, const Evaluator& evaluator,
                                    const HealthDomain& domain,
                                    const operations::OperationsDomain& operations);

}  // namespace wellrun::health
