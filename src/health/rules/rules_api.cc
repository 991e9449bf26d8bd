#include "health/rules/rules_api.h"

#include "core/text.h"
#include "health/alert_template.h"
#include "health/rules/backtest.h"

namespace wellrun::health::rules {
namespace {

namespace promql = telemetry::promql;

constexpr std::int64_t kMostSteps = 50'000;
constexpr std::int64_t kStepsAtOnce = 500;
constexpr Duration kLongest{60'000};
constexpr std::size_t kMostFacts = 100'000;

struct BacktestRequest {
  AlertRule rule;
  Timestamp start, end;
  Duration interval{60'000};
  std::string workload;
};

Result<Duration> duration_field(const Json& json, const char* name, Duration otherwise) {
  const auto text = text_or(json, name);
  if (text.empty()) return otherwise;
  auto duration = parse_duration(text);
  if (!duration) return fail(ErrorCode::kInvalid, duration.error().message, name);
  return *duration;
}

Result<Timestamp> time_field(const Json& json, const char* name, Timestamp otherwise) {
  const auto text = text_or(json, name);
  if (text.empty()) return otherwise;
  auto time = parse_rfc3339(text);
  if (!time) return fail(ErrorCode::kInvalid, time.error().message, name);
  return *time;
}

Result<AlertRule> rule_field(const Json& json) {
  AlertRule rule;
  rule.expr = text_or(json, "expr");
  rule.alert = text_or(json, "alert", "Backtest");
  rule.key = "backtest/" + rule.alert;
  if (rule.expr.empty())
    return fail(ErrorCode::kInvalid, "a rule needs expr, its PromQL", "rule.expr");
  if (const auto parsed = promql::parse(rule.expr); !parsed)
    return fail(ErrorCode::kInvalid, parsed.error().message, "rule.expr");
  TRY(rule.hold, duration_field(json, "for", Duration{0}));
  TRY(rule.keep_firing_for, duration_field(json, "keep_firing_for", Duration{0}));
  const auto labels = json.find("labels");
  if (labels == json.end()) return rule;
  if (!labels->is_object())
    return fail(ErrorCode::kInvalid, "labels is a map of texts", "rule.labels");
  for (const auto& [name, value] : labels->items()) {
    if (!value.is_string())
      return fail(ErrorCode::kInvalid, "labels is a map of texts", "rule.labels." + name);
    auto checked = check_template(value.get<std::string>());
    if (!checked) return fail(ErrorCode::kInvalid, checked.error().message, "rule.labels." + name);
    rule.labels[name] = value.get<std::string>();
  }
  return rule;
}

Result<BacktestRequest> read_request(const Json& json, Timestamp now) {
  constexpr auto kWeek = std::chrono::days(7);
  const auto rule = json.find("rule");
  if (rule == json.end() || !rule->is_object())
    return fail(ErrorCode::kInvalid, "a rule to try is missing", "rule");
  BacktestRequest request;
  TRY(request.rule, rule_field(*rule));
  TRY(request.end, time_field(json, "end", now));
  TRY(request.start, time_field(json, "start", request.end - kWeek));
  TRY(request.interval, duration_field(json, "interval", request.interval));
  request.workload = text_or(json, "workload");
  if (request.interval < std::chrono::seconds(1))
    return fail(ErrorCode::kInvalid, "the shortest interval is 1s", "interval");
  if (request.end <= request.start)
    return fail(ErrorCode::kInvalid, "the end must be after the start", "end");
  const auto steps = (request.end - request.start) / request.interval;
  if (steps > kMostSteps)
    return fail(
        ErrorCode::kTooLarge,
        fmt::format("{} evaluations; at most {} are made: take a shorter time or a longer interval",
                    steps, kMostSteps),
        "interval");
  return request;
}

/// By evaluation, what the rule saw.
using Evaluations = std::vector<std::vector<telemetry::InstantSeries>>;

Evaluations by_step(const promql::QueryResult& result, Timestamp start, Duration interval,
                    std::size_t count) {
  Evaluations evaluations(count);
  const auto put = [&](const Labels& labels, std::int64_t time, double value) {
    const auto step = static_cast<std::size_t>((time - to_unix_ms(start)) / interval.count());
    if (step < count) evaluations[step].push_back({labels, value});
  };
  for (const auto& series : result.series) {
    for (const auto& sample : series.samples) put(series.labels, sample.time_ms, sample.value);
    for (const auto& sample : series.histograms) put(series.labels, sample.time_ms, 0);
  }
  return evaluations;
}

Result<std::vector<Firing>> run(const BacktestRequest& request, const Clock& clock,
                                const promql::Engine& engine) {
  const auto deadline = clock.steady() + kLongest;
  promql::QueryLimits limits;
  limits.timed_out = [&clock, deadline] { return clock.steady() > deadline; };
  Backtest backtest(request.rule);
  for (auto begin = request.start; begin <= request.end; begin += request.interval * kStepsAtOnce) {
    const auto last = std::min(begin + request.interval * (kStepsAtOnce - 1), request.end);
    TRY(const auto result, engine.range(request.rule.expr, begin, last, request.interval, limits));
    const auto count = static_cast<std::size_t>((last - begin) / request.interval) + 1;
    auto now = begin;
    for (const auto& series : by_step(result, begin, request.interval, count)) {
      TRY_STATUS(backtest.step(now, series));
      now += request.interval;
    }
  }
  return backtest.finish();
}

Result<std::vector<journal::Fact>> incident_facts(const journal::Store& journal, Timestamp end) {
  journal::FactQuery query;
  query.type_prefix = "incident.";
  query.to = end;
  query.limit = kMostFacts;
  return journal.read(query);
}

}  // namespace

Result<Json> answer_backtest(const Json& json, Timestamp now, const Clock& clock,
                             const promql::Engine& engine, const journal::Store& journal) {
  TRY(const auto request, read_request(json, now));
  TRY(const auto firings, run(request, clock, engine));
  TRY(const auto facts, incident_facts(journal, request.end));
  auto report =
      backtest_report(firings, incidents_of(facts), request.workload, request.start, request.end);
  report["rule"] = {{"alert", request.rule.alert},
                    {"expr", request.rule.expr},
                    {"for", format_duration(request.rule.hold)},
                    {"keep_firing_for", format_duration(request.rule.keep_firing_for)}};
  report["start"] = format_rfc3339(request.start);
  report["end"] = format_rfc3339(request.end);
  report["interval"] = format_duration(request.interval);
  report["evaluations"] = (request.end - request.start) / request.interval + 1;
  return report;
}

std::vector<http::Route> rules_routes(Runtime runtime, const promql::Engine& engine,
                                      const journal::Store& journal) {
  http::Route route;
  route.method = "POST";
  route.pattern = "/api/v1/rules/backtest";
  route.role = http::Role::kViewer;
  route.operation_id = "backtestRule";
  route.handler = [runtime, &engine, &journal](http::Request request, http::Reply reply) {
    runtime.workers.run([runtime, &engine, &journal, request = std::move(request),
                         reply = std::move(reply)]() mutable {
      const auto body = http::json_body(request);
      if (!body) return reply(http::problem_response(body.error()));
      const auto answer =
          answer_backtest(*body, runtime.clock.now(), runtime.clock, engine, journal);
      reply(answer ? http::json_response(*answer) : http::problem_response(answer.error()));
    });
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  return routes;
}

}  // namespace wellrun::health::rules
