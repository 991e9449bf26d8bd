#include "telemetry/logs_api.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <set>

#include "core/bytes.h"

namespace wellrun::telemetry {
namespace {

constexpr Duration kDefaultRange{3'600'000};
constexpr std::size_t kDefaultLogs = 200, kMaxLogs = 1'000;
constexpr std::size_t kDefaultTraces = 50, kMaxTraces = 200;
constexpr std::size_t kSpansLookedAt = 5'000;  // newest ones, to find the newest traces in
constexpr std::size_t kMaxSpansOfTrace = 5'000, kMaxLogsOfTrace = 1'000;
constexpr std::size_t kMaxTextBytes = 1'024;
constexpr std::size_t kTraceIdDigits = 32;

using Read = Result<Json> (*)(const SignalStore&, const http::Request&, Timestamp now,
                              const promql::QueryLimits&);

template <typename Number>
Result<Number> read_number(const http::Request& request, const char* name, Number fallback,
                           Number least, Number most) {
  const auto text = request.parameter(name);
  if (!text) return fallback;
  Number value{};
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (problem != std::errc{} || end != text->data() + text->size() ||
      !(value >= least && value <= most))
    return fail(ErrorCode::kInvalid,
                fmt::format("parameter {} must be a number from {} to {}", name, least, most));
  return value;
}

Result<Timestamp> read_time(const http::Request& request, const char* name, Timestamp fallback) {
  const auto text = request.parameter(name);
  if (!text) return fallback;
  if (const auto time = parse_rfc3339(*text)) return *time;
  constexpr double kFarSeconds = 253'402'300'799;  // the end of the year 9999
  if (const auto seconds = read_number<double>(request, name, 0, -kFarSeconds, kFarSeconds))
    return from_unix_ms(static_cast<std::int64_t>(std::floor(*seconds * 1000)));
  return fail(ErrorCode::kInvalid,
              fmt::format("parameter {} must be an RFC 3339 time or Unix seconds", name));
}

Result<TimeRange> read_range(const http::Request& request, Timestamp now) {
  TRY(const auto end, read_time(request, "end", now));
  TRY(const auto start, read_time(request, "start", end - kDefaultRange));
  if (start > end) return fail(ErrorCode::kInvalid, "start is after end");
  return TimeRange{to_unix_ms(start), to_unix_ms(end)};
}

Result<std::optional<std::string>> read_text(const http::Request& request, const char* name) {
  auto text = request.parameter(name);
  if (!text || text->empty()) return std::optional<std::string>{};
  if (text->size() > kMaxTextBytes)
    return fail(ErrorCode::kInvalid,
                fmt::format("parameter {} is longer than {} bytes", name, kMaxTextBytes));
  return text;
}

Result<std::string> read_trace_id(std::string_view text) {
  const auto bytes = text.size() == kTraceIdDigits ? from_hex(text) : std::nullopt;
  if (!bytes) return fail(ErrorCode::kInvalid, "a trace id has 32 hexadecimal digits");
  return to_hex(*bytes);
}

Result<bool> read_flag(const http::Request& request, const char* name) {
  const auto text = request.parameter(name).value_or("false");
  if (text != "true" && text != "false")
    return fail(ErrorCode::kInvalid, fmt::format("parameter {} must be true or false", name));
  return text == "true";
}

Json attributes_json(const Labels& labels) {
  Json out = Json::object();
  for (const auto& label : labels) out[label.name] = label.value;
  return out;
}

Json log_json(const LogRecord& record) {
  Json out = {{"time", format_rfc3339(record.time)},
              {"severity", record.severity},
              {"severity_text", record.severity_text},
              {"service", record.service},
              {"body", record.body},
              {"attributes", attributes_json(record.attributes)}};
  if (!record.trace_id.empty()) out["trace_id"] = record.trace_id;
  if (!record.span_id.empty()) out["span_id"] = record.span_id;
  return out;
}

std::string time_of_ns(std::int64_t ns) {
  return format_rfc3339(from_unix_ms(ns / 1'000'000));
}
double milliseconds(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

/// Events and links are kept as JSON in an attribute (telemetry/otlp/records.h); here they are
/// themselves again.
void move_out(Json& span, const char* attribute, const char* name) {
  auto& attributes = span["attributes"];
  const auto found = attributes.find(attribute);
  if (found == attributes.end()) return;
  if (auto items = parse_json(found->get_ref<const std::string&>())) {
    span[name] = std::move(*items);
    attributes.erase(attribute);
  }
}

Json span_json(const SpanRecord& span) {
  Json out = {{"trace_id", span.trace_id},
              {"span_id", span.span_id},
              {"name", span.name},
              {"service", span.service},
              {"kind", span.kind},
              {"status", span.status},
              {"start", time_of_ns(span.start_ns)},
              {"end", time_of_ns(span.end_ns)},
              {"duration_ms", milliseconds(span.end_ns - span.start_ns)},
              {"attributes", attributes_json(span.attributes)}};
  if (!span.parent_span_id.empty()) out["parent_span_id"] = span.parent_span_id;
  if (!span.status_message.empty()) out["status_message"] = span.status_message;
  move_out(out, "span.events", "events");
  move_out(out, "span.links", "links");
  return out;
}

Result<Json> list_logs(const SignalStore& signals, const http::Request& request, Timestamp now,
                       const promql::QueryLimits&) {
  LogQuery query;
  TRY(query.range, read_range(request, now));
  TRY(query.service, read_text(request, "service"));
  TRY(query.contains, read_text(request, "contains"));
  TRY(query.trace_id, read_text(request, "trace_id"));
  if (query.trace_id) {
    TRY(query.trace_id, read_trace_id(*query.trace_id));
  }
  TRY(query.min_severity, read_number(request, "severity", 0, 0, 24));
  TRY(query.limit, read_number(request, "limit", kDefaultLogs, std::size_t{1}, kMaxLogs));
  TRY(const auto records, signals.logs(query));
  Json items = Json::array();
  for (const auto& record : records) items.push_back(log_json(record));
  return Json{{"items", std::move(items)}};
}

constexpr TimeRange kAllTime{0, std::numeric_limits<std::int64_t>::max() / 1'000'000};

/// Senders send a batch again whose answer was lost, and the store keeps both.
void drop_repeated(std::vector<SpanRecord>& spans) {
  std::set<std::pair<std::int64_t, std::string>> seen;
  std::erase_if(spans, [&](const SpanRecord& span) {
    return !seen.emplace(span.start_ns, span.span_id).second;
  });
}

/// Sorted by start, each span once; of one trace, wherever in time.
Result<std::vector<SpanRecord>> spans_of(const SignalStore& signals, const std::string& trace_id) {
  SpanQuery query;
  query.range = kAllTime;
  query.trace_id = trace_id;
  query.limit = kMaxSpansOfTrace;
  TRY(auto spans, signals.spans(query));
  std::ranges::stable_sort(spans, {}, &SpanRecord::start_ns);
  drop_repeated(spans);
  return spans;
}

/// `spans`: sorted by start, not empty. Named after its root, or the first span when the root is
/// not kept.
Json summary_json(const std::vector<SpanRecord>& spans) {
  auto root = std::ranges::find_if(
      spans, [](const SpanRecord& span) { return span.parent_span_id.empty(); });
  if (root == spans.end()) root = spans.begin();
  const auto end_ns = std::ranges::max_element(spans, {}, &SpanRecord::end_ns)->end_ns;
  return {{"trace_id", root->trace_id},
          {"name", root->name},
          {"service", root->service},
          {"start", time_of_ns(spans.front().start_ns)},
          {"duration_ms", milliseconds(end_ns - spans.front().start_ns)},
          {"spans", spans.size()},
          {"errors", std::ranges::count(spans, "error", &SpanRecord::status)}};
}

Result<Json> list_traces(const SignalStore& signals, const http::Request& request, Timestamp now,
                         const promql::QueryLimits& limits) {
  SpanQuery query;
  TRY(query.range, read_range(request, now));
  TRY(query.service, read_text(request, "service"));
  TRY(query.errors_only, read_flag(request, "errors"));
  TRY(const auto limit, read_number(request, "limit", kDefaultTraces, std::size_t{1}, kMaxTraces));
  query.limit = kSpansLookedAt;
  TRY(const auto found, signals.spans(query));
  Json items = Json::array();
  std::set<std::string> seen;
  for (const auto& span : found) {
    if (items.size() >= limit) break;
    if (!seen.insert(span.trace_id).second) continue;
    TRY_STATUS(go_on(limits));
    TRY(const auto spans, spans_of(signals, span.trace_id));
    if (!spans.empty()) items.push_back(summary_json(spans));
  }
  return Json{{"items", std::move(items)}};
}

Result<Json> get_trace(const SignalStore& signals, const http::Request& request, Timestamp,
                       const promql::QueryLimits& limits) {
  TRY(const auto trace_id, read_trace_id(request.path_parameter("trace_id")));
  TRY(const auto spans, spans_of(signals, trace_id));
  if (spans.empty())
    return fail(ErrorCode::kNotFound, fmt::format("no span of trace {} is kept", trace_id));
  TRY_STATUS(go_on(limits));
  LogQuery query;
  query.range = kAllTime;
  query.trace_id = trace_id;
  query.limit = kMaxLogsOfTrace;
  TRY(auto records, signals.logs(query));
  std::ranges::stable_sort(records, {}, &LogRecord::time);
  Json out = {{"trace_id", trace_id}, {"spans", Json::array()}, {"logs", Json::array()}};
  for (const auto& span : spans) out["spans"].push_back(span_json(span));
  for (const auto& record : records) out["logs"].push_back(log_json(record));
  return out;
}

http::Route route(const SignalStore& signals, Runtime runtime, RunningQueries& running,
                  std::string pattern, std::string operation_id, Read read) {
  http::Route out;
  out.method = "GET";
  out.pattern = std::move(pattern);
  out.role = http::Role::kViewer;
  out.operation_id = std::move(operation_id);
  out.watches_peer = true;
  out.handler = [&signals, runtime, &running, read](const http::Request& request,
                                                    http::Reply reply) {
    answer_in_turn(running, request, std::move(reply),
                   [&signals, runtime, read, request](const promql::QueryLimits& limits) {
                     const auto json = read(signals, request, runtime.clock.now(), limits);
                     return json ? http::json_response(*json)
                                 : http::problem_response(json.error());
                   });
  };
  return out;
}

}  // namespace

std::vector<http::Route> logs_routes(const SignalStore& signals, Runtime runtime,
                                     RunningQueries& running) {
  std::vector<http::Route> out;
  out.push_back(route(signals, runtime, running, "/api/v1/logs", "listLogs", list_logs));
  out.push_back(route(signals, runtime, running, "/api/v1/traces", "listTraces", list_traces));
  out.push_back(
      route(signals, runtime, running, "/api/v1/traces/{trace_id}", "getTrace", get_trace));
  return out;
}

}  // namespace wellrun::telemetry
