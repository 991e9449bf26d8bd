#include "respond/incident_story.h"

#include <charconv>
#include <fmt/format.h>

#include "core/text.h"
#include "facts/respond.h"
#include "respond/incident_fsm.h"

namespace wellrun::respond {
namespace {

constexpr std::string_view kIdPrefix = "inc-";
constexpr std::size_t kMaxFactsRead = 100'000;

void follow_table(Incident& incident, IncidentCommand command) {
  if (const auto next = next_state(incident.state, command)) incident.state = *next;
}

void make_room(std::vector<IncidentAlert>& alerts) {
  while (alerts.size() >= kMaxAlertsPerIncident) {
    const auto over = std::ranges::find(alerts, false, &IncidentAlert::firing);
    if (over == alerts.end()) return;
    alerts.erase(over);
  }
}

}  // namespace

std::string incident_id(int number) {
  return fmt::format("{}{:04}", kIdPrefix, number);
}

std::optional<int> incident_number(std::string_view id) {
  if (!id.starts_with(kIdPrefix)) return std::nullopt;
  int number = 0;
  const auto* end = id.data() + id.size();
  const auto [stop, problem] = std::from_chars(id.data() + kIdPrefix.size(), end, number);
  if (problem != std::errc{} || stop != end || number < 1 || incident_id(number) != id)
    return std::nullopt;
  return number;
}

Error no_incident(const std::string& id) {
  return {ErrorCode::kNotFound,
          fmt::format("no incident {}; GET /api/v1/incidents?state=all lists them", quote(id)),
          {}};
}

Incident begin_incident(const journal::Fact& fact) {
  const auto body = fact.body.get<facts::IncidentOpened>();
  Incident incident;
  incident.id = body.incident;
  incident.title = body.title;
  incident.workload = body.workload;
  incident.severity = body.severity;
  incident.kpi = body.kpi;
  incident.procedure = body.procedure;
  incident.policy = body.policy;
  incident.opened_at = fact.time;
  incident.level_since = fact.time;
  incident.opened_by_alert = !body.fingerprint.empty();
  if (incident.opened_by_alert)
    incident.alerts.push_back({body.fingerprint, body.alert, true, body.value, body.labels});
  return incident;
}

void apply(Incident& incident, const journal::Fact& fact) {
  const auto& body = fact.body;
  const auto page_named = [&](const std::string& id) -> Page* {
    const auto found = std::ranges::find(incident.pages, id, &Page::id);
    return found == incident.pages.end() ? nullptr : &*found;
  };
  if (fact.type == facts::IncidentAlertAdded::kType) {
    const auto added = body.get<facts::IncidentAlertAdded>();
    const auto known =
        std::ranges::find(incident.alerts, added.fingerprint, &IncidentAlert::fingerprint);
    if (known == incident.alerts.end()) {
      make_room(incident.alerts);
      incident.alerts.push_back({added.fingerprint, added.alert, true, added.value, added.labels});
    } else {
      known->firing = true;
      known->value = added.value;
    }
    incident.quiet_since.reset();
    if (incident.state == IncidentState::kMitigated) {
      incident.mitigated_at.reset();
      incident.unpaged = true;
      incident.level_since = fact.time;
    }
    follow_table(incident, IncidentCommand::kAddAlert);
  } else if (fact.type == facts::IncidentAlertResolved::kType) {
    for (auto& alert : incident.alerts) {
      if (alert.fingerprint == text_or(body, "fingerprint")) alert.firing = false;
    }
    if (incident.opened_by_alert && !incident.any_firing()) incident.quiet_since = fact.time;
  } else if (fact.type == facts::IncidentAcknowledged::kType) {
    if (!incident.acknowledged_at) incident.acknowledged_at = fact.time;
    incident.acknowledged_by = text_or(body, "by");
    incident.held_since = fact.time;
    follow_table(incident, IncidentCommand::kAcknowledge);
  } else if (fact.type == facts::IncidentEscalated::kType) {
    const auto escalated = body.get<facts::IncidentEscalated>();
    incident.unpaged = false;
    incident.level = escalated.level;
    incident.round = escalated.round;
    incident.level_since = fact.time;
    incident.mitigated_at.reset();
    incident.quiet_since.reset();  // a person's: it is not over. By itself none comes then
    follow_table(incident, IncidentCommand::kEscalate);
  } else if (fact.type == facts::IncidentSeverityChanged::kType) {
    incident.severity = body.get<facts::IncidentSeverityChanged>().to;
  } else if (fact.type == facts::IncidentRoleAssigned::kType) {
    incident.roles[text_or(body, "role")] = text_or(body, "person");
  } else if (fact.type == facts::IncidentMitigated::kType) {
    incident.mitigated_at = fact.time;
    follow_table(incident, IncidentCommand::kMitigate);
  } else if (fact.type == facts::IncidentResolved::kType) {
    incident.resolved_at = fact.time;
    follow_table(incident, IncidentCommand::kResolve);
  } else if (fact.type == facts::PageRequested::kType) {
    const auto page = body.get<facts::PageRequested>();
    incident.pages.push_back({page.page,
                              page.person,
                              page.channel,
                              page.address,
                              page.level,
                              page.round,
                              "requested",
                              {},
                              {},
                              fact.time});
  } else if (fact.type == facts::PageSent::kType) {
    if (auto* page = page_named(text_or(body, "page"))) {
      page->state = "sent";
      page->detail = text_or(body, "detail");
      page->at = fact.time;
    }
  } else if (fact.type == facts::PageFailed::kType) {
    if (auto* page = page_named(text_or(body, "page"))) {
      page->state = "failed";
      page->error = text_or(body, "error");
      page->at = fact.time;
    }
  } else if (fact.type == facts::StatusPosted::kType) {
    const auto posted = body.get<facts::StatusPosted>();
    StatusUpdate update{
        posted.update, posted.status_page, posted.state, posted.text, posted.by, fact.time, {}};
    if (const auto due = parse_rfc3339(posted.next_update_due)) update.next_due = *due;
    incident.updates.push_back(std::move(update));
  } else if (fact.type == facts::StatusUpdateDue::kType) {
    if (const auto due = parse_rfc3339(text_or(body, "due"))) incident.reminded_of = *due;
  }
}

Result<Incident> read_incident(const journal::Store& store, const std::string& id) {
  TRY(const auto facts, store.read({.stream = "incident/" + id, .limit = kMaxFactsRead}));
  if (facts.empty() || facts.front().type != facts::IncidentOpened::kType)
    return std::unexpected(no_incident(id));
  auto incident = begin_incident(facts.front());
  for (std::size_t i = 1; i < facts.size(); ++i) apply(incident, facts[i]);
  return incident;
}

}  // namespace wellrun::respond
