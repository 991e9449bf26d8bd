#include "change/change_api.h"

#include <fmt/format.h>

#include "core/bytes.h"
#include "core/text.h"
#include "platform/http/parameters.h"

namespace wellrun::change {
namespace {

struct Api {
  Runtime runtime;
  journal::Ledger& ledger;
  const ChangeDomain& domain;
};

/// Runs a decision and answers with the deployment it was about, or with nothing when it changed
/// nothing.
void command(const std::shared_ptr<Api>& api, const std::string& actor, int status,
             const std::string& id, std::function<Result<journal::Decision>()> decide,
             http::Reply reply) {
  api->ledger.command(
      {.actor = actor}, [decide = std::move(decide)](Timestamp) { return decide(); },
      [api, status, id, reply = std::move(reply)](const auto& facts) mutable {
        if (!facts) return reply(http::problem_response(facts.error()));
        const auto about = facts->empty() ? id
                                          : text_or(facts->front().body, "deployment",
                                                    text_or(facts->front().body, "change"));
        const auto* deployment = api->domain.find(about);
        reply(
            http::json_response(deployment != nullptr ? to_json(*deployment) : Json{{"id", about}},
                                facts->empty() ? 200 : status));
      });
}

DeploymentReport read_report(const Json& body) {
  DeploymentReport report{.workload = text_or(body, "workload"),
                          .component = text_or(body, "component"),
                          .environment = text_or(body, "environment"),
                          .version = text_or(body, "version"),
                          .commit = text_or(body, "commit"),
                          .commit_time = text_or(body, "commit_time"),
                          .url = text_or(body, "url"),
                          .id = text_or(body, "id"),
                          .outcome = text_or(body, "outcome")};
  if (report.outcome.empty() && text_or(body, "state") == "finished") report.outcome = "succeeded";
  return report;
}

void record_deployment(const std::shared_ptr<Api>& api, const http::Request& request,
                       http::Reply reply) {
  const auto body = http::json_body(request);
  if (!body) return reply(http::problem_response(body.error()));
  const auto report = read_report(*body);
  const auto actor = request.principal.actor;
  command(
      api, actor, 201, report.id,
      [api, report, actor] { return api->domain.record(report, actor); }, std::move(reply));
}

void finish_deployment(const std::shared_ptr<Api>& api, const http::Request& request,
                       http::Reply reply) {
  const auto body = http::json_body(request);
  if (!body) return reply(http::problem_response(body.error()));
  const auto& id = request.path_parameter("id");
  const auto actor = request.principal.actor;
  command(
      api, actor, 200, id,
      [api, id, outcome = text_or(*body, "outcome"), actor] {
        return api->domain.finish(id, outcome, actor);
      },
      std::move(reply));
}

void record_change(const std::shared_ptr<Api>& api, const http::Request& request,
                   http::Reply reply) {
  const auto body = http::json_body(request);
  if (!body) return reply(http::problem_response(body.error()));
  facts::ChangeRecorded change{.kind = text_or(*body, "kind"),
                               .workload = text_or(*body, "workload"),
                               .component = text_or(*body, "component"),
                               .environment = text_or(*body, "environment"),
                               .summary = text_or(*body, "summary"),
                               .reverses = text_or(*body, "reverses")};
  const auto actor = request.principal.actor;
  command(
      api, actor, 201, "", [api, change, actor] { return api->domain.record(change, actor); },
      std::move(reply));
}

/// The event names the version that was gone back to; what is recorded is how the one before ended.
void roll_back(const std::shared_ptr<Api>& api, const DeploymentReport& report,
               const std::string& actor, http::Reply reply) {
  const auto* deployment = api->domain.taken_back_by(report);
  if (deployment == nullptr) {
    const auto ignored =
        fmt::format("no deployment of {} is known that going back to version {} takes back",
                    quote(report.component.empty() ? report.workload : report.component),
                    quote(report.version));
    return reply(http::json_response({{"ignored", ignored}}, 202));
  }
  const auto id = deployment->what.deployment;
  command(
      api, actor, 200, id,
      [api, id, actor] { return api->domain.finish(id, "rolled_back", actor); }, std::move(reply));
}

void receive_cdevent(const std::shared_ptr<Api>& api, const http::Request& request,
                     http::Reply reply) {
  auto event = http::json_body(request);
  if (!event) return reply(http::problem_response(event.error()));
  // Structured mode carries the CDEvent in `data`; binary mode is the CDEvent itself.
  const auto report = read_cdevent(
      event->contains("specversion") && event->contains("data") ? event->at("data") : *event);
  if (!report) return reply(http::problem_response(report.error()));
  if (!*report)
    return reply(http::json_response({{"ignored", "the event says nothing of a deployment"}}, 202));
  const auto actor = request.principal.actor;
  if ((*report)->outcome == "rolled_back") return roll_back(api, **report, actor, std::move(reply));
  command(
      api, actor, 201, (*report)->id,
      [api, report = **report, actor] { return api->domain.record(report, actor); },
      std::move(reply));
}

Result<std::optional<Timestamp>> time_parameter(const http::Request& request, const char* name) {
  const auto text = request.parameter(name);
  if (!text) return std::nullopt;
  TRY(const auto time, parse_rfc3339(*text));
  return std::optional(time);
}

constexpr std::size_t kMostListed = 5000;  ///< all that is kept in memory

/// `list` newest first, as `workload`, `from`, `to` and `limit` ask.
template <typename List, typename TimeOf>
http::Response listed(const List& list, const http::Request& request, TimeOf time_of) {
  const auto from = time_parameter(request, "from");
  const auto to = time_parameter(request, "to");
  if (!from || !to) return http::problem_response(!from ? from.error() : to.error());
  const auto limit = http::limit_parameter(request, kMostListed);
  if (!limit) return http::problem_response(limit.error());
  const auto workload = request.parameter("workload");
  Json items = Json::array();
  for (auto each = list.rbegin(); each != list.rend() && items.size() < *limit; ++each) {
    if (workload && each->what.workload != *workload) continue;
    if (*from && time_of(*each) < **from) continue;
    if (*to && time_of(*each) >= **to) continue;
    items.push_back(to_json(*each));
  }
  return http::json_response({{"items", std::move(items)}});
}

/// `json[key]` where both are objects; otherwise one without fields. Whatever a sender made of it.
const Json& object_in(const Json& json, std::string_view key) {
  static const Json kNone = Json::object();
  if (!json.is_object()) return kNone;
  const auto found = json.find(key);
  return found != json.end() && found->is_object() ? *found : kNone;
}

/// An event's id is unique only together with its source: two pipelines may both have a run 42.
/// Source: CDEvents and CloudEvents, on `id`. Without a source, which neither allows, the id alone.
std::string deployment_id(const std::string& source, const std::string& id) {
  if (id.empty() || source.empty()) return id;
  return fmt::format("{}-{:016x}", id, stable_hash(source));
}

http::Response get_dora(const Api& api, const http::Request& request) {
  const auto window = parse_duration(request.parameter("window").value_or("30d"));
  if (!window || window->count() == 0)
    return http::problem_response(
        {ErrorCode::kInvalid, "window must be a duration such as 30d", "window"});
  return http::json_response(
      to_json(dora(api.domain.deployments(), request.parameter("workload").value_or(""),
                   api.runtime.clock.now(), *window),
              *window));
}

}  // namespace

Result<std::optional<DeploymentReport>> read_cdevent(const Json& event) {
  const auto& context = object_in(event, "context");
  const auto& subject = object_in(event, "subject");
  const auto type = text_or(context, "type");
  if (type.empty())
    return fail(ErrorCode::kInvalid, "not a CDEvent: context.type is needed", "body");
  const auto is = [&](const char* what) {
    return type.starts_with(std::string("dev.cdevents.") + what + ".");
  };
  std::string outcome;
  if (is("service.deployed") || is("service.upgraded")) outcome = "succeeded";
  if (is("service.rolledback")) outcome = "rolled_back";
  if (outcome.empty()) return std::nullopt;
  const auto& content = object_in(subject, "content");
  const auto id = text_or(subject, "id");
  if (id.empty()) return fail(ErrorCode::kInvalid, "the event's subject has no id", "subject.id");
  const auto& custom = object_in(event, "customData");
  // The artifact is a package URL: pkg:oci/checkout@sha256:… or pkg:generic/checkout@1.2.3
  const auto artifact = text_or(content, "artifactId");
  const auto at = artifact.rfind('@');
  const auto source = text_or(context, "source");
  return DeploymentReport{.workload = text_or(custom, "workload", id),
                          .component = text_or(custom, "component", id),
                          .environment = text_or(object_in(content, "environment"), "id"),
                          .version = at == std::string::npos ? artifact : artifact.substr(at + 1),
                          .commit = text_or(custom, "commit"),
                          .commit_time = text_or(custom, "commit_time"),
                          .url = source,
                          .id = deployment_id(source, text_or(context, "id")),
                          .outcome = outcome};
}

std::vector<http::Route> change_routes(Runtime runtime, journal::Ledger& ledger,
                                       const ChangeDomain& domain) {
  const auto api = std::make_shared<Api>(Api{runtime, ledger, domain});
  using http::Role;
  const auto command_route = [&](const char* pattern, const char* operation, auto handle) {
    return http::Route{
        .method = "POST",
        .pattern = pattern,
        .role = Role::kResponder,
        .operation_id = operation,
        .handler = http::on_strand_later(
            runtime.strand, [api, handle](const http::Request& request, http::Reply reply) {
              handle(api, request, std::move(reply));
            })};
  };
  const auto view_route = [&](const char* pattern, const char* operation, auto answer) {
    return http::Route{
        .method = "GET",
        .pattern = pattern,
        .role = Role::kViewer,
        .operation_id = operation,
        .handler = http::on_strand(runtime.strand, [api, answer](const http::Request& request) {
          return answer(*api, request);
        })};
  };
  std::vector<http::Route> routes;
  routes.push_back(command_route("/api/v1/deployments", "recordDeployment", record_deployment));
  routes.push_back(
      command_route("/api/v1/deployments/{id}/finish", "finishDeployment", finish_deployment));
  routes.push_back(command_route("/api/v1/changes", "recordChange", record_change));
  routes.push_back(command_route("/api/v1/cdevents", "receiveCdEvent", receive_cdevent));
  routes.push_back(view_route("/api/v1/deployments", "listDeployments",
                              [](const Api& a, const http::Request& request) {
                                return listed(a.domain.deployments(), request,
                                              [](const Deployment& d) { return d.started_at; });
                              }));
  routes.push_back(
      view_route("/api/v1/changes", "listChanges", [](const Api& a, const http::Request& request) {
        return listed(a.domain.changes(), request, [](const Change& c) { return c.at; });
      }));
  routes.push_back(view_route("/api/v1/dora", "getDora", get_dora));
  routes.push_back(view_route(
      "/api/v1/gates/budget", "getBudgetGate", [](const Api& a, const http::Request& request) {
        const auto workload = request.parameter("workload").value_or("");
        if (workload.empty())
          return http::problem_response(
              {ErrorCode::kInvalid, "say whose deployments are meant", "workload"});
        return http::json_response(gate_json(a.domain.budget_gate(), workload));
      }));
  return routes;
}

}  // namespace wellrun::change
