#include "respond/status_page.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "catalog/kinds/status_page.h"
#include "catalog/kinds/workload.h"
#include "respond/html.h"

namespace wellrun::respond {
namespace {

constexpr int kDays = 90;
constexpr Duration kHistory = std::chrono::days(kDays);

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

/// When customers stopped being hurt. Facts never go back in time but a clock may: never after now.
Timestamp over_at(const Incident& incident, Timestamp now) {
  return std::min(now, incident.mitigated_at.value_or(incident.resolved_at.value_or(now)));
}

/// Since when a problem of the workload would have become an incident: it was declared then.
Timestamp watched_since(const RespondDomain& domain, const std::string& workload, Timestamp now) {
  const auto& history = domain.catalog().history();
  const auto kind = history.find(catalog::Workload::kKind);
  if (kind == history.end()) return now;
  const auto versions = kind->second.find(workload);
  if (versions == kind->second.end() || versions->second.empty()) return now;
  return std::min(now, versions->second.front().from);
}

struct Span {
  Timestamp from, to;
};

/// In all, counted once where they overlap.
Duration covered(std::vector<Span> spans) {
  std::ranges::sort(spans, {}, &Span::from);
  Duration total{0};
  Timestamp until = Timestamp::min();
  for (const auto& [from, to] : spans) {
    if (to <= until) continue;
    total += to - std::max(from, until);
    until = to;
  }
  return total;
}

double uptime_of(const RespondDomain& domain, const std::string& workload, Timestamp now) {
  const auto since = std::max(watched_since(domain, workload, now), now - kHistory);
  if (since == now) return 1;
  std::vector<Span> down;
  for (const auto& [id, incident] : domain.incidents()) {
    if (incident.workload != workload || incident.severity != 1) continue;
    const auto from = std::max(incident.opened_at, since);
    const auto to = over_at(incident, now);
    if (to > from) down.push_back({from, to});
  }
  return 1 - to_seconds(covered(std::move(down))) / to_seconds(now - since);
}

std::vector<std::string> days_of(const RespondDomain& domain, const std::string& workload,
                                 Timestamp now) {
  std::vector<std::string> days(kDays, "operational");
  const auto first = std::chrono::floor<std::chrono::days>(now) - std::chrono::days(kDays - 1);
  const auto since = std::chrono::floor<std::chrono::days>(watched_since(domain, workload, now));
  for (auto day = 0; day < kDays && first + std::chrono::days(day) < since; ++day)
    days[static_cast<std::size_t>(day)] = "unknown";
  for (const auto& [id, incident] : domain.incidents()) {
    if (incident.workload != workload || incident.severity > 2 || over_at(incident, now) < first)
      continue;
    const auto day_of = [&](Timestamp time) {
      return std::chrono::floor<std::chrono::days>(std::max<Timestamp>(time, first) - first)
          .count();
    };
    for (auto day = day_of(std::min(incident.opened_at, now));
         day <= day_of(over_at(incident, now)); ++day) {
      auto& state = days[static_cast<std::size_t>(day)];
      if (incident.severity == 1) state = "outage";
      if (state != "outage") state = "degraded";
    }
  }
  return days;
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

/// std::nullopt when nothing was told on that page.
std::optional<PublicIncident> told_on(const std::string& page, const Incident& incident) {
  PublicIncident told{.opened_at = incident.opened_at,
                      .resolved_at = incident.resolved_at,
                      .hurts_customers = hurts_customers(incident)};
  for (const auto& update : incident.updates) {
    if (update.status_page != page) continue;
    told.updates.push_back({update.at, update.state, update.text});
    told.next_update_due = incident.is_open() ? update.next_due : std::nullopt;
  }
  if (told.updates.empty()) return std::nullopt;
  told.title = told.updates.front().text;
  return told;
}

/// A bar for each day. Said in words, too: a picture alone tells nothing to who cannot see it.
std::string day_bars(const PublicComponent& component) {
  const auto watched = kDays - std::ranges::count(component.days, "unknown");
  const auto bad = watched - std::ranges::count(component.days, "operational");
  auto bars = fmt::format(
      "<svg viewBox=\"0 0 {} 16\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
      kDays * 4 - 1,
      bad == 0 ? fmt::format("no day with trouble of the last {}", watched)
               : fmt::format("{} of the last {} days had trouble", bad, watched));
  for (int day = 0; day < kDays; ++day)
    bars += fmt::format("<rect class=\"{}\" x=\"{}\" width=\"3\" height=\"16\" rx=\"1\"/>",
                        component.days[static_cast<std::size_t>(day)], day * 4);
  return bars + "</svg>";
}

/// Uptime is cut, not rounded: a page that says 100 % has had no outage.
std::string component_item(const PublicComponent& component) {
  return fmt::format(
      "<li class=\"component\"><span>{}</span><span class=\"state {}\">{}</span>{}<span "
      "class=\"ends "
      "dim\"><span>90 days ago</span><span>{:.3f} % up</span><span>today</span></span></li>",
      escape_html(component.name), tone(component.state), spoken(component.state),
      day_bars(component), std::floor(component.uptime_90d * 1e5) / 1e3);
}

std::string incident_article(const PublicIncident& incident) {
  const bool open = incident.hurts_customers;
  auto article = fmt::format("<article class=\"{}\"><h3>{} {}</h3>", open ? "open" : "over",
                             open ? "Open since" : "Over; began", time_element(incident.opened_at));
  if (incident.next_update_due && open)
    article += fmt::format("<p class=\"dim\">Next update by {}</p>",
                           time_element(*incident.next_update_due));
  for (auto update = incident.updates.rbegin(); update != incident.updates.rend(); ++update) {
    article += fmt::format("<p>{} · {}<br>{}</p>", time_element(update->at),
                           escape_html(update->state), escape_html(update->text));
  }
  return article + "</article>";
}

std::string render(const PublicStatus& status, Timestamp now) {
  auto body =
      fmt::format("<p class=\"dim\">{}</p><p class=\"overall {}\" role=\"status\">{}</p><ul>",
                  escape_html(status.description), status.overall, headline(status.overall));
  for (const auto& component : status.components) body += component_item(component);
  body += "</ul><h2>What happened</h2>";
  if (status.incidents.empty()) body += "<p>Nothing to tell in the last 90 days.</p>";
  for (const auto& incident : status.incidents) body += incident_article(incident);
  body += fmt::format("<footer class=\"dim\">as of {}</footer>", time_element(now));
  return page_frame(status.title, body + "<script src=\"/status.js\"></script>");
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

http::Route asset(const char* path, std::string_view text, const char* type) {
  return {.method = "GET",
          .pattern = path,
          .role = http::Role::kPublic,
          .operation_id = "",
          .handler = [text, type](const http::Request&, http::Reply reply) {
            reply(http::text_response(std::string(text), 200, type));
          }};
}

http::Route style_route() {
  return asset("/status.css", style_sheet(), "text/css; charset=utf-8");
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
    status.components.push_back({component.name, state,
                                 uptime_of(domain, component.workload.name, now),
                                 days_of(domain, component.workload.name, now)});
    if (state == "outage" || (state == "degraded" && status.overall == "operational"))
      status.overall = state;
  }
  for (auto each = domain.incidents().rbegin(); each != domain.incidents().rend(); ++each) {
    const auto& incident = each->second;
    if (now - incident.opened_at >= kHistory) continue;
    if (auto told = told_on(name, incident)) status.incidents.push_back(*std::move(told));
  }
  return status;
}

Json to_json(const PublicStatus& status) {
  Json components = Json::array();
  for (const auto& c : status.components)
    components.push_back(
        {{"name", c.name}, {"state", c.state}, {"uptime_90d", c.uptime_90d}, {"days", c.days}});
  Json incidents = Json::array();
  Json next;
  for (const auto& incident : status.incidents) {
    Json updates = Json::array();
    for (const auto& u : incident.updates)
      updates.push_back({{"time", format_rfc3339(u.at)}, {"state", u.state}, {"text", u.text}});
    incidents.push_back(
        {{"title", incident.title},
         {"opened_at", format_rfc3339(incident.opened_at)},
         {"resolved_at",
          incident.resolved_at ? Json(format_rfc3339(*incident.resolved_at)) : Json()},
         {"updates", std::move(updates)}});
    if (incident.next_update_due && next.is_null())
      next = format_rfc3339(*incident.next_update_due);
  }
  return {{"title", status.title},
          {"overall", status.overall},
          {"components", std::move(components)},
          {"incidents", std::move(incidents)},
          {"next_update", next}};
}

std::vector<http::Route> status_page_routes(Runtime runtime, const RespondDomain& domain) {
  std::vector<http::Route> routes{
      style_route(), asset("/status.js", status_script(), "text/javascript; charset=utf-8")};
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
