#pragma once

// The JSON of the Prometheus query API: strings, times, samples, results. Large answers are mostly
// numbers, so those are written without a detour. Source:
// https://prometheus.io/docs/prometheus/latest/querying/api/

#include <chrono>
#include <string>
#include <string_view>

#include "platform/runtime/runtime.h"
#include "telemetry/promql/value.h"

namespace wellrun::telemetry {

/// With its quotes. What is not UTF-8 in it becomes U+FFFD, as in Prometheus' answers.
void append_json_string(std::string& out, std::string_view text);

/// Unix seconds with up to three places.
void append_api_time(std::string& out, std::int64_t ms);

/// A sample's float as the API writes it: the shortest form, with an exponent below 1e-6 and from
/// 1e21 on; "NaN", "+Inf", "-Inf". Source: Prometheus' jsonutil.MarshalFloat. (A scalar result
/// never has an exponent: promql::go_decimal().)
void append_sample_value(std::string& out, double value);

/// {"name":"value",…}
void append_labels_json(std::string& out, const Labels& labels);

/// {"timings":{…},"samples":{…}} of a query that was measured; `waited`: for its turn; `per_step`:
/// the query's steps, null when only totals are wanted. Source: Prometheus' `stats`.
void append_query_stats(std::string& out, const promql::QueryStats& stats,
                        std::chrono::nanoseconds waited, const promql::Steps* per_step);

/// `data` of a query's answer: {"resultType":…,"result":…}. Large ones are written by idle helpers,
/// too (null: none).
void append_query_data(std::string& out, const promql::QueryResult& result,
                       Workers* helpers = nullptr);

}  // namespace wellrun::telemetry
