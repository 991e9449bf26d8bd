#pragma once

// An incident, and all that respond keeps about it. Plain data; what may happen to it is in
// incident_fsm.h, who is paged in escalation.h.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/time.h"
#include "journal/fact.h"

namespace wellrun::respond {

enum class IncidentState { kTriggered, kAcknowledged, kMitigated, kResolved };
const char* name_of(IncidentState state);
std::optional<IncidentState> state_named(std::string_view name);

struct IncidentAlert {
  std::string fingerprint, alert;
  bool firing = true;
  Json value;
  std::map<std::string, std::string> labels;
};

struct Page {
  std::string id, person, channel, address;
  int level = 1, round = 1;
  std::string state = "requested";  ///< requested, sent or failed
  std::string detail, error;
  Timestamp at;
};

struct StatusUpdate {
  std::string id, status_page, state, text, by;
  Timestamp at;
  std::optional<Timestamp> next_due;
};

struct Incident {
  std::string id, title, workload, kpi, procedure, policy;
  int severity = 3;
  bool opened_by_alert = true;  ///< else a person says when it is over: alerts only joined it
  IncidentState state = IncidentState::kTriggered;
  Timestamp opened_at;
  std::optional<Timestamp> acknowledged_at, mitigated_at, resolved_at;
  std::string acknowledged_by;
  std::optional<Timestamp> held_since;  ///< acknowledged last; acknowledged_at: first
  std::vector<IncidentAlert> alerts;
  std::map<std::string, std::string> roles;

  int level = 1, round = 1;  ///< of escalation
  bool unpaged = false;      ///< triggered again after it was mitigated, nobody paged yet
  Timestamp level_since;     ///< when that level was paged, or tried in vain, last
  std::vector<Page> pages;   ///< oldest first
  std::optional<Timestamp> quiet_since;  ///< all its alerts resolved then; none while one fires, or
                                         ///< when a person opened it

  std::vector<StatusUpdate> updates;     ///< oldest first
  std::optional<Timestamp> reminded_of;  ///< the promise whose breaking was already told

  bool is_open() const { return state != IncidentState::kResolved; }
  bool any_firing() const;
  /// The promise that stands: of the last update, while the incident is open.
  std::optional<Timestamp> next_update_due() const;
};

/// As a snapshot keeps it.
Json to_json(const Incident& incident);
Result<Incident> incident_from_json(const Json& json);

}  // namespace wellrun::respond
