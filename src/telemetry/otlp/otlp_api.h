#pragma once

// OTLP over HTTP: POST <prefix>/v1/metrics, /v1/logs, /v1/traces. Mounted by the server on the OTLP
// listener (4318, prefix "") and on the main one (prefix "/api/v1/otlp"). Source: OpenTelemetry
// protocol 1.x, "OTLP/HTTP": answers in the request's type; errors are google.rpc.Status.

#include <string>
#include <vector>

#include "platform/http/router.h"
#include "telemetry/otlp/otlp_receiver.h"

namespace wellrun::telemetry::otlp {

struct OtlpRoutesOptions {
  std::string prefix;
  http::Role role = http::Role::kResponder;
};

/// `receiver` outlives the routes. Handlers admit on the calling thread and decode and store on
/// `workers`. Answers: 200 (also for partial success), 400, 413, 415 for another content type, 429
/// and 503 with Retry-After for what is worth retrying. Operation ids: receiveOtlpMetrics,
/// receiveOtlpLogs, receiveOtlpTraces; with an empty prefix none, as that listener is not the API.
std::vector<http::Route> otlp_routes(OtlpReceiver& receiver, Workers& workers,
                                     OtlpRoutesOptions options);

}  // namespace wellrun::telemetry::otlp
