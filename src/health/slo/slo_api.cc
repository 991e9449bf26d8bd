#include "health/slo/slo_api.h"

#include <array>

#include "catalog/kinds/budget_policy.h"
#include "catalog/kinds/component.h"
#include "catalog/kinds/retention.h"
#include "catalog/slo_retention.h"
#include "core/text.h"
#include "facts/respond.h"
#include "health/past_facts.h"
#include "health/slo/budget_bins.h"
#include "health/slo/slo_report.h"

namespace wellrun::health {
namespace {

namespace promql = telemetry::promql;

constexpr Duration kLongest{30'000};

struct Api {
  Runtime runtime;
  const catalog::Catalog& catalog;
  const Evaluator& evaluator;
  const HealthDomain& domain;
  const promql::Engine& engine;
  const journal::Store& journal;
  telemetry::RunningQueries& running;
  Duration retention;
};

/// What an answer rests on, copied on the strand so that a worker may go on from there: only what
/// was asked for, and resources by reference.
struct Asked {
  catalog::Catalog catalog;  ///< with the kinds that a report speaks of, as they are now
  std::vector<std::string> slos;
  std::map<std::string, SloReading> readings;  ///< of those that were evaluated, or could not be
  std::map<std::string, BudgetStanding> steps;
  Timestamp now;
  Duration retention{0};
  bool with_burn_down = false;

  SloReading reading(const std::string& slo) const {
    const auto found = readings.find(slo);
    return found == readings.end() ? SloReading{} : found->second;
  }
};

std::vector<std::string> names_for(const Api& api, const http::Request& request) {
  const auto workload = request.parameter("workload");
  const auto slo = request.parameter("slo");
  std::vector<std::string> names;
  for (const auto* each : api.catalog.all<catalog::Slo>()) {
    if (workload && each->service.name != *workload) continue;
    if (!slo || each->metadata.name == *slo) names.push_back(each->metadata.name);
  }
  return names;
}

/// Without the history, and without what no SLO refers to.
catalog::Catalog current(const catalog::Catalog& all) {
  catalog::Catalog some;
  for (const auto* kind : {catalog::Slo::kKind, catalog::BudgetPolicy::kKind,
                           catalog::Component::kKind, catalog::Retention::kKind}) {
    const auto found = all.history().find(kind);
    if (found == all.history().end()) continue;
    for (const auto& [name, versions] : found->second) {
      if (versions.back().resource) some.put(versions.back().resource);
    }
  }
  return some;
}

/// It was evaluated; otherwise there may be why it could not be.
bool is_counted(const SloReading& reading) {
  return reading.period.start != Timestamp{};
}

Asked gather(const Api& api, const http::Request& request) {
  Asked asked{.catalog = current(api.catalog),
              .slos = names_for(api, request),
              .readings = {},
              .steps = {},
              .now = api.runtime.clock.now(),
              .retention = api.retention,
              .with_burn_down = request.parameter("slo").has_value()};
  for (const auto& name : asked.slos) {
    auto reading = api.evaluator.slo(name);
    // One that has just been changed is not evaluated yet, although it was before.
    if (reading && (is_counted(*reading) || !reading->error.empty()))
      asked.readings[name] = std::move(*reading);
  }
  for (const auto& [key, standing] : api.domain.budget_steps()) {
    if (std::ranges::binary_search(asked.slos, standing.step.slo)) asked.steps[key] = standing;
  }
  return asked;
}

Result<Json> burn_down_of(const Api& api, const catalog::Slo& slo, const catalog::SloPeriod& period,
                          Timestamp now, promql::QueryLimits limits) {
  limits.timed_out = [&clock = api.runtime.clock, until = api.runtime.clock.steady() + kLongest] {
    return clock.steady() > until;
  };
  TRY(const auto bins, budget_bins(api.engine, slo, period, now, limits));
  return burn_down(slo, period, bins);
}

/// What happened since the earliest of their periods began, as far as report_json() asks for it;
/// nothing when none was evaluated.
Result<PastFacts> facts_for(const Api& api, const Asked& asked, const promql::QueryLimits& limits) {
  constexpr std::array<std::string_view, 4> kTypes = {
      facts::AlertFired::kType, facts::AlertResolved::kType, facts::IncidentOpened::kType,
      facts::IncidentResolved::kType};
  const auto from = earliest_start(asked.readings);
  if (!from) return PastFacts{};
  const auto slim = [](journal::Fact& fact) { fact.body.erase("evidence"); };
  return past_facts(api.journal, kTypes,
                    {.from = *from, .slim = slim, .cancelled = limits.cancelled});
}

Result<Json> report(const Api& api, const Asked& asked, const promql::QueryLimits& limits) {
  TRY(const auto past, facts_for(api, asked, limits));
  Json items = Json::array();
  for (const auto& name : asked.slos) {
    const auto* slo = asked.catalog.find<catalog::Slo>(name);
    const auto reading = asked.reading(name);
    auto item = report_json(asked.catalog, *slo, reading, asked.steps, past.facts);
    item["not_kept"] = catalog::beyond_retention(asked.catalog, *slo, asked.retention);
    if (asked.with_burn_down && is_counted(reading)) {
      TRY(item["burn_down"], burn_down_of(api, *slo, reading.period, asked.now, limits));
      item["counted_since"] = counted_since(item["burn_down"]);
    }
    items.push_back(std::move(item));
  }
  Json report{{"at", format_rfc3339(asked.now)}, {"items", std::move(items)}};
  if (past.from > earliest_start(asked.readings).value_or(past.from))
    report["facts_from"] = format_rfc3339(past.from);
  return report;
}

void get_report(const std::shared_ptr<Api>& api, const http::Request& request, http::Reply reply) {
  auto asked = std::make_shared<Asked>(gather(*api, request));
  if (asked->slos.empty() && request.parameter("slo")) {
    return reply(http::problem_response(
        {ErrorCode::kNotFound,
         fmt::format("no SLO {}; GET /api/v1/slos lists them", quote(*request.parameter("slo"))),
         "slo"}));
  }
  telemetry::answer_in_turn(
      api->running, request, std::move(reply), [api, asked](const promql::QueryLimits& limits) {
        const auto answer = report(*api, *asked, limits);
        return answer ? http::json_response(*answer) : http::problem_response(answer.error());
      });
}

void list_slos(const Api& api, const http::Request& request, http::Reply reply) {
  auto asked = std::make_shared<Asked>(gather(api, request));
  api.runtime.workers.run([asked, reply = std::move(reply)]() mutable {
    Json items = Json::array();
    for (const auto& name : asked->slos) {
      const auto& slo = *asked->catalog.find<catalog::Slo>(name);
      auto item = slo_json(slo, asked->reading(name));
      item["not_kept"] = catalog::beyond_retention(asked->catalog, slo, asked->retention);
      items.push_back(std::move(item));
    }
    reply(http::json_response({{"items", std::move(items)}}));
  });
}

}  // namespace

std::vector<http::Route> slo_routes(Runtime runtime, const catalog::Catalog& catalog,
                                    const Evaluator& evaluator, const HealthDomain& domain,
                                    const promql::Engine& engine, const journal::Store& journal,
                                    telemetry::RunningQueries& running, Duration retention) {
  const auto api = std::make_shared<Api>(
      Api{runtime, catalog, evaluator, domain, engine, journal, running, retention});
  std::vector<http::Route> routes;
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/slos",
                    .role = http::Role::kViewer,
                    .operation_id = "listSlos",
                    .handler = http::on_strand_later(
                        runtime.strand, [api](const http::Request& request, http::Reply reply) {
                          list_slos(*api, request, std::move(reply));
                        })});
  routes.push_back(
      {.method = "GET",
       .pattern = "/api/v1/reports/error-budget",
       .role = http::Role::kViewer,
       .operation_id = "getErrorBudgetReport",
       .handler = http::on_strand_later(runtime.strand,
                                        [api](const http::Request& request, http::Reply reply) {
                                          get_report(api, request, std::move(reply));
                                        }),
       .watches_peer = true});
  return routes;
}

}  // namespace wellrun::health
