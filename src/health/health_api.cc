#include "health/health_api.h"

#include <fmt/format.h>
#include <set>

#include "catalog/kinds/kpi.h"
#include "catalog/kinds/slo.h"

namespace wellrun::health {
namespace {

struct Api {
  Runtime runtime;
  const catalog::Catalog& catalog;
  const Evaluator& evaluator;
  const HealthDomain& domain;
};

Json number_or_null(const std::optional<double>& value) {
  return value ? facts::number_json(*value) : Json();
}
Json time_or_null(Timestamp time) {
  return time == Timestamp{} ? Json() : Json(format_rfc3339(time));
}

Json kpi_json(const Api& api, const catalog::Kpi& kpi) {
  const auto& name = kpi.metadata.name;
  const auto reading = api.evaluator.kpi(name);
  const auto standing = api.domain.kpi(name);
  return {{"name", name},
          {"workload", kpi.workload.name},
          {"description", kpi.description},
          {"outcome", kpi.outcome},
          {"query", kpi.query},
          {"unit", kpi.unit},
          {"direction", kpi.direction},
          {"target", kpi.target},
          {"at_risk", number_or_null(kpi.at_risk)},
          {"value", reading ? number_or_null(reading->value) : Json()},
          {"error", reading ? reading->error : std::string()},
          {"status", standing.status},
          {"since", time_or_null(standing.since)}};
}

Json burn_json(const BurnRate& burn) {
  return {{"long", format_duration(burn.window.long_window)},
          {"short", format_duration(burn.window.short_window)},
          {"severity", burn.window.severity},
          {"threshold", burn.window.burn_rate},
          {"long_rate", number_or_null(burn.long_rate)},
          {"short_rate", number_or_null(burn.short_rate)},
          {"events", burn.events},
          {"firing", burn.firing}};
}

Json slo_json(const Api& api, const catalog::Slo& slo) {
  const auto reading = api.evaluator.slo(slo.metadata.name).value_or(SloReading{});
  const auto remaining = budget_remaining(reading.window, slo.target());
  Json burns = Json::array();
  bool firing = false;
  for (const auto& burn : reading.burn_rates) {
    burns.push_back(burn_json(burn));
    firing = firing || burn.firing;
  }
  // Said in this order: what burns now, what is used up, what is fine, what cannot be known.
  const char* status = firing           ? "at_risk"
                       : !remaining     ? "no_data"
                       : *remaining < 0 ? "missed"
                                        : "on_target";
  return {
      {"name", slo.metadata.name},
      {"workload", slo.service.name},
      {"description", slo.description},
      {"target", slo.target()},
      {"window", format_duration(slo.window())},
      {"objective", slo.objectives.empty() ? std::string() : slo.objectives.front().display_name},
      {"sli", number_or_null(sli(reading.window))},
      {"budget_remaining", number_or_null(remaining)},
      {"burn_rates", std::move(burns)},
      {"status", status},
      {"error", reading.error},
      {"kpi", slo.kpi.name},
      {"procedure", slo.procedure.name},
      {"minimum_events", slo.alerting.minimum_events},
      {"good_query", slo.good_query()},
      {"total_query", slo.total_query()}};
}

Json labels_json(const Labels& labels) {
  Json json = Json::object();
  for (const auto& [name, value] : labels) json[name] = value;
  return json;
}

/// Prometheus' fields, and why it fires where that was asked.
Json alert_json(const ActiveAlert& alert) {
  Json json{{"labels", labels_json(alert.labels)},
            {"annotations", alert.annotations},
            {"state", name_of(alert.state)},
            {"activeAt", format_rfc3339(alert.active_at)},
            {"value", fmt::format("{:e}", alert.value)}};
  if (!alert.evidence.is_null()) json["evidence"] = alert.evidence;
  return json;
}

Json rule_json(const RuleReading& rule) {
  Json json{{"name", rule.name},
            {"query", rule.expr},
            {"labels", rule.labels},
            {"health", rule.health},
            {"lastError", rule.last_error},
            {"evaluationTime", to_seconds(rule.evaluation_time)},
            {"lastEvaluation", format_rfc3339(rule.last_evaluation)},
            {"type", rule.recording ? "recording" : "alerting"}};
  if (rule.recording) return json;
  auto state = AlertState::kInactive;
  json["alerts"] = Json::array();
  for (const auto& [fingerprint, alert] : rule.alerts) {
    json["alerts"].push_back(alert_json(alert));
    state = std::max(state, alert.state);
  }
  json["state"] = name_of(state);
  json["duration"] = to_seconds(rule.hold);
  json["keepFiringFor"] = to_seconds(rule.keep_firing_for);
  json["annotations"] = rule.annotations;
  return json;
}

http::Response list_rules(const Api& api, const http::Request& request) {
  const auto type = request.parameter("type");
  if (type && *type != "alert" && *type != "record") {
    return http::json_response({{"status", "error"},
                                {"errorType", "bad_data"},
                                {"error", fmt::format("not supported value \"{}\"", *type)}},
                               400);
  }
  Json groups = Json::array();
  for (const auto& group : api.evaluator.groups()) {
    Json rules = Json::array();
    for (const auto& rule : group.rules) {
      if (!type || (*type == "record") == rule.recording) rules.push_back(rule_json(rule));
    }
    groups.push_back({{"name", group.name},
                      {"file", ""},
                      {"interval", to_seconds(group.interval)},
                      {"limit", 0},
                      {"evaluationTime", 0},
                      {"lastEvaluation", format_rfc3339(group.last_evaluation)},
                      {"rules", std::move(rules)}});
  }
  return http::json_response({{"status", "success"}, {"data", {{"groups", std::move(groups)}}}});
}

/// Prometheus' list, and the SLOs' alerts, which only the journal has.
http::Response list_alerts(const Api& api, const http::Request&) {
  Json alerts = Json::array();
  std::set<std::string> listed;
  for (const auto& group : api.evaluator.groups()) {
    for (const auto& rule : group.rules) {
      for (const auto& [fingerprint, alert] : rule.alerts) {
        listed.insert(fingerprint);
        alerts.push_back(alert_json(alert));
      }
    }
  }
  for (const auto& [fingerprint, firing] : api.domain.firing()) {
    if (!listed.insert(fingerprint).second) continue;
    alerts.push_back({{"labels", firing.fired.labels},
                      {"annotations", firing.fired.annotations},
                      {"state", "firing"},
                      {"activeAt", firing.fired.active_since},
                      {"value", firing.fired.value.is_string() ? firing.fired.value
                                                               : Json(firing.fired.value.dump())}});
  }
  return http::json_response({{"status", "success"}, {"data", {{"alerts", std::move(alerts)}}}});
}

}  // namespace

std::vector<http::Route> health_routes(Runtime runtime, const catalog::Catalog& catalog,
                                       const Evaluator& evaluator, const HealthDomain& domain) {
  const auto api = std::make_shared<Api>(Api{runtime, catalog, evaluator, domain});
  std::vector<http::Route> routes;
  const auto add = [&](const char* pattern, const char* operation,
                       std::function<http::Response(const Api&, const http::Request&)> answer) {
    routes.push_back({.method = "GET",
                      .pattern = pattern,
                      .role = http::Role::kViewer,
                      .operation_id = operation,
                      .handler = http::on_strand(runtime.strand, [api, answer = std::move(answer)](
                                                                     const http::Request& request) {
                        return answer(*api, request);
                      })});
  };
  add("/api/v1/kpis", "listKpis", [](const Api& a, const http::Request& request) {
    const auto workload = request.parameter("workload");
    Json items = Json::array();
    for (const auto* kpi : a.catalog.all<catalog::Kpi>()) {
      if (!workload || kpi->workload.name == *workload) items.push_back(kpi_json(a, *kpi));
    }
    return http::json_response({{"items", std::move(items)}});
  });
  add("/api/v1/slos", "listSlos", [](const Api& a, const http::Request& request) {
    const auto workload = request.parameter("workload");
    Json items = Json::array();
    for (const auto* slo : a.catalog.all<catalog::Slo>()) {
      if (!workload || slo->service.name == *workload) items.push_back(slo_json(a, *slo));
    }
    return http::json_response({{"items", std::move(items)}});
  });
  add("/api/v1/rules", "listRules", list_rules);
  add("/api/v1/alerts", "listAlerts", list_alerts);
  return routes;
}

}  // namespace wellrun::health
