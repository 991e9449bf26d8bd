#include "telemetry/query_api.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "core/text.h"
#include "telemetry/promql/functions.h"
#include "telemetry/promql/histogram.h"
#include "telemetry/promql/json_tree.h"

namespace wellrun::telemetry {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t kMaxAnnotations = 10;

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_time(std::string& out, std::int64_t ms) {
  if (ms < 0) {
    out += '-';
    ms = -ms;
  }
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, ms / 1000).ptr);
  const int rest = static_cast<int>(ms % 1000);
  if (rest == 0) return;
  out += '.';
  out += static_cast<char>('0' + rest / 100);
  if (rest % 100 != 0) out += static_cast<char>('0' + rest / 10 % 10);
  if (rest % 10 != 0) out += static_cast<char>('0' + rest % 10);
}

void append_value(std::string& out, double value) {
  out += '"';
  append_sample_value(out, value);
  out += '"';
}

void append_histogram(std::string& out, const Histogram& histogram) {
  out += "{\"count\":";
  append_value(out, histogram.count);
  out += ",\"sum\":";
  append_value(out, histogram.sum);
  bool first = true;
  for (const auto& bucket : promql::all_buckets(histogram)) {
    if (bucket.count == 0) continue;
    out += first ? ",\"buckets\":[" : ",";
    first = false;
    const char rule = bucket.lower_inclusive ? (bucket.upper_inclusive ? '3' : '1')
                                             : (bucket.upper_inclusive ? '0' : '2');
    out += '[';
    out += rule;
    for (const double number : {bucket.lower, bucket.upper, bucket.count}) {
      out += ',';
      append_value(out, number);
    }
    out += ']';
  }
  if (!first) out += ']';
  out += '}';
}

void append_labels(std::string& out, const Labels& labels) {
  out += '{';
  bool first = true;
  for (const auto& label : labels) {
    if (!first) out += ',';
    first = false;
    append_string(out, label.name);
    out += ':';
    append_string(out, label.value);
  }
  out += '}';
}

void append_point(std::string& out, const Sample& sample) {
  out += '[';
  append_time(out, sample.time_ms);
  out += ',';
  append_value(out, sample.value);
  out += ']';
}

void append_point(std::string& out, const HistogramSample& sample) {
  out += '[';
  append_time(out, sample.time_ms);
  out += ',';
  append_histogram(out, *sample.histogram);
  out += ']';
}

void append_vector_element(std::string& out, const promql::ResultSeries& series) {
  out += "{\"metric\":";
  append_labels(out, series.labels);
  if (!series.samples.empty()) {
    out += ",\"value\":";
    append_point(out, series.samples[0]);
  } else if (!series.histograms.empty()) {
    out += ",\"histogram\":";
    append_point(out, series.histograms[0]);
  }
  out += '}';
}

template <typename Items>
void append_points(std::string& out, const char* key, const Items& items) {
  if (items.empty()) return;
  out += key;
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    append_point(out, item);
  }
  out += ']';
}

void append_matrix_element(std::string& out, const promql::ResultSeries& series) {
  out += "{\"metric\":";
  append_labels(out, series.labels);
  append_points(out, ",\"values\":[", series.samples);
  append_points(out, ",\"histograms\":[", series.histograms);
  out += '}';
}

void append_annotations(std::string& out, const char* key, const char* kind,
                        const std::vector<std::string>& notes) {
  if (notes.empty()) return;
  out += key;
  for (std::size_t i = 0; i < std::min(notes.size(), kMaxAnnotations); ++i) {
    if (i > 0) out += ',';
    append_string(out, notes[i]);
  }
  if (notes.size() > kMaxAnnotations) {
    out += ',';
    append_string(
        out, fmt::format("{} more {} annotations omitted", notes.size() - kMaxAnnotations, kind));
  }
  out += ']';
}

Response answer(std::string body, int status = 200) {
  Response response;
  response.status = status;
  response.headers.push_back({"Content-Type", "application/json"});
  response.body = std::move(body);
  return response;
}

Response success(std::string_view data, const std::vector<std::string>& warnings = {},
                 const std::vector<std::string>& infos = {}) {
  std::string out;
  out.reserve(data.size() + 64);
  out += "{\"status\":\"success\",\"data\":";
  out += data;
  append_annotations(out, ",\"warnings\":[", "warning", warnings);
  append_annotations(out, ",\"infos\":[", "info", infos);
  out += '}';
  return answer(std::move(out));
}

Response failure(int status, std::string_view type, std::string_view message) {
  std::string out = "{\"status\":\"error\",\"errorType\":";
  append_string(out, type);
  out += ",\"error\":";
  append_string(out, message);
  out += '}';
  return answer(std::move(out), status);
}

Response bad_parameter(std::string_view name, const Error& error) {
  return failure(400, "bad_data", fmt::format("invalid parameter \"{}\": {}", name, error.message));
}

Response failure_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      if (error.message.find("parse error:") != std::string::npos)
        return failure(400, "bad_data",
                       fmt::format("invalid parameter \"query\": {}", error.message));
      return failure(400, "bad_data", error.message);
    case ErrorCode::kUnsupported:
    case ErrorCode::kTooLarge:
      return failure(422, "execution", error.message);
    case ErrorCode::kDeadline:
      return failure(503, "timeout", error.message);
    case ErrorCode::kCancelled:
      return failure(499, "canceled", error.message);
    case ErrorCode::kNotFound:
      return failure(404, "not_found", error.message);
    default:
      return failure(500, "internal", error.message);
  }
}

/// A request's parameters, with those problems that Prometheus answers with bad_data.
class Call {
 public:
  Call(const Request& request, const promql::Engine& engine, const Clock& clock,
       const QueryApiOptions& options)
      : request_(request), engine_(engine), clock_(clock), options_(options) {}

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
    const auto value = text(name);
    if (value.empty()) return fallback;
    return parse_api_time(value);
  }

  /// 0: no limit.
  Result<std::size_t> limit(std::string_view name = "limit") const {
    const auto value = text(name);
    if (value.empty()) return 0;
    long long number = 0;
    auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (problem != std::errc() || end != value.data() + value.size())
      return fail(ErrorCode::kInvalid, fmt::format("cannot parse {} to an integer", quote(value)));
    if (number < 0) return fail(ErrorCode::kInvalid, "limit must be non-negative");
    return static_cast<std::size_t>(number);
  }

  Result<promql::QueryLimits> query_limits() const;
  Result<std::vector<std::vector<Matcher>>> matchers() const;
  Response query_answer(promql::QueryResult result, std::size_t limit) const;

  /// start and end of the metadata endpoints; everything when they are left out.
  Result<TimeRange> range() const {
    TRY(const auto start, time("start", from_unix_ms(kEarliest)));
    TRY(const auto end, time("end", from_unix_ms(kLatest)));
    return TimeRange{to_unix_ms(start), to_unix_ms(end)};
  }

  static constexpr std::int64_t kEarliest = -9'000'000'000'000'000, kLatest = 9'000'000'000'000'000;

  const Request& request_;
  const promql::Engine& engine_;
  const Clock& clock_;
  const QueryApiOptions& options_;
};

Result<promql::QueryLimits> Call::query_limits() const {
  promql::QueryLimits limits;
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
  limits.timed_out = [&clock = clock_, until = clock_.steady() + timeout] {
    return clock.steady() > until;
  };
  return limits;
}

Result<std::vector<std::vector<Matcher>>> Call::matchers() const {
  std::vector<std::vector<Matcher>> sets;
  for (const auto& value : request_.parameters("match[]")) {
    auto set = promql::parse_selector(value);
    if (!set)
      return fail(ErrorCode::kInvalid,
                  fmt::format("invalid parameter \"match[]\": {}", set.error().message));
    sets.push_back(std::move(*set));
  }
  return sets;
}

Response Call::query_answer(promql::QueryResult result, std::size_t limit) const {
  if (limit > 0 && result.series.size() > limit && result.type != promql::ValueType::kScalar) {
    result.series.resize(limit);
    result.warnings.push_back("results truncated due to limit");
  }
  std::string data;
  append_query_data(data, result);
  if (const auto stats = text("stats"); !stats.empty()) {
    data.pop_back();
    // Only what was measured: Prometheus' timings and peakSamples are not.
    data += fmt::format(",\"stats\":{{\"samples\":{{\"totalQueryableSamples\":{}}}}}}}",
                        result.stats.samples_read);
  }
  return success(data, result.warnings, result.infos);
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
  return query_answer(std::move(*result), *most);
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
  return query_answer(std::move(*result), *most);
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
    append_string(data, value);
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
  if (!when) return bad_parameter("start", when.error());
  auto found = engine_.reader().series(*sets, *when, {});
  if (!found) return failure_of(found.error());
  std::vector<std::string> warnings;
  if (*most > 0 && found->size() > *most) {
    found->resize(*most);
    warnings.push_back("results truncated due to limit");
  }
  std::string data = "[";
  for (const auto& labels : *found) {
    if (data.size() > 1) data += ',';
    append_labels(data, labels);
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
  if (!when) return bad_parameter("start", when.error());
  auto found = engine_.reader().label_names(*sets, *when);
  if (!found) return failure_of(found.error());
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
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | (code >> 6));
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | (code >> 12));
      out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | (code >> 18));
      out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
      out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
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
  if (!when) return bad_parameter("start", when.error());
  auto found = engine_.reader().label_values(name, *sets, *when);
  if (!found) return failure_of(found.error());
  std::vector<std::string> warnings;
  const auto data = list_of(std::move(*found), *most, warnings);
  return success(data, warnings);
}

Response Call::metadata() const {
  const auto most = limit();
  if (!most) return failure(400, "bad_data", "limit must be a number");
  const auto wanted = text("metric");
  std::string data = "{";
  std::size_t count = 0;
  for (const auto& family : engine_.reader().metadata()) {
    if (!wanted.empty() && family.family != wanted) continue;
    if (*most > 0 && count == *most) break;
    if (count++ > 0) data += ',';
    append_string(data, family.family);
    data += ":[{\"type\":";
    append_string(data, family.type);
    data += ",\"help\":";
    append_string(data, family.help);
    data += ",\"unit\":";
    append_string(data, family.unit);
    data += "}]";
  }
  data += '}';
  return success(data);
}

Response Call::format_query() const {
  const auto expr = promql::parse(text("query"), engine_.options().parser);
  if (!expr) return failure_of(expr.error());
  std::string data;
  append_string(data, promql::pretty(**expr));
  return success(data);
}

Response Call::parse_query() const {
  const auto expr = promql::parse(text("query"), engine_.options().parser);
  if (!expr) return failure_of(expr.error());
  return success(to_text(promql::tree_as_json(**expr)));
}

Response Call::query_exemplars() const {
  const auto start = time("start", from_unix_ms(kEarliest));
  if (!start) return bad_parameter("start", start.error());
  const auto end = time("end", from_unix_ms(kLatest));
  if (!end) return bad_parameter("end", end.error());
  if (*end < *start)
    return failure(400, "bad_data",
                   "invalid parameter \"end\": end timestamp must not be before start timestamp");
  const auto expr = promql::parse(text("query"), engine_.options().parser);
  if (!expr) return failure_of(expr.error());
  return success("[]");
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

}  // namespace

void append_sample_value(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char buffer[400];
    out.append(buffer,
               std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr);
  }
}

void append_query_data(std::string& out, const promql::QueryResult& result) {
  out += "{\"resultType\":\"";
  out += promql::name_of(result.type);
  out += "\",\"result\":";
  if (result.type == promql::ValueType::kString) {
    out += '[';
    append_time(out, to_unix_ms(result.time));
    out += ',';
    append_string(out, result.text);
    out += "]}";
    return;
  }
  if (result.type == promql::ValueType::kScalar) {
    append_point(out, result.series.at(0).samples.at(0));
    out += '}';
    return;
  }
  out += '[';
  for (std::size_t i = 0; i < result.series.size(); ++i) {
    if (i > 0) out += ',';
    if (result.type == promql::ValueType::kVector) {
      append_vector_element(out, result.series[i]);
    } else {
      append_matrix_element(out, result.series[i]);
    }
  }
  out += "]}";
}

Result<Timestamp> parse_api_time(std::string_view text) {
  const auto refused = [&] {
    return fail(ErrorCode::kInvalid,
                fmt::format("cannot parse {} to a valid timestamp", quote(text)));
  };
  double seconds = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (problem == std::errc() && end == text.data() + text.size()) {
    if (!std::isfinite(seconds) || std::abs(seconds) > 9.0e12) return refused();
    return from_unix_ms(static_cast<std::int64_t>(std::llround(seconds * 1000)));
  }
  auto time = parse_rfc3339(text);
  if (!time) return refused();
  return *time;
}

Result<Duration> parse_api_duration(std::string_view text) {
  double seconds = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (problem == std::errc() && end == text.data() + text.size()) {
    if (!std::isfinite(seconds) || std::abs(seconds) > 9.0e12)
      return fail(
          ErrorCode::kInvalid,
          fmt::format("cannot parse {} to a valid duration. It overflows int64", quote(text)));
    return Duration{static_cast<std::int64_t>(std::llround(seconds * 1000))};
  }
  auto duration = parse_duration(text);
  if (!duration)
    return fail(ErrorCode::kInvalid,
                fmt::format("cannot parse {} to a valid duration", quote(text)));
  return *duration;
}

Response answer_prometheus_query(std::string_view pattern, const Request& request,
                                 const promql::Engine& engine, const Clock& clock,
                                 const QueryApiOptions& options) {
  for (const auto& endpoint : kEndpoints)
    if (endpoint.pattern == pattern)
      return (Call(request, engine, clock, options).*endpoint.handler)();
  return failure(404, "not_found", "no such endpoint");
}

std::vector<http::Route> prometheus_query_routes(Runtime& runtime, const promql::Engine& engine,
                                                 QueryApiOptions options) {
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
      route.handler = [&runtime, &engine, options, pattern = endpoint.pattern](Request request,
                                                                               http::Reply reply) {
        runtime.workers.run([&runtime, &engine, options, pattern, request = std::move(request),
                             reply = std::move(reply)]() mutable {
          reply(answer_prometheus_query(pattern, request, engine, runtime.clock, options));
        });
      };
      routes.push_back(std::move(route));
    }
  }
  return routes;
}

}  // namespace wellrun::telemetry
