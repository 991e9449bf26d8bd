#pragma once

// Prometheus' HTTP query API over the PromQL engine: what Grafana and every PromQL tool speak.
// Requests are decoded and answered on Workers; the JSON is written straight to a string. Source:
// https://prometheus.io/docs/prometheus/latest/querying/api/

#include <string>
#include <vector>

#include "platform/http/router.h"
#include "platform/runtime/runtime.h"
#include "telemetry/exemplars.h"
#include "telemetry/promql/engine.h"
#include "telemetry/running_queries.h"

namespace wellrun::telemetry {

struct QueryApiOptions {
  Duration timeout{120'000};  ///< the most that a request's `timeout` may ask for
  std::size_t max_points = 11'000;
  std::string version = "0.0.0", revision, build_date;
  const ExemplarStore* exemplars = nullptr;  ///< null: there are none
};

/// `runtime`, `engine`, `running` and what `options` points to outlive the routes' server.
std::vector<http::Route> prometheus_query_routes(Runtime& runtime, const promql::Engine& engine,
                                                 RunningQueries& running,
                                                 QueryApiOptions options = {});

/// What runs: GET /api/v1/queries, DELETE /api/v1/queries/{id}.
std::vector<http::Route> running_queries_routes(RunningQueries& running);

/// What one of the routes answers, synchronously, on the calling thread; `pattern` is the route's
/// ("/api/v1/query").
http::Response answer_prometheus_query(std::string_view pattern, const http::Request& request,
                                       const promql::Engine& engine, const Clock& clock,
                                       const QueryApiOptions& options,
                                       const promql::QueryLimits& limits = {});

/// Unix seconds with a fraction, or RFC 3339; what is earlier or later than everything
/// (api::kEarliestMs, kLatestMs) becomes that. kInvalid with Prometheus' text otherwise, and for
/// what its times cannot hold.
Result<Timestamp> parse_api_time(std::string_view text);
/// Seconds with a fraction, or a duration such as "5m".
Result<Duration> parse_api_duration(std::string_view text);

}  // namespace wellrun::telemetry
