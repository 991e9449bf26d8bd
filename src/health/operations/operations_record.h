#pragma once

// What the figures of operations are computed from: when incidents were noticed, answered and
// ended, what was deployed and what it broke, who was paged, what ran by itself and what by hand,
// which actions wait. A fold of facts; plain data.

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "core/json.h"
#include "facts/recovery.h"
#include "journal/fact.h"

namespace wellrun::health::operations {

/// An incident that opens this soon after a deployment to its workload counts against it.
inline constexpr Duration kBlameWindow{3'600'000};
/// A deployment of the same component this soon after one that failed repairs it.
inline constexpr Duration kReworkWindow{24 * 3'600'000};
/// Older and closed things than these many of a kind are only in the journal.
inline constexpr std::size_t kMostKept = 5000;

struct IncidentTimes {
  std::string id, workload;
  Timestamp opened_at;
  std::optional<Timestamp> began_at;  ///< when the alert's expression first held
  std::optional<Timestamp> acknowledged_at, mitigated_at, resolved_at;
};

struct Shipment {
  std::string id, workload, component;
  bool in_production = true;
  Timestamp started_at;
  std::optional<Timestamp> finished_at, committed_at;
  std::string outcome;   ///< empty while it is under way
  std::string incident;  ///< that it is blamed for
  facts::Recovery
      recovery;  ///< failed when it failed, was rolled back, or is blamed for an incident
  bool rework =
      false;  ///< it began while an incident of its workload was open, or soon after a failure

  bool failed() const { return recovery.failed_at.has_value(); }
};

struct PageTo {
  std::string person, workload;
  Timestamp at;
};

struct RunTimes {
  std::string workload;
  Timestamp at;  ///< when it ended
  std::int64_t duration_ms = 0;
  bool by_hand = true;  ///< a person started it, no automation and no other run
};

struct OpenRun {
  std::string workload;
  bool by_hand = true;
};

struct ActionTimes {
  std::string owner;
  Timestamp created_at;
  std::optional<Timestamp> finished_at;
};

struct OperationsRecord {
  std::deque<IncidentTimes> incidents;  ///< oldest first, as all of these
  std::deque<Shipment> shipments;
  std::deque<PageTo> pages;
  std::deque<RunTimes> runs;
  std::map<std::string, ActionTimes> actions;
  std::map<std::string, OpenRun> open_runs;
  std::map<std::string, Timestamp> began;  ///< firing alert -> since when it held

  IncidentTimes* incident(const std::string& id);
};

/// Folds one fact. `catalog`: for which environments customers use.
void apply(OperationsRecord& record, const catalog::Catalog& catalog, const journal::Fact& fact);

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(IncidentTimes, id, workload, opened_at, began_at,
                                   acknowledged_at, mitigated_at, resolved_at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Shipment, id, workload, component, in_production, started_at,
                                   finished_at, committed_at, outcome, incident, recovery, rework)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PageTo, person, workload, at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RunTimes, workload, at, duration_ms, by_hand)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(OpenRun, workload, by_hand)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ActionTimes, owner, created_at, finished_at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(OperationsRecord, incidents, shipments, pages, runs, actions,
                                   open_runs, began)

}  // namespace wellrun::health::operations
