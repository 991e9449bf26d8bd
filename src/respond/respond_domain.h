#pragma once

// From alert to event to incident to page, and what customers are told: a functional core. Which
// fact leads to what:
//
// clang-format off
// | fact | what follows, in the same transaction |
// |---|---|
// | alert.fired (page) | event.recorded; incident.alert_added to the workload's open incident, else incident.opened |
// | alert.fired (ticket, info) | event.recorded |
// | alert.resolved | incident.alert_resolved |
// | incident.opened | level 1 is paged; the first update is posted when the communication plan says so |
// | incident.alert_added to a mitigated one, or to one acknowledged long ago | it is triggered again, level 1 is paged |
// | page.failed | the next level, when every page of this one failed and an alert still fires |
// | catalog.applied | whoever it names is paged for the incidents that reached nobody |
// | incident.resolved | the last update is posted |
// clang-format on
//
// When due: the next level or a reminder, while an alert fires; mitigated once every alert stayed
// resolved for kQuietBeforeMitigated, unless a person opened it, who saw what no alert did;
// status.update_due when a promised update is overdue (told once a promise). Resolving is a
// person's act, or an automation's through the API. What still fires kStillFiresAfter later is an
// incident again, and one that a person mitigated is triggered again then.

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "facts/health.h"
#include "facts/respond.h"
#include "journal/ledger.h"
#include "respond/escalation.h"
#include "respond/incident.h"
#include "respond/incident_fsm.h"
#include "respond/incident_story.h"

namespace wellrun::respond {

inline constexpr Duration kQuietBeforeMitigated{60'000};
inline constexpr Duration kAcknowledgementHolds{4 * 3'600'000};  ///< against further alerts
inline constexpr Duration kStillFiresAfter{15 * 60'000};
inline constexpr std::size_t kMaxTextBytes = 4096;   ///< of titles, notes, updates
inline constexpr std::size_t kMaxEventsKept = 1000;  ///< older ones are in the journal
inline constexpr std::size_t kMaxIncidentsKept =
    2000;  ///< resolved ones beyond that, oldest first, are only in the journal

struct Event {
  std::string id, fingerprint, alert, workload, severity, outcome, incident;
  Timestamp time;
};

class RespondDomain final : public journal::Domain {
 public:
  explicit RespondDomain(const catalog::Catalog& catalog) : catalog_(catalog) {}

  std::string_view name() const override { return "respond"; }
  void turn_begins(Timestamp wall) override { wall_ = wall; }
  void apply(const journal::Fact& fact) override;
  journal::Decision react(const journal::Fact& fact, Timestamp now) override;
  journal::Decision tick(Timestamp now) override;
  std::optional<Timestamp> next_due() const override;
  journal::Decision outcome(const journal::Intent& intent, const journal::Outcome& outcome,
                            Timestamp now) override;
  Json snapshot() const override;
  Status restore(const Json& snapshot) override;

  /// By id, which is also the order in which they opened.
  using Incidents = std::map<std::string, Incident, IncidentIdOrder>;
  const Incidents& incidents() const { return incidents_; }
  /// How many were ever opened.
  int incident_count() const { return incident_count_; }
  /// Null for one that was never opened, and for one that is only in the journal
  /// (incident_story.h).
  const Incident* find(const std::string& id) const;
  /// True for every incident that ever was.
  bool was_opened(const std::string& id) const;
  const std::deque<Event>& events() const { return events_; }  ///< oldest first
  const catalog::Catalog& catalog() const { return catalog_; }

  // Commands. kNotFound without that incident, kConflict by the table of incident_fsm.h, kInvalid
  // for what is said.
  using Decided = Result<journal::Decision>;
  Decided open(const std::string& title, const std::string& workload, int severity,
               const std::string& by) const;
  Decided acknowledge(const std::string& id, const std::string& by, const std::string& via) const;
  Decided escalate(const std::string& id, const std::string& by, const std::string& reason,
                   Timestamp now) const;
  Decided mitigate(const std::string& id, const std::string& by) const;
  Decided resolve(const std::string& id, const std::string& by, const std::string& reason) const;
  Decided add_note(const std::string& id, const std::string& text, const std::string& by) const;
  /// `role`: commander, communications or scribe; `person`: of the catalog.
  Decided assign_role(const std::string& id, const std::string& role, const std::string& person,
                      const std::string& by) const;
  Decided change_severity(const std::string& id, int severity, const std::string& reason,
                          const std::string& by) const;
  /// `state`: investigating, identified, monitoring or resolved. Without `next_update_in` the
  /// plan's.
  Decided post_update(const std::string& id, const std::string& state, const std::string& text,
                      std::optional<Duration> next_update_in, const std::string& by,
                      Timestamp now) const;

 private:
  void apply_event(const journal::Fact& fact);
  void apply_opened(const journal::Fact& fact);
  void drop_oldest();
  journal::Decision on_alert_fired(const facts::AlertFired& fired) const;
  journal::Decision on_alert_resolved(const std::string& fingerprint) const;
  journal::Decision on_opened(const Incident& incident, Timestamp now) const;
  journal::Decision on_alert_added(const journal::Fact& fact, Timestamp now) const;
  journal::Decision on_catalog_applied(Timestamp now) const;
  journal::Decision on_resolved(const Incident& incident, Timestamp now) const;
  journal::NewFact opened_by(const facts::AlertFired& fired) const;
  Result<const Incident*> allowed(const std::string& id, IncidentCommand command) const;
  const Incident* open_incident_of(const std::string& workload) const;
  std::string next_incident_id() const;
  Clocks clocks(Timestamp now) const { return {.wall = wall_, .ledger = now}; }
  journal::Decision when_due(const Incident& incident, Timestamp now) const;
  /// Which incident answers for an alert that fires, by fingerprint: the newest open one that has
  /// it, else the newest resolved one; an older one's time has passed to it. Not looked for (empty)
  /// while none fires of a resolved one.
  using Answering = std::map<std::string_view, const Incident*>;
  Answering who_answers_for_alerts() const;
  static bool is_left_firing(const Incident& resolved, const IncidentAlert& alert,
                             const Answering& answering);
  std::optional<Timestamp> due_of(const Incident& incident, const Answering& answering) const;
  journal::Decision open_again(const Incident& resolved, const Answering& answering) const;
  /// Empty for a KPI that was never measured, or that the catalog does not have any more: what it
  /// was when it went says nothing about today.
  std::string kpi_status(const std::string& kpi) const;
  /// Name and status of a KPI of the workload that is missed, else at risk; else empty.
  std::pair<std::string, std::string> worst_kpi_of(const std::string& workload) const;

  const catalog::Catalog& catalog_;
  Incidents incidents_;
  std::deque<Event> events_;
  std::map<std::string, std::string> kpis_;  ///< name -> status it changed to last
  Timestamp wall_;                           ///< what the wall clock showed when this turn began
  int incident_count_ = 0;
  int event_count_ = 0;
};

}  // namespace wellrun::respond
