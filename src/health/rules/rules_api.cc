#include "health/rules/rules_api.h"

#include <array>

#include "core/text.h"
#include "facts/respond.h"
#include "health/past_facts.h"
#include "health/rules/backtest.h"
#include "health/rules/trial.h"

namespace wellrun::health::rules {
namespace {

namespace promql = telemetry::promql;

constexpr std::int64_t kMostSteps = 50'000;
constexpr Duration kLongest{60'000};

struct BacktestRequest {
  Trial trial;
  std::string workload;
};

Result<Timestamp> time_field(const Json& json, const char* name, Timestamp otherwise) {
  const auto text = text_or(json, name);
  if (text.empty()) return otherwise;
  auto time = parse_rfc3339(text);
  if (!time) return fail(ErrorCode::kInvalid, time.error().message, name);
  return *time;
}

Result<BacktestRequest> read_request(const Json& json, Timestamp now) {
  constexpr auto kWeek = std::chrono::days(7);
  const auto rule = json.find("rule");
  if (rule == json.end() || !rule->is_object())
    return fail(ErrorCode::kInvalid, "a rule to try is missing", "rule");
  BacktestRequest request;
  auto& trial = request.trial;
  TRY(trial.rule, rule_of(*rule));
  TRY(trial.end, time_field(json, "end", now));
  TRY(trial.start, time_field(json, "start", trial.end - kWeek));
  TRY(trial.interval, duration_field(json, "interval", trial.interval));
  request.workload = text_or(json, "workload");
  if (trial.interval < std::chrono::seconds(1))
    return fail(ErrorCode::kInvalid, "the shortest interval is 1s", "interval");
  if (trial.end <= trial.start)
    return fail(ErrorCode::kInvalid, "the end must be after the start", "end");
  const auto steps = (trial.end - trial.start) / trial.interval;
  if (steps > kMostSteps)
    return fail(
        ErrorCode::kTooLarge,
        fmt::format("{} evaluations; at most {} are made: take a shorter time or a longer interval",
                    steps, kMostSteps),
        "interval");
  return request;
}

/// What incidents_of() asks for.
Result<PastFacts> incident_facts(const journal::Store& journal, Timestamp end,
                                 const std::function<bool()>& cancelled) {
  constexpr std::array<std::string_view, 3> kTypes = {facts::IncidentOpened::kType,
                                                      facts::IncidentAcknowledged::kType,
                                                      facts::IncidentResolved::kType};
  return past_facts(journal, kTypes, {.to = end, .cancelled = cancelled});
}

}  // namespace

Result<Json> answer_backtest(const Json& json, Timestamp now, const Clock& clock,
                             const promql::Engine& engine, const journal::Store& journal,
                             const std::function<bool()>& cancelled) {
  TRY(const auto request, read_request(json, now));
  const auto& trial = request.trial;
  const auto deadline = clock.steady() + kLongest;
  const auto firings = fire(trial, engine, [&clock, deadline, &cancelled] {
    return clock.steady() > deadline || (cancelled && cancelled());
  });
  if (cancelled && cancelled()) return fail(ErrorCode::kCancelled, "the back-test was cancelled");
  if (!firings) return std::unexpected(firings.error());
  TRY(const auto past, incident_facts(journal, trial.end, cancelled));
  auto report =
      backtest_report(*firings, incidents_of(past.facts), request.workload, trial.start, trial.end);
  if (past.from != Timestamp{}) report["incidents_from"] = format_rfc3339(past.from);
  report["rule"] = {{"alert", trial.rule.alert},
                    {"expr", trial.rule.expr},
                    {"for", format_duration(trial.rule.hold)},
                    {"keep_firing_for", format_duration(trial.rule.keep_firing_for)}};
  report["start"] = format_rfc3339(trial.start);
  report["end"] = format_rfc3339(trial.end);
  report["interval"] = format_duration(trial.interval);
  report["evaluations"] = (trial.end - trial.start) / trial.interval + 1;
  return report;
}

std::vector<http::Route> rules_routes(const Clock& clock, const promql::Engine& engine,
                                      const journal::Store& journal,
                                      telemetry::RunningQueries& running) {
  http::Route route;
  route.method = "POST";
  route.pattern = "/api/v1/rules/backtest";
  route.role = http::Role::kViewer;
  route.operation_id = "backtestRule";
  route.watches_peer = true;
  route.handler = [&clock, &engine, &journal, &running](const http::Request& request,
                                                        http::Reply reply) {
    const auto body = http::json_body(request);
    if (!body) return reply(http::problem_response(body.error()));
    const auto rule = body->is_object() ? body->value("rule", Json()) : Json();
    const auto text = rule.is_object() ? "back-test of " + text_or(rule, "expr") : "back-test";
    const auto shared = std::make_shared<http::Reply>(std::move(reply));
    telemetry::RunningQueries::Work work = [&clock, &engine, &journal, body = *body,
                                            shared](const promql::QueryLimits& limits) {
      const auto answer =
          answer_backtest(body, clock.now(), clock, engine, journal, limits.cancelled);
      (*shared)(answer ? http::json_response(*answer) : http::problem_response(answer.error()));
    };
    const auto taken = running.submit({request.principal.actor, text, request.abandoned}, work);
    if (!taken) (*shared)(http::problem_response(taken.error()));
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  return routes;
}

}  // namespace wellrun::health::rules
