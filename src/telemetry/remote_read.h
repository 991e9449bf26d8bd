#pragma once

// Remote read: another Prometheus reads our samples. The protocol is protobuf in snappy, answered
// with samples or, where the client takes them, in frames of XOR chunks. Takes its turn among the
// queries. Source:
// https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/

#include <vector>

#include "platform/http/router.h"
#include "telemetry/in_turn.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry {

/// POST /api/v1/read. 400: the body cannot be read, or a query is too large; 415: it is not
/// protobuf in snappy. References outlive the server.
std::vector<http::Route> remote_read_routes(const MetricReader& reader, RunningQueries& running);

/// As Prometheus' --storage.remote.read-sample-limit; here it holds for frames of chunks, too.
inline constexpr std::size_t kMostRemoteReadSamples = 50'000'000;

/// What the route answers. All queries of the request together may read `limits.max_samples`.
http::Response answer_remote_read(const http::Request& request, const MetricReader& reader,
                                  ReadLimits limits = {.max_samples = kMostRemoteReadSamples});

}  // namespace wellrun::telemetry
