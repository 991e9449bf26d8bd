#include "server/retention.h"

#include <algorithm>

#include "catalog/kinds/retention.h"
#include "core/text.h"
#include "platform/log/log.h"
#include "telemetry/promql/parser.h"

namespace wellrun::server {
namespace {

std::string steps_text(const std::vector<telemetry::Downsampling>& steps) {
  std::string text;
  for (const auto& step : steps)
    text += (text.empty() ? "" : ", ") + format_duration(step.resolution) + " after " +
            format_duration(step.after);
  return text;
}

Json steps_json(const std::vector<telemetry::Downsampling>& steps) {
  Json json = Json::array();
  for (const auto& step : steps)
    json.push_back(
        {{"after", format_duration(step.after)}, {"resolution", format_duration(step.resolution)}});
  return json;
}

Json share_json(const telemetry::RetentionShare& share) {
  return {{"rules", share.kept.rules},
          {"keep", format_duration(share.kept.keep)},
          {"downsample", steps_json(share.kept.downsampling)},
          {"resolution", steps_text(share.kept.downsampling)},
          {"series", share.series},
          {"example", to_string(share.example)}};
}

Result<Json> shares_of(const telemetry::EmbeddedStore& store, const std::string& selector) {
  std::vector<telemetry::Matcher> matchers;
  if (!selector.empty()) {
    TRY(matchers, telemetry::promql::parse_selector(selector));
  }
  TRY(const auto shares, store.retention_of(matchers));
  Json items = Json::array();
  for (const auto& share : shares) items.push_back(share_json(share));
  return Json{{"items", std::move(items)}};
}

http::Response answer(const telemetry::EmbeddedStore& store, const http::Request& request) {
  auto found = shares_of(store, request.parameter("match").value_or(""));
  return found ? http::json_response(*found) : http::problem_response(found.error());
}

}  // namespace

std::vector<telemetry::RetentionRule> retention_rules(const catalog::Catalog& catalog) {
  std::vector<telemetry::RetentionRule> rules;
  for (const auto* one : catalog.all<catalog::Retention>()) {
    telemetry::RetentionRule rule;
    rule.name = one->metadata.name;
    rule.keep = one->keep;
    for (const auto& selector : one->match)
      if (auto matchers = telemetry::promql::parse_selector(selector))  // checked when applied
        rule.matching.push_back(std::move(*matchers));
    for (const auto& step : one->downsample)
      rule.downsampling.push_back({.after = step.after, .resolution = step.resolution});
    if (!rule.matching.empty()) rules.push_back(std::move(rule));
  }
  std::ranges::sort(rules, {}, &telemetry::RetentionRule::name);
  return rules;
}

void apply_retention(const catalog::Catalog& catalog, telemetry::EmbeddedStore& store) {
  if (const auto set = store.set_retention(retention_rules(catalog)); !set)
    log(Level::kError, "telemetry", "rules of retention are not used: those before still hold",
        {{"error", to_string(set.error())}});
}

std::vector<http::Route> retention_routes(const telemetry::EmbeddedStore& store,
                                          telemetry::RunningQueries& running) {
  std::vector<http::Route> routes;
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/retention",
                    .role = http::Role::kViewer,
                    .operation_id = "getRetention",
                    .handler =
                        [&store, &running](const http::Request& request, http::Reply reply) {
                          telemetry::answer_in_turn(
                              running, request, std::move(reply),
                              [&store, request](const auto&) { return answer(store, request); });
                        },
                    .watches_peer = true});
  return routes;
}

}  // namespace wellrun::server
