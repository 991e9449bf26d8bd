#include "procedures/procedures_api.h"

#include <charconv>
#include <fmt/format.h>
#include <limits>

#include "catalog/kinds/automation.h"
#include "catalog/kinds/runbook.h"
#include "core/text.h"
#include "platform/http/parameters.h"
#include "procedures/run_fsm.h"

namespace wellrun::procedures {
namespace {

struct Api {
  Runtime runtime;
  journal::Ledger& ledger;
  const ProceduresDomain& domain;
  const catalog::Catalog& catalog;
  const LiveOutput& live;

  Json run_json(const Run& run) const;
  Json runbook_json(const catalog::Runbook& runbook) const;
  Json automation_json(const catalog::Automation& automation) const;
  Result<const Run*> run_of(const http::Request& request) const;
};

Json time_or_null(Timestamp time) {
  return time == Timestamp{} ? Json() : Json(format_rfc3339(time));
}

/// With steps; the output of one under way is what it has printed so far.
Json Api::run_json(const Run& run) const {
  auto json = to_json(run, true);
  for (std::size_t index = 0; index < run.steps.size(); ++index) {
    if (run.steps[index].status != StepStatus::kRunning) continue;
    json["steps"][index]["output"] = live.of(run.id, static_cast<int>(index));
  }
  return json;
}

Json Api::runbook_json(const catalog::Runbook& runbook) const {
  const auto& name = runbook.metadata.name;
  const auto found = domain.runbook_records().find(name);
  const auto record = found == domain.runbook_records().end() ? RunbookRecord{} : found->second;
  const auto over = record.succeeded + record.failed;
  const auto* resource = catalog.resource(catalog::Runbook::kKind, name);
  return {{"name", name},
          {"title", runbook.title.empty() ? name : runbook.title},
          {"description", runbook.description},
          {"owner", catalog::owner_or_workloads(catalog, runbook.owner, runbook.workload).name},
          {"workload", runbook.workload.name},
          {"inputs", resource->spec().value("inputs", Json::array())},
          {"steps", resource->spec().at("steps")},
          {"runs", record.started},
          {"success_rate",
           over == 0 ? Json()
                     : Json(static_cast<double>(record.succeeded) / static_cast<double>(over))},
          {"helped", record.helped},
          {"did_not_help", record.did_not_help},
          {"last_run_at", time_or_null(record.last_started_at)},
          {"commit", resource->provenance.commit},
          {"applied_at", format_rfc3339(resource->provenance.applied_at)}};
}

Json Api::automation_json(const catalog::Automation& automation) const {
  const auto& name = automation.metadata.name;
  const auto found = domain.automation_records().find(name);
  const auto record =
      found == domain.automation_records().end() ? AutomationRecord{} : found->second;
  return {{"name", name},
          {"description", automation.description},
          {"on", automation.on},
          {"when", automation.when},
          {"runbook", automation.runbook.name},
          {"enabled", automation.enabled},
          {"dry_run", automation.dry_run},
          {"max_per_hour", automation.limits.max_per_hour},
          {"cooldown", format_duration(automation.limits.cooldown)},
          {"triggered", record.triggered},
          {"suppressed", record.suppressed},
          {"last_reason", record.last_reason},
          {"last", time_or_null(record.last_at)}};
}

Result<const Run*> Api::run_of(const http::Request& request) const {
  const auto& id = request.path_parameter("id");
  if (const auto* run = domain.find(id)) return run;
  return fail(
      ErrorCode::kNotFound,
      fmt::format("no run {}; GET /api/v1/runs lists them, and the journal keeps the old ones",
                  quote(id)));
}

/// The step that a body names, by name or by index. "The one that waits" would soon be another,
/// whose prompt nobody has read.
Result<std::size_t> step_of(const Run& run, const Json& body) {
  const auto step = body.find("step");
  if (step == body.end() || step->is_null())
    return fail(ErrorCode::kInvalid, "say which step, by its name or index: {\"step\": 0}", "step");
  for (std::size_t i = 0; i < run.plan.size(); ++i) {
    if (*step == Json(run.plan[i].name) || *step == Json(i)) return i;
  }
  return fail(ErrorCode::kInvalid, fmt::format("run {} has no step {}", run.id, step->dump()),
              "step");
}

/// A step that is named must be the one whose outcome is unknown: a page may show an earlier one.
Result<journal::Decision> resume_step(const Api&, const Run& run, const Json& body,
                                      const http::Principal& principal, Timestamp now) {
  if (body.contains("step")) {
    TRY(const auto step, step_of(run, body));
    if (run.status == RunStatus::kUnknown && step != run.current_index)
      return fail(ErrorCode::kConflict,
                  fmt::format("what is unknown is the outcome of step {}, not of {}",
                              quote(run.plan[run.current_index].name), quote(run.plan[step].name)));
  }
  return resume(run, text_or(body, "decision"), principal.actor, now);
}

/// A command on one run: decides with the run as it is, answers with the run as it then is.
http::Handler on_run(
    const std::shared_ptr<Api>& api,
    std::function<Result<journal::Decision>(const Api&, const Run&, const Json& body,
                                            const http::Principal&, Timestamp)>
        decide) {
  return http::on_strand_later(
      api->runtime.strand,
      [api, decide = std::move(decide)](const http::Request& request, http::Reply reply) {
        auto body = http::json_body(request);
        if (!body) return reply(http::problem_response(body.error()));
        const auto id = request.path_parameter("id");
        api->ledger.command(
            {.actor = request.principal.actor},
            [api, decide, request, body = *body](Timestamp now) -> Result<journal::Decision> {
              TRY(const auto* run, api->run_of(request));
              return decide(*api, *run, body, request.principal, now);
            },
            [api, id, reply = std::move(reply)](const auto& facts) mutable {
              if (!facts) return reply(http::problem_response(facts.error()));
              const auto* run = api->domain.find(id);
              reply(run == nullptr ? http::json_response(Json::object())
                                   : http::json_response(api->run_json(*run)));
            });
      });
}

void start_run(const std::shared_ptr<Api>& api, const http::Request& request, http::Reply reply) {
  auto body = http::json_body(request);
  if (!body) return reply(http::problem_response(body.error()));
  StartRequest start{.runbook = text_or(*body, "runbook"),
                     .incident = text_or(*body, "incident"),
                     .workload = text_or(*body, "workload"),
                     .by = request.principal.actor};
  if (start.runbook.empty())
    return reply(
        http::problem_response({ErrorCode::kInvalid, "name the runbook to run", "runbook"}));
  const auto inputs = body->value("inputs", Json::object());
  if (!inputs.is_object())
    return reply(http::problem_response(
        {ErrorCode::kInvalid, "inputs must be an object, as {\"reason\": \"slow\"}", "inputs"}));
  for (const auto& [name, value] : inputs.items()) {
    start.inputs[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  api->ledger.command(
      {.actor = request.principal.actor},
      [api, start](Timestamp) { return api->domain.start(start); },
      [api, reply = std::move(reply)](const auto& facts) mutable {
        if (!facts) return reply(http::problem_response(facts.error()));
        const auto* run = api->domain.find(text_or(facts->front().body, "run"));
        reply(http::json_response(run == nullptr ? Json::object() : api->run_json(*run), 201));
      });
}

constexpr std::size_t kMostListed = 5000;

/// Only runs that started before this fact; without a cursor that is all of them.
Result<journal::Sequence> cursor_parameter(const http::Request& request) {
  const auto text = request.parameter("cursor");
  journal::Sequence before = std::numeric_limits<journal::Sequence>::max();
  if (!text) return before;
  const char* end = text->data() + text->size();
  const auto [stop, problem] = std::from_chars(text->data(), end, before);
  if (problem != std::errc{} || stop != end)
    return fail(ErrorCode::kInvalid,
                fmt::format("cursor {} is not the `next` of an answer", quote(*text)), "cursor");
  return before;
}

/// Of the runs in memory, newest first; `next` is the cursor of those before the last one.
http::Response list_runs(const Api& api, const http::Request& request) {
  const auto runbook = request.parameter("runbook");
  const auto incident = request.parameter("incident");
  const auto state = request.parameter("state");
  const auto limit = http::limit_parameter(request, kMostListed);
  if (!limit) return http::problem_response(limit.error());
  const auto before = cursor_parameter(request);
  if (!before) return http::problem_response(before.error());
  std::vector<const Run*> runs;
  for (const auto& [id, run] : api.domain.runs()) {
    if ((!runbook || run.runbook == *runbook) && (!incident || run.incident == *incident) &&
        (!state || *state == name_of(run.status)) && run.started_seq < *before)
      runs.push_back(&run);
  }
  std::ranges::sort(runs, std::greater(), &Run::started_seq);
  const bool is_cut = runs.size() > *limit;
  if (is_cut) runs.resize(*limit);
  Json answer{{"items", Json::array()}};
  for (const auto* run : runs) answer["items"].push_back(to_json(*run, false));
  if (is_cut) answer["next"] = std::to_string(runs.back()->started_seq);
  return http::json_response(answer);
}

/// From memory, or as the journal has it.
void get_run(const std::shared_ptr<Api>& api, const http::Request& request, http::Reply reply) {
  const auto& id = request.path_parameter("id");
  if (const auto* run = api->domain.find(id))
    return reply(http::json_response(api->run_json(*run)));
  api->runtime.workers.run([api, id, reply = std::move(reply)]() mutable {
    const auto run = read_run(api->ledger.store(), id);
    reply(run ? http::json_response(to_json(*run, true)) : http::problem_response(run.error()));
  });
}

http::Response get_runbook(const Api& api, const http::Request& request) {
  const auto& name = request.path_parameter("name");
  const auto* runbook = api.catalog.find<catalog::Runbook>(name);
  if (runbook == nullptr) {
    std::vector<std::string> names;
    for (const auto* each : api.catalog.all<catalog::Runbook>())
      names.push_back(each->metadata.name);
    return http::problem_response(
        {ErrorCode::kNotFound,
         fmt::format("no runbook named {}{}", quote(name), did_you_mean(name, names))});
  }
  return http::json_response(api.runbook_json(*runbook));
}

Result<journal::Decision> approve_step(const Api&, const Run& run, const Json& body,
                                       const http::Principal& principal, Timestamp) {
  TRY(const auto index, step_of(run, body));
  if (!body.contains("approved") || !body.at("approved").is_boolean()) {
    return fail(ErrorCode::kInvalid, "say whether it is approved: {\"approved\": true} or false",
                "approved");
  }
  const auto needed = http::role_named(run.steps[index].approver_role);
  if (needed && principal.role < *needed) {
    return fail(ErrorCode::kForbidden,
                fmt::format("this step needs the role {}; you are {}", http::name_of(*needed),
                            http::name_of(principal.role)));
  }
  return approve(run, static_cast<int>(index), body.at("approved").get<bool>(), principal.actor,
                 text_or(body, "comment"));
}

Result<journal::Decision> give_verdict(const Api&, const Run& run, const Json& body,
                                       const http::Principal& principal, Timestamp) {
  if (!body.contains("helped") || !body.at("helped").is_boolean()) {
    return fail(ErrorCode::kInvalid, "say whether it helped: {\"helped\": true} or false",
                "helped");
  }
  return judge(run, body.at("helped").get<bool>(), principal.actor, text_or(body, "comment"));
}

}  // namespace

std::vector<http::Route> procedures_routes(Runtime runtime, journal::Ledger& ledger,
                                           const ProceduresDomain& domain,
                                           const catalog::Catalog& catalog,
                                           const LiveOutput& live) {
  const auto api = std::make_shared<Api>(Api{runtime, ledger, domain, catalog, live});
  using http::Role;
  const auto read = [&](std::function<http::Response(const Api&, const http::Request&)> answer) {
    return http::on_strand(runtime.strand,
                           [api, answer = std::move(answer)](const http::Request& request) {
                             return answer(*api, request);
                           });
  };
  std::vector<http::Route> routes;
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/runbooks",
                    .role = Role::kViewer,
                    .operation_id = "listRunbooks",
                    .handler = read([](const Api& a, const http::Request& request) {
                      const auto workload = request.parameter("workload");
                      Json items = Json::array();
                      for (const auto* runbook : a.catalog.all<catalog::Runbook>()) {
                        if (!workload || runbook->workload.name == *workload)
                          items.push_back(a.runbook_json(*runbook));
                      }
                      return http::json_response({{"items", std::move(items)}});
                    })});
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/runbooks/{name}",
                    .role = Role::kViewer,
                    .operation_id = "getRunbook",
                    .handler = read(get_runbook)});
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/automations",
                    .role = Role::kViewer,
                    .operation_id = "listAutomations",
                    .handler = read([](const Api& a, const http::Request&) {
                      Json items = Json::array();
                      for (const auto* automation : a.catalog.all<catalog::Automation>())
                        items.push_back(a.automation_json(*automation));
                      return http::json_response({{"items", std::move(items)}});
                    })});
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/runs",
                    .role = Role::kViewer,
                    .operation_id = "listRuns",
                    .handler = read(list_runs)});
  routes.push_back({.method = "GET",
                    .pattern = "/api/v1/runs/{id}",
                    .role = Role::kViewer,
                    .operation_id = "getRun",
                    .handler = http::on_strand_later(
                        runtime.strand, [api](const http::Request& request, http::Reply reply) {
                          get_run(api, request, std::move(reply));
                        })});
  routes.push_back({.method = "POST",
                    .pattern = "/api/v1/runs",
                    .role = Role::kResponder,
                    .operation_id = "startRun",
                    .handler = http::on_strand_later(
                        runtime.strand, [api](const http::Request& request, http::Reply reply) {
                          start_run(api, request, std::move(reply));
                        })});
  const auto command = [&](const char* verb, const char* operation, auto decide) {
    routes.push_back({.method = "POST",
                      .pattern = fmt::format("/api/v1/runs/{{id}}/{}", verb),
                      .role = Role::kResponder,
                      .operation_id = operation,
                      .handler = on_run(api, decide)});
  };
  command("approve", "approveRunStep", approve_step);
  command("verdict", "giveRunVerdict", give_verdict);
  command("cancel", "cancelRun",
          [](const Api&, const Run& run, const Json&, const http::Principal& principal,
             Timestamp now) { return cancel(run, principal.actor, now); });
  command("resume", "resumeRun", resume_step);
  return routes;
}

}  // namespace wellrun::procedures
