#include "health/operations/operations_record.h"

#include <algorithm>

#include "catalog/production.h"
#include "facts/change.h"
#include "facts/health.h"
#include "facts/improve.h"
#include "facts/procedures.h"
#include "facts/respond.h"

namespace wellrun::health::operations {
namespace {

template <typename List>
void keep_newest(List& list) {
  while (list.size() > kMostKept) list.pop_front();
}

Shipment* shipment(OperationsRecord& record, const std::string& id) {
  const auto found = std::ranges::find(record.shipments, id, &Shipment::id);
  return found == record.shipments.end() ? nullptr : &*found;
}

void opened(OperationsRecord& record, const journal::Fact& fact) {
  IncidentTimes incident{.id = text_or(fact.body, "incident"),
                         .workload = text_or(fact.body, "workload"),
                         .opened_at = fact.time};
  const auto began = record.began.find(text_or(fact.body, "fingerprint"));
  if (began != record.began.end()) incident.began_at = began->second;
  for (auto each = record.shipments.rbegin(); each != record.shipments.rend(); ++each) {
    if (fact.time - each->started_at > kBlameWindow) break;
    if (each->workload != incident.workload || !each->in_production) continue;
    each->recovery.incident_opened(fact.time);  // the newest is the likeliest
    if (each->incident.empty()) each->incident = incident.id;
    break;
  }
  record.incidents.push_back(std::move(incident));
  keep_newest(record.incidents);
}

void apply_incident(OperationsRecord& record, const journal::Fact& fact) {
  if (fact.type == facts::IncidentOpened::kType) return opened(record, fact);
  auto* incident = record.incident(text_or(fact.body, "incident"));
  if (incident == nullptr) return;
  const auto first = [&](std::optional<Timestamp>& at) {
    if (!at) at = fact.time;
  };
  if (fact.type == facts::IncidentAcknowledged::kType) first(incident->acknowledged_at);
  if (fact.type == facts::IncidentMitigated::kType) first(incident->mitigated_at);
  if (fact.type != facts::IncidentResolved::kType) return;
  incident->resolved_at = fact.time;
  for (auto& each : record.shipments) {
    if (each.incident == incident->id) each.recovery.incident_resolved(fact.time);
  }
}

/// Deployments that repair what an earlier one, or an open incident, broke.
bool is_rework(const OperationsRecord& record, const Shipment& next) {
  const bool open_incident = std::ranges::any_of(record.incidents, [&](const IncidentTimes& each) {
    return each.workload == next.workload && !each.resolved_at;
  });
  const bool after_failure = std::ranges::any_of(record.shipments, [&](const Shipment& each) {
    return each.failed() && each.workload == next.workload && each.component == next.component &&
           each.in_production && next.started_at - each.started_at <= kReworkWindow;
  });
  return open_incident || after_failure;
}

void started(OperationsRecord& record, const catalog::Catalog& catalog, const journal::Fact& fact) {
  const auto what = fact.body.get<facts::DeploymentStarted>();
  Shipment next{.id = what.deployment,
                .workload = what.workload,
                .component = what.component,
                .in_production = catalog::is_production(catalog, what.environment),
                .started_at = fact.time};
  if (const auto committed = parse_rfc3339(what.commit_time)) next.committed_at = *committed;
  next.rework = next.in_production && is_rework(record, next);
  record.shipments.push_back(std::move(next));
  keep_newest(record.shipments);
}

void finished(OperationsRecord& record, const journal::Fact& fact) {
  const auto what = fact.body.get<facts::DeploymentFinished>();
  auto* known = shipment(record, what.deployment);
  if (known == nullptr) return;
  known->outcome = what.outcome;
  known->recovery.finished(what.outcome, known->finished_at.value_or(known->started_at), fact.time);
  if (!known->finished_at) known->finished_at = fact.time;
}

void apply_run(OperationsRecord& record, const journal::Fact& fact) {
  const auto run = text_or(fact.body, "run");
  if (fact.type == facts::RunStarted::kType) {
    record.open_runs[run] = {.workload = text_or(fact.body, "workload"),
                             .by_hand = text_or(fact.body, "parent_run").empty() &&
                                        !text_or(fact.body, "by").starts_with("automation:")};
    return;
  }
  if (fact.type != facts::RunFinished::kType) return;
  const auto open = record.open_runs.extract(run);
  if (!open) return;
  record.runs.push_back(
      {.workload = open.mapped().workload,
       .at = fact.time,
       .duration_ms = static_cast<std::int64_t>(number_or(fact.body, "duration_ms", 0)),
       .by_hand = open.mapped().by_hand});
  keep_newest(record.runs);
}

void apply_action(OperationsRecord& record, const journal::Fact& fact) {
  const auto id = text_or(fact.body, "action");
  if (fact.type == facts::ActionCreated::kType) {
    record.actions[id] = {
        .owner = text_or(fact.body, "owner"), .created_at = fact.time, .finished_at = {}};
  }
  if (fact.type != facts::ActionFinished::kType) return;  // expected, judged: as open as before
  const auto known = record.actions.find(id);
  if (known != record.actions.end()) known->second.finished_at = fact.time;
}

}  // namespace

IncidentTimes* OperationsRecord::incident(const std::string& id) {
  const auto found = std::ranges::find(incidents, id, &IncidentTimes::id);
  return found == incidents.end() ? nullptr : &*found;
}

void apply(OperationsRecord& record, const catalog::Catalog& catalog, const journal::Fact& fact) {
  const std::string_view type = fact.type;
  if (type == facts::AlertFired::kType) {
    if (const auto since = parse_rfc3339(text_or(fact.body, "active_since")))
      record.began[text_or(fact.body, "fingerprint")] = *since;
  } else if (type == facts::AlertResolved::kType) {
    record.began.erase(text_or(fact.body, "fingerprint"));
  } else if (type.starts_with("incident.")) {
    apply_incident(record, fact);
  } else if (type == facts::DeploymentStarted::kType) {
    started(record, catalog, fact);
  } else if (type == facts::DeploymentFinished::kType) {
    finished(record, fact);
  } else if (type == facts::PageSent::kType) {
    const auto* incident = record.incident(text_or(fact.body, "incident"));
    record.pages.push_back({.person = text_or(fact.body, "person"),
                            .workload = incident == nullptr ? "" : incident->workload,
                            .at = fact.time});
    keep_newest(record.pages);
  } else if (type.starts_with("run.")) {
    apply_run(record, fact);
  } else if (type.starts_with("action.")) {
    apply_action(record, fact);
  }
}

}  // namespace wellrun::health::operations
