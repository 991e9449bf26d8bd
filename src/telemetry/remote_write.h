#pragma once

// The remote-write receiver, 1.0 and 2.0, as a route. Small bodies are decoded and written on the
// I/O thread that read them, large ones on the workers.

#include <vector>

#include "platform/http/router.h"
#include "telemetry/exemplars.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry {

/// POST /api/v1/write. 204: everything is stored. 400: the body is malformed, or some samples were
/// refused (the others are stored); the text says which. 413, 415, 507 (disk full; send again).
/// References outlive the server.
std::vector<http::Route> remote_write_routes(MetricWriter& writer, ExemplarStore& exemplars,
                                             Workers& workers);

/// What the route does.
http::Response receive_remote_write(const http::Request& request, MetricWriter& writer,
                                    ExemplarStore& exemplars);

}  // namespace wellrun::telemetry
