#include "respond/respond_api.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <ranges>

#include "catalog/kinds/person.h"
#include "catalog/kinds/schedule.h"
#include "catalog/kinds/status_page.h"
#include "catalog/on_call.h"
#include "core/text.h"
#include "facts/procedures.h"
#include "facts/sentence.h"
#include "respond/html.h"
#include "respond/incident_story.h"

namespace wellrun::respond {
namespace {

struct Api {
  Runtime runtime;
  journal::Ledger& ledger;
  const RespondDomain& domain;
  const LinkSigner& signer;
  telemetry::RunningQueries& running;
};
using Shared = std::shared_ptr<Api>;

constexpr auto kAcknowledge = "acknowledge";  ///< purpose of signed links

Json time_or_null(const std::optional<Timestamp>& time) {
  return time ? Json(format_rfc3339(*time)) : Json();
}
Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json paged_json(const Page& page) {
  return {{"id", page.id},       {"person", page.person},        {"channel", page.channel},
          {"level", page.level}, {"state", page.state},          {"detail", page.detail},
          {"error", page.error}, {"at", format_rfc3339(page.at)}};
}

Json update_json(const StatusUpdate& update) {
  return {{"id", update.id},
          {"time", format_rfc3339(update.at)},
          {"state", update.state},
          {"text", update.text},
          {"by", update.by},
          {"status_page", update.status_page},
          {"next_update_due", time_or_null(update.next_due)}};
}

/// One line for a fact of an incident's story, and where it leads.
Json timeline_entry(const journal::Fact& fact) {
  Json links = Json::array();
  const auto link = [&](const char* name, std::string_view page) {
    const auto id = text_or(fact.body, name);
    if (!id.empty()) links.push_back({{"title", id}, {"href", fmt::format("/{}/{}", page, id)}});
  };
  if (fact.type.starts_with("run.") || fact.type.starts_with("automation.")) link("run", "runs");
  if (fact.type.starts_with("analysis.")) link("analysis", "analyses");
  return {{"seq", fact.seq},
          {"time", format_rfc3339(fact.time)},
          {"type", fact.type},
          {"actor", fact.actor},
          {"text", facts::sentence(fact.type, fact.body)},
          {"links", std::move(links)}};
}

struct IncidentListing {
  std::string state = "open";
  std::optional<std::string> workload;
  std::size_t limit = 200;
  int before = std::numeric_limits<int>::max();  ///< only those with a smaller number

  bool wants(const Incident& incident) const {
    if (workload && incident.workload != *workload) return false;
    return state == "all" || (state == "open") == incident.is_open();
  }
};

Result<IncidentListing> read_listing(const http::Request& request) {
  constexpr std::size_t kMostAtOnce = 1000;
  IncidentListing listing{.state = request.parameter("state").value_or("open"),
                          .workload = request.parameter("workload")};
  if (listing.state != "open" && listing.state != "all" && listing.state != "resolved")
    return fail(ErrorCode::kInvalid,
                fmt::format("state {} is none of open, resolved, all", quote(listing.state)),
                "state");
  if (const auto limit = request.parameter("limit")) {
    const auto [stop, problem] =
        std::from_chars(limit->data(), limit->data() + limit->size(), listing.limit);
    if (problem != std::errc{} || stop != limit->data() + limit->size() || listing.limit < 1 ||
        listing.limit > kMostAtOnce)
      return fail(ErrorCode::kInvalid, fmt::format("limit must be from 1 to {}", kMostAtOnce),
                  "limit");
  }
  if (const auto cursor = request.parameter("cursor")) {
    const auto number = incident_number(*cursor);
    if (!number)
      return fail(ErrorCode::kInvalid,
                  fmt::format("cursor {} is not the `next` of an answer", quote(*cursor)),
                  "cursor");
    listing.before = *number;
  }
  return listing;
}

/// What is in memory: by number, std::nullopt for one that is not wanted.
using KnownIncidents = std::map<int, std::optional<Json>, std::greater<>>;

/// Newest first: those in memory, and between and after them what only the journal has. One more
/// than is asked for tells whether there are more.
Result<Json> list_with_older(const journal::Store& store, const IncidentListing& listing,
                             int newest, const KnownIncidents& known,
                             const telemetry::promql::QueryLimits& limits) {
  std::vector<Json> items;
  for (int number = newest; number > 0 && items.size() <= listing.limit; --number) {
    const auto found = known.find(number);
    if (found != known.end()) {
      if (found->second) items.push_back(*found->second);
      continue;
    }
    if (listing.state == "open") continue;  // open ones are all in memory
    TRY_STATUS(telemetry::go_on(limits));
    TRY(const auto incident, read_incident(store, incident_id(number)));
    if (listing.wants(incident)) items.push_back(incident_json(incident));
  }
  Json answer = Json::object();
  if (items.size() > listing.limit) {
    items.resize(listing.limit);
    answer["next"] = items.back().at("id");
  }
  answer["items"] = std::move(items);
  return answer;
}

void list_incidents(const Shared& api, const http::Request& request, http::Reply reply) {
  const auto listing = read_listing(request);
  if (!listing) return reply(http::problem_response(listing.error()));
  KnownIncidents known;
  for (const auto& [id, incident] : api->domain.incidents()) {
    auto& item = known[incident_number(id).value_or(0)];
    if (listing->wants(incident)) item = incident_json(incident);
  }
  const int newest = std::min(listing->before - 1, api->domain.incident_count());
  telemetry::AnswerInTurn answer = [api, listing = *listing, newest, known = std::move(known)](
                                       const telemetry::promql::QueryLimits& limits) {
    const auto json = list_with_older(api->ledger.store(), listing, newest, known, limits);
    return json ? http::json_response(*json) : http::problem_response(json.error());
  };
  if (listing->state != "open")
    return telemetry::answer_in_turn(api->running, request, std::move(reply), std::move(answer));
  // Open ones are all in memory: what is wrong now is told whatever others ask.
  api->runtime.workers.run(
      [answer = std::move(answer), reply = std::move(reply)]() mutable { reply(answer({})); });
}

Json detail_json(const Incident& incident) {
  auto json = incident_json(incident);
  json["updates"] = Json::array();
  for (const auto& update : incident.updates) json["updates"].push_back(update_json(update));
  return json;
}

constexpr std::size_t kMostTimelineEntries = 5000;

/// With what happened last: of a story that is too long to be told whole, its beginning is left to
/// the journal.
Result<Json> with_story(const journal::Store& store, const std::string& id, Json json) {
  if (json.is_null()) {
    TRY(const auto incident, read_incident(store, id));
    json = detail_json(incident);
  }
  TRY(auto newest,
      store.read({.correlation = id, .limit = kMostTimelineEntries + 1, .newest_first = true}));
  json["timeline_cut"] = newest.size() > kMostTimelineEntries;
  if (newest.size() > kMostTimelineEntries) newest.pop_back();
  json["timeline"] = Json::array();
  for (const auto& fact : newest | std::views::reverse)
    json["timeline"].push_back(timeline_entry(fact));
  TRY(const auto runs, store.read({.type_prefix = facts::RunStarted::kType,
                                   .correlation = id,
                                   .limit = kMostTimelineEntries}));
  json["runs"] = Json::array();
  for (const auto& fact : runs) json["runs"].push_back(text_or(fact.body, "run"));
  return json;
}

void get_incident(const Shared& api, const http::Request& request, http::Reply reply) {
  const auto& id = request.path_parameter("id");
  if (!api->domain.was_opened(id)) return reply(http::problem_response(no_incident(id)));
  const auto* incident = api->domain.find(id);
  auto known = incident == nullptr ? Json() : detail_json(*incident);
  api->runtime.workers.run([api, id, known = std::move(known), reply = std::move(reply)]() mutable {
    const auto json = with_story(api->ledger.store(), id, std::move(known));
    reply(json ? http::json_response(*json) : http::problem_response(json.error()));
  });
}

/// What a body says under `name`; nullptr where it says nothing.
const Json* said(const Json& body, std::string_view name) {
  const auto found = body.find(name);
  return found == body.end() || found->is_null() ? nullptr : &*found;
}

/// `fallback` where none is said. What is no whole number is refused: read as another, it would
/// decide who is told.
Result<int> severity_in(const Json& body, int fallback) {
  const auto* severity = said(body, "severity");
  if (severity == nullptr) return fallback;
  const auto number = severity->is_number() ? severity->get<double>() : 0.5;
  if (number != std::trunc(number) || std::abs(number) > 1000)
    return fail(ErrorCode::kInvalid, "severity must be a number: 1 (worst), 2, 3 or 4", "severity");
  return static_cast<int>(number);
}

/// std::nullopt where none is said.
Result<std::optional<Duration>> next_update_in(const Json& body) {
  const auto* next = said(body, "next_update_in");
  if (next == nullptr) return std::nullopt;
  if (!next->is_string())
    return fail(ErrorCode::kInvalid, "next_update_in must be a text such as \"30m\"",
                "next_update_in");
  const auto text = next->get<std::string>();
  if (text.empty()) return std::nullopt;
  return parse_duration(text);
}

using Decide = std::function<RespondDomain::Decided(
    const Api&, const std::string& id, const Json& body, const std::string& by, Timestamp now)>;

/// A command on one incident, answered with the incident as it then is.
http::Handler on_incident(const Shared& api, Decide decide) {
  return http::on_strand_later(
      api->runtime.strand,
      [api, decide = std::move(decide)](const http::Request& request, http::Reply reply) {
        const auto body = http::json_body(request);
        if (!body) return reply(http::problem_response(body.error()));
        const auto& id = request.path_parameter("id");
        api->ledger.command(
            {.actor = request.principal.actor},
            [api, decide, id = id, body = *body, by = request.principal.actor](Timestamp now) {
              return decide(*api, id, body, by, now);
            },
            [api, id, reply = std::move(reply)](const auto& facts) mutable {
              const auto* incident = api->domain.find(id);
              reply(!facts                ? http::problem_response(facts.error())
                    : incident == nullptr ? http::problem_response(no_incident(id))
                                          : http::json_response(incident_json(*incident)));
            });
      });
}

void open_incident(const Shared& api, const http::Request& request, http::Reply reply) {
  const auto body = http::json_body(request);
  if (!body) return reply(http::problem_response(body.error()));
  const auto by = request.principal.actor;
  api->ledger.command(
      {.actor = by},
      [api, body = *body, by](Timestamp) -> RespondDomain::Decided {
        TRY(const auto severity, severity_in(body, 3));
        return api->domain.open(text_or(body, "title"), text_or(body, "workload"), severity, by);
      },
      [api, reply = std::move(reply)](const auto& facts) mutable {
        if (!facts) return reply(http::problem_response(facts.error()));
        const auto* incident = api->domain.find(text_or(facts->front().body, "incident"));
        reply(incident == nullptr ? http::json_response(Json::object(), 201)
                                  : http::json_response(incident_json(*incident), 201));
      });
}

http::Response list_on_call(const Api& api, const http::Request& request) {
  auto at = api.runtime.clock.now();
  if (const auto text = request.parameter("at")) {
    const auto time = parse_rfc3339(*text);
    if (!time) return http::problem_response({ErrorCode::kInvalid, time.error().message, "at"});
    at = *time;
  }
  const auto wanted = request.parameter("schedule");
  // As the schedules were then: later edits do not rewrite the past.
  const auto then =
      at < api.runtime.clock.now() ? api.domain.catalog().at(at) : api.domain.catalog();
  Json items = Json::array();
  for (const auto* schedule : then.all<catalog::Schedule>()) {
    const auto& name = schedule->metadata.name;
    if (wanted && name != *wanted) continue;
    const auto turn = catalog::who_is_on_call(*schedule, at);
    if (!turn) continue;
    const auto* person = then.find<catalog::Person>(turn->person);
    items.push_back(
        {{"schedule", name},
         {"person", turn->person},
         {"display_name",
          person == nullptr || person->display_name.empty() ? turn->person : person->display_name},
         {"from", format_rfc3339(turn->from)},
         {"to", format_rfc3339(turn->to)},
         {"next_person", turn->next_person}});
  }
  return http::json_response({{"items", std::move(items)}});
}

http::Response list_events(const Api& api, const http::Request&) {
  Json items = Json::array();
  for (auto e = api.domain.events().rbegin(); e != api.domain.events().rend(); ++e) {
    items.push_back({{"id", e->id},
                     {"event", e->id},
                     {"time", format_rfc3339(e->time)},
                     {"fingerprint", e->fingerprint},
                     {"alert", e->alert},
                     {"workload", e->workload},
                     {"severity", e->severity},
                     {"outcome", e->outcome},
                     {"incident", text_or_null(e->incident)}});
  }
  return http::json_response({{"items", std::move(items)}});
}

http::Response list_pages(const Api& api, const http::Request& request) {
  const auto wanted = request.parameter("incident");
  Json items = Json::array();
  for (const auto& [id, incident] : api.domain.incidents()) {
    if (wanted && id != *wanted) continue;
    for (const auto& page : incident.pages) {
      auto json = paged_json(page);
      json["incident"] = id;
      items.push_back(std::move(json));
    }
  }
  return http::json_response({{"items", std::move(items)}});
}

http::Response list_status_pages(const Api& api, const http::Request&) {
  Json items = Json::array();
  for (const auto* page : api.domain.catalog().all<catalog::StatusPage>()) {
    Json components = Json::array();
    for (const auto& component : page->components)
      components.push_back({{"name", component.name}, {"workload", component.workload.name}});
    items.push_back({{"name", page->metadata.name},
                     {"title", page->title},
                     {"description", page->description},
                     {"components", std::move(components)}});
  }
  return http::json_response({{"items", std::move(items)}});
}

/// The incident and the person that a one-tap link was made for: "<incident> <person>".
struct LinkSubject {
  std::string incident, person;
};

Result<LinkSubject> read_link(const Api& api, const http::Request& request) {
  TRY(const auto subject,
      api.signer.verify(kAcknowledge, request.path_parameter("token"), api.runtime.clock.now()));
  const auto space = subject.find(' ');
  return LinkSubject{subject.substr(0, space), space == std::string::npos
                                                   ? std::string("someone")
                                                   : subject.substr(space + 1)};
}

http::Response html_page(const std::string& title, const std::string& body, int status = 200) {
  return http::text_response(page_frame(title, body), status, "text/html; charset=utf-8");
}

/// A GET only shows: mail scanners follow links, and must not acknowledge.
http::Response show_link(const Api& api, const http::Request& request) {
  const auto subject = read_link(api, request);
  if (!subject)
    return html_page(
        "Link not valid",
        "<p>This link is not valid any more. Open the incident in Wellrun instead.</p>", 403);
  const auto* incident = api.domain.find(subject->incident);
  if (incident == nullptr)
    return html_page("Not found", "<p>This incident is not known any more.</p>", 404);
  if (incident->state != IncidentState::kTriggered) {
    return html_page(incident->title,
                     fmt::format("<p>{} is {} already.</p>", escape_html(incident->id),
                                 name_of(incident->state)));
  }
  return html_page(
      incident->title,
      fmt::format("<p>{} · severity {} · {}</p><form method=\"post\"><button "
                  "type=\"submit\">Acknowledge</button></form>",
                  escape_html(incident->id), incident->severity, escape_html(incident->workload)));
}

void use_link(const Shared& api, const http::Request& request, http::Reply reply) {
  const auto subject = read_link(*api, request);
  if (!subject)
    return reply(html_page("Link not valid", "<p>This link is not valid any more.</p>", 403));
  const auto actor = "person:" + subject->person;
  api->ledger.command(
      {.actor = actor},
      [api, subject = *subject, actor](Timestamp) {
        return api->domain.acknowledge(subject.incident, actor, "link");
      },
      [id = subject->incident, reply = std::move(reply)](const auto& facts) mutable {
        if (facts)
          return reply(
              html_page("Acknowledged",
                        fmt::format("<p>You are on {}. Paging has stopped.</p>", escape_html(id))));
        reply(html_page("Not acknowledged",
                        fmt::format("<p>{}</p>", escape_html(facts.error().message)),
                        http::http_status_of(facts.error().code)));
      });
}

}  // namespace

Json incident_json(const Incident& incident) {
  Json alerts = Json::array();
  for (const auto& alert : incident.alerts) {
    alerts.push_back({{"fingerprint", alert.fingerprint},
                      {"alert", alert.alert},
                      {"firing", alert.firing},
                      {"value", alert.value},
                      {"labels", alert.labels}});
  }
  Json paged = Json::array();
  for (const auto& page : incident.pages) paged.push_back(paged_json(page));
  const auto commander = incident.roles.find("commander");
  return {{"id", incident.id},
          {"title", incident.title},
          {"workload", incident.workload},
          {"severity", incident.severity},
          {"state", name_of(incident.state)},
          {"opened_at", format_rfc3339(incident.opened_at)},
          {"acknowledged_at", time_or_null(incident.acknowledged_at)},
          {"acknowledged_by", text_or_null(incident.acknowledged_by)},
          {"mitigated_at", time_or_null(incident.mitigated_at)},
          {"resolved_at", time_or_null(incident.resolved_at)},
          {"alerts", std::move(alerts)},
          {"level", incident.level},
          {"paged", std::move(paged)},
          {"roles", incident.roles},
          {"procedure", text_or_null(incident.procedure)},
          {"kpi", text_or_null(incident.kpi)},
          {"next_update_due", time_or_null(incident.next_update_due())},
          {"commander", commander == incident.roles.end() ? Json() : Json(commander->second)}};
}

std::vector<http::Route> respond_routes(Runtime runtime, journal::Ledger& ledger,
                                        const RespondDomain& domain, const LinkSigner& signer,
                                        telemetry::RunningQueries& running) {
  const auto api = std::make_shared<Api>(Api{runtime, ledger, domain, signer, running});
  using http::Role;
  std::vector<http::Route> routes;
  const auto view = [&](const char* pattern, const char* operation, Role role, auto answer) {
    routes.push_back(
        {.method = "GET",
         .pattern = pattern,
         .role = role,
         .operation_id = operation,
         .handler = http::on_strand(runtime.strand, [api, answer](const http::Request& request) {
           return answer(*api, request);
         })});
  };
  const auto later = [&](const char* method, const char* pattern, const char* operation, Role role,
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
  const auto command = [&](const char* verb, const char* operation, Decide decide) {
    routes.push_back({.method = "POST",
                      .pattern = fmt::format("/api/v1/incidents/{{id}}/{}", verb),
                      .role = Role::kResponder,
                      .operation_id = operation,
                      .handler = on_incident(api, std::move(decide))});
  };
  later("GET", "/api/v1/incidents", "listIncidents", Role::kViewer, list_incidents);
  routes.back().watches_peer = true;
  later("GET", "/api/v1/incidents/{id}", "getIncident", Role::kViewer, get_incident);
  later("POST", "/api/v1/incidents", "openIncident", Role::kResponder, open_incident);
  command("acknowledge", "acknowledgeIncident",
          [](const Api& a, const std::string& id, const Json& body, const std::string& by,
             Timestamp) { return a.domain.acknowledge(id, by, text_or(body, "via", "api")); });
  command("escalate", "escalateIncident",
          [](const Api& a, const std::string& id, const Json& body, const std::string& by,
             Timestamp now) { return a.domain.escalate(id, by, text_or(body, "reason"), now); });
  command("mitigate", "mitigateIncident",
          [](const Api& a, const std::string& id, const Json&, const std::string& by, Timestamp) {
            return a.domain.mitigate(id, by);
          });
  command("resolve", "resolveIncident",
          [](const Api& a, const std::string& id, const Json& body, const std::string& by,
             Timestamp) { return a.domain.resolve(id, by, text_or(body, "reason")); });
  command("notes", "addIncidentNote",
          [](const Api& a, const std::string& id, const Json& body, const std::string& by,
             Timestamp) { return a.domain.add_note(id, text_or(body, "text"), by); });
  command(
      "roles", "assignIncidentRole",
      [](const Api& a, const std::string& id, const Json& body, const std::string& by, Timestamp) {
        return a.domain.assign_role(id, text_or(body, "role"), text_or(body, "person"), by);
      });
  command("severity", "changeIncidentSeverity",
          [](const Api& a, const std::string& id, const Json& body, const std::string& by,
             Timestamp) -> RespondDomain::Decided {
            TRY(const auto severity, severity_in(body, 0));
            return a.domain.change_severity(id, severity, text_or(body, "reason"), by);
          });
  command("updates", "postIncidentUpdate",
          [](const Api& a, const std::string& id, const Json& body, const std::string& by,
             Timestamp now) -> RespondDomain::Decided {
            TRY(const auto next, next_update_in(body));
            return a.domain.post_update(id, text_or(body, "state", "identified"),
                                        text_or(body, "text"), next, by, now);
          });
  view("/api/v1/on-call", "listOnCall", Role::kViewer, list_on_call);
  view("/api/v1/events", "listEvents", Role::kViewer, list_events);
  view("/api/v1/pages", "listPages", Role::kViewer, list_pages);
  view("/api/v1/status-pages", "listStatusPages", Role::kViewer, list_status_pages);
  view("/ack/{token}", "showAcknowledgeLink", Role::kPublic, show_link);
  later("POST", "/ack/{token}", "acknowledgeByLink", Role::kPublic, use_link);
  return routes;
}

}  // namespace wellrun::respond
