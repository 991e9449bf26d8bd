#include "server/cardinality_api.h"

#include <algorithm>

#include "core/text.h"
#include "telemetry/api_answer.h"
#include "telemetry/promql/parser.h"

namespace wellrun::server {
namespace {

using telemetry::Cardinality;
using telemetry::OwnerUsage;

constexpr std::size_t kDefaultLimit = 20, kMaxLimit = 10'000;

double share_of(std::uint64_t part, std::size_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

Json owner_json(const OwnerUsage& owner, std::size_t all) {
  Json json{{"name", owner.workload.empty() ? owner.job : owner.workload},
            {"kind", owner.workload.empty() ? "job" : "workload"},
            {"series", owner.series},
            {"share", share_of(owner.series, all)},
            {"limit", owner.max_series == 0 ? Json() : Json(owner.max_series)},
            {"at_limit", owner.at_limit()},
            {"refused_samples", owner.refused}};
  if (owner.refused > 0) {
    json["refused_at"] = format_rfc3339(from_unix_ms(owner.refused_ms));
    json["refused_series"] = owner.refused_series;
  }
  return json;
}

Json owners_json(const telemetry::EmbeddedStore& store, std::size_t limit) {
  const auto owners = store.owners();
  std::size_t all = 0;
  for (const auto& owner : owners) all += owner.series;
  Json items = Json::array();
  for (const auto& owner : owners)
    if (items.size() < limit) items.push_back(owner_json(owner, all));
  return {{"by", "workload"}, {"series", all}, {"items", std::move(items)}};
}

Json series_json(const std::vector<Cardinality::Count>& counts, std::size_t all) {
  Json items = Json::array();
  for (const auto& count : counts)
    items.push_back(
        {{"name", count.name}, {"series", count.value}, {"share", share_of(count.value, all)}});
  return items;
}

/// Labels by how many values they have, each with what these take.
Json labels_json(const Cardinality& found) {
  Json items = Json::array();
  for (const auto& values : found.values_by_label) {
    Json item{{"name", values.name}, {"values", values.value}};
    const auto bytes =
        std::ranges::find(found.bytes_by_label, values.name, &Cardinality::Count::name);
    if (bytes != found.bytes_by_label.end()) item["bytes"] = bytes->value;
    items.push_back(std::move(item));
  }
  return items;
}

/// Of what the request asks about.
Result<Cardinality> count(const telemetry::EmbeddedStore& store, const http::Request& request,
                          std::size_t limit) {
  const auto selector = request.parameter("match").value_or("");
  const auto workload = request.parameter("workload").value_or("");
  const auto job = request.parameter("job");
  const int given = int{!selector.empty()} + int{!workload.empty()} + int{job.has_value()};
  if (given > 1)
    return fail(ErrorCode::kInvalid, "give one of match, workload and job, not several");
  if (!selector.empty()) {
    TRY(const auto matchers, telemetry::promql::parse_selector(selector));
    return store.cardinality_of(matchers, limit);
  }
  if (given == 0) return store.cardinality(limit);
  const auto owners = store.owners();
  const auto found = std::ranges::find_if(owners, [&](const OwnerUsage& owner) {
    return owner.workload == workload && owner.job == job.value_or("");
  });
  if (found == owners.end())
    return fail(ErrorCode::kNotFound,
                "no series are known of " + (workload.empty() ? "job " + quote(job.value_or(""))
                                                              : "workload " + quote(workload)));
  return store.cardinality_of(*found, limit);
}

http::Response answer(const telemetry::EmbeddedStore& store, const http::Request& request) {
  const auto asked = telemetry::api::limit_parameter(request);
  if (!asked || *asked > kMaxLimit)
    return http::problem_response(
        Error{ErrorCode::kInvalid, "limit must be a number of at most 10000", {}});
  const auto limit = *asked == 0 ? kDefaultLimit : *asked;
  const auto by = request.parameter("by").value_or("workload");
  if (by == "workload") return http::json_response(owners_json(store, limit));
  if (by != "metric" && by != "label" && by != "pair")
    return http::problem_response(Error{
        ErrorCode::kInvalid, "by must be workload, metric, label or pair, not " + quote(by), {}});
  const auto found = count(store, request, limit);
  if (!found) return http::problem_response(found.error());
  auto items = by == "label"    ? labels_json(*found)
               : by == "metric" ? series_json(found->series_by_metric, found->series)
                                : series_json(found->series_by_pair, found->series);
  return http::json_response({{"by", by}, {"series", found->series}, {"items", std::move(items)}});
}

}  // namespace

std::vector<http::Route> cardinality_routes(const telemetry::EmbeddedStore& store,
                                            telemetry::RunningQueries& running) {
  std::vector<http::Route> routes;
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/cardinality",
                    .role = http::Role::kViewer,
                    .operation_id = "getCardinality",
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
