#include "health/slo/slo_api.h"

#include "core/text.h"
#include "health/slo/sli_queries.h"
#include "health/slo/slo_report.h"

namespace wellrun::health {
namespace {

namespace promql = telemetry::promql;

constexpr std::size_t kMostFacts = 100'000;
constexpr Duration kLongest{30'000};

struct Api {
  Runtime runtime;
  const catalog::Catalog& catalog;
  const Evaluator& evaluator;
  const HealthDomain& domain;
  const promql::Engine& engine;
  const journal::Store& journal;
};

/// What a report rests on, copied on the strand so that a worker may go on from there.
struct Asked {
  catalog::Catalog catalog;
  std::vector<std::string> slos;
  std::map<std::string, SloReading> readings;
  std::map<std::string, BudgetStanding> steps;
  Timestamp now;
  bool with_burn_down = false;
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

Asked gather(const Api& api, const http::Request& request) {
  Asked asked{.catalog = api.catalog,
              .slos = names_for(api, request),
              .readings = {},
              .steps = api.domain.budget_steps(),
              .now = api.runtime.clock.now(),
              .with_burn_down = request.parameter("slo").has_value()};
  for (const auto& name : asked.slos)
    asked.readings[name] = api.evaluator.slo(name).value_or(SloReading{});
  return asked;
}

Result<std::vector<double>> values_at(const promql::Engine& engine, const std::string& query,
                                      Timestamp start, Timestamp end, Duration step,
                                      const promql::QueryLimits& limits) {
  TRY(const auto result, engine.range(query, start, end, step, limits));
  std::vector<double> values(static_cast<std::size_t>((end - start) / step) + 1, 0);
  for (const auto& series : result.series) {
    for (const auto& sample : series.samples) {
      const auto i = static_cast<std::size_t>((sample.time_ms - to_unix_ms(start)) / step.count());
      if (i < values.size()) values[i] = sample.value;
    }
  }
  return values;
}

/// Bins end at whole multiples of their length, as slices do.
Result<Json> burn_down_of(const Api& api, const catalog::Slo& slo, const catalog::SloPeriod& period,
                          Timestamp now) {
  const auto length = bin_length(slo, period);
  const auto whole = [&](Timestamp time) {
    return from_unix_ms((to_unix_ms(time) + length.count() - 1) / length.count() * length.count());
  };
  const auto start = whole(period.start + Duration{1});
  const auto end = whole(std::min(now, period.end));
  if (end < start) return Json::array();
  promql::QueryLimits limits;
  limits.timed_out = [&clock = api.runtime.clock, until = api.runtime.clock.steady() + kLongest] {
    return clock.steady() > until;
  };
  const auto queries = sli_queries(slo, length);
  TRY(const auto good, values_at(api.engine, queries.good, start, end, length, limits));
  TRY(const auto total, values_at(api.engine, queries.total, start, end, length, limits));
  std::vector<BudgetBin> bins;
  for (std::size_t i = 0; i < total.size(); ++i) {
    const double good_count = queries.bad ? total[i] - good[i] : good[i];
    bins.push_back(
        {std::min(start + length * static_cast<std::int64_t>(i), now), {good_count, total[i]}});
  }
  return burn_down(slo, period, bins);
}

Result<std::vector<journal::Fact>> facts_of(const journal::Store& journal, const char* prefix,
                                            Timestamp from) {
  journal::FactQuery query;
  query.type_prefix = prefix;
  query.from = from;
  query.limit = kMostFacts;
  return journal.read(query);
}

Result<Json> report(const Api& api, const Asked& asked) {
  Timestamp from = asked.now;
  for (const auto& [name, reading] : asked.readings) from = std::min(from, reading.period.start);
  TRY(auto facts, facts_of(api.journal, "alert.", from));
  TRY(const auto incidents, facts_of(api.journal, "incident.", from));
  facts.insert(facts.end(), incidents.begin(), incidents.end());
  std::ranges::sort(facts, {}, &journal::Fact::seq);
  Json items = Json::array();
  for (const auto& name : asked.slos) {
    const auto* slo = asked.catalog.find<catalog::Slo>(name);
    const auto& reading = asked.readings.at(name);
    auto item = report_json(asked.catalog, *slo, reading, asked.steps, facts);
    const bool evaluated = reading.period.start != Timestamp{};
    if (asked.with_burn_down && evaluated) {
      TRY(item["burn_down"], burn_down_of(api, *slo, reading.period, asked.now));
    }
    items.push_back(std::move(item));
  }
  return Json{{"at", format_rfc3339(asked.now)}, {"items", std::move(items)}};
}

void get_report(const std::shared_ptr<Api>& api, const http::Request& request, http::Reply reply) {
  auto asked = std::make_shared<Asked>(gather(*api, request));
  if (asked->slos.empty() && request.parameter("slo")) {
    return reply(http::problem_response(
        {ErrorCode::kNotFound,
         fmt::format("no SLO {}; GET /api/v1/slos lists them", quote(*request.parameter("slo"))),
         "slo"}));
  }
  api->runtime.workers.run([api, asked, reply = std::move(reply)]() mutable {
    const auto answer = report(*api, *asked);
    reply(answer ? http::json_response(*answer) : http::problem_response(answer.error()));
  });
}

http::Response list_slos(const Api& api, const http::Request& request) {
  Json items = Json::array();
  for (const auto& name : names_for(api, request))
    items.push_back(slo_json(*api.catalog.find<catalog::Slo>(name),
                             api.evaluator.slo(name).value_or(SloReading{})));
  return http::json_response({{"items", std::move(items)}});
}

}  // namespace

std::vector<http::Route> slo_routes(Runtime runtime, const catalog::Catalog& catalog,
                                    const Evaluator& evaluator, const HealthDomain& domain,
                                    const promql::Engine& engine, const journal::Store& journal) {
  const auto api = std::make_shared<Api>(Api{runtime, catalog, evaluator, domain, engine, journal});
  std::vector<http::Route> routes;
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/slos",
                    .role = http::Role::kViewer,
                    .operation_id = "listSlos",
                    .handler = http::on_strand(runtime.strand, [api](const http::Request& request) {
                      return list_slos(*api, request);
                    })});
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/reports/error-budget",
                    .role = http::Role::kViewer,
                    .operation_id = "getErrorBudgetReport",
                    .handler = http::on_strand_later(
                        runtime.strand, [api](const http::Request& request, http::Reply reply) {
                          get_report(api, request, std::move(reply));
                        })});
  return routes;
}

}  // namespace wellrun::health
