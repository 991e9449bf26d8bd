#include "improve/experiment/experiment_api.h"

#include <ranges>

namespace wellrun::improve {
namespace {

using http::Role;

struct Api {
  Runtime runtime;
  journal::Ledger& ledger;
  const ExperimentDomain& domain;
};

Json experiment_json(const Experiment& experiment) {
  Json json = experiment.what;
  json["id"] = experiment.what.experiment;
  json["state"] = experiment.state;
  json["started_at"] = format_rfc3339(experiment.started_at);
  json["ended_at"] = experiment.ended_at ? Json(format_rfc3339(*experiment.ended_at)) : Json();
  json["ended_by"] = experiment.ended_by;
  json["reason"] = experiment.reason;
  json["looks"] = experiment.looks;
  json["verdict"] = experiment.verdict ? Json(*experiment.verdict) : Json();
  json["guard_rail_verdicts"] = experiment.guard_rails;
  json["learned"] = experiment.learned;
  json["learned_by"] = experiment.learned_by;
  return json;
}

/// The newest first.
http::Response list_experiments(const ExperimentDomain& domain, const http::Request& request) {
  const auto state = request.parameter("state");
  const auto workload = request.parameter("workload");
  Json items = Json::array();
  for (const auto& [id, experiment] : domain.experiments() | std::views::reverse)
    if ((!state || *state == experiment.state) &&
        (!workload || *workload == experiment.what.workload))
      items.push_back(experiment_json(experiment));
  return http::json_response({{"items", std::move(items)}});
}

http::Response get_experiment(const ExperimentDomain& domain, const http::Request& request) {
  const auto& id = request.path_parameter("id");
  const auto found = domain.experiments().find(id);
  if (found == domain.experiments().end())
    return http::problem_response(
        {ErrorCode::kNotFound, "no experiment " + id + "; GET /api/v1/experiments lists them"});
  return http::json_response(experiment_json(found->second));
}

facts::ExperimentStarted experiment_of(const Json& body, const std::string& by) {
  facts::ExperimentStarted experiment{.experiment = {},
                                      .hypothesis = text_or(body, "hypothesis"),
                                      .workload = text_or(body, "workload"),
                                      .owner = text_or(body, "owner"),
                                      .expects = expectation_of(body.value("expects", Json())),
                                      .guard_rails = {},
                                      .by = by};
  for (const auto& rail : body.value("guard_rails", Json::array()))
    experiment.guard_rails.push_back(expectation_of(rail));
  return experiment;
}

/// Runs `decide(domain, id, body, by)` and answers with the experiment.
using Decide = Result<journal::Decision> (*)(const ExperimentDomain&, const std::string& id,
                                             const Json& body, const std::string& by);

http::Route command(const std::shared_ptr<Api>& api, const char* pattern, const char* operation,
                    int status, Decide decide) {
  return {.method = "POST",
          .pattern = pattern,
          .role = Role::kResponder,
          .operation_id = operation,
          .handler = http::on_strand_later(
              api->runtime.strand,
              [api, decide, status, has_id = std::string_view(pattern).contains('{')](
                  const http::Request& request, http::Reply reply) {
                const auto body = http::json_body(request);
                if (!body) return reply(http::problem_response(body.error()));
                const auto& by = request.principal.actor;
                api->ledger.command(
                    {.actor = by},
                    [api, decide, id = has_id ? request.path_parameter("id") : std::string(),
                     body = *body, by](Timestamp) { return decide(api->domain, id, body, by); },
                    [api, status, reply = std::move(reply)](const auto& facts) mutable {
                      if (!facts) return reply(http::problem_response(facts.error()));
                      const auto id = text_or(facts->front().body, "experiment");
                      reply(http::json_response(experiment_json(api->domain.experiments().at(id)),
                                                status));
                    });
              })};
}

http::Route query(const std::shared_ptr<Api>& api, const char* pattern, const char* operation,
                  http::Response (*answer)(const ExperimentDomain&, const http::Request&)) {
  return {
      .method = "GET",
      .pattern = pattern,
      .role = Role::kViewer,
      .operation_id = operation,
      .handler = http::on_strand(api->runtime.strand, [api, answer](const http::Request& request) {
        return answer(api->domain, request);
      })};
}

}  // namespace

std::vector<http::Route> experiment_routes(Runtime runtime, journal::Ledger& ledger,
                                           const ExperimentDomain& domain) {
  const auto api = std::make_shared<Api>(Api{runtime, ledger, domain});
  using Text = const std::string&;
  std::vector<http::Route> routes;
  routes.push_back(query(api, "/api/v1/experiments", "listExperiments", list_experiments));
  routes.push_back(query(api, "/api/v1/experiments/{id}", "getExperiment", get_experiment));
  routes.push_back(command(api, "/api/v1/experiments", "startExperiment", 201,
                           [](const ExperimentDomain& domain, Text, const Json& body, Text by) {
                             return domain.start(experiment_of(body, by));
                           }));
  routes.push_back(command(api, "/api/v1/experiments/{id}/stop", "stopExperiment", 200,
                           [](const ExperimentDomain& domain, Text id, const Json& body, Text by) {
                             return domain.stop(id, text_or(body, "reason"), by);
                           }));
  routes.push_back(command(api, "/api/v1/experiments/{id}/learn", "learnFromExperiment", 200,
                           [](const ExperimentDomain& domain, Text id, const Json& body, Text by) {
                             return domain.learn(id, text_or(body, "text"), by);
                           }));
  return routes;
}

}  // namespace wellrun::improve
