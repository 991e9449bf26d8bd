#include "respond/status_page.h"

#include <fmt/format.h>

#include "catalog/kinds/status_page.h"
#include "respond/html.h"

namespace wellrun::respond {
namespace {

constexpr Duration kHistory = std::chrono::days(90);

bool hurts_customers(const Incident& incident) {
  return incident.is_open() && incident.state != IncidentState::kMitigated;
}

std::string state_of(const RespondDomain& domain, const std::string& workload) {
  std::string state = "operational";
  for (const auto& [id, incident] : domain.incidents()) {
    if (incident.workload != workload || !hurts_customers(incident)) continue;
    if (incident.severity == 1) return "outage";
    if (incident.severity == 2) state = "degraded";
  }
  return state;
}

double uptime_of(const RespondDomain& domain, const std::string& workload, Timestamp now) {
  Duration down{0};
  for (const auto& [id, incident] : domain.incidents()) {
    if (incident.workload != workload || incident.severity != 1) continue;
    const auto from = std::max(incident.opened_at, now - kHistory);
    const auto to = incident.mitigated_at.value_or(incident.resolved_at.value_or(now));
    if (to > from) down += to - from;
  }
  return 1 - std::min(1.0, to_seconds(down) / to_seconds(kHistory));
}

const char* spoken(const std::string& state) {
  if (state == "outage") return "Outage";
  return state == "degraded" ? "Degraded" : "Operational";
}

const char* tone(const std::string& state) {
  if (state == "outage") return "bad";
  return state == "degraded" ? "warn" : "good";
}

std::string headline(const std::string& overall) {
  if (overall == "outage") return "Some things do not work";
  return overall == "degraded" ? "Some things work worse than they should" : "Everything works";
}

/// What customers were told last is the name of the incident to them: its title is written for us.
std::string public_title(const Incident& incident) {
  return incident.updates.empty() ? std::string("Incident") : incident.updates.front().text;
}

std::string render(const PublicStatus& status, Timestamp now) {
  std::string body =
      fmt::format("<p class=\"dim\">{}</p><p class=\"overall {}\" role=\"status\">{}</p><ul>",
                  escape_html(status.description), status.overall, headline(status.overall));
  for (const auto& component : status.components) {
    body += fmt::format(
        "<li><span>{}</span><span><span class=\"dim\">{:.3f} % in 90 days</span> <span "
        "class=\"state {}\">{}</span></span></li>",
        escape_html(component.name), component.uptime_90d * 100, tone(component.state),
        spoken(component.state));
  }
  body += "</ul><h2>What happened</h2>";
  if (status.incidents.empty()) body += "<p>Nothing to tell in the last 90 days.</p>";
  for (const auto* incident : status.incidents) {
    body += fmt::format("<article><h3>{} · {}</h3>", hurts_customers(*incident) ? "Open" : "Over",
                        format_rfc3339(incident->opened_at).substr(0, 16));
    for (auto update = incident->updates.rbegin(); update != incident->updates.rend(); ++update) {
      const auto time = format_rfc3339(update->at);
      body +=
          fmt::format("<p><time datetime=\"{}\">{} UTC</time> · {}<br>{}</p>", time,
                      time.substr(0, 16), escape_html(update->state), escape_html(update->text));
    }
    body += "</article>";
  }
  return page_frame(status.title, body + fmt::format("<footer class=\"dim\">as of {} UTC</footer>",
                                                     format_rfc3339(now).substr(0, 16)));
}

http::Response html_page(std::string text, int status = 200) {
  return http::text_response(std::move(text), status, "text/html; charset=utf-8");
}

http::Response no_page() {
  return html_page(page_frame("Status", "<p>There is no such status page.</p>"), 404);
}

std::string list_of(const std::vector<const catalog::StatusPage*>& pages) {
  std::string body = "<ul>";
  for (const auto* page : pages) {
    body += fmt::format("<li><a href=\"/pages/{}\">{}</a></li>", escape_html(page->metadata.name),
                        escape_html(page->title));
  }
  return page_frame("Status", body + "</ul>");
}

http::Route style_route() {
  return {.method = "GET",
          .pattern = "/status.css",
          .role = http::Role::kPublic,
          .operation_id = "",
          .handler = [](const http::Request&, http::Reply reply) {
            reply(http::text_response(std::string(style_sheet()), 200, "text/css; charset=utf-8"));
          }};
}

}  // namespace

std::optional<PublicStatus> public_status(const RespondDomain& domain, const std::string& name,
                                          Timestamp now) {
  const auto* found = domain.catalog().find<catalog::StatusPage>(name);
  if (found == nullptr) return std::nullopt;
  const auto& page = *found;
  PublicStatus status{.title = page.title,
                      .description = page.description,
                      .overall = "operational",
                      .components = {},
                      .incidents = {}};
  for (const auto& component : page.components) {
    const auto state = state_of(domain, component.workload.name);
    status.components.push_back(
        {component.name, state, uptime_of(domain, component.workload.name, now)});
    if (state == "outage" || (state == "degraded" && status.overall == "operational"))
      status.overall = state;
  }
  for (auto each = domain.incidents().rbegin(); each != domain.incidents().rend(); ++each) {
    const auto& incident = each->second;
    const bool told = std::ranges::any_of(
        incident.updates, [&](const StatusUpdate& update) { return update.status_page == name; });
    if (told && now - incident.opened_at < kHistory) status.incidents.push_back(&incident);
  }
  return status;
}

Json to_json(const PublicStatus& status) {
  Json components = Json::array();
  for (const auto& c : status.components)
    components.push_back({{"name", c.name}, {"state", c.state}, {"uptime_90d", c.uptime_90d}});
  Json incidents = Json::array();
  Json next;
  for (const auto* incident : status.incidents) {
    Json updates = Json::array();
    for (const auto& u : incident->updates)
      updates.push_back({{"time", format_rfc3339(u.at)}, {"state", u.state}, {"text", u.text}});
    incidents.push_back(
        {{"title", public_title(*incident)},
         {"opened_at", format_rfc3339(incident->opened_at)},
         {"resolved_at",
          incident->resolved_at ? Json(format_rfc3339(*incident->resolved_at)) : Json()},
         {"updates", std::move(updates)}});
    if (const auto due = incident->next_update_due(); due && next.is_null())
      next = format_rfc3339(*due);
  }
  return {{"title", status.title},
          {"overall", status.overall},
          {"components", std::move(components)},
          {"incidents", std::move(incidents)},
          {"next_update", next}};
}

std::vector<http::Route> status_page_routes(Runtime runtime, const RespondDomain& domain) {
  std::vector<http::Route> routes{style_route()};
  const auto add = [&](const char* pattern, const char* operation,
                       std::function<http::Response(const http::Request&)> answer) {
    routes.push_back({.method = "GET",
                      .pattern = pattern,
                      .role = http::Role::kPublic,
                      .operation_id = operation,
                      .handler = http::on_strand(runtime.strand, std::move(answer))});
  };
  const auto html = [&domain, runtime](const std::string& name) {
    const auto now = runtime.clock.now();
    const auto status = public_status(domain, name, now);
    return status ? html_page(render(*status, now)) : no_page();
  };
  const auto json = [&domain, runtime](const std::string& name) {
    const auto status = public_status(domain, name, runtime.clock.now());
    return status
               ? http::json_response(to_json(*status))
               : http::problem_response({ErrorCode::kNotFound, "there is no such status page", {}});
  };
  add("/", "", [&domain, html](const http::Request&) {
    const auto pages = domain.catalog().all<catalog::StatusPage>();
    if (pages.size() > 1) return html_page(list_of(pages));
    return pages.empty() ? no_page() : html(pages.front()->metadata.name);
  });
  add("/pages/{name}", "",
      [html](const http::Request& request) { return html(request.path_parameter("name")); });
  add("/api/status.json", "getPublicStatus", [&domain, json](const http::Request&) {
    const auto pages = domain.catalog().all<catalog::StatusPage>();
    return json(pages.empty() ? std::string() : pages.front()->metadata.name);
  });
  add("/api/status/{name}", "getPublicStatusPage",
      [json](const http::Request& request) { return json(request.path_parameter("name")); });
  return routes;
}

std::vector<http::Route> status_assets() {
  return {style_route()};
}

}  // namespace wellrun::respond
