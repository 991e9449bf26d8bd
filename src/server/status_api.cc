#include "server/status_api.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <unistd.h>

#include "core/text.h"
#include "server/prometheus_config.h"
#include "telemetry/api_answer.h"
#include "telemetry/promql/functions.h"

namespace wellrun::server {
namespace {

using http::Request;
using http::Response;
namespace api = telemetry::api;

Response success(const Json& data) {
  return api::success(to_text(data));
}

Json flags(const StatusSources& s) {
  const auto& engine = s.engine.options();
  return {{"enable-feature", s.options.features},
          {"query.lookback-delta", format_duration(engine.lookback)},
          {"query.max-samples", std::to_string(engine.max_samples)},
          {"query.timeout", format_duration(s.options.query_timeout)},
          {"storage.tsdb.path", s.options.data + "/telemetry"},
          {"storage.tsdb.retention.time", format_duration(s.options.retention)},
          {"storage.tsdb.out-of-order-time-window", format_duration(s.options.out_of_order_window)},
          {"web.cors.origin", s.options.cors_origin},
          {"web.enable-admin-api", s.options.admin_api ? "true" : "false"},
          {"web.enable-lifecycle", s.options.lifecycle ? "true" : "false"},
          {"web.enable-otlp-receiver", "true"},
          {"web.enable-remote-write-receiver", "true"},
          {"web.external-url", s.options.public_url},
          {"web.listen-address", s.options.listen}};
}

/// When what is configured last changed: our configuration are the resources.
Timestamp last_configured(const StatusSources& s) {
  return s.applies.empty() ? s.started : std::max(s.started, s.applies.back().time);
}

Json runtime_info(const StatusSources& s) {
  std::error_code error;
  const auto folder = std::filesystem::current_path(error);
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  const auto statistics = s.store.statistics();
  return {{"startTime", format_rfc3339(s.started)},
          {"CWD", error ? std::string() : folder.string()},
          {"hostname", host},
          {"serverTime", format_rfc3339(s.runtime.clock.now())},
          {"reloadConfigSuccess", true},
          {"lastConfigTime", format_rfc3339(last_configured(s))},
          {"timeSeriesCount", statistics.series},
          {"corruptionCount", statistics.damage.size()},
          {"GOMAXPROCS", ::sysconf(_SC_NPROCESSORS_ONLN)},
          {"storageRetention", format_duration(s.options.retention)}};
}

Json counts_json(const std::vector<telemetry::Cardinality::Count>& counts) {
  Json out = Json::array();
  for (const auto& count : counts) out.push_back({{"name", count.name}, {"value", count.value}});
  return out;
}

Response tsdb(const StatusSources& s, const Request& request) {
  const auto limit = api::limit_parameter(request);
  if (!limit || (request.parameter("limit").value_or("") == "0"))
    return api::failure(400, "bad_data", "limit must be a positive number");
  if (*limit > 10'000) return api::failure(400, "bad_data", "limit must not exceed 10000");
  const auto found = s.store.cardinality(*limit == 0 ? 10 : *limit);
  return success({{"headStats",
                   {{"numSeries", found.series},
                    {"numLabelPairs", found.label_pairs},
                    {"chunkCount", s.store.head_chunks()},
                    {"minTime", found.min_time_ms},
                    {"maxTime", found.max_time_ms}}},
                  {"seriesCountByMetricName", counts_json(found.series_by_metric)},
                  {"labelValueCountByLabelName", counts_json(found.values_by_label)},
                  {"memoryInBytesByLabelName", counts_json(found.bytes_by_label)},
                  {"seriesCountByLabelValuePair", counts_json(found.series_by_pair)}});
}

/// What this server can do, in the categories of Prometheus' feature registry.
Json features(const StatusSources& s) {
  const auto& engine = s.engine.options();
  const auto& parser = engine.parser;
  Json functions = Json::object();
  for (const auto& function : telemetry::promql::all_functions())
    functions[std::string(function.name)] = !function.experimental || parser.experimental_functions;
  return {{"api",
           {{"admin", s.options.admin_api},
            {"exemplars", true},
            {"format_query", true},
            {"parse_query", true},
            {"remote_read", true},
            {"remote_write_receiver", true},
            {"otlp_write_receiver", true},
            {"query_stats", true},
            {"query_warnings", true},
            {"label_values_match", true},
            {"labels_match", true},
            {"lifecycle", s.options.lifecycle}}},
          {"otlp_receiver", {{"delta_conversion", true}, {"native_delta_ingestion", false}}},
          {"promql",
           {{"anchored", parser.extended_range_selectors},
            {"smoothed", parser.extended_range_selectors},
            {"at_modifier", true},
            {"bool", true},
            {"by", true},
            {"delayed_name_removal", engine.delayed_name_removal},
            {"duration_expr", true},
            {"fill", parser.binop_fill_modifiers},
            {"group_left", true},
            {"group_right", true},
            {"ignoring", true},
            {"negative_offset", true},
            {"offset", true},
            {"on", true},
            {"per_query_lookback_delta", true},
            {"subqueries", true},
            {"type_and_unit_labels", engine.type_and_unit_labels},
            {"use_start_timestamps", engine.use_start_timestamps},
            {"without", true}}},
          {"promql_functions", std::move(functions)},
          {"tsdb",
           {{"exemplars", true},
            {"native_histograms", true},
            {"out_of_order", s.options.out_of_order_window.count() > 0},
            {"start_timestamps", true}}}};
}

using Answer = std::function<Response(const StatusSources&, const Request&)>;

}  // namespace

std::vector<http::Route> status_routes(const StatusSources& sources) {
  const auto shared = std::make_shared<StatusSources>(sources);
  std::vector<http::Route> routes;
  const auto add = [&](const char* pattern, const char* operation, http::Handler handler) {
    routes.push_back({.method = "GET",
                      .pattern = pattern,
                      .role = http::Role::kViewer,
                      .operation_id = operation,
                      .handler = std::move(handler)});
  };
  /// On the strand: reads the catalog.
  const auto quick = [&](Answer answer) {
    return http::on_strand(sources.runtime.strand,
                           [shared, answer = std::move(answer)](const Request& request) {
                             return answer(*shared, request);
                           });
  };
  /// In turn with the queries: walks the store's index.
  const auto slow = [&](Answer answer) -> http::Handler {
    return [shared, answer = std::move(answer)](const Request& request, http::Reply reply) {
      telemetry::answer_in_turn(
          shared->running, request, std::move(reply),
          [shared, answer, request](const auto&) { return answer(*shared, request); });
    };
  };
  add("/api/v1/status/config", "getConfig", quick([](const StatusSources& s, const Request&) {
        return success({{"yaml", prometheus_configuration(s.options, s.catalog)}});
      }));
  add("/api/v1/status/flags", "getFlags",
      quick([](const StatusSources& s, const Request&) { return success(flags(s)); }));
  add("/api/v1/status/runtimeinfo", "getRuntimeInfo",
      quick([](const StatusSources& s, const Request&) { return success(runtime_info(s)); }));
  add("/api/v1/status/tsdb", "getTsdbStatus", slow(tsdb));
  routes.back().watches_peer = true;
  add("/api/v1/status/tsdb/blocks", "listTsdbBlocks",
      quick([](const StatusSources&, const Request&) {
        return success({{"blocks", Json::array()}});  // this store has none
      }));
  // By the time anybody can ask, the log has been read.
  add("/api/v1/status/walreplay", "getWalReplay", quick([](const StatusSources&, const Request&) {
        return success({{"min", 0}, {"max", 0}, {"current", 0}, {"state", "done"}});
      }));
  add("/api/v1/features", "listFeatures",
      quick([](const StatusSources& s, const Request&) { return success(features(s)); }));
  // Alerts go to people through channels, not to an Alertmanager.
  add("/api/v1/alertmanagers", "listAlertmanagers", quick([](const StatusSources&, const Request&) {
        return success(
            {{"activeAlertmanagers", Json::array()}, {"droppedAlertmanagers", Json::array()}});
      }));
  return routes;
}

}  // namespace wellrun::server
