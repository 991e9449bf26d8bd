#pragma once

// Logs and traces over HTTP: GET /api/v1/logs (listLogs), /api/v1/traces (listTraces),
// /api/v1/traces/{trace_id} (getTrace). Shapes are those of api/openapi.yaml. All for viewers.

#include <vector>

#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "telemetry/in_turn.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry {

/// `signals`, what `runtime` refers to and `running` outlive the routes. Reads take their turn
/// among the queries, and are given up between two of the store's. Times are RFC 3339 or Unix
/// seconds; without `end` it is now, without `start` an hour before the end. 400 names the
/// parameter that cannot be read; 404: a trace of which no span is kept.
std::vector<http::Route> logs_routes(const SignalStore& signals, Runtime runtime,
                                     RunningQueries& running);

}  // namespace wellrun::telemetry
