#include "health/effectiveness/effectiveness_api.h"

#include <algorithm>
#include <charconv>

#include "core/text.h"
#include "health/effectiveness/backtests.h"
#include "health/effectiveness/past.h"

namespace wellrun::health::effectiveness {
namespace {

constexpr std::size_t kMostRecent = 50;
constexpr int kMostDays = 400;

struct Api {
  Runtime runtime;
  journal::Ledger& ledger;
  const catalog::Catalog& catalog;
  const HealthDomain& domain;
  const telemetry::promql::Engine& engine;
  const journal::Store& journal;
  telemetry::RunningQueries& running;
};

using Cancelled = std::function<bool()>;

/// What an answer rests on besides the journal; put together on the strand.
struct Asked {
  std::vector<Subject> subjects;
  std::vector<Signal> standing;
  Timestamp from, now;
  std::string workload;
};

Result<int> days_of(const http::Request& request) {
  const auto text = request.parameter("days").value_or("90");
  int days = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (error != std::errc{} || end != text.data() + text.size() || days < 1 || days > kMostDays)
    return fail(
        ErrorCode::kInvalid,
        fmt::format("days is a whole number from 1 to {}, found {}", kMostDays, quote(text)),
        "days");
  return days;
}

Result<Asked> ask(const Api& api, const http::Request& request) {
  TRY(const auto days, days_of(request));
  const auto now = api.runtime.clock.now();
  const auto from = now - std::chrono::hours(24) * days;
  auto subjects = subjects_of(api.catalog);
  auto standing = standing_at(now, api.domain, subjects);
  return Asked{.subjects = std::move(subjects),
               .standing = std::move(standing),
               .from = from,
               .now = now,
               .workload = request.parameter("workload").value_or("")};
}

/// Alerts that fired last, for people to say what they were.
Json recent_alerts(const History& history, const std::string& workload) {
  Json recent = Json::array();
  for (auto signal = history.signals.rbegin(); signal != history.signals.rend(); ++signal) {
    const bool alert =
        !signal->subject.starts_with("kpis/") && !signal->subject.starts_with("detectors/");
    if (!alert || (!workload.empty() && signal->workload != workload)) continue;
    recent.push_back({{"fingerprint", signal->key},
                      {"subject", signal->subject},
                      {"workload", signal->workload},
                      {"severity", signal->severity},
                      {"from", format_rfc3339(signal->from)},
                      {"to", signal->to ? Json(format_rfc3339(*signal->to)) : Json()},
                      {"verdict", signal->verdict}});
    if (recent.size() == kMostRecent) break;
  }
  return recent;
}

Result<Json> effectiveness(const Api& api, const Asked& asked, const Cancelled& cancelled) {
  TRY(const auto past,
      read_past(api.journal, asked.from, RuleNames(asked.subjects), asked.standing, cancelled));
  Json items = Json::array();
  for (const auto& worth : worth_of(asked.subjects, past.history, asked.now)) {
    if (asked.workload.empty() || worth.subject.workload == asked.workload)
      items.push_back(to_json(worth, past.from));
  }
  return Json{{"from", format_rfc3339(past.from)},
              {"at", format_rfc3339(asked.now)},
              {"items", std::move(items)},
              {"recent", recent_alerts(past.history, asked.workload)}};
}

/// What a lower bar would have said stands in the scores alone: without their support there is
/// nothing to propose.
bool rests_on_its_backtest(const Proposal& proposal) {
  return proposal.what == "lower";
}

Result<Json> propose(const Api& api, const Asked& asked, const Cancelled& cancelled) {
  TRY(const auto past,
      read_past(api.journal, asked.from, RuleNames(asked.subjects), asked.standing, cancelled));
  const auto& history = past.history;
  const auto worths = worth_of(asked.subjects, history, asked.now);
  Backtests backtests(api.engine, api.runtime.clock, history, past.from, asked.now, cancelled);
  Json items = Json::array();
  for (const auto& proposal : proposals(worths, history, past.from, asked.now)) {
    if (!asked.workload.empty() && proposal.workload != asked.workload) continue;
    auto item = to_json(proposal);
    item["backtest"] = backtests.of(proposal);
    if (cancelled && cancelled())
      return fail(ErrorCode::kCancelled, "trying proposals on the past was given up");
    if (rests_on_its_backtest(proposal) && item["backtest"].value("supports", Json()) != true)
      continue;
    items.push_back(std::move(item));
  }
  return Json{{"from", format_rfc3339(past.from)},
              {"at", format_rfc3339(asked.now)},
              {"items", std::move(items)}};
}

using Answer = Result<Json> (*)(const Api&, const Asked&, const Cancelled&);

/// They take their turn among the queries: proposals are tried on the metrics.
void in_turn(const std::shared_ptr<Api>& api, Answer answer, const http::Request& request,
             http::Reply reply) {
  auto asked = ask(*api, request);
  if (!asked) return reply(http::problem_response(asked.error()));
  auto shared =
      std::make_shared<std::pair<Asked, http::Reply>>(std::move(*asked), std::move(reply));
  telemetry::RunningQueries::Work work = [api, answer,
                                          shared](const telemetry::promql::QueryLimits& limits) {
    const auto json = answer(*api, shared->first, limits.cancelled);
    shared->second(json ? http::json_response(*json) : http::problem_response(json.error()));
  };
  const auto taken =
      api->running.submit({request.principal.actor, "effectiveness", request.abandoned}, work);
  if (!taken) shared->second(http::problem_response(taken.error()));
}

void give_verdict(const std::shared_ptr<Api>& api, const http::Request& request,
                  http::Reply reply) {
  const auto body = http::json_body(request);
  if (!body) return reply(http::problem_response(body.error()));
  const auto& fingerprint = request.path_parameter("fingerprint");
  const auto actor = request.principal.actor;
  api->ledger.command(
      {.actor = actor},
      [api, fingerprint, actor, verdict = text_or(*body, "verdict"),
       comment = text_or(*body, "comment")](Timestamp) {
        return api->domain.give_verdict(fingerprint, verdict, comment, actor);
      },
      [reply = std::move(reply)](const auto& facts) mutable {
        reply(facts ? http::json_response(facts->front().body, 201)
                    : http::problem_response(facts.error()));
      });
}

}  // namespace

std::vector<http::Route> effectiveness_routes(Runtime runtime, journal::Ledger& ledger,
                                              const catalog::Catalog& catalog,
                                              const HealthDomain& domain,
                                              const telemetry::promql::Engine& engine,
                                              const journal::Store& journal,
                                              telemetry::RunningQueries& running) {
  const auto api =
      std::make_shared<Api>(Api{runtime, ledger, catalog, domain, engine, journal, running});
  const auto view = [&](const char* pattern, const char* operation, Answer answer) {
    return http::Route{.method = "GET",
                       .pattern = pattern,
                       .role = http::Role::kViewer,
                       .operation_id = operation,
                       .handler = http::on_strand_later(
                           runtime.strand,
                           [api, answer](const http::Request& request, http::Reply reply) {
                             in_turn(api, answer, request, std::move(reply));
                           }),
                       .watches_peer = true};
  };
  std::vector<http::Route> routes;
  routes.push_back(view("/api/v1/effectiveness", "getEffectiveness", effectiveness));
  routes.push_back(view("/api/v1/effectiveness/proposals", "listProposals", propose));
  routes.push_back({.method = "POST",
                    .pattern = "/api/v1/alerts/{fingerprint}/verdict",
                    .role = http::Role::kResponder,
                    .operation_id = "giveAlertVerdict",
                    .handler = http::on_strand_later(
                        runtime.strand, [api](const http::Request& request, http::Reply reply) {
                          give_verdict(api, request, std::move(reply));
                        })});
  return routes;
}

}  // namespace wellrun::health::effectiveness
