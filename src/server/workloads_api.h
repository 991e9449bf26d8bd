#pragma once

// A workload as a person wants to see it: what is wanted of it (catalog), how it does (health),
// what is wrong (respond), what changed (change). Composed here because no domain knows the others.

#include <vector>

#include "platform/http/router.h"
#include "server/control_plane.h"

namespace wellrun::server {

/// GET /api/v1/workloads, GET /api/v1/workloads/{name}. `plane` outlives the routes.
std::vector<http::Route> workload_routes(Runtime runtime, ControlPlane& plane);

}  // namespace wellrun::server
