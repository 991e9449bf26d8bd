#include "health/finding/finding_api.h"

#include <fmt/format.h>

#include "core/text.h"

namespace wellrun::health::finding {
namespace {

Json json_of(const Finding& finding) {
  return {{"id", finding.id},
          {"workload", finding.workload},
          {"state", finding.closed_at ? "closed" : "open"},
          {"summary", finding.summary},
          {"since", format_rfc3339(finding.since)},
          {"opened_at", format_rfc3339(finding.opened_at)},
          {"closed_at", finding.closed_at ? Json(format_rfc3339(*finding.closed_at)) : Json()},
          {"closed_because", finding.closed_because},
          {"anomalies", finding.anomalies},
          {"anomaly_count", finding.anomaly_count},
          {"causes", finding.causes},
          {"fact", finding.seq}};
}

/// Newest first.
http::Response list(const FindingDomain& domain, const http::Request& request) {
  const auto workload = request.parameter("workload");
  const auto state = request.parameter("state").value_or("all");
  if (state != "open" && state != "closed" && state != "all")
    return http::problem_response(
        {ErrorCode::kInvalid, fmt::format("state {} is none of open, closed and all", quote(state)),
         "state"});
  Json items = Json::array();
  const auto& findings = domain.findings();
  for (auto each = findings.rbegin(); each != findings.rend(); ++each) {
    const auto& finding = each->second;
    if (workload && finding.workload != *workload) continue;
    if (state != "all" && finding.closed_at.has_value() != (state == "closed")) continue;
    items.push_back(json_of(finding));
  }
  return http::json_response({{"items", std::move(items)}});
}

http::Response show(const FindingDomain& domain, const http::Request& request) {
  const auto& id = request.path_parameters.at("id");
  const auto found = domain.findings().find(id);
  if (found == domain.findings().end())
    return http::problem_response(
        {ErrorCode::kNotFound,
         fmt::format("no finding {}; GET /api/v1/findings lists the last ones, the journal has all "
                     "of them (stream finding/<id>)",
                     quote(id)),
         "id"});
  return http::json_response(json_of(found->second));
}

}  // namespace

std::vector<http::Route> finding_routes(Runtime runtime, const FindingDomain& domain) {
  const auto route = [&](const char* pattern, const char* operation,
                         http::Response (*answer)(const FindingDomain&, const http::Request&)) {
    return http::Route{
        .method = "GET",
        .pattern = pattern,
        .role = http::Role::kViewer,
        .operation_id = operation,
        .handler = http::on_strand(runtime.strand, [&domain, answer](const http::Request& request) {
          return answer(domain, request);
        })};
  };
  return {route("/api/v1/findings", "listFindings", list),
          route("/api/v1/findings/{id}", "getFinding", show)};
}

}  // namespace wellrun::health::finding
