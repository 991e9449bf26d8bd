#include "health/kpi_api.h"

#include "catalog/kinds/kpi.h"
#include "core/text.h"
#include "health/operations/figures.h"
#include "health/rules/rule_inputs.h"

namespace wellrun::health {
namespace {

constexpr Duration kLongestWindow = std::chrono::days(3650);

struct Api {
  Runtime runtime;
  journal::Ledger& ledger;
  const catalog::Catalog& catalog;
  const Evaluator& evaluator;
  const HealthDomain& domain;
  const operations::OperationsDomain& operations;
};

Json number_or_null(const std::optional<double>& value) {
  return value ? facts::number_json(*value) : Json();
}
Json time_or_null(Timestamp time) {
  return time == Timestamp{} ? Json() : Json(format_rfc3339(time));
}

/// The metrics that a KPI is made of.
std::vector<std::string> signals_of(const catalog::Kpi& kpi) {
  if (!kpi.operations.empty()) return {};
  return rules::inputs_of(kpi.query).names;
}

Json review_json(const Api& api, const catalog::Kpi& kpi, const KpiStanding& standing) {
  const auto* resource = api.catalog.resource(catalog::Kpi::kKind, kpi.metadata.name);
  const auto applied = resource == nullptr ? Timestamp{} : resource->provenance.applied_at;
  const auto due = std::max(standing.reviewed_at, applied) + kpi.review_every;
  return {{"every", format_duration(kpi.review_every)},
          {"reviewed_at", time_or_null(standing.reviewed_at)},
          {"due", format_rfc3339(due)},
          {"overdue", due < api.runtime.clock.now()}};
}

Json kpi_json(const Api& api, const catalog::Kpi& kpi) {
  const auto& name = kpi.metadata.name;
  const auto reading = api.evaluator.kpi(name);
  const auto standing = api.domain.kpi(name);
  const auto value = reading ? reading->value : std::nullopt;
  return {{"name", name},
          {"workload", kpi.workload.name},
          {"owner", catalog::owner_or_workloads(api.catalog, kpi.owner, kpi.workload).name},
          {"parent", kpi.parent.name},
          {"description", kpi.description},
          {"outcome", kpi.outcome},
          {"query", kpi.promql()},
          {"operations", kpi.operations},
          {"window", kpi.operations.empty() ? "" : format_duration(kpi.window)},
          {"signals", signals_of(kpi)},
          {"unit", kpi.unit},
          {"direction", kpi.direction},
          {"target", kpi.target},
          {"at_risk", number_or_null(kpi.at_risk)},
          {"value", number_or_null(value)},
          {"error", reading ? reading->error : std::string()},
          {"status", shown_status(kpi, standing.status, value)},
          {"since", time_or_null(standing.since)},
          {"viewed_at", time_or_null(standing.viewed_at)},
          {"review", review_json(api, kpi, standing)}};
}

http::Response list_kpis(const Api& api, const http::Request& request) {
  const auto workload = request.parameter("workload");
  Json items = Json::array();
  for (const auto* kpi : api.catalog.all<catalog::Kpi>()) {
    if (!workload || kpi->workload.name == *workload) items.push_back(kpi_json(api, *kpi));
  }
  return http::json_response({{"items", std::move(items)}});
}

http::Response list_figures(const Api& api, const http::Request& request) {
  const auto window = parse_duration(request.parameter("window").value_or("30d"));
  if (!window || window->count() == 0 || *window > kLongestWindow)
    return http::problem_response({ErrorCode::kInvalid,
                                   fmt::format("window must be a duration such as 30d, at most {}",
                                               format_duration(kLongestWindow)),
                                   "window"});
  const auto workload = request.parameter("workload").value_or("");
  const auto now = api.runtime.clock.now();
  Json items = Json::array();
  for (const auto& kind : operations::figure_kinds()) {
    const auto figure = kind.compute(api.operations.record(), workload, now - *window, now);
    items.push_back({{"name", kind.name},
                     {"title", kind.title},
                     {"unit", kind.unit},
                     {"direction", kind.direction},
                     {"value", number_or_null(figure.value)},
                     {"count", figure.count}});
  }
  return http::json_response({{"window", format_duration(*window)}, {"items", std::move(items)}});
}

Result<const catalog::Kpi*> kpi_of(const Api& api, const http::Request& request) {
  const auto& name = request.path_parameter("name");
  const auto* kpi = api.catalog.find<catalog::Kpi>(name);
  if (kpi == nullptr)
    return fail(ErrorCode::kNotFound,
                fmt::format("no KPI {}; GET /api/v1/kpis lists them", quote(name)), "name");
  return kpi;
}

/// Answers a command with how the KPI stands after it.
auto answer_with(const std::shared_ptr<Api>& api, std::string name, int status, http::Reply reply) {
  return
      [api, name = std::move(name), status, reply = std::move(reply)](const auto& facts) mutable {
        if (!facts) return reply(http::problem_response(facts.error()));
        const auto* kpi = api->catalog.find<catalog::Kpi>(name);
        reply(http::json_response(kpi == nullptr ? Json::object() : kpi_json(*api, *kpi), status));
      };
}

void review_kpi(const std::shared_ptr<Api>& api, const http::Request& request, http::Reply reply) {
  const auto body = http::json_body(request);
  if (!body) return reply(http::problem_response(body.error()));
  const auto kpi = kpi_of(*api, request);
  if (!kpi) return reply(http::problem_response(kpi.error()));
  const auto& name = (*kpi)->metadata.name;
  facts::KpiReviewed review{.kpi = name,
                            .workload = (*kpi)->workload.name,
                            .decision = text_or(*body, "decision"),
                            .by = request.principal.actor};
  api->ledger.command(
      {.actor = request.principal.actor},
      [api, review](Timestamp) {
        return Result<journal::Decision>(api->domain.review_kpi(review));
      },
      answer_with(api, name, 201, std::move(reply)));
}

/// Who looked is not kept: the fact has no person's name as its actor.
void view_kpi(const std::shared_ptr<Api>& api, const http::Request& request, http::Reply reply) {
  const auto kpi = kpi_of(*api, request);
  if (!kpi) return reply(http::problem_response(kpi.error()));
  const facts::KpiViewed view{.kpi = (*kpi)->metadata.name, .workload = (*kpi)->workload.name};
  api->ledger.command(
      {},
      [api, view](Timestamp now) {
        return Result<journal::Decision>(api->domain.view_kpi(view, now));
      },
      answer_with(api, view.kpi, 200, std::move(reply)));
}

}  // namespace

std::vector<http::Route> kpi_routes(Runtime runtime, journal::Ledger& ledger,
                                    const catalog::Catalog& catalog, const Evaluator& evaluator,
                                    const HealthDomain& domain,
                                    const operations::OperationsDomain& operations) {
  const auto api =
      std::make_shared<Api>(Api{runtime, ledger, catalog, evaluator, domain, operations});
  const auto view = [&](const char* pattern, const char* operation, auto answer) {
    return http::Route{
        .method = "GET",
        .pattern = pattern,
        .role = http::Role::kViewer,
        .operation_id = operation,
        .handler = http::on_strand(runtime.strand, [api, answer](const http::Request& request) {
          return answer(*api, request);
        })};
  };
  std::vector<http::Route> routes;
  routes.push_back(view("/api/v1/kpis", "listKpis", list_kpis));
  routes.push_back(view("/api/v1/operations", "listOperationsFigures", list_figures));
  routes.push_back({.method = "POST",
                    .pattern = "/api/v1/kpis/{name}/review",
                    .role = http::Role::kResponder,
                    .operation_id = "reviewKpi",
                    .handler = http::on_strand_later(
                        runtime.strand, [api](const http::Request& request, http::Reply reply) {
                          review_kpi(api, request, std::move(reply));
                        })});
  routes.push_back({.method = "POST",
                    .pattern = "/api/v1/kpis/{name}/view",
                    .role = http::Role::kViewer,
                    .operation_id = "viewKpi",
                    .handler = http::on_strand_later(
                        runtime.strand, [api](const http::Request& request, http::Reply reply) {
                          view_kpi(api, request, std::move(reply));
                        })});
  return routes;
}

}  // namespace wellrun::health
