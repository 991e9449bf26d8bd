#pragma once

// What may happen to an incident in which state. The table is data: it decides, the tests walk it,
// and the documentation is printed from it.
//
//   triggered ──acknowledge──▶ acknowledged ──mitigate──▶ mitigated ──resolve──▶ resolved
//   mitigated ──alert fires──▶ triggered (someone is paged again)

#include <optional>
#include <span>
#include <string>

#include "core/result.h"
#include "respond/incident.h"

namespace wellrun::respond {

enum class IncidentCommand {
  kAcknowledge,
  kEscalate,
  kMitigate,
  kResolve,
  kAddAlert,
  kResolveAlert,
  kAddNote,
  kAssignRole,
  kChangeSeverity,
  kPostUpdate
};
const char* name_of(IncidentCommand command);

struct Transition {
  IncidentState from;
  IncidentCommand command;
  std::optional<IncidentState> to;  ///< std::nullopt: refused
  const char* because;              ///< why it is refused, or what happens
};

/// Every (state, command) pair exactly once.
std::span<const Transition> incident_transitions();

/// The state after `command`; kConflict with the reason when it is refused.
Result<IncidentState> next_state(IncidentState from, IncidentCommand command);

/// The table as Markdown, for docs/.
std::string incident_transitions_markdown();

}  // namespace wellrun::respond
