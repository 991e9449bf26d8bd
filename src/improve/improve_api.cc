#include "improve/improve_api.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <ranges>

#include "core/text.h"
#include "improve/draft.h"

namespace wellrun::improve {
namespace {

constexpr Duration kLookBack{2 * 3'600'000};
constexpr std::size_t kMostFacts = 100'000;  ///< that a draft reads of an incident

struct Api {
  Runtime runtime;
  journal::Ledger& ledger;
  const ImproveDomain& domain;
};

Json time_or_null(const std::optional<Timestamp>& time) {
  return time ? Json(format_rfc3339(*time)) : Json();
}

const char* state_of(const Analysis& analysis) {
  return analysis.signed_by.empty() ? "draft" : "signed";
}

const char* state_of(const Action& action) {
  return action.finished_by.empty() ? "open" : "finished";
}

Json summary_json(const Analysis& analysis) {
  return {{"id", analysis.what.analysis},
          {"incident", analysis.what.incident},
          {"workload", analysis.what.workload},
          {"state", state_of(analysis)},
          {"signed_by", analysis.signed_by},
          {"signed_at", time_or_null(analysis.signed_at)},
          {"drafted_at", format_rfc3339(analysis.drafted_at)}};
}

Json action_json(const Action& action) {
  Json json = action.what;
  json["id"] = action.what.action;
  json["created_at"] = format_rfc3339(action.created_at);
  json["state"] = state_of(action);
  json["finished_by"] = action.finished_by;
  json["finished_at"] = time_or_null(action.finished_at);
  json["proof"] = action.proof;
  json["expects"] = action.expects ? Json(*action.expects) : Json();
  json["effect"] = action.effect ? Json(*action.effect) : Json();
  return json;
}

/// All facts that `query` finds, in pages: a store answers nobody else while it reads one.
Result<std::vector<journal::Fact>> read_all(const journal::Store& store, journal::FactQuery query) {
  std::vector<journal::Fact> all;
  while (all.size() < kMostFacts) {
    TRY(auto page, store.read(query));
    const bool is_last = page.size() < query.limit;
    std::ranges::move(page, std::back_inserter(all));
    if (is_last) break;
    query.after = all.back().seq;
  }
  return all;
}

/// What led to the incident: deployments and changes of its workload shortly before, and the facts
/// its opening follows from.
Result<std::vector<journal::Fact>> read_before(const journal::Store& store,
                                               const Analysis& analysis,
                                               const std::vector<journal::Fact>& story) {
  std::vector<journal::Fact> before;
  const auto opened =
      std::ranges::find(story, std::string_view("incident.opened"), &journal::Fact::type);
  if (opened == story.end()) return before;
  for (const char* type : {"deployment.started", "change.recorded"}) {
    TRY(const auto facts,
        read_all(store,
                 {.type_prefix = type, .from = opened->time - kLookBack, .to = opened->time}));
    for (const auto& fact : facts) {
      if (text_or(fact.body, "workload") == analysis.what.workload) before.push_back(fact);
    }
  }
  for (auto cause = opened->cause; cause != 0;) {
    TRY(const auto facts, store.read({.after = cause - 1, .limit = 1}));
    if (facts.empty()) break;
    before.push_back(facts.front());
    cause = facts.front().cause;
  }
  std::ranges::sort(before, {}, &journal::Fact::seq);
  return before;
}

Result<std::vector<Section>> read_sections(const journal::Store& store, const Analysis& analysis) {
  TRY(const auto story,
      read_all(store, {.correlation = analysis.what.incident, .before = analysis.drafted_seq + 1}));
  TRY(const auto before, read_before(store, analysis, story));
  return with_edits(draft_analysis(story, before), analysis.edits);
}

http::Response list_analyses(const ImproveDomain& domain, const http::Request& request) {
  const auto state = request.parameter("state");
  const auto incident = request.parameter("incident");
  Json items = Json::array();
  for (const auto& [id, analysis] : domain.analyses() | std::views::reverse) {
    if ((!state || *state == state_of(analysis)) &&
        (!incident || *incident == analysis.what.incident))
      items.push_back(summary_json(analysis));
  }
  return http::json_response({{"items", std::move(items)}});
}

/// The soonest due first.
http::Response list_actions(const ImproveDomain& domain, const http::Request& request) {
  const auto owner = request.parameter("owner");
  const auto state = request.parameter("state");
  const auto analysis = request.parameter("analysis");
  std::vector<std::pair<Timestamp, Json>> found;
  for (const auto& [id, action] : domain.actions()) {
    if ((owner && *owner != action.what.owner) || (state && *state != state_of(action)) ||
        (analysis && *analysis != action.what.analysis))
      continue;
    found.emplace_back(parse_rfc3339(action.what.due).value_or(action.created_at),
                       action_json(action));
  }
  std::ranges::stable_sort(found, {}, [](const auto& each) { return each.first; });
  Json items = Json::array();
  for (auto& [due, action] : found) items.push_back(std::move(action));
  return http::json_response({{"items", std::move(items)}});
}

http::Response get_action(const ImproveDomain& domain, const http::Request& request) {
  const auto& id = request.path_parameter("id");
  const auto found = domain.actions().find(id);
  if (found == domain.actions().end())
    return http::problem_response(
        {ErrorCode::kNotFound,
         fmt::format("no action {}; GET /api/v1/actions lists them", quote(id))});
  return http::json_response(action_json(found->second));
}

void get_analysis(const std::shared_ptr<Api>& api, const http::Request& request,
                  http::Reply reply) {
  const auto found = api->domain.analyses().find(request.path_parameter("id"));
  if (found == api->domain.analyses().end()) {
    return reply(http::problem_response(
        {ErrorCode::kNotFound, fmt::format("no analysis {}; GET /api/v1/analyses lists them",
                                           quote(request.path_parameter("id")))}));
  }
  Json json = summary_json(found->second);
  json["actions"] = Json::array();
  for (const auto& [id, action] : api->domain.actions()) {
    if (action.what.analysis == found->first) json["actions"].push_back(action_json(action));
  }
  api->runtime.workers.run(
      [api, analysis = found->second, json = std::move(json), reply = std::move(reply)]() mutable {
        const auto sections = read_sections(api->ledger.store(), analysis);
        if (!sections) return reply(http::problem_response(sections.error()));
        json["sections"] = to_json(*sections);
        reply(http::json_response(json));
      });
}

/// Runs `decide` and answers with what `show` then says.
void command(const std::shared_ptr<Api>& api, const http::Request& request, int status,
             std::function<Result<journal::Decision>(const Json& body)> decide,
             std::function<Json(const std::vector<journal::Fact>&)> show, http::Reply reply) {
  const auto body = http::json_body(request);
  if (!body) return reply(http::problem_response(body.error()));
  api->ledger.command(
      {.actor = request.principal.actor},
      [decide = std::move(decide), body = *body](Timestamp) { return decide(body); },
      [show = std::move(show), status, reply = std::move(reply)](const auto& facts) mutable {
        reply(facts ? http::json_response(show(*facts), status)
                    : http::problem_response(facts.error()));
      });
}

/// A date means its end, in UTC; a time stays what it is.
std::string due_of(const std::string& due) {
  constexpr std::size_t kDateLength = std::string_view("2026-01-31").size();
  return due.size() == kDateLength ? due + "T23:59:59Z" : due;
}

}  // namespace

std::vector<http::Route> improve_routes(Runtime runtime, journal::Ledger& ledger,
                                        const ImproveDomain& domain) {
  const auto api = std::make_shared<Api>(Api{runtime, ledger, domain});
  using http::Role;
  std::vector<http::Route> routes;
  const auto later = [&](const char* method, const char* pattern, Role role, const char* operation,
                         auto handle) {
    routes.push_back(
        {.method = method,
         .pattern = pattern,
         .role = role,
         .operation_id = operation,
         .handler = http::on_strand_later(
             runtime.strand, [api, handle](const http::Request& request, http::Reply reply) {
               handle(api, request, std::move(reply));
             })});
  };
  using Shared = const std::shared_ptr<Api>&;
  const auto list = [&](const char* pattern, const char* operation, auto answer) {
    routes.push_back(
        {.method = "GET",
         .pattern = pattern,
         .role = Role::kViewer,
         .operation_id = operation,
         .handler = http::on_strand(runtime.strand, [api, answer](const http::Request& request) {
           return answer(api->domain, request);
         })});
  };
  list("/api/v1/analyses", "listAnalyses", list_analyses);
  list("/api/v1/actions", "listActions", list_actions);
  list("/api/v1/actions/{id}", "getAction", get_action);
  later("GET", "/api/v1/analyses/{id}", Role::kViewer, "getAnalysis", get_analysis);
  later("POST", "/api/v1/analyses/{id}/sections", Role::kResponder, "editAnalysisSection",
        [](Shared a, const http::Request& request, http::Reply reply) {
          const auto& id = request.path_parameter("id");
          command(
              a, request, 200,
              [a, id, by = request.principal.actor](const Json& body) {
                return a->domain.edit(id, text_or(body, "section", text_or(body, "name")),
                                      text_or(body, "text"), by);
              },
              [a, id](const auto&) { return summary_json(a->domain.analyses().at(id)); },
              std::move(reply));
        });
  later("POST", "/api/v1/analyses/{id}/sign", Role::kResponder, "signAnalysis",
        [](Shared a, const http::Request& request, http::Reply reply) {
          const auto& id = request.path_parameter("id");
          command(
              a, request, 200,
              [a, id, by = request.principal.actor](const Json&) { return a->domain.sign(id, by); },
              [a, id](const auto&) { return summary_json(a->domain.analyses().at(id)); },
              std::move(reply));
        });
  const auto show_action = [api](const std::vector<journal::Fact>& facts) {
    return action_json(api->domain.actions().at(text_or(facts.front().body, "action")));
  };
  later("POST", "/api/v1/actions", Role::kResponder, "createAction",
        [show_action](Shared a, const http::Request& request, http::Reply reply) {
          command(
              a, request, 201,
              [a, by = request.principal.actor](const Json& body) {
                return a->domain.create({.analysis = text_or(body, "analysis"),
                                         .title = text_or(body, "title"),
                                         .owner = text_or(body, "owner"),
                                         .due = due_of(text_or(body, "due")),
                                         .by = by});
              },
              show_action, std::move(reply));
        });
  later("POST", "/api/v1/actions/{id}/expectation", Role::kResponder, "expectEffect",
        [show_action](Shared a, const http::Request& request, http::Reply reply) {
          const auto& id = request.path_parameter("id");
          command(
              a, request, 200,
              [a, id, by = request.principal.actor](const Json& body) {
                return a->domain.expect(id, expectation_of(body), by);
              },
              show_action, std::move(reply));
        });
  later("POST", "/api/v1/actions/{id}/finish", Role::kResponder, "finishAction",
        [show_action](Shared a, const http::Request& request, http::Reply reply) {
          const auto& id = request.path_parameter("id");
          command(
              a, request, 200,
              [a, id, by = request.principal.actor](const Json& body) {
                return a->domain.finish(id, text_or(body, "proof"), by);
              },
              show_action, std::move(reply));
        });
  return routes;
}

}  // namespace wellrun::improve
