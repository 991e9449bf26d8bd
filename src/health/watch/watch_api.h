#pragma once

// Baselines over HTTP. Readings are looked up on the strand, history is read on a worker.

#include <vector>

#include "health/watch/watch_service.h"
#include "platform/http/router.h"

namespace wellrun::health::watch {

/// GET /api/v1/baselines, /api/v1/baselines/{id}, /api/v1/baselines/{id}/history. All outlive the
/// routes.
std::vector<http::Route> watch_routes(Runtime runtime, const WatchService& service,
                                      const telemetry::promql::Engine& engine);

}  // namespace wellrun::health::watch
