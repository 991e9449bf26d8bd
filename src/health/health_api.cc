#include "health/health_api.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <set>

#include "core/text.h"
#include "telemetry/api_answer.h"
#include "telemetry/matching.h"

namespace wellrun::health {
namespace {

struct Api {
  Runtime runtime;
  const Evaluator& evaluator;
  const HealthDomain& domain;
};

Json labels_json(const Labels& labels) {
  Json json = Json::object();
  for (const auto& [name, value] : labels) json[name] = value;
  return json;
}

/// As Go's `%e` with as many digits as it takes.
std::string exponent_form(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[32];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  return {buffer, end};
}

/// Prometheus' fields, and why it fires where that was asked.
Json alert_json(const ActiveAlert& alert) {
  Json json{{"labels", labels_json(alert.labels)},
            {"annotations", alert.annotations},
            {"state", name_of(alert.state)},
            {"activeAt", format_rfc3339(alert.active_at)},
            {"value", exponent_form(alert.value)}};
  if (alert.keep_firing_since) json["keepFiringSince"] = format_rfc3339(*alert.keep_firing_since);
  if (!alert.evidence.is_null()) json["evidence"] = alert.evidence;
  return json;
}

double fractional_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

/// Go's zero time for what was never evaluated.
std::string evaluation_time(Timestamp time) {
  return time == Timestamp{} ? "0001-01-01T00:00:00Z" : format_rfc3339(time);
}

Json rule_json(const RuleReading& rule) {
  Json json{{"name", rule.name},
            {"query", rule.expr},
            {"labels", rule.labels},
            {"health", rule.health},
            {"lastError", rule.last_error},
            {"evaluationTime", fractional_seconds(rule.evaluation_time)},
            {"lastEvaluation", evaluation_time(rule.last_evaluation)},
            {"type", rule.recording ? "recording" : "alerting"}};
  if (rule.recording) return json;
  auto state = AlertState::kInactive;
  json["alerts"] = Json::array();
  for (const auto& [fingerprint, alert] : rule.alerts) {
    json["alerts"].push_back(alert_json(alert));
    state = std::max(state, alert.state);
  }
  const bool is_known = rule.health != "unknown" || !rule.alerts.empty();
  json["state"] = is_known ? name_of(state) : "unknown";
  json["duration"] = to_seconds(rule.hold);
  json["keepFiringFor"] = to_seconds(rule.keep_firing_for);
  json["annotations"] = rule.annotations;
  return json;
}

/// What a request for rules asks for. Source: Prometheus' HTTP API, "Rules".
struct RuleFilter {
  std::optional<std::string> type;  ///< alert or record
  std::vector<std::string> names, groups, files;
  std::vector<telemetry::MatcherSet> labels;  ///< of the rule; any of them
  bool exclude_alerts = false;
  std::size_t group_limit = 0;  ///< 0: all
  std::string next_token;

  bool takes(const RuleReading& rule) const {
    Labels own;
    for (const auto& [name, value] : rule.labels) own.set(name, value);
    return (!type || (*type == "record") == rule.recording) &&
           (names.empty() || std::ranges::find(names, rule.name) != names.end()) &&
           telemetry::matches_any(labels, own);
  }
  bool takes(const GroupReading& group) const {
    return (groups.empty() || std::ranges::find(groups, group.name) != groups.end()) &&
           (files.empty() || std::ranges::find(files, group.file) != files.end());
  }
};

Result<bool> bool_parameter(const http::Request& request, std::string_view name) {
  const auto value = request.parameter(name).value_or("");
  for (const auto* yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (value == yes) return true;
  for (const auto* no : {"", "0", "f", "F", "false", "FALSE", "False"})
    if (value == no) return false;
  return fail(ErrorCode::kInvalid, fmt::format("invalid parameter \"{}\": {} is neither true nor "
                                               "false",
                                               name, quote(value)));
}

Result<RuleFilter> rule_filter(const http::Request& request) {
  RuleFilter filter;
  if (auto type = request.parameter("type").value_or(""); !type.empty()) {
    std::ranges::transform(type, type.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    if (type != "alert" && type != "record")
      return fail(ErrorCode::kInvalid,
                  fmt::format("invalid parameter \"type\": not supported value {}", quote(type)));
    filter.type = type;
  }
  filter.names = request.parameters("rule_name[]");
  filter.groups = request.parameters("rule_group[]");
  filter.files = request.parameters("file[]");
  TRY(filter.exclude_alerts, bool_parameter(request, "exclude_alerts"));
  TRY(const auto sets, telemetry::api::match_parameters(request));
  TRY(filter.labels, telemetry::compile_all(sets));
  const auto limit = telemetry::api::limit_parameter(request, "group_limit");
  if (!limit)
    return fail(ErrorCode::kInvalid,
                fmt::format("invalid parameter \"group_limit\": {}", limit.error().message));
  filter.group_limit = *limit;
  filter.next_token = request.parameter("group_next_token").value_or("");
  if (!filter.next_token.empty() && filter.group_limit == 0)
    return fail(
        ErrorCode::kInvalid,
        "invalid parameter \"group_limit\": group_limit needs to be set in order to paginate "
        "over the groups");
  return filter;
}

/// Names the group that a page begins with.
std::string page_token(const GroupReading& group) {
  return fmt::format("{:016x}", stable_hash(Labels{{"group", group.name}}));
}

Json group_json(const GroupReading& group, const RuleFilter& filter) {
  Json rules = Json::array();
  auto took = std::chrono::nanoseconds::zero();
  for (const auto& rule : group.rules) {
    took += rule.evaluation_time;
    if (!filter.takes(rule)) continue;
    rules.push_back(rule_json(rule));
    if (filter.exclude_alerts && !rule.recording) rules.back()["alerts"] = Json::array();
  }
  return {{"name", group.name},
          {"file", group.file},
          {"interval", to_seconds(group.interval)},
          {"limit", group.limit},
          {"evaluationTime", fractional_seconds(took)},
          {"lastEvaluation", evaluation_time(group.last_evaluation)},
          {"rules", std::move(rules)}};
}

http::Response list_rules(const Api& api, const http::Request& request) {
  const auto filter = rule_filter(request);
  if (!filter) return telemetry::api::failure(400, "bad_data", filter.error().message);
  Json data{{"groups", Json::array()}};
  bool begun = filter->next_token.empty();
  for (const auto& group : api.evaluator.groups()) {
    begun = begun || page_token(group) == filter->next_token;
    if (!begun || !filter->takes(group)) continue;
    auto json = group_json(group, *filter);
    if (json["rules"].empty()) continue;
    if (filter->group_limit > 0 && data["groups"].size() == filter->group_limit) {
      data["groupNextToken"] = page_token(group);
      break;
    }
    data["groups"].push_back(std::move(json));
  }
  if (!begun)
    return telemetry::api::failure(
        400, "bad_data",
        fmt::format("invalid parameter \"group_next_token\": invalid group_next_token '{}'. were "
                    "rule groups changed?",
                    filter->next_token));
  return http::json_response({{"status", "success"}, {"data", std::move(data)}});
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

std::vector<http::Route> health_routes(Runtime runtime, const Evaluator& evaluator,
                                       const HealthDomain& domain) {
  const auto api = std::make_shared<Api>(Api{runtime, evaluator, domain});
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
  add("/api/v1/rules", "listRules", list_rules);
  add("/api/v1/alerts", "listAlerts", list_alerts);
  return routes;
}

}  // namespace wellrun::health
