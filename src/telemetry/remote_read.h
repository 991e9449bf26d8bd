#pragma once

// Remote read: another Prometheus reads our samples. The protocol is protobuf in snappy, answered
// with samples or, where the client takes them, in frames of XOR chunks. Runs on Workers. Source:
// https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/

#include <vector>

#include "platform/http/router.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry {

/// POST /api/v1/read. 400: the body cannot be read, or a query is too large; 415: it is not
/// protobuf in snappy. References outlive the server.
std::vector<http::Route> remote_read_routes(const MetricReader& reader, Workers& workers);

/// What the route answers.
http::Response answer_remote_read(const http::Request& request, const MetricReader& reader);

}  // namespace wellrun::telemetry
