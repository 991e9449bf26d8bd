#pragma once

// Who creates series: by workload, metric, label or pair, of all or of one owner.

#include <vector>

#include "platform/http/router.h"
#include "telemetry/in_turn.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::server {

/// GET /api/v1/cardinality: ?by=workload (default), metric, label or pair; of one ?workload=,
/// ?job= or selector ?match=; the ?limit= largest (default 20). In turn with the queries: walks the
/// index. References outlive the server.
std::vector<http::Route> cardinality_routes(const telemetry::EmbeddedStore& store,
                                            telemetry::RunningQueries& running);

}  // namespace wellrun::server
