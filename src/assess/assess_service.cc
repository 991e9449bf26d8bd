#include "assess/assess_service.h"

#include <array>
#include <cmath>
#include <ranges>

#include "catalog/kinds/component.h"
#include "catalog/kinds/kpi.h"

namespace wellrun::assess {
namespace {

constexpr Duration kFresh{600'000};
/// Of each service, so that a busy one does not hide the others.
constexpr std::size_t kSpansOfService = 200, kTracesOfService = 20, kSpansOfTrace = 1000;

/// "shop/checkout" is how OTLP's service.namespace and service.name stand in `job`.
std::string service_of(std::string_view job) {
  return std::string(job.substr(job.rfind('/') + 1));
}

using Trace = std::vector<telemetry::SpanRecord>;

/// Which services a trace shows, and which calls between them.
void read_trace(const Trace& trace, Readings& readings) {
  std::map<std::string_view, std::string_view> service_of_span;
  std::set<std::string_view> services;
  for (const auto& span : trace) {
    readings.signals[span.service].insert("traces");
    service_of_span[span.span_id] = span.service;
    services.insert(span.service);
  }
  for (const auto& span : trace) {
    const auto parent = service_of_span.find(span.parent_span_id);
    if (parent != service_of_span.end() && parent->second != span.service)
      readings.edges.emplace(parent->second, span.service);
  }
  ++readings.traces;
  if (services.size() >= 2) ++readings.traces_across;
}

/// Ids of the newest traces with spans of `service`; of any, when it is empty.
Status add_newest_traces(const telemetry::SignalStore& store, telemetry::TimeRange range,
                         const std::string& service, std::set<std::string>& ids) {
  telemetry::SpanQuery query{.range = range, .service = {}, .trace_id = {}};
  if (!service.empty()) query.service = service;
  query.limit = kSpansOfService;
  TRY(const auto spans, store.spans(query));
  std::set<std::string> found;
  for (const auto& span : spans) {
    if (found.size() < kTracesOfService) found.insert(span.trace_id);
  }
  ids.merge(found);
  return {};
}

/// What logs and traces of the last minutes show of `services` and of whoever else was in them.
/// Runs on a worker.
Result<Readings> read_signals(const telemetry::SignalStore& store, telemetry::TimeRange range,
                              const std::set<std::string>& services) {
  Readings readings;
  std::set<std::string> traces;
  TRY_STATUS(add_newest_traces(store, range, {}, traces));
  for (const auto& service : services) {
    TRY_STATUS(add_newest_traces(store, range, service, traces));
    telemetry::LogQuery query{
        .range = range, .service = service, .trace_id = {}, .contains = {}, .limit = 1};
    TRY(const auto logs, store.logs(query));
    if (!logs.empty()) readings.signals[service].insert("logs");
  }
  for (const auto& id : traces) {
    telemetry::SpanQuery query{.range = range, .service = {}, .trace_id = id};
    query.limit = kSpansOfTrace;
    TRY(const auto trace, store.spans(query));
    if (!trace.empty()) read_trace(trace, readings);
  }
  return readings;
}

/// What was read from logs and traces, into what was read from metrics.
void merge_signals(Readings& readings, Readings&& signals) {
  for (auto& [service, kinds] : signals.signals) readings.signals[service].merge(kinds);
  readings.edges = std::move(signals.edges);
  readings.traces = signals.traces;
  readings.traces_across = signals.traces_across;
}

}  // namespace

constexpr std::array kAllRead{&Readings::signals_read, &Readings::up_read,
                              &Readings::baselines_read, &Readings::forecasts_read};

/// One assessment on its way: what has been read so far and how many answers are still to come.
struct AssessService::Reading {
  Readings readings;
  std::size_t waiting = 0;
  std::function<void(const Readings&)> done;
};

void AssessService::read(std::function<void(const Readings&)> done) {
  auto reading = std::make_shared<Reading>();
  for (const auto read : kAllRead) reading->readings.*read = true;
  reading->done = std::move(done);
  const auto now = runtime_.clock.now();
  const auto answered = [reading] {
    if (--reading->waiting == 0) reading->done(reading->readings);
  };
  const auto ask = [&](std::string promql, std::vector<bool Readings::*> needed_for,
                       std::function<void(const telemetry::InstantSeries&)> take) {
    ++reading->waiting;
    querier_.instant(std::move(promql), now,
                     [reading, answered, take = std::move(take),
                      needed_for = std::move(needed_for)](Result<telemetry::InstantResult> result) {
                       if (result) std::ranges::for_each(result->series, take);
                       for (const auto read : needed_for)
                         if (!result) reading->readings.*read = false;
                       answered();
                     });
  };
  ++reading->waiting;  // until everything has been asked
  ask("count by (job) (target_info)", {&Readings::signals_read}, [reading](const auto& series) {
    reading->readings.signals[service_of(series.labels.get("job"))].insert("metrics");
  });
  ask("avg by (job) (up)", {&Readings::up_read, &Readings::signals_read},
      [reading](const auto& series) {
        reading->readings.up[std::string(series.labels.get("job"))] = series.value;
        if (series.value > 0)
          reading->readings.signals[std::string(series.labels.get("job"))].insert("metrics");
      });
  ask("count by (baseline) (wellrun:baseline:score)", {&Readings::baselines_read},
      [reading](const auto& series) {
        reading->readings.baselines.emplace(series.labels.get("baseline"));
      });
  // Forecasts are made every half hour.
  ask("count by (forecast) (last_over_time(wellrun:forecast:error[1h]))",
      {&Readings::forecasts_read}, [reading](const auto& series) {
        reading->readings.forecasts.emplace(series.labels.get("forecast"));
      });
  for (const auto* kpi : catalog_.all<catalog::Kpi>()) {
    ask(kpi->promql(), {}, [reading, name = kpi->metadata.name](const auto& series) {
      if (!std::isnan(series.value)) reading->readings.kpis_with_data.insert(name);
    });
  }
  std::set<std::string> services;
  for (const auto* component : catalog_.all<catalog::Component>())
    services.insert(component->service_name());
  ++reading->waiting;
  runtime_.workers.run([this, reading, answered, now, services = std::move(services)] {
    const telemetry::TimeRange range{to_unix_ms(now - kFresh), to_unix_ms(now)};
    auto signals = read_signals(signals_, range, services);
    runtime_.strand.post([reading, answered, signals = std::move(signals)]() mutable {
      if (signals) {
        merge_signals(reading->readings, std::move(*signals));
      } else {
        reading->readings.signals_read = false;
      }
      answered();
    });
  });
  answered();
}

void AssessService::assess(std::function<void(Assessment)> done) {
  read([this, done = std::move(done)](const Readings& readings) {
    done(assess::assess({.catalog = catalog_,
                         .record = domain_.record(),
                         .readings = readings,
                         .now = runtime_.clock.now()}));
  });
}

std::vector<http::Route> AssessService::routes() {
  std::vector<http::Route> routes;
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/assessment",
                    .role = http::Role::kViewer,
                    .operation_id = "getAssessment",
                    .handler = http::on_strand_later(
                        runtime_.strand, [this](const http::Request&, http::Reply reply) {
                          assess([this, reply = std::make_shared<http::Reply>(std::move(reply))](
                                     const Assessment& made) {
                            (*reply)(http::json_response(to_json(made, runtime_.clock.now())));
                          });
                        })});
  routes.push_back(
      {.method = "POST",
       .pattern = "/api/v1/assessment",
       .role = http::Role::kOperator,
       .operation_id = "recordAssessment",
       .handler = http::on_strand_later(runtime_.strand, [this](const http::Request& request,
                                                                http::Reply reply) {
         auto shared = std::make_shared<http::Reply>(std::move(reply));
         assess([this, actor = request.principal.actor, shared](const Assessment& made) {
           const auto body = to_json(made, runtime_.clock.now());
           ledger_.command(
               {.actor = actor},
               [this, made](Timestamp) -> Result<journal::Decision> { return domain_.keep(made); },
               [shared, body](const auto& facts) {
                 (*shared)(facts ? http::json_response(body, 201)
                                 : http::problem_response(facts.error()));
               });
         });
       })});
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/assessment/history",
                    .role = http::Role::kViewer,
                    .operation_id = "listAssessments",
                    .handler = http::on_strand(runtime_.strand, [this](const http::Request&) {
                      Json items = Json::array();
                      for (const auto& made : domain_.made() | std::views::reverse)
                        items.push_back(made);
                      return http::json_response({{"items", std::move(items)}});
                    })});
  return routes;
}

}  // namespace wellrun::assess
