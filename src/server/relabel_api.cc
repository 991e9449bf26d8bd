#include "server/relabel_api.h"

#include "catalog/kinds/scrape.h"
#include "core/text.h"
#include "server/targets.h"
#include "telemetry/api_answer.h"

namespace wellrun::server {
namespace {

namespace api = telemetry::api;
namespace scrape = telemetry::scrape;

/// As Prometheus' relabel_config in JSON: what is not set is left out.
Json rule_json(const scrape::RelabelStep& step) {
  Json rule{{"separator", step.separator},
            {"regex", step.regex},
            {"replacement", step.replacement},
            {"action", step.action}};
  if (!step.source_labels.empty()) rule["sourceLabels"] = step.source_labels;
  if (step.modulus != 0) rule["modulus"] = step.modulus;
  if (!step.target_label.empty()) rule["targetLabel"] = step.target_label;
  return rule;
}

Json labels_json(const Labels& labels) {
  Json out = Json::object();
  for (const auto& label : labels) out[label.name] = label.value;
  return out;
}

Result<Labels> labels_from(const std::string& text) {
  TRY(const auto json, parse_json(text));
  if (!json.is_object()) return fail(ErrorCode::kInvalid, "not an object of labels");
  Labels labels;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string())
      return fail(ErrorCode::kInvalid, "the value of label " + quote(name) + " is not a text");
    labels.set(name, value.get<std::string>());
  }
  return labels;
}

Result<Json> steps_json(const catalog::Scrape& job, Labels labels) {
  Json steps = Json::array();
  for (auto& step : relabel_steps(job.relabel)) {
    auto rule = rule_json(step);
    TRY(const auto compiled, scrape::Relabelling::compile({std::move(step)}));
    auto output = compiled.apply(labels);
    steps.push_back({{"rule", std::move(rule)},
                     {"output", output ? labels_json(*output) : Json::object()},
                     {"keep", output.has_value()}});
    if (!output) break;
    labels = std::move(*output);
  }
  return steps;
}

http::Response answer(const catalog::Catalog& catalog, const http::Request& request) {
  const auto pool = request.parameter("scrapePool").value_or("");
  if (pool.empty()) return api::failure(400, "bad_data", "no scrapePool parameter provided");
  const auto text = request.parameter("labels").value_or("");
  if (text.empty()) return api::failure(400, "bad_data", "no labels parameter provided");
  auto labels = labels_from(text);
  if (!labels) return api::bad_parameter("labels", labels.error());
  for (const auto* job : catalog.all<catalog::Scrape>()) {
    if (job->job_name() != pool) continue;
    const auto steps = steps_json(*job, std::move(*labels));
    if (!steps) return api::failure_of(steps.error());
    return api::success(to_text(Json{{"steps", *steps}}));
  }
  return api::failure(404, "not_found", "scrape pool " + quote(pool) + " is not known");
}

}  // namespace

std::vector<http::Route> relabel_routes(Runtime runtime, const catalog::Catalog& catalog) {
  std::vector<http::Route> routes;
  routes.push_back(
      {.method = "GET",
       .pattern = "/api/v1/targets/relabel_steps",
       .role = http::Role::kViewer,
       .operation_id = "listRelabelSteps",
       .handler = http::on_strand(runtime.strand, [&catalog](const http::Request& request) {
         return answer(catalog, request);
       })});
  return routes;
}

}  // namespace wellrun::server
