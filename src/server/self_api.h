#pragma once

// The server about itself: ready, healthy, and its own metrics.

#include <functional>
#include <vector>

#include "platform/http/router.h"
#include "server/control_plane.h"
#include "telemetry/promql/engine.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::server {

/// GET /-/ready (503 with the reason once the journal cannot be written), GET /-/healthy, GET
/// /metrics and, the same as JSON, GET /api/v1/status/self_metrics. All outlive the routes.
std::vector<http::Route> self_routes(Runtime runtime, ControlPlane& plane,
                                     const telemetry::EmbeddedStore& telemetry,
                                     const telemetry::promql::Engine& engine, std::string version);

}  // namespace wellrun::server
