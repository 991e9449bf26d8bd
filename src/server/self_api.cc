#include "server/self_api.h"

#include <fmt/format.h>

#include "core/text.h"
#include "server/metrics_text.h"
#include "telemetry/api_answer.h"
#include "telemetry/matching.h"
#include "telemetry/scrape/exposition.h"

namespace wellrun::server {
namespace {

using telemetry::ExpositionKind;

/// Of the largest owners: one series each a family.
void add_owner_metrics(MetricsText& text, std::vector<telemetry::OwnerUsage> owners) {
  constexpr std::size_t kMost = 200;
  if (owners.size() > kMost) owners.resize(kMost);
  const auto add = [&](const char* name, const char* type, const char* help, auto value) {
    text.begin(name, type, help);
    for (const auto& owner : owners) {
      const bool is_job = owner.workload.empty();
      const std::pair<std::string_view, std::string_view> labels[] = {
          {"owner", is_job ? owner.job : owner.workload}, {"kind", is_job ? "job" : "workload"}};
      text.add(labels, static_cast<double>(value(owner)));
    }
  };
  add("wellrun_telemetry_owner_series", "gauge",
      "Series of a workload, or of a job that is part of none.",
      [](const auto& owner) { return owner.series; });
  add("wellrun_telemetry_owner_series_limit", "gauge", "Most series that it may have; 0: no limit.",
      [](const auto& owner) { return owner.max_series; });
  add("wellrun_telemetry_owner_refused_samples", "counter",
      "Samples of new series that were refused at the limit.",
      [](const auto& owner) { return owner.refused; });
}

struct Watched {
  double series = 0, anomalous = 0, refused = 0;
};

Watched watched_now(const ControlPlane& plane) {
  Watched watched;
  for (const auto& reading : plane.watches().readings()) {
    watched.series += static_cast<double>(reading->series.size());
    watched.refused += static_cast<double>(reading->refused);
    watched.anomalous += static_cast<double>(std::ranges::count_if(
        reading->series, [](const auto& each) { return each.open_anomaly() != nullptr; }));
  }
  return watched;
}

std::string own_metrics(ControlPlane& plane, const telemetry::EmbeddedStore& telemetry,
                        const telemetry::promql::ResultCache::Statistics& kept,
                        const std::string& version, ExpositionKind kind) {
  const auto store = telemetry.statistics();
  const auto open = std::ranges::count_if(plane.respond().incidents(),
                                          [](const auto& each) { return each.second.is_open(); });
  const auto running = std::ranges::count_if(plane.procedures().runs(), [](const auto& each) {
    return !procedures::is_finished(each.second.status);
  });
  MetricsText text(kind);
  const std::pair<std::string_view, std::string_view> build[] = {{"version", version}};
  text.begin("wellrun_build", "info", "What is running.");
  text.add(build, 1);
  text.family("wellrun_journal_facts", "counter", "Facts recorded.",
              static_cast<double>(plane.ledger().store().last_sequence()));
  text.family("wellrun_catalog_resources", "gauge", "Resources applied.",
              static_cast<double>(plane.catalog().size()));
  text.family("wellrun_telemetry_series", "gauge", "Series in the head.",
              static_cast<double>(store.series));
  text.family("wellrun_telemetry_head_samples", "gauge", "Samples in the head.",
              static_cast<double>(store.head_samples));
  text.family("wellrun_telemetry_log_bytes", "gauge", "Size of the write-ahead log.",
              static_cast<double>(store.log_bytes));
  text.family("wellrun_telemetry_damage", "gauge",
              "Stretches of stored telemetry that are not what was written, found since start.",
              static_cast<double>(store.damage.size()));
  text.family("wellrun_query_cache_steps_found", "counter",
              "Steps of sub-expressions answered from results that were kept.",
              static_cast<double>(kept.steps_found));
  text.family("wellrun_query_cache_steps_computed", "counter",
              "Steps of sub-expressions that may be kept, but had to be computed.",
              static_cast<double>(kept.steps_computed));
  text.family("wellrun_query_cache_bytes", "gauge", "Results of queries that are kept.",
              static_cast<double>(kept.bytes));
  text.family("wellrun_alerts_firing", "gauge", "Alerts that fire.",
              static_cast<double>(plane.health().firing().size()));
  const auto watched = watched_now(plane);
  text.family("wellrun_baselines_series", "gauge", "Series whose normal course is watched.",
              watched.series);
  text.family("wellrun_baselines_anomalous", "gauge", "Watched series that are unusual now.",
              watched.anomalous);
  text.family("wellrun_baselines_refused", "gauge", "Series that are not watched for lack of room.",
              watched.refused);
  text.family(
      "wellrun_findings_open", "gauge", "Findings that are open.",
      static_cast<double>(std::ranges::count_if(plane.findings().findings(), [](const auto& each) {
        return !each.second.closed_at.has_value();
      })));
  text.family("wellrun_forecasts_warning", "gauge", "Forecasts that warn.",
              static_cast<double>(std::ranges::count_if(
                  *plane.forecasts().outlooks(), [](const auto& each) { return each.warns; })));
  text.family("wellrun_incidents_open", "gauge", "Incidents that are open.",
              static_cast<double>(open));
  text.family("wellrun_runs_open", "gauge", "Runs of procedures that are not over.",
              static_cast<double>(running));
  add_owner_metrics(text, telemetry.owners());
  return std::move(text).finish();
}

Json labels_json(const Labels& labels) {
  Json out = Json::array();
  for (const auto& [name, value] : labels)
    if (name != kMetricNameLabel) out.push_back({{"name", name}, {"value", value}});
  return out;
}

/// Our counters, gauges and infos as Prometheus' MetricFamily messages in JSON, which knows no
/// infos: they are gauges there. Source: https://protobuf.dev/programming-guides/json/
Result<Json> metric_families(std::string_view exposition_text, const std::string& name_pattern) {
  namespace scrape = telemetry::scrape;
  std::vector<telemetry::Matcher> matchers;
  if (!name_pattern.empty())
    matchers.push_back(
        {telemetry::Matcher::Kind::kRegex, std::string(kMetricNameLabel), name_pattern});
  TRY(const auto wanted, telemetry::MatcherSet::compile(matchers));
  TRY(const auto exposed,
      scrape::parse_exposition(exposition_text, scrape::Format::kOpenMetrics, {}));
  Json families = Json::array();
  for (const auto& family : exposed.metadata) {
    const bool is_counter = family.type == "counter";
    const auto name = family.family + (is_counter              ? "_total"
                                       : family.type == "info" ? "_info"
                                                               : "");
    Json metrics = Json::array();
    for (const auto& sample : exposed.samples)
      if (sample.labels.metric_name() == name && wanted.matches(sample.labels))
        metrics.push_back({{"label", labels_json(sample.labels)},
                           {is_counter ? "counter" : "gauge", {{"value", sample.value}}}});
    if (metrics.empty()) continue;
    families.push_back({{"name", name},
                        {"help", family.help},
                        {"type", is_counter ? "COUNTER" : "GAUGE"},
                        {"metric", std::move(metrics)}});
  }
  return families;
}

}  // namespace

std::vector<http::Route> self_routes(Runtime runtime, ControlPlane& plane,
                                     const telemetry::EmbeddedStore& telemetry,
                                     const telemetry::promql::Engine& engine, std::string version) {
  std::vector<http::Route> routes;
  routes.push_back(
      {.method = "GET",
       .pattern = "/-/ready",
       .role = http::Role::kPublic,
       .operation_id = "isReady",
       .handler = http::on_strand(runtime.strand, [&plane](const http::Request&) {
         const auto failure = plane.ledger().failed();
         return failure ? http::text_response(
                              "the journal cannot be written: " + failure->message + "\n", 503)
                        : http::text_response("ready\n");
       })});
  routes.push_back({.method = "GET",
                    .pattern = "/-/healthy",
                    .role = http::Role::kPublic,
                    .operation_id = "isHealthy",
                    .handler = [](const http::Request&, http::Reply reply) {
                      reply(http::text_response("healthy\n"));
                    }});
  routes.push_back(
      {.method = "GET",
       .pattern = "/api/v1/status/self_metrics",
       .role = http::Role::kViewer,
       .operation_id = "listSelfMetrics",
       .handler = http::on_strand(
           runtime.strand, [&plane, &telemetry, &engine, version](const http::Request& request) {
             const auto families =
                 metric_families(own_metrics(plane, telemetry, engine.kept_results(), version,
                                             ExpositionKind::kOpenMetrics),
                                 request.parameter("metric_name_pattern").value_or(""));
             return families ? wellrun::telemetry::api::success(to_text(*families))
                             : wellrun::telemetry::api::bad_parameter("metric_name_pattern",
                                                                      families.error());
           })});
  routes.push_back(
      {.method = "GET",
       .pattern = "/metrics",
       .role = http::Role::kViewer,
       .operation_id = "listOwnMetrics",
       .handler = http::on_strand(
           runtime.strand, [&plane, &telemetry, &engine,
                            version = std::move(version)](const http::Request& request) {
             constexpr ExpositionKind kOffered[] = {ExpositionKind::kText, ExpositionKind::kText100,
                                                    ExpositionKind::kOpenMetrics};
             const auto kind =
                 wellrun::telemetry::negotiate(request.header("Accept"), kOffered).kind;
             return http::text_response(
                 own_metrics(plane, telemetry, engine.kept_results(), version, kind), 200,
                 wellrun::telemetry::content_type_of(kind));
           })});
  return routes;
}

}  // namespace wellrun::server
