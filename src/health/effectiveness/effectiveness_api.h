#pragma once

// Effectiveness over HTTP: what each alert, KPI and detector is worth, proposals with their
// back-tests, and a person's verdict on an alert.

#include <vector>

#include "health/health_domain.h"
#include "journal/store.h"
#include "platform/http/router.h"
#include "telemetry/promql/engine.h"
#include "telemetry/running_queries.h"

namespace wellrun::health::effectiveness {

/// All outlive the routes.
std::vector<http::Route> effectiveness_routes(Runtime runtime, journal::Ledger& ledger,
                                              const catalog::Catalog& catalog,
                                              const HealthDomain& domain,
                                              const telemetry::promql::Engine& engine,
                                              const journal::Store& journal,
                                              telemetry::RunningQueries& running);

}  // namespace wellrun::health::effectiveness
