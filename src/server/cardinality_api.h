#pragma once

// Who creates series: by workload, metric, label or pair, of all or of one owner.

#include <vector>

#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::server {

/// GET /api/v1/cardinality: ?by=workload (default), metric, label or pair; of one ?workload=,
/// ?job= or selector ?match=; the ?limit= largest (default 20). On a worker: walks the index.
/// References outlive the server.
std::vector<http::Route> cardinality_routes(Runtime runtime, const telemetry::EmbeddedStore& store);

}  // namespace wellrun::server
