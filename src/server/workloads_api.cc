#include "server/workloads_api.h"

#include <fmt/format.h>

#include "catalog/kinds.h"
#include "catalog/on_call.h"
#include "core/text.h"
#include "server/workload_health.h"

namespace wellrun::server {
namespace {

using catalog::Workload;

struct KpiCounts {
  int on_target = 0, at_risk = 0, missed = 0, no_data = 0;

  void add(const std::string& status) {
    if (status == "on_target") ++on_target;
    if (status == "at_risk") ++at_risk;
    if (status == "missed") ++missed;
    if (status == "no_data") ++no_data;
  }
  Json json() const {
    return {
        {"on_target", on_target}, {"at_risk", at_risk}, {"missed", missed}, {"no_data", no_data}};
  }
};

KpiCounts kpi_counts(const ControlPlane& plane, const std::string& workload,
                     WorkloadHealth& health) {
  KpiCounts counts;
  for (const auto* kpi : plane.catalog().all<catalog::Kpi>()) {
    if (kpi->workload.name != workload) continue;
    const auto& name = kpi->metadata.name;
    const auto reading = plane.evaluator().kpi(name);
    const auto status = health::shown_status(*kpi, plane.health().kpi(name).status,
                                             reading ? reading->value : std::nullopt);
    counts.add(status);
    health.take_kpi(name, status);
  }
  return counts;
}

Json slos(const ControlPlane& plane, const std::string& workload, WorkloadHealth& health) {
  Json list = Json::array();
  for (const auto* slo : plane.catalog().all<catalog::Slo>()) {
    if (slo->service.name != workload) continue;
    const auto& name = slo->metadata.name;
    std::optional<double> remaining;
    if (const auto reading = plane.evaluator().slo(name)) {
      remaining =
          health::budget_of(*slo, reading->period, reading->window, reading->read_at).remaining;
      health.take_slo(name, *reading);
    }
    list.push_back({{"name", name},
                    {"target", slo->target()},
                    {"budget_remaining", remaining ? Json(*remaining) : Json()}});
  }
  return list;
}

std::vector<const respond::Incident*> open_incidents(ControlPlane& plane,
                                                     const std::string& workload) {
  std::vector<const respond::Incident*> open;
  for (const auto& [id, incident] : plane.respond().incidents()) {
    if (incident.workload == workload && incident.is_open()) open.push_back(&incident);
  }
  return open;
}

/// Who would be paged first, right now.
Json on_call(const ControlPlane& plane, const Workload& workload, Timestamp now) {
  Json people = Json::array();
  const auto& all = plane.catalog();
  const auto add = [&](const std::string& name) {
    const auto* person = all.find<catalog::Person>(name);
    people.push_back(
        {{"person", name},
         {"display_name",
          person == nullptr || person->display_name.empty() ? name : person->display_name}});
  };
  const auto* policy = all.find(workload.escalation_policy);
  if (policy == nullptr || policy->levels.empty()) return people;
  for (const auto& reference : policy->levels.front().schedules) {
    const auto* schedule = all.find(reference);
    const auto turn = schedule == nullptr ? std::nullopt : catalog::who_is_on_call(*schedule, now);
    if (turn) add(turn->person);
  }
  for (const auto& person : policy->levels.front().persons) add(person.name);
  return people;
}

Json workload_json(ControlPlane& plane, const Workload& workload, Timestamp now) {
  const auto& name = workload.metadata.name;
  WorkloadHealth health;
  Json ids = Json::array();
  for (const auto* incident : open_incidents(plane, name)) {
    ids.push_back(incident->id);
    health.take_incident(*incident);
  }
  const auto kpis = kpi_counts(plane, name, health);
  auto objectives = slos(plane, name, health);
  Json json{{"name", name},
            {"display_name", workload.display_name.empty() ? name : workload.display_name},
            {"description", workload.description},
            {"tier", workload.tier},
            {"customer_facing", workload.customer_facing},
            {"owner", workload.owner.name},
            {"health", health.state()},
            {"health_reasons", health.reasons()},
            {"open_incidents", std::move(ids)},
            {"kpis", kpis.json()},
            {"slos", std::move(objectives)},
            {"on_call", on_call(plane, workload, now)}};
  const auto& deployments = plane.change().deployments();
  const auto last = std::find_if(deployments.rbegin(), deployments.rend(),
                                 [&](const auto& d) { return d.what.workload == name; });
  if (last != deployments.rend()) json["last_deployment"] = change::to_json(*last);
  return json;
}

template <typename T>
Json names_of(const std::vector<catalog::Ref<T>>& references) {
  Json names = Json::array();
  for (const auto& reference : references) names.push_back(reference.name);
  return names;
}

Json component_json(const catalog::Catalog& all, const catalog::Component& component,
                    const assess::Readings& readings) {
  const auto seen = readings.signals.find(component.service_name());
  return {
      {"name", component.metadata.name},
      {"service", component.service_name()},
      {"description", component.description},
      {"owner", catalog::owner_or_workloads(all, component.owner, component.workload).name},
      {"depends_on", names_of(component.depends_on)},
      {"external_dependencies", component.external_dependencies},
      {"signals", component.signals},
      {"observed_signals", seen == readings.signals.end() ? Json::array() : Json(seen->second)}};
}

Json detail_json(ControlPlane& plane, const Workload& workload, const assess::Readings& readings,
                 Timestamp now) {
  const auto& all = plane.catalog();
  const auto& name = workload.metadata.name;
  auto json = workload_json(plane, workload, now);
  std::set<std::string> owners{workload.owner.name};
  json["components"] = Json::array();
  for (const auto* component : all.all<catalog::Component>()) {
    if (component->workload.name != name) continue;
    json["components"].push_back(component_json(all, *component, readings));
    owners.insert(catalog::owner_or_workloads(all, component->owner, component->workload).name);
  }
  json["procedures"] = Json::array();
  for (const auto* runbook : all.all<catalog::Runbook>()) {
    if (runbook->workload.name == name) json["procedures"].push_back(runbook->metadata.name);
  }
  json["owners"] = owners;
  json["policy"] = workload.escalation_policy.name;
  json["communication_plan"] = workload.communication_plan.name;
  return json;
}

void get_workload(Runtime runtime, ControlPlane& plane, const http::Request& request,
                  http::Reply reply) {
  const auto& name = request.path_parameter("name");
  if (plane.catalog().find<Workload>(name) == nullptr) {
    std::vector<std::string> names;
    for (const auto* each : plane.catalog().all<Workload>()) names.push_back(each->metadata.name);
    return reply(http::problem_response(
        {ErrorCode::kNotFound,
         fmt::format("no workload named {}{}", quote(name), did_you_mean(name, names))}));
  }
  plane.assess().read([&plane, runtime, name,
                       shared = std::make_shared<http::Reply>(std::move(reply))](
                          const assess::Readings& readings) {
    const auto* workload = plane.catalog().find<Workload>(name);  // it may be gone by now
    (*shared)(
        workload == nullptr
            ? http::problem_response(
                  {ErrorCode::kNotFound, fmt::format("no workload named {}", quote(name))})
            : http::json_response(detail_json(plane, *workload, readings, runtime.clock.now())));
  });
}

}  // namespace

std::vector<http::Route> workload_routes(Runtime runtime, ControlPlane& plane) {
  std::vector<http::Route> routes;
  routes.push_back(
      {.method = "GET",
       .pattern = "/api/v1/workloads",
       .role = http::Role::kViewer,
       .operation_id = "listWorkloads",
       .handler = http::on_strand(runtime.strand, [runtime, &plane](const http::Request&) {
         Json items = Json::array();
         for (const auto* workload : plane.catalog().all<Workload>())
           items.push_back(workload_json(plane, *workload, runtime.clock.now()));
         return http::json_response({{"items", std::move(items)}});
       })});
  routes.push_back(
      {.method = "GET",
       .pattern = "/api/v1/workloads/{name}",
       .role = http::Role::kViewer,
       .operation_id = "getWorkload",
       .handler = http::on_strand_later(
           runtime.strand, [runtime, &plane](const http::Request& request, http::Reply reply) {
             get_workload(runtime, plane, request, std::move(reply));
           })});
  return routes;
}

}  // namespace wellrun::server
