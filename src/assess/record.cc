#include "assess/record.h"

#include "facts/change.h"
#include "facts/procedures.h"

namespace wellrun::assess {
namespace {

void count(Tally& tally, const journal::Fact& fact) {
  ++tally.count;
  tally.last_at = fact.time;
  tally.last_seq = fact.seq;
}

bool is_person(std::string_view actor) {
  return actor.starts_with("person:") || actor.starts_with("token:") || actor.starts_with("link:");
}

void apply_incident(Record& record, const journal::Fact& fact) {
  const auto id = text_or(fact.body, "incident");
  if (fact.type == "incident.opened") {
    record.incidents[id] = {.workload = text_or(fact.body, "workload"),
                            .severity = static_cast<int>(number_or(fact.body, "severity", 3)),
                            .opened_at = fact.time};
    return;
  }
  const auto found = record.incidents.find(id);
  if (found == record.incidents.end()) return;
  auto& incident = found->second;
  if (fact.type == "incident.acknowledged" && !incident.acknowledged_at)
    incident.acknowledged_at = fact.time;
  if (fact.type == "incident.mitigated" && !incident.mitigated_at)
    incident.mitigated_at = fact.time;
  if (fact.type == "incident.resolved") incident.resolved_at = fact.time;
  if (fact.type == "incident.severity_changed") incident.severity_changed = true;
  if (fact.type == "status.posted") incident.told_customers = true;
  if (fact.type == "status.update_due") ++incident.updates_overdue;
  if (fact.type == "analysis.drafted") incident.analysed = true;
}

void apply_run(Record& record, const journal::Fact& fact) {
  const auto run = text_or(fact.body, "run");
  if (fact.type == facts::RunStarted::kType) {
    record.run_runbook[run] = text_or(fact.body, "runbook");
    if (!text_or(fact.body, "incident").empty())
      record.procedures_used.insert(text_or(fact.body, "runbook"));
  } else if (fact.type == facts::RunApproved::kType) {
    if (is_person(fact.actor)) ++record.acted_by_people;
  } else if (fact.type == facts::RunFinished::kType) {
    const bool succeeded = text_or(fact.body, "outcome") == "succeeded";
    auto& tallies = succeeded ? record.runs_succeeded : record.runs_failed;
    count(tallies[text_or(fact.body, "runbook")], fact);
    record.run_runbook.erase(run);
    if (record.automated.erase(run) > 0 && succeeded) ++record.automated_succeeded;
  }
}

void apply_alert(Record& record, const journal::Fact& fact) {
  count(record.alerts_fired[text_or(fact.body, "alert")], fact);
  if (const auto kpi = text_or(fact.body, "kpi"); !kpi.empty())
    count(record.kpi_alerts_fired[kpi], fact);
  const auto severity = text_or(fact.body, "severity");
  if (severity == "page" || severity == "ticket")
    record.alerts_fingerprints.insert(text_or(fact.body, "fingerprint"));
}

void apply_deployment(Record& record, const journal::Fact& fact) {
  if (fact.type != facts::DeploymentFinished::kType) return;
  const auto outcome = text_or(fact.body, "outcome");
  count(record.deployed[text_or(fact.body, "environment")], fact);
  if (outcome == "rolled_back") ++record.reversals;
  if (outcome == "succeeded") {
    record.versions[text_or(fact.body, "component") + "@" + text_or(fact.body, "version")]
        .push_back(text_or(fact.body, "environment"));
  }
}

}  // namespace

Tally Record::of(const std::string& type) const {
  const auto found = by_type.find(type);
  return found == by_type.end() ? Tally{} : found->second;
}

void apply(Record& record, const journal::Fact& fact) {
  count(record.by_type[fact.type], fact);
  if (fact.type.starts_with("incident.") || fact.type.starts_with("status.") ||
      fact.type == "analysis.drafted")
    apply_incident(record, fact);
  if (fact.type.starts_with("run.")) apply_run(record, fact);
  if (fact.type == "alert.fired") apply_alert(record, fact);
  if (fact.type == "event.recorded")
    record.alerts_with_event.insert(text_or(fact.body, "fingerprint"));
  if (fact.type == "kpi.status_changed")
    record.kpi_status[text_or(fact.body, "kpi")] = text_or(fact.body, "to");
  if (fact.type == "kpi.reviewed") count(record.kpis_reviewed[text_or(fact.body, "kpi")], fact);
  if (fact.type == "alert.verdict_given")
    count(record.alert_verdicts[text_or(fact.body, "alert")], fact);
  if (fact.type.starts_with("deployment.")) apply_deployment(record, fact);
  if (fact.type == facts::ChangeRecorded::kType && !text_or(fact.body, "reverses").empty())
    ++record.reversals;
  if (fact.type == facts::AutomationTriggered::kType) {
    ++record.automated_runs;
    record.automated.insert(text_or(fact.body, "run"));
  }
}

}  // namespace wellrun::assess
