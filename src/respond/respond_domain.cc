#include "respond/respond_domain.h"

#include "catalog/kinds/kpi.h"
#include "catalog/kinds/person.h"
#include "catalog/kinds/workload.h"
#include "core/text.h"
#include "facts/catalog.h"
#include "respond/communication.h"
#include "respond/escalation.h"
#include "respond/incident_facts.h"
#include "respond/incident_story.h"
#include "respond/plain_text.h"
#include "respond/severity.h"

namespace wellrun::respond {
namespace {

constexpr std::size_t kMaxTitleBytes = 300;

/// What the alert says of itself, else its name.
std::string title_of(const facts::AlertFired& fired) {
  const auto summary = fired.annotations.find("summary");
  const auto said =
      summary == fired.annotations.end() ? std::string_view() : trimmed(summary->second);
  return cut(one_line(said.empty() ? fired.alert : said), kMaxTitleBytes);
}

Status check_text(std::string_view what, std::string_view text) {
  if (trimmed(text).empty()) return fail(ErrorCode::kInvalid, fmt::format("{} is empty", what));
  if (text.size() > kMaxTextBytes) {
    return fail(ErrorCode::kTooLarge, fmt::format("{} has {} bytes; at most {} are kept", what,
                                                  text.size(), kMaxTextBytes));
  }
  if (!is_valid_utf8(text)) return fail(ErrorCode::kInvalid, fmt::format("{} is not UTF-8", what));
  return {};
}

Status check_severity(int severity) {
  if (severity >= 1 && severity <= 4) return {};
  return fail(ErrorCode::kInvalid, fmt::format("severity {}; it is 1 (worst) to 4", severity));
}

template <typename Payload>
journal::Decision one_fact(const std::string& incident, const Payload& payload) {
  journal::Decision decision;
  decision.facts.push_back(incident_fact(incident, payload));
  return decision;
}

/// When what a person took for mitigated turns out not to be over, because an alert never stopped.
std::optional<Timestamp> not_over_at(const Incident& incident) {
  if (incident.state != IncidentState::kMitigated || !incident.any_firing()) return std::nullopt;
  return incident.mitigated_at.value_or(incident.opened_at) + kStillFiresAfter;
}

void append(journal::Decision& decision, journal::Decision more) {
  std::ranges::move(more.facts, std::back_inserter(decision.facts));
  std::ranges::move(more.intents, std::back_inserter(decision.intents));
}

}  // namespace

// ---- state ----

const Incident* RespondDomain::find(const std::string& id) const {
  const auto found = incidents_.find(id);
  return found == incidents_.end() ? nullptr : &found->second;
}

const Incident* RespondDomain::open_incident_of(const std::string& workload) const {
  const Incident* newest = nullptr;
  for (const auto& [id, incident] : incidents_) {
    if (incident.is_open() && incident.workload == workload &&
        (newest == nullptr || incident.opened_at >= newest->opened_at))
      newest = &incident;
  }
  return newest;
}

std::string RespondDomain::next_incident_id() const {
  return incident_id(incident_count_ + 1);
}

bool RespondDomain::was_opened(const std::string& id) const {
  const auto number = incident_number(id);
  return number && *number <= incident_count_;
}

void RespondDomain::apply(const journal::Fact& fact) {
  if (fact.type == facts::EventRecorded::kType) return apply_event(fact);
  if (fact.type == facts::IncidentOpened::kType) return apply_opened(fact);
  if (fact.type == facts::KpiStatusChanged::kType) {
    kpis_[text_or(fact.body, "kpi")] = text_or(fact.body, "to");
    return;
  }
  if (!fact.stream.starts_with("incident/")) return;
  const auto found = incidents_.find(fact.stream.substr(std::string_view("incident/").size()));
  if (found != incidents_.end()) respond::apply(found->second, fact);
}

void RespondDomain::apply_event(const journal::Fact& fact) {
  const auto body = fact.body.get<facts::EventRecorded>();
  events_.push_back({body.event, body.fingerprint, body.alert, body.workload, body.severity,
                     body.outcome, body.incident, fact.time});
  if (events_.size() > kMaxEventsKept) events_.pop_front();
  ++event_count_;
}

void RespondDomain::apply_opened(const journal::Fact& fact) {
  auto incident = begin_incident(fact);
  incidents_[incident.id] = std::move(incident);
  ++incident_count_;
  drop_oldest();
}

void RespondDomain::drop_oldest() {
  if (incidents_.size() <= kMaxIncidentsKept) return;
  const Incident* oldest = nullptr;
  for (const auto& [id, incident] : incidents_) {
    if (!incident.is_open() && (oldest == nullptr || incident.opened_at < oldest->opened_at))
      oldest = &incident;
  }
  if (oldest != nullptr) incidents_.erase(std::string(oldest->id));
}

// ---- what follows from facts ----

journal::Decision RespondDomain::react(const journal::Fact& fact, Timestamp now) {
  if (fact.type == facts::AlertFired::kType)
    return on_alert_fired(fact.body.get<facts::AlertFired>());
  if (fact.type == facts::AlertResolved::kType)
    return on_alert_resolved(text_or(fact.body, "fingerprint"));
  if (fact.type == facts::CatalogApplied::kType) return on_catalog_applied(now);
  if (!fact.stream.starts_with("incident/")) return {};
  const auto* incident = find(text_or(fact.body, "incident"));
  if (incident == nullptr) return {};
  if (fact.type == facts::IncidentOpened::kType) return on_opened(*incident, now);
  if (fact.type == facts::IncidentAlertAdded::kType) return on_alert_added(fact, now);
  if (fact.type == facts::PageFailed::kType)
    return escalate_when_all_failed(catalog_, *incident, clocks(now));
  if (fact.type == facts::IncidentResolved::kType) return on_resolved(*incident, now);
  return {};
}

std::string RespondDomain::kpi_status(const std::string& kpi) const {
  const auto found = kpis_.find(kpi);
  return found == kpis_.end() || catalog_.find<catalog::Kpi>(kpi) == nullptr ? std::string()
                                                                             : found->second;
}

std::pair<std::string, std::string> RespondDomain::worst_kpi_of(const std::string& workload) const {
  if (workload.empty()) return {};
  for (const auto* status : {"missed", "at_risk"}) {
    for (const auto* kpi : catalog_.all<catalog::Kpi>()) {
      const auto& name = kpi->metadata.name;
      if (kpi->workload.name == workload && kpi_status(name) == status) return {name, status};
    }
  }
  return {};
}

journal::NewFact RespondDomain::opened_by(const facts::AlertFired& fired) const {
  const auto* workload = catalog_.find<catalog::Workload>(fired.workload);
  auto [kpi, status] = worst_kpi_of(fired.workload);
  if (auto named = kpi_status(fired.kpi); !named.empty()) {
    kpi = fired.kpi;
    status = std::move(named);
  }
  const auto severity = severity_of(workload == nullptr ? 3 : workload->tier, kpi, status);
  facts::IncidentOpened opened;
  opened.incident = next_incident_id();
  opened.title = title_of(fired);
  opened.workload = fired.workload;
  opened.severity = severity.level;
  opened.reason = severity.reason;
  opened.fingerprint = fired.fingerprint;
  opened.alert = fired.alert;
  opened.value = fired.value;
  opened.labels = fired.labels;
  opened.kpi = fired.kpi.empty() ? kpi : fired.kpi;
  opened.procedure = fired.procedure;
  if (workload != nullptr && opened.procedure.empty()) opened.procedure = workload->playbook.name;
  opened.policy = policy_of(catalog_, fired.workload, "");
  if (workload == nullptr && !opened.policy.empty())
    opened.reason += fmt::format("; no workload is known that it is about, so {} says who is paged",
                                 quote(opened.policy));
  opened.by = "system";
  return incident_fact(opened.incident, opened);
}

journal::Decision RespondDomain::on_alert_fired(const facts::AlertFired& fired) const {
  const bool pages = fired.severity == "page";
  const auto* incident = pages ? open_incident_of(fired.workload) : nullptr;
  facts::EventRecorded event;
  event.event = fmt::format("evt-{:06}", event_count_ + 1);
  event.fingerprint = fired.fingerprint;
  event.alert = fired.alert;
  event.workload = fired.workload;
  event.severity = fired.severity;
  event.outcome = pages ? "incident" : "noted";
  if (pages) event.incident = incident != nullptr ? incident->id : next_incident_id();

  journal::Decision decision;
  auto& recorded = decision.facts.emplace_back();
  recorded.stream = "event/" + event.event;
  recorded.type = facts::EventRecorded::kType;
  recorded.body = event;
  recorded.correlation = event.incident;
  if (pages && incident == nullptr) {
    decision.facts.push_back(opened_by(fired));
  } else if (pages) {
    facts::IncidentAlertAdded added{incident->id, fired.fingerprint, fired.alert, fired.value,
                                    fired.labels};
    decision.facts.push_back(incident_fact(incident->id, added));
  }
  return decision;
}

journal::Decision RespondDomain::on_alert_resolved(const std::string& fingerprint) const {
  journal::Decision decision;
  for (const auto& [id, incident] : incidents_) {
    for (const auto& alert : incident.alerts) {
      if (alert.fingerprint != fingerprint || !alert.firing) continue;
      decision.facts.push_back(
          incident_fact(id, facts::IncidentAlertResolved{id, fingerprint, alert.alert}));
    }
  }
  return decision;
}

journal::Decision RespondDomain::on_opened(const Incident& incident, Timestamp now) const {
  auto decision = page_from(catalog_, incident, {1, 1}, "", "system", clocks(now));
  const auto* plan = plan_for(catalog_, incident);
  if (plan != nullptr && plan->auto_post) {
    decision.facts.push_back(incident_fact(
        incident.id,
        make_update(catalog_, incident, plan, "investigating", "", {}, "system", now)));
  }
  return decision;
}

/// Alerts only join an incident, unless it was mitigated: then someone has to know that it was not
/// over. Nor does whoever acknowledged it long ago have to be still there.
journal::Decision RespondDomain::on_alert_added(const journal::Fact& fact, Timestamp now) const {
  const auto& incident = *find(text_or(fact.body, "incident"));
  const auto alert = text_or(fact.body, "alert");
  const bool held_long = incident.state == IncidentState::kAcknowledged && incident.held_since &&
                         *incident.held_since + kAcknowledgementHolds <= now;
  // While no alert fired, a level whose every page failed was let be.
  if (!incident.unpaged && !held_long)
    return escalate_when_all_failed(catalog_, incident, clocks(now));
  const auto reason = incident.unpaged
                          ? fmt::format("{} fires again after the incident was mitigated", alert)
                          : fmt::format("{} fires, and the incident was acknowledged {} ago", alert,
                                        format_age(now - *incident.held_since));
  return page_from(catalog_, incident, {1, incident.round + 1}, reason, "system", clocks(now));
}

journal::Decision RespondDomain::on_catalog_applied(Timestamp now) const {
  journal::Decision decision;
  for (const auto& [id, incident] : incidents_)
    append(decision, escalate_when_applied(catalog_, incident, clocks(now)));
  return decision;
}

journal::Decision RespondDomain::on_resolved(const Incident& incident, Timestamp now) const {
  const auto* plan = plan_for(catalog_, incident);
  if (plan == nullptr || !plan->auto_post || incident.updates.empty() ||
      incident.updates.back().state == "resolved")
    return {};
  return one_fact(incident.id,
                  make_update(catalog_, incident, plan, "resolved", "", {}, "system", now));
}

journal::Decision RespondDomain::outcome(const journal::Intent& intent,
                                         const journal::Outcome& outcome, Timestamp) {
  const auto page = text_or(intent.request, "page");
  const auto incident = text_or(intent.request, "incident");
  const auto person = text_or(intent.request, "person");
  const auto channel = text_or(intent.request, "channel");
  if (outcome.kind == journal::Outcome::Kind::kDone)
    return one_fact(incident, facts::PageSent{page, incident, person, channel,
                                              cut(text_or(outcome.detail, "detail"), 500)});
  auto error =
      outcome.error.empty() ? std::string("whether it was sent cannot be known") : outcome.error;
  return one_fact(incident,
                  facts::PageFailed{page, incident, person, channel, cut(std::move(error), 500)});
}

// ---- due times ----

RespondDomain::Answering RespondDomain::who_answers_for_alerts() const {
  Answering answering;
  if (std::ranges::none_of(incidents_, [](const auto& each) {
        return !each.second.is_open() && each.second.any_firing();
      }))
    return answering;
  for (const auto& [id, incident] : incidents_) {
    for (const auto& alert : incident.alerts) {
      if (!alert.firing) continue;
      auto& answers = answering[alert.fingerprint];
      if (answers == nullptr || incident.is_open() || !answers->is_open()) answers = &incident;
    }
  }
  return answering;
}

bool RespondDomain::is_left_firing(const Incident& resolved, const IncidentAlert& alert,
                                   const Answering& answering) {
  if (!alert.firing) return false;
  const auto answers = answering.find(alert.fingerprint);
  return answers != answering.end() && answers->second == &resolved;
}

std::optional<Timestamp> RespondDomain::due_of(const Incident& incident,
                                               const Answering& answering) const {
  if (!incident.is_open()) {
    const bool still_fires = std::ranges::any_of(incident.alerts, [&](const IncidentAlert& alert) {
      return is_left_firing(incident, alert, answering);
    });
    if (!still_fires) return std::nullopt;
    return incident.resolved_at.value_or(Timestamp{}) + kStillFiresAfter;
  }
  auto due = escalation_due(catalog_, incident);
  const auto sooner = [&](std::optional<Timestamp> other) {
    if (other && (!due || *other < *due)) due = other;
  };
  if (incident.quiet_since && incident.state != IncidentState::kMitigated)
    sooner(*incident.quiet_since + kQuietBeforeMitigated);
  if (const auto promised = incident.next_update_due(); promised != incident.reminded_of)
    sooner(promised);
  sooner(not_over_at(incident));
  return due;
}

std::optional<Timestamp> RespondDomain::next_due() const {
  std::optional<Timestamp> next;
  const auto answering = who_answers_for_alerts();
  for (const auto& [id, incident] : incidents_) {
    const auto due = due_of(incident, answering);
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

journal::Decision RespondDomain::when_due(const Incident& incident, Timestamp now) const {
  journal::Decision decision;
  const auto promised = incident.next_update_due();
  if (promised && promised != incident.reminded_of && *promised <= now) {
    append(decision,
           one_fact(incident.id, facts::StatusUpdateDue{incident.id, format_rfc3339(*promised)}));
  }
  if (incident.quiet_since && incident.state != IncidentState::kMitigated &&
      *incident.quiet_since + kQuietBeforeMitigated <= now) {
    append(decision,
           one_fact(incident.id,
                    facts::IncidentMitigated{incident.id, "system",
                                             fmt::format("every alert has been resolved for {}",
                                                         format_duration(kQuietBeforeMitigated))}));
    return decision;
  }
  if (const auto due = not_over_at(incident); due && *due <= now) {
    append(decision, page_from(catalog_, incident, {1, incident.round + 1},
                               fmt::format("an alert still fires {} after it was mitigated",
                                           format_duration(kStillFiresAfter)),
                               "system", clocks(now)));
    return decision;
  }
  const auto escalation = escalation_due(catalog_, incident);
  if (escalation && *escalation <= now)
    append(decision, escalate_when_due(catalog_, incident, clocks(now)));
  return decision;
}

/// An alert that never stopped fires no second time: without this, one that was resolved by mistake
/// would be heard of no more.
journal::Decision RespondDomain::open_again(const Incident& resolved,
                                            const Answering& answering) const {
  journal::Decision decision;
  const auto* open = open_incident_of(resolved.workload);
  const auto id = open != nullptr ? open->id : next_incident_id();
  for (const auto& alert : resolved.alerts) {
    if (!is_left_firing(resolved, alert, answering)) continue;
    if (open == nullptr && decision.facts.empty()) {
      facts::AlertFired fired;
      fired.fingerprint = alert.fingerprint;
      fired.alert = alert.alert;
      fired.labels = alert.labels;
      fired.value = alert.value;
      fired.annotations["summary"] =
          fmt::format("{} still fires {} after {} was resolved: {}", alert.alert,
                      format_duration(kStillFiresAfter), resolved.id, resolved.title);
      fired.workload = resolved.workload;
      fired.procedure = resolved.procedure;
      fired.kpi = resolved.kpi;
      decision.facts.push_back(opened_by(fired));
    } else {
      decision.facts.push_back(
          incident_fact(id, facts::IncidentAlertAdded{id, alert.fingerprint, alert.alert,
                                                      alert.value, alert.labels}));
    }
  }
  return decision;
}

/// One incident is opened again at a time: the next has the next number.
journal::Decision RespondDomain::tick(Timestamp now) {
  journal::Decision decision;
  bool opened = false;
  const auto answering = who_answers_for_alerts();
  for (const auto& [id, incident] : incidents_) {
    const auto due = due_of(incident, answering);
    if (!due || *due > now) continue;
    if (incident.is_open()) {
      append(decision, when_due(incident, now));
    } else if (!std::exchange(opened, true)) {
      append(decision, open_again(incident, answering));
    }
  }
  return decision;
}

// ---- commands ----

Result<const Incident*> RespondDomain::allowed(const std::string& id,
                                               IncidentCommand command) const {
  const auto* incident = find(id);
  if (incident == nullptr && was_opened(id))
    return fail(ErrorCode::kConflict,
                fmt::format("{} was resolved long ago; it can only be read", id));
  if (incident == nullptr) return std::unexpected(no_incident(id));
  TRY_STATUS(next_state(incident->state, command));
  return incident;
}

RespondDomain::Decided RespondDomain::open(const std::string& title, const std::string& workload,
                                           int severity, const std::string& by) const {
  TRY_STATUS(check_text("title", title));
  if (has_control_characters(title))
    return fail(ErrorCode::kInvalid, "title has line breaks or other control characters");
  TRY_STATUS(check_severity(severity));
  const auto* found = catalog_.find<catalog::Workload>(workload);
  if (found == nullptr) {
    std::vector<std::string> names;
    for (const auto* each : catalog_.all<catalog::Workload>()) names.push_back(each->metadata.name);
    return fail(ErrorCode::kInvalid,
                fmt::format("no workload {}{}", quote(workload), did_you_mean(workload, names)));
  }
  facts::IncidentOpened opened;
  opened.incident = next_incident_id();
  opened.title = cut(title, kMaxTitleBytes);
  opened.workload = workload;
  opened.severity = severity;
  opened.reason = "as given";
  opened.procedure = found->playbook.name;
  opened.policy = policy_of(catalog_, workload, "");
  opened.by = by;
  return one_fact(opened.incident, opened);
}

RespondDomain::Decided RespondDomain::acknowledge(const std::string& id, const std::string& by,
                                                  const std::string& via) const {
  TRY_STATUS(allowed(id, IncidentCommand::kAcknowledge));
  return one_fact(id, facts::IncidentAcknowledged{id, by, via});
}

RespondDomain::Decided RespondDomain::escalate(const std::string& id, const std::string& by,
                                               const std::string& reason, Timestamp now) const {
  TRY(const auto* incident, allowed(id, IncidentCommand::kEscalate));
  if (!reason.empty()) TRY_STATUS(check_text("reason", reason));
  if (policy_of(catalog_, incident->workload, incident->policy).empty()) {
    return fail(ErrorCode::kConflict,
                fmt::format("cannot escalate {}: neither its workload {} nor any other has an "
                            "escalation policy",
                            id, quote(incident->workload)));
  }
  return escalate_by_hand(catalog_, *incident, by, reason, clocks(now));
}

RespondDomain::Decided RespondDomain::mitigate(const std::string& id, const std::string& by) const {
  TRY_STATUS(allowed(id, IncidentCommand::kMitigate));
  return one_fact(id, facts::IncidentMitigated{id, by, ""});
}

RespondDomain::Decided RespondDomain::resolve(const std::string& id, const std::string& by,
                                              const std::string& reason) const {
  TRY_STATUS(allowed(id, IncidentCommand::kResolve));
  if (!reason.empty()) TRY_STATUS(check_text("reason", reason));
  return one_fact(id, facts::IncidentResolved{id, by, reason});
}

RespondDomain::Decided RespondDomain::add_note(const std::string& id, const std::string& text,
                                               const std::string& by) const {
  TRY_STATUS(allowed(id, IncidentCommand::kAddNote));
  TRY_STATUS(check_text("text", text));
  return one_fact(id, facts::IncidentNoteAdded{id, text, by});
}

RespondDomain::Decided RespondDomain::assign_role(const std::string& id, const std::string& role,
                                                  const std::string& person,
                                                  const std::string& by) const {
  TRY_STATUS(allowed(id, IncidentCommand::kAssignRole));
  static const std::vector<std::string> roles = {"commander", "communications", "scribe"};
  if (std::ranges::find(roles, role) == roles.end()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("no role {}; there are {}", quote(role), join_words(roles)));
  }
  if (catalog_.find<catalog::Person>(person) == nullptr) {
    std::vector<std::string> names;
    for (const auto* each : catalog_.all<catalog::Person>()) names.push_back(each->metadata.name);
    return fail(ErrorCode::kInvalid,
                fmt::format("no person {}{}", quote(person), did_you_mean(person, names)));
  }
  return one_fact(id, facts::IncidentRoleAssigned{id, role, person, by});
}

RespondDomain::Decided RespondDomain::change_severity(const std::string& id, int severity,
                                                      const std::string& reason,
                                                      const std::string& by) const {
  TRY(const auto* incident, allowed(id, IncidentCommand::kChangeSeverity));
  TRY_STATUS(check_severity(severity));
  TRY_STATUS(check_text("reason", reason));
  if (severity == incident->severity)
    return fail(ErrorCode::kConflict, fmt::format("{} has severity {} already", id, severity));
  return one_fact(id, facts::IncidentSeverityChanged{id, incident->severity, severity, reason, by});
}

RespondDomain::Decided RespondDomain::post_update(const std::string& id, const std::string& state,
                                                  const std::string& text,
                                                  std::optional<Duration> next_update_in,
                                                  const std::string& by, Timestamp now) const {
  TRY(const auto* incident, allowed(id, IncidentCommand::kPostUpdate));
  static const std::vector<std::string> states = {"investigating", "identified", "monitoring",
                                                  "resolved"};
  if (std::ranges::find(states, state) == states.end())
    return fail(ErrorCode::kInvalid,
                fmt::format("no state {}; there are {}", quote(state), join_words(states)));
  TRY_STATUS(check_text("text", text));
  if (next_update_in && *next_update_in > std::chrono::hours(24 * 30))
    return fail(ErrorCode::kInvalid, "the next update is more than 30 days away");
  // What a person says is shown, whatever the plan's severities: the page of the plan, whichever it
  // names.
  const auto* plan = plan_for(catalog_, *incident);
  if (plan == nullptr) {
    for (const auto* each : catalog_.all<catalog::CommunicationPlan>()) {
      if (each->workload.name == incident->workload) plan = each;
    }
  }
  if (plan == nullptr) {
    return fail(
        ErrorCode::kConflict,
        fmt::format("workload {} has no communication plan, so there is no status page to post to",
                    quote(incident->workload)));
  }
  return one_fact(id, make_update(catalog_, *incident, plan, state, text, next_update_in, by, now));
}

// ---- snapshot ----

Json RespondDomain::snapshot() const {
  Json incidents = Json::array();
  for (const auto& [id, incident] : incidents_) incidents.push_back(to_json(incident));
  Json events = Json::array();
  for (const auto& event : events_) {
    events.push_back(
        Json::array({event.id, event.fingerprint, event.alert, event.workload, event.severity,
                     event.outcome, event.incident, to_unix_ms(event.time)}));
  }
  Json kpis = Json::object();
  for (const auto& [name, status] : kpis_) kpis[name] = {{"status", status}};
  return {{"incidents", incidents},
          {"events", events},
          {"kpis", kpis},
          {"incident_count", incident_count_},
          {"event_count", event_count_}};
}

Status RespondDomain::restore(const Json& snapshot) {
  try {
    incidents_.clear();
    for (const auto& each : snapshot.at("incidents")) {
      TRY(auto incident, incident_from_json(each));
      const auto id = incident.id;
      incidents_.emplace(id, std::move(incident));
    }
    events_.clear();
    for (const auto& e : snapshot.at("events")) {
      events_.push_back({e.at(0).get<std::string>(), e.at(1).get<std::string>(),
                         e.at(2).get<std::string>(), e.at(3).get<std::string>(),
                         e.at(4).get<std::string>(), e.at(5).get<std::string>(),
                         e.at(6).get<std::string>(), from_unix_ms(e.at(7).get<std::int64_t>())});
    }
    kpis_.clear();
    for (const auto& [name, kpi] : snapshot.at("kpis").items())
      kpis_[name] = kpi.at("status").get<std::string>();
    incident_count_ = snapshot.at("incident_count").get<int>();
    event_count_ = snapshot.at("event_count").get<int>();
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("the snapshot of respond cannot be read: {}", error.what()));
  }
  return {};
}

}  // namespace wellrun::respond
