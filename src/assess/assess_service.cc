#include "assess/assess_service.h"

#include "catalog/kinds/component.h"
#include "catalog/kinds/kpi.h"

namespace wellrun::assess {
namespace {

constexpr Duration kFresh{600'000};
constexpr std::size_t kSpansLookedAt = 2000;

/// "shop/checkout" is how OTLP's service.namespace and service.name stand in `job`.
std::string service_of(std::string_view job) {
  return std::string(job.substr(job.rfind('/') + 1));
}

/// What the traces of the last minutes show: which services, which calls between them.
void read_spans(const std::vector<telemetry::SpanRecord>& spans, Readings& readings) {
  std::map<std::string, std::string> service_of_span;
  std::map<std::string, std::set<std::string>> services_of_trace;
  for (const auto& span : spans) {
    readings.signals[span.service].insert("traces");
    service_of_span[span.trace_id + span.span_id] = span.service;
    services_of_trace[span.trace_id].insert(span.service);
  }
  for (const auto& span : spans) {
    const auto parent = service_of_span.find(span.trace_id + span.parent_span_id);
    if (parent != service_of_span.end() && parent->second != span.service)
      readings.edges.emplace(parent->second, span.service);
  }
  readings.traces = services_of_trace.size();
  readings.traces_across = static_cast<std::size_t>(std::ranges::count_if(
      services_of_trace, [](const auto& trace) { return trace.second.size() >= 2; }));
}

}  // namespace

/// One assessment on its way: what has been read so far and how many answers are still to come.
struct AssessService::Reading {
  Readings readings;
  std::size_t waiting = 0;
  std::function<void(const Readings&)> done;
};

void AssessService::read(std::function<void(const Readings&)> done) {
  auto reading = std::make_shared<Reading>();
  reading->readings.valid = true;
  reading->done = std::move(done);
  const auto now = runtime_.clock.now();
  const auto answered = [reading] {
    if (--reading->waiting == 0) reading->done(reading->readings);
  };
  const auto ask = [&](std::string promql,
                       std::function<void(const telemetry::InstantSeries&)> take) {
    ++reading->waiting;
    querier_.instant(
        std::move(promql), now,
        [reading, answered, take = std::move(take)](Result<telemetry::InstantResult> result) {
          if (result) {
            std::ranges::for_each(result->series, take);
          } else {
            reading->readings.valid = false;
          }
          answered();
        });
  };
  ++reading->waiting;  // until everything has been asked
  ask("count by (job) (target_info)", [reading](const auto& series) {
    reading->readings.signals[service_of(series.labels.get("job"))].insert("metrics");
  });
  ask("avg by (job) (up)", [reading](const auto& series) {
    reading->readings.up[std::string(series.labels.get("job"))] = series.value;
    if (series.value > 0)
      reading->readings.signals[std::string(series.labels.get("job"))].insert("metrics");
  });
  ask("count by (baseline) (wellrun:baseline:score)", [reading](const auto& series) {
    reading->readings.baselines.emplace(series.labels.get("baseline"));
  });
  // Forecasts are made every half hour.
  ask("count by (forecast) (last_over_time(wellrun:forecast:error[1h]))",
      [reading](const auto& series) {
        reading->readings.forecasts.emplace(series.labels.get("forecast"));
      });
  for (const auto* kpi : catalog_.all<catalog::Kpi>()) {
    ask(kpi->promql(), [reading, name = kpi->metadata.name](const auto&) {
      reading->readings.kpis_with_data.insert(name);
    });
  }
  ++reading->waiting;
  runtime_.workers.run([this, reading, answered, now] {
    const telemetry::TimeRange range{to_unix_ms(now - kFresh), to_unix_ms(now)};
    auto spans = signals_.spans({.range = range, .limit = kSpansLookedAt});
    auto logs = signals_.logs({.range = range, .limit = kSpansLookedAt});
    runtime_.strand.post([reading, answered, spans = std::move(spans), logs = std::move(logs)] {
      if (spans) read_spans(*spans, reading->readings);
      if (logs) {
        for (const auto& record : *logs) reading->readings.signals[record.service].insert("logs");
      }
      if (!spans || !logs) reading->readings.valid = false;
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
                      for (const auto& made : domain_.made()) items.push_back(made);
                      return http::json_response({{"items", std::move(items)}});
                    })});
  return routes;
}

}  // namespace wellrun::assess
