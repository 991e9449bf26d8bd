#include "respond/page_message.h"

#include <fmt/format.h>

#include "respond/plain_text.h"

namespace wellrun::respond {
namespace {

constexpr std::size_t kMostAlertsNamed = 10;

std::string shown(const Json& value) {
  return value.is_string()   ? value.get<std::string>()
         : value.is_number() ? fmt::format("{:.4g}", value.get<double>())
                             : "";
}

std::string slack_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : one_line(text)) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string line(std::string_view name, const std::string& value) {
  return value.empty() ? std::string() : fmt::format("{:<12}{}\n", name, one_line(value));
}

/// What is long gives way, so that the incident's id is always there.
std::string subject_of(const Incident& incident) {
  constexpr std::size_t kMaxWorkloadBytes = 60, kMaxTitleBytes = 160;
  return fmt::format("[sev {}] {}: {} ({})", incident.severity,
                     cut(one_line(incident.workload), kMaxWorkloadBytes),
                     cut(one_line(incident.title), kMaxTitleBytes), incident.id);
}

/// "5 min ago", "just now".
std::string ago(Duration age) {
  return age < std::chrono::seconds(1) ? format_age(age) : format_age(age) + " ago";
}

/// Those that fire. Of many only the first are named: receivers refuse messages that are too long,
/// and the largest outage has the most alerts.
std::string alerts_of(const Incident& incident) {
  std::string alerts;
  std::size_t count = 0;
  for (const auto& alert : incident.alerts) {
    if (!alert.firing || ++count > kMostAlertsNamed) continue;
    alerts += (alerts.empty() ? "" : ", ") + alert.alert;
    if (const auto value = shown(alert.value); !value.empty()) alerts += " (" + value + ")";
  }
  if (count > kMostAlertsNamed) alerts += fmt::format(" and {} more", count - kMostAlertsNamed);
  return alerts;
}

}  // namespace

PageMessage page_message(const Incident& incident, const std::string& page, const PageLinks& links,
                         Timestamp now) {
  const auto alerts = alerts_of(incident);
  const auto since =
      fmt::format("{} ({})", format_rfc3339(incident.opened_at), ago(now - incident.opened_at));
  PageMessage message;
  message.subject = subject_of(incident);
  message.text = one_line(incident.title) + "\n\n" + line("incident", incident.id) +
                 line("severity", std::to_string(incident.severity)) +
                 line("workload", incident.workload) + line("since", since) +
                 line("alerts", alerts) + line("outcome", incident.kpi) +
                 line("procedure", incident.procedure);
  if (!links.acknowledge.empty())
    message.text += "\nAcknowledge (one tap): " + links.acknowledge + "\n";
  if (!links.incident.empty()) message.text += "Look at it: " + links.incident + "\n";
  message.text += "\nNobody acknowledging in time means that the next level is paged.\n";
  message.body = {{"page", page},
                  {"incident", incident.id},
                  {"title", incident.title},
                  {"severity", incident.severity},
                  {"workload", incident.workload},
                  {"state", name_of(incident.state)},
                  {"opened_at", format_rfc3339(incident.opened_at)},
                  {"alerts", alerts},
                  {"kpi", incident.kpi},
                  {"procedure", incident.procedure},
                  {"level", incident.level},
                  {"incident_url", links.incident},
                  {"acknowledge_url", links.acknowledge}};
  message.slack = fmt::format("*sev {}* {}: {}", incident.severity,
                              slack_escaped(incident.workload), slack_escaped(incident.title));
  if (!alerts.empty()) message.slack += "\nalerts: " + slack_escaped(alerts);
  if (!incident.procedure.empty())
    message.slack += "\nprocedure: " + slack_escaped(incident.procedure);
  if (!links.acknowledge.empty())
    message.slack += fmt::format("\n<{}|Acknowledge>", links.acknowledge);
  if (!links.incident.empty())
    message.slack += fmt::format("  <{}|{}>", links.incident, incident.id);
  return message;
}

}  // namespace wellrun::respond
