#pragma once

// Prometheus' experimental search of metric names, label names and label values, for editors that
// complete what somebody types: GET and POST /api/v1/search/…, NDJSON. Answered on Workers, in one
// piece, in turn with the queries. Source: Prometheus proposal 0074,
// https://prometheus.io/docs/prometheus/latest/querying/api/

#include <string_view>
#include <vector>

#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "telemetry/in_turn.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry {

/// Whether --enable-feature names it ("search-api").
bool is_search_enabled(std::string_view features);

/// `runtime`, `reader` and `running` outlive the routes' server. Not enabled: each answers 503.
std::vector<http::Route> search_routes(Runtime& runtime, const MetricReader& reader,
                                       RunningQueries& running, bool is_enabled);

/// What one of the routes answers; `pattern` is the route's ("/api/v1/search/label_names").
http::Response answer_search(std::string_view pattern, const http::Request& request,
                             const MetricReader& reader, Timestamp now,
                             const promql::QueryLimits& limits = {});

}  // namespace wellrun::telemetry
