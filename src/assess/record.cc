#include "assess/record.h"

#include <fmt/format.h>

#include "facts/change.h"
#include "facts/improve.h"
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
}

/// A draft is written by the server: only what people do with it is learning.
void apply_analysis(Record& record, const journal::Fact& fact) {
  const auto analysis = text_or(fact.body, "analysis");
  if (fact.type == facts::AnalysisDrafted::kType) {
    record.analyses[analysis] = text_or(fact.body, "incident");
    return;
  }
  const auto known = record.analyses.find(analysis);
  if (known == record.analyses.end() || !is_person(fact.actor)) return;
  const auto incident = record.incidents.find(known->second);
  if (incident == record.incidents.end()) return;
  incident->second.analysed = true;
  if (fact.type == facts::AnalysisSigned::kType) incident->second.analysis_signed = true;
}

void apply_action(Record& record, const journal::Fact& fact) {
  auto& action = record.actions[text_or(fact.body, "action")];
  if (fact.type == facts::ActionFinished::kType) action.finished = true;
  if (fact.type == facts::ActionEffectExpected::kType) action.expected = true;
  if (fact.type != facts::ActionEffectJudged::kType) return;
  const auto verdict = fact.body.get<facts::ActionEffectJudged>().verdict;
  if (verdict.last) action.effect = verdict.state;
}

void apply_experiment(Record& record, const journal::Fact& fact) {
  auto& experiment = record.experiments[text_or(fact.body, "experiment")];
  if (fact.type == facts::ExperimentEnded::kType) experiment.state = text_or(fact.body, "state");
  if (fact.type == facts::ExperimentLearned::kType) experiment.learned = true;
}

std::string step_of(const journal::Fact& fact) {
  return text_or(fact.body, "run") + "/" + text_or(fact.body, "step");
}

/// Refusing is not acting, and what only an operator may approve does not show that responders act.
void apply_approval(Record& record, const journal::Fact& fact) {
  if (fact.type == facts::RunApprovalRequested::kType) {
    record.asked_role[step_of(fact)] = text_or(fact.body, "role");
    return;
  }
  const auto asked = record.asked_role.extract(step_of(fact));
  if (asked && asked.mapped() == "responder" && bool_or(fact.body, "approved", false) &&
      is_person(fact.actor))
    ++record.responders_acted;
}

void apply_run(Record& record, const journal::Fact& fact) {
  const auto run = text_or(fact.body, "run");
  if (fact.type == facts::RunStarted::kType) {
    record.run_runbook[run] = text_or(fact.body, "runbook");
    if (!text_or(fact.body, "incident").empty())
      record.procedures_used.insert(text_or(fact.body, "runbook"));
  } else if (fact.type == facts::RunApprovalRequested::kType ||
             fact.type == facts::RunApproved::kType) {
    apply_approval(record, fact);
  } else if (fact.type == facts::RunVerdictGiven::kType) {
    record.runs_judged.insert(run);
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

void deployment_succeeded(Record& record, const journal::Fact& fact) {
  const auto environment = text_or(fact.body, "environment");
  const auto committed = record.committed.find(text_or(fact.body, "deployment"));
  Delivery delivery{.environment = environment, .at = fact.time, .lead_time_ms = {}};
  if (committed != record.committed.end()) {
    if (const auto took = facts::lead_time(committed->second, fact.time))
      delivery.lead_time_ms = took->count();
  }
  record.deliveries.push_back(std::move(delivery));
  if (record.deliveries.size() > kDeliveriesKept) record.deliveries.pop_front();
  auto& places =
      record.versions[fmt::format("{}/{}@{}", text_or(fact.body, "workload"),
                                  text_or(fact.body, "component"), text_or(fact.body, "version"))];
  if (std::ranges::find(places, environment) == places.end()) places.push_back(environment);
}

void apply_deployment(Record& record, const journal::Fact& fact) {
  const auto id = text_or(fact.body, "deployment");
  if (fact.type == facts::DeploymentStarted::kType) {
    record.deployments_started.insert(id);
    if (const auto committed = parse_rfc3339(text_or(fact.body, "commit_time")))
      record.committed[id] = *committed;
  } else if (fact.type == facts::DeploymentFinished::kType) {
    const bool is_first = record.deployments_ended.insert(id).second;
    const auto outcome = text_or(fact.body, "outcome");
    if (outcome == "rolled_back") record.taken_back.insert(id);
    if (outcome == "succeeded" && is_first) deployment_succeeded(record, fact);
    record.committed.erase(id);
  }
}

}  // namespace

Tally Record::of(const std::string& type) const {
  const auto found = by_type.find(type);
  return found == by_type.end() ? Tally{} : found->second;
}

void apply(Record& record, const journal::Fact& fact) {
  count(record.by_type[fact.type], fact);
  if (fact.type.starts_with("incident.") || fact.type.starts_with("status."))
    apply_incident(record, fact);
  if (fact.type.starts_with("analysis.")) apply_analysis(record, fact);
  if (fact.type.starts_with("action.")) apply_action(record, fact);
  if (fact.type.starts_with("experiment.")) apply_experiment(record, fact);
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
    record.taken_back.insert(text_or(fact.body, "reverses"));
  if (fact.type == facts::AutomationTriggered::kType) {
    ++record.automated_runs;
    record.automated.insert(text_or(fact.body, "run"));
  }
}

}  // namespace wellrun::assess
