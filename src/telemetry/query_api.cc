#include "telemetry/query_api.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "core/text.h"
#include "telemetry/api_answer.h"
#include "telemetry/in_turn.h"
#include "telemetry/promql/functions.h"
#include "telemetry/promql/json_tree.h"
#include "telemetry/query_json.h"

namespace wellrun::telemetry {
namespace {

using http::Request;
using http::Response;
using namespace api;

/// A request's parameters, with those problems that Prometheus answers with bad_data.
class Call {
 public:
  Call(const Request& request, const promql::Engine& engine, const Clock& clock,
       const QueryApiOptions& options, const promql::QueryLimits& limits)
      : request_(request), engine_(engine), clock_(clock), options_(options), limits_(limits) {}

  Response query() const;
  Response query_range() const;
  Response series() const;
  Response label_names() const;
  Response label_values() const;
  Response metadata() const;
  Response format_query() const;
  Response parse_query() const;
  Response query_exemplars() const;
  Response build_info() const;

 private:
  std::string text(std::string_view name) const { return request_.parameter(name).value_or(""); }

  Result<Timestamp> time(std::string_view name, Timestamp fallback) const {
    return time_parameter(request_, name, fallback);
  }
  Result<std::size_t> limit() const { return limit_parameter(request_); }
  Result<TimeRange> range() const { return range_parameters(request_); }
  Result<std::vector<std::vector<Matcher>>> matchers() const { return match_parameters(request_); }

  Result<promql::QueryLimits> query_limits() const;
  Response read_failure(const Error& error) const { return failure_of(reason_of(error, limits_)); }
  Response query_answer(promql::QueryResult result, std::size_t limit,
                        const promql::Steps& steps) const;

  const Request& request_;
  const promql::Engine& engine_;
  const Clock& clock_;
  const QueryApiOptions& options_;
  const promql::QueryLimits& limits_;
};

Result<promql::QueryLimits> Call::query_limits() const {
  promql::QueryLimits limits = limits_;
  Duration timeout = options_.timeout;
  if (const auto value = text("timeout"); !value.empty()) {
    auto asked = parse_api_duration(value);
    if (!asked)
      return fail(ErrorCode::kInvalid,
                  fmt::format("invalid parameter \"timeout\": {}", asked.error().message));
    timeout = std::min(timeout, *asked);
  }
  if (const auto value = text("lookback_delta"); !value.empty()) {
    auto asked = parse_api_duration(value);
    if (!asked)
      return fail(ErrorCode::kInvalid,
                  fmt::format("error parsing lookback delta duration: {}", asked.error().message));
    limits.lookback = *asked;
  }
  if (!text("stats").empty()) limits.measured_by = &clock_;
  // What a query read is told as it is without help from others.
  limits.anew = text("nocache") == "1" || limits.measured_by != nullptr;
  const auto waited = limits_.cost == nullptr ? std::chrono::nanoseconds{0} : limits_.cost->waited;
  limits.timed_out = [&clock = clock_, until = clock_.steady() - waited + timeout] {
    return clock.steady() > until;
  };
  return limits;
}

Response Call::query_answer(promql::QueryResult result, std::size_t limit,
                            const promql::Steps& steps) const {
  if (limit > 0 && result.series.size() > limit && result.type != promql::ValueType::kScalar) {
    result.series.resize(limit);
    result.warnings.push_back("results truncated due to limit");
  }
  std::string out = "{\"status\":\"success\",\"data\":";
  append_query_data(out, result, engine_.options().helpers);
  if (const auto stats = text("stats"); !stats.empty()) {
    out.back() = ',';
    out += "\"stats\":";
    const bool per_step = stats == "all" && engine_.options().per_step_stats;
    append_query_stats(out, result.stats,
                       limits_.cost == nullptr ? std::chrono::nanoseconds{0} : limits_.cost->waited,
                       per_step ? &steps : nullptr);
    out += '}';
  }
  return finished(std::move(out), result.warnings, result.infos);
}

Response Call::query() const {
  const auto most = limit();
  if (!most) return bad_parameter("limit", most.error());
  const auto at = time("time", clock_.now());
  if (!at) return bad_parameter("time", at.error());
  const auto limits = query_limits();
  if (!limits) return failure(400, "bad_data", limits.error().message);
  auto result = engine_.instant(text("query"), *at, *limits);
  if (!result) return failure_of(result.error());
  const auto ms = to_unix_ms(*at);
  return query_answer(std::move(*result), *most, {ms, ms, 1});
}

Response Call::query_range() const {
  const auto most = limit();
  if (!most) return bad_parameter("limit", most.error());
  const auto start = parse_api_time(text("start"));
  if (!start) return bad_parameter("start", start.error());
  const auto end = parse_api_time(text("end"));
  if (!end) return bad_parameter("end", end.error());
  if (*end < *start)
    return failure(400, "bad_data",
                   "invalid parameter \"end\": end timestamp must not be before start time");
  const auto step = parse_api_duration(text("step"));
  if (!step) return bad_parameter("step", step.error());
  if (step->count() <= 0)
    return failure(400, "bad_data",
                   "invalid parameter \"step\": zero or negative query resolution step widths are "
                   "not accepted. Try a positive integer");
  if (static_cast<std::size_t>((*end - *start) / *step) > options_.max_points)
    return failure(400, "bad_data",
                   "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing "
                   "the query resolution (?step=XX)");
  const auto limits = query_limits();
  if (!limits) return failure(400, "bad_data", limits.error().message);
  auto result = engine_.range(text("query"), *start, *end, *step, *limits);
  if (!result) return failure_of(result.error());
  return query_answer(std::move(*result), *most,
                      {to_unix_ms(*start), to_unix_ms(*end), step->count()});
}

std::string list_of(std::vector<std::string> values, std::size_t limit,
                    std::vector<std::string>& warnings) {
  if (limit > 0 && values.size() > limit) {
    values.resize(limit);
    warnings.push_back("results truncated due to limit");
  }
  std::string data = "[";
  for (const auto& value : values) {
    if (data.size() > 1) data += ',';
    append_json_string(data, value);
  }
  return data + "]";
}

Response Call::series() const {
  const auto most = limit();
  if (!most) return bad_parameter("limit", most.error());
  if (request_.parameters("match[]").empty())
    return failure(400, "bad_data", "no match[] parameter provided");
  const auto sets = matchers();
  if (!sets) return failure(400, "bad_data", sets.error().message);
  const auto when = range();
  if (!when) return failure(400, "bad_data", when.error().message);
  auto found = engine_.reader().series(*sets, *when, read_limits(limits_));
  if (!found) return read_failure(found.error());
  std::vector<std::string> warnings;
  if (*most > 0 && found->size() > *most) {
    found->resize(*most);
    warnings.push_back("results truncated due to limit");
  }
  std::string data = "[";
  for (const auto& labels : *found) {
    if (data.size() > 1) data += ',';
    append_labels_json(data, labels);
  }
  data += ']';
  return success(data, warnings);
}

Response Call::label_names() const {
  const auto most = limit();
  if (!most) return bad_parameter("limit", most.error());
  const auto sets = matchers();
  if (!sets) return failure(400, "bad_data", sets.error().message);
  const auto when = range();
  if (!when) return failure(400, "bad_data", when.error().message);
  auto found = engine_.reader().label_names(*sets, *when, read_limits(limits_));
  if (!found) return read_failure(found.error());
  std::vector<std::string> warnings;
  const auto data = list_of(std::move(*found), *most, warnings);
  return success(data, warnings);
}

/// "U__a_2e_b" is "a.b": how names that are not plain travel in a path.
std::string unescaped_name(std::string name) {
  if (!name.starts_with("U__")) return name;
  std::string out;
  for (std::size_t i = 3; i < name.size(); ++i) {
    if (name[i] != '_') {
      out += name[i];
      continue;
    }
    if (i + 1 < name.size() && name[i + 1] == '_') {
      out += '_';
      ++i;
      continue;
    }
    const auto end = name.find('_', i + 1);
    unsigned code = 0;
    if (end == std::string::npos || end - i > 7 || end == i + 1) return name;
    auto [stop, problem] = std::from_chars(name.data() + i + 1, name.data() + end, code, 16);
    if (problem != std::errc() || stop != name.data() + end || code > 0x10FFFF ||
        (code >= 0xD800 && code < 0xE000))
      return name;
    append_utf8(out, code);
    i = end;
  }
  return out;
}

Response Call::label_values() const {
  const auto name = unescaped_name(request_.path_parameter("name"));
  if (name.empty() || !is_valid_utf8(name))
    return failure(400, "bad_data", fmt::format("invalid label name: {}", quote(name)));
  const auto most = limit();
  if (!most) return bad_parameter("limit", most.error());
  const auto sets = matchers();
  if (!sets) return failure(400, "bad_data", sets.error().message);
  const auto when = range();
  if (!when) return failure(400, "bad_data", when.error().message);
  auto found = engine_.reader().label_values(name, *sets, *when, read_limits(limits_));
  if (!found) return read_failure(found.error());
  std::vector<std::string> warnings;
  const auto data = list_of(std::move(*found), *most, warnings);
  return success(data, warnings);
}

Response Call::metadata() const {
  const auto most = metadata_limit_parameter(request_);
  if (!most) return failure(400, "bad_data", "limit must be a number");
  const auto most_of_each = metadata_limit_parameter(request_, "limit_per_metric");
  if (!most_of_each) return failure(400, "bad_data", "limit_per_metric must be a number");
  const auto wanted = text("metric");
  std::string data = "{";
  std::size_t families = 0;
  std::size_t of_family = 0;
  std::string last;
  for (const auto& one : engine_.reader().metadata()) {
    if (!wanted.empty() && one.family != wanted) continue;
    if (of_family == 0 || one.family != last) {
      if (*most && families >= **most) break;
      if (families++ > 0) data += "],";
      append_json_string(data, one.family);
      data += ":[";
      last = one.family;
      of_family = 0;
    }
    if (most_of_each->value_or(0) > 0 && of_family == **most_of_each) continue;
    data += of_family++ > 0 ? ",{\"type\":" : "{\"type\":";
    append_json_string(data, one.type);
    data += ",\"help\":";
    append_json_string(data, one.help);
    data += ",\"unit\":";
    append_json_string(data, one.unit);
    data += '}';
  }
  data += families > 0 ? "]}" : "}";
  return success(data);
}

Response Call::format_query() const {
  const auto expr = promql::parse(text("query"), engine_.options().parser);
  if (!expr) return failure_of(expr.error());
  std::string data;
  append_json_string(data, promql::pretty(**expr));
  return success(data);
}

Response Call::parse_query() const {
  const auto expr = promql::parse(text("query"), engine_.options().parser);
  if (!expr) return failure_of(expr.error());
  return success(to_text(promql::tree_as_json(**expr)));
}

Response Call::query_exemplars() const {
  const auto start = time("start", from_unix_ms(kEarliestMs));
  if (!start) return bad_parameter("start", start.error());
  const auto end = time("end", from_unix_ms(kLatestMs));
  if (!end) return bad_parameter("end", end.error());
  if (*end < *start)
    return failure(400, "bad_data",
                   "invalid parameter \"end\": end timestamp must not be before start timestamp");
  const auto expr = promql::parse(text("query"), engine_.options().parser);
  if (!expr) return failure_of(expr.error());
  std::vector<std::vector<Matcher>> asked;
  for (const auto* selector : promql::selectors_of(**expr)) asked.push_back(selector->matchers);
  const auto sets = compile_all(asked);
  if (!sets) return failure(400, "bad_data", sets.error().message);
  if (options_.exemplars == nullptr || asked.empty()) return success("[]");
  std::string data = "[";
  for (const auto& [series, exemplars] :
       options_.exemplars->select(*sets, {to_unix_ms(*start), to_unix_ms(*end)})) {
    data += data.size() > 1 ? ",{\"seriesLabels\":" : "{\"seriesLabels\":";
    append_labels_json(data, series);
    data += ",\"exemplars\":[";
    for (const auto& exemplar : exemplars) {
      data += data.back() == '[' ? "{\"labels\":" : ",{\"labels\":";
      append_labels_json(data, exemplar.labels);
      data += ",\"value\":\"";
      append_sample_value(data, exemplar.value);
      data += "\",\"timestamp\":";
      append_api_time(data, exemplar.time_ms);
      data += '}';
    }
    data += "]}";
  }
  return success(data + "]");
}

Response Call::build_info() const {
  Json data = {{"version", options_.version},
               {"revision", options_.revision},
               {"branch", ""},
               {"buildUser", ""},
               {"buildDate", options_.build_date},
               {"goVersion", ""}};
  return success(to_text(data));
}

using Handler = Response (Call::*)() const;

struct Endpoint {
  std::string_view pattern;
  std::string_view get_operation;
  std::string_view post_operation;  ///< empty: GET only
  Handler handler;
};

constexpr Endpoint kEndpoints[] = {
    {"/api/v1/query", "query", "postQuery", &Call::query},
    {"/api/v1/query_range", "queryRange", "postQueryRange", &Call::query_range},
    {"/api/v1/series", "listSeries", "postSeries", &Call::series},
    {"/api/v1/labels", "listLabels", "postLabels", &Call::label_names},
    {"/api/v1/label/{name}/values", "listLabelValues", "", &Call::label_values},
    {"/api/v1/metadata", "listMetadata", "", &Call::metadata},
    {"/api/v1/format_query", "formatQuery", "postFormatQuery", &Call::format_query},
    {"/api/v1/parse_query", "parseQuery", "postParseQuery", &Call::parse_query},
    {"/api/v1/query_exemplars", "queryExemplars", "postQueryExemplars", &Call::query_exemplars},
    {"/api/v1/status/buildinfo", "getBuildInfo", "", &Call::build_info},
};

/// std::nullopt: no number. Infinite and NaN are numbers here.
std::optional<double> number_in(std::string_view text) {
  text = without_plus(text);
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

constexpr double kMostTimeSeconds = 9223372036854775;  ///< what Prometheus' milliseconds can hold
constexpr double kMostDurationSeconds = 9.0e12;

}  // namespace

Result<Timestamp> parse_api_time(std::string_view text) {
  const auto refused = [&] {
    return fail(ErrorCode::kInvalid,
                fmt::format("cannot parse {} to a valid timestamp", quote(text)));
  };
  if (const auto seconds = number_in(text)) {
    if (!(std::abs(*seconds) <= kMostTimeSeconds)) return refused();
    // What clients send for "everything" is beyond what is kept, and far from overflowing.
    const double ms = std::clamp(*seconds * 1000, static_cast<double>(kEarliestMs),
                                 static_cast<double>(kLatestMs));
    return from_unix_ms(std::llround(ms));
  }
  auto time = parse_rfc3339(text);
  if (!time) return refused();
  return *time;
}

Result<Duration> parse_api_duration(std::string_view text) {
  if (const auto seconds = number_in(text)) {
    if (!(std::abs(*seconds) <= kMostDurationSeconds))
      return fail(
          ErrorCode::kInvalid,
          fmt::format("cannot parse {} to a valid duration. It overflows int64", quote(text)));
    return Duration{std::llround(*seconds * 1000)};
  }
  auto duration = parse_duration(text);
  if (!duration)
    return fail(ErrorCode::kInvalid,
                fmt::format("cannot parse {} to a valid duration", quote(text)));
  return *duration;
}

Response answer_prometheus_query(std::string_view pattern, const Request& request,
                                 const promql::Engine& engine, const Clock& clock,
                                 const QueryApiOptions& options,
                                 const promql::QueryLimits& limits) {
  for (const auto& endpoint : kEndpoints)
    if (endpoint.pattern == pattern)
      return (Call(request, engine, clock, options, limits).*endpoint.handler)();
  return failure(404, "not_found", "no such endpoint");
}

namespace {

/// What says something of the query's text or of the program alone needs no turn.
bool reads_store(const Endpoint& endpoint) {
  return endpoint.handler != &Call::format_query && endpoint.handler != &Call::parse_query &&
         endpoint.handler != &Call::build_info;
}

/// A query waits for its turn among the others, and is known while it runs.
http::Handler queued(Runtime& runtime, const promql::Engine& engine, RunningQueries& running,
                     const QueryApiOptions& options, std::string_view pattern) {
  return [&runtime, &engine, &running, options, pattern](Request request, http::Reply reply) {
    auto text = request.parameter("query").value_or(request.method + " " + request.path);
    RunningQueries::Asked asked{request.principal.actor, std::move(text), request.abandoned};
    auto shared =
        std::make_shared<std::pair<Request, http::Reply>>(std::move(request), std::move(reply));
    RunningQueries::Work work = [&runtime, &engine, options, pattern,
                                 shared](const promql::QueryLimits& limits) {
      shared->second(
          answer_prometheus_query(pattern, shared->first, engine, runtime.clock, options, limits));
    };
    if (auto submitted = running.submit(std::move(asked), work); !submitted) {
      auto refusal = failure(429, "too_many_requests", submitted.error().message);
      refusal.headers.push_back({"Retry-After", "1"});
      shared->second(std::move(refusal));
    }
  };
}

http::Handler at_once(Runtime& runtime, const promql::Engine& engine,
                      const QueryApiOptions& options, std::string_view pattern) {
  return [&runtime, &engine, options, pattern](Request request, http::Reply reply) {
    runtime.workers.run([&runtime, &engine, options, pattern, request = std::move(request),
                         reply = std::move(reply)]() mutable {
      reply(answer_prometheus_query(pattern, request, engine, runtime.clock, options));
    });
  };
}

Json json_of(const QueryReport& report) {
  return {{"id", report.id},
          {"user", report.user},
          {"query", report.text},
          {"state", report.is_running ? "running" : "waiting"},
          {"seconds", static_cast<double>(report.age.count()) / 1000},
          {"samples", report.samples},
          {"series", report.series}};
}

}  // namespace

std::vector<http::Route> prometheus_query_routes(Runtime& runtime, const promql::Engine& engine,
                                                 RunningQueries& running, QueryApiOptions options) {
  std::vector<http::Route> routes;
  for (const auto& endpoint : kEndpoints) {
    for (const bool post : {false, true}) {
      if (post && endpoint.post_operation.empty()) continue;
      http::Route route;
      route.method = post ? "POST" : "GET";
      route.pattern = endpoint.pattern;
      route.role = http::Role::kViewer;
      route.operation_id = post ? endpoint.post_operation : endpoint.get_operation;
      route.max_body_bytes = 4 << 20;
      route.watches_peer = reads_store(endpoint);
      route.handler = reads_store(endpoint)
                          ? queued(runtime, engine, running, options, endpoint.pattern)
                          : at_once(runtime, engine, options, endpoint.pattern);
      routes.push_back(std::move(route));
    }
  }
  return routes;
}

std::vector<http::Route> running_queries_routes(RunningQueries& running) {
  http::Route list;
  list.method = "GET";
  list.pattern = "/api/v1/queries";
  list.role = http::Role::kViewer;
  list.operation_id = "listRunningQueries";
  list.handler = [&running](const Request&, http::Reply reply) {
    Json items = Json::array();
    for (const auto& report : running.list()) items.push_back(json_of(report));
    reply(http::json_response({{"items", std::move(items)}}));
  };
  http::Route cancel;
  cancel.method = "DELETE";
  cancel.pattern = "/api/v1/queries/{id}";
  cancel.role = http::Role::kOperator;
  cancel.operation_id = "cancelQuery";
  cancel.handler = [&running](const Request& request, http::Reply reply) {
    const auto cancelled = running.cancel(request.path_parameter("id"));
    reply(cancelled ? Response{.status = 204, .headers = {}, .body = {}}
                    : http::problem_response(cancelled.error()));
  };
  return {std::move(list), std::move(cancel)};
}

}  // namespace wellrun::telemetry
