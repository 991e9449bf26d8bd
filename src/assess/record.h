#pragma once

// What assess remembers of every fact: counts, times and the newest proofs. A projection that
// evidence rules read.

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/time.h"
#include "journal/fact.h"

namespace wellrun::assess {

/// How often something happened and the last time it did.
struct Tally {
  std::size_t count = 0;
  Timestamp last_at;
  journal::Sequence last_seq = 0;
};

struct IncidentRecord {
  std::string workload;
  int severity = 3;
  Timestamp opened_at;
  std::optional<Timestamp> acknowledged_at, mitigated_at, resolved_at;
  bool analysed = false;         ///< a person wrote in its analysis, or signed it
  bool analysis_signed = false;  ///< by whoever read it
  bool severity_changed = false;
  bool told_customers = false;
  std::size_t updates_overdue = 0;
};

/// A deployment that has ended with success.
struct Delivery {
  std::string environment;
  Timestamp at;
  std::optional<std::int64_t> lead_time_ms;  ///< since its commit, where that was told
};

struct ActionRecord {
  bool finished = false;
  bool expected = false;  ///< it said what it was to change
  std::string effect;     ///< the verdict that was the last; empty until then
};

struct ExperimentRecord {
  std::string state;     ///< how it ended; empty while it runs
  bool learned = false;  ///< somebody said what it taught
};

/// Kept of deliveries: the newest.
inline constexpr std::size_t kDeliveriesKept = 1000;

struct Record {
  std::map<std::string, Tally> by_type;           ///< fact type
  std::map<std::string, Tally> alerts_fired;      ///< alert name
  std::map<std::string, Tally> kpi_alerts_fired;  ///< KPI that the alert watches
  std::set<std::string> alerts_with_event;        ///< fingerprints
  std::set<std::string> alerts_fingerprints;      ///< fired with severity page or ticket
  std::map<std::string, std::string> kpi_status;
  std::map<std::string, Tally> kpis_reviewed;   ///< KPI
  std::map<std::string, Tally> alert_verdicts;  ///< alert name
  std::map<std::string, IncidentRecord> incidents;
  std::map<std::string, Tally> runs_succeeded, runs_failed;  ///< by runbook
  std::map<std::string, std::string> run_runbook;            ///< open run -> runbook
  std::set<std::string> procedures_used;                     ///< runbooks run for an incident
  std::map<std::string, std::string> asked_role;  ///< "run/step" that waits -> who may approve it
  std::set<std::string> runs_judged;              ///< somebody said whether it helped
  std::map<std::string, std::string> analyses;    ///< analysis -> incident
  std::map<std::string, Timestamp> committed;     ///< running deployment -> time of its commit
  std::set<std::string> deployments_started, deployments_ended;
  std::set<std::string> taken_back;  ///< deployments and changes
  std::deque<Delivery> deliveries;   ///< oldest first
  std::map<std::string, std::vector<std::string>>
      versions;  ///< "workload/component@version" -> environments in order of first success
  std::map<std::string, ActionRecord> actions;
  std::map<std::string, ExperimentRecord> experiments;
  std::size_t automated_runs = 0, automated_succeeded = 0;
  std::set<std::string> automated;   ///< ids of runs that an automation started
  std::size_t responders_acted = 0;  ///< approvals that a responder may give, given by a person

  Tally of(const std::string& type) const;
};

/// Folds one fact.
void apply(Record& record, const journal::Fact& fact);

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Tally, count, last_at, last_seq)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(IncidentRecord, workload, severity, opened_at, acknowledged_at,
                                   mitigated_at, resolved_at, analysed, analysis_signed,
                                   severity_changed, told_customers, updates_overdue)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Delivery, environment, at, lead_time_ms)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ActionRecord, finished, expected, effect)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ExperimentRecord, state, learned)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Record, by_type, alerts_fired, kpi_alerts_fired,
                                   alerts_with_event, alerts_fingerprints, kpi_status,
                                   kpis_reviewed, alert_verdicts, incidents, runs_succeeded,
                                   runs_failed, run_runbook, procedures_used, asked_role,
                                   runs_judged, analyses, committed, deployments_started,
                                   deployments_ended, taken_back, deliveries, versions, actions,
                                   experiments, automated_runs, automated_succeeded, automated,
                                   responders_acted)

}  // namespace wellrun::assess
