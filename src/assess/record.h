#pragma once

// What assess remembers of every fact: counts, times and the newest proofs. A projection that
// evidence rules read.

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
  bool analysed = false;
  bool severity_changed = false;
  bool told_customers = false;
  std::size_t updates_overdue = 0;
};

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
  std::map<std::string, Tally> deployed;                     ///< environment
  std::map<std::string, std::vector<std::string>>
      versions;  ///< version -> environments in order of success
  std::size_t automated_runs = 0, automated_succeeded = 0;
  std::set<std::string> automated;  ///< ids of runs that an automation started
  std::size_t reversals = 0;
  std::size_t acted_by_people = 0;  ///< approvals, runs and changes by a person during an incident

  Tally of(const std::string& type) const;
};

/// Folds one fact.
void apply(Record& record, const journal::Fact& fact);

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Tally, count, last_at, last_seq)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(IncidentRecord, workload, severity, opened_at, acknowledged_at,
                                   mitigated_at, resolved_at, analysed, severity_changed,
                                   told_customers, updates_overdue)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Record, by_type, alerts_fired, kpi_alerts_fired,
                                   alerts_with_event, alerts_fingerprints, kpi_status,
                                   kpis_reviewed, alert_verdicts, incidents, runs_succeeded,
                                   runs_failed, run_runbook, procedures_used, deployed, versions,
                                   automated_runs, automated_succeeded, automated, reversals,
                                   acted_by_people)

}  // namespace wellrun::assess
