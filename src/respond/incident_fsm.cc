#include "respond/incident_fsm.h"

#include <array>

#include "core/assert.h"

namespace wellrun::respond {
namespace {

using enum IncidentState;
using enum IncidentCommand;

constexpr auto kOver = "the incident is resolved; open a new one";

constexpr std::array kTransitions = {
    Transition{kTriggered, kAcknowledge, kAcknowledged, "paging stops"},
    Transition{kTriggered, kEscalate, kTriggered, "the next level is paged"},
    Transition{kTriggered, kMitigate, kMitigated, "customers are well again; paging stops"},
    Transition{kTriggered, kResolve, kResolved, "over"},
    Transition{kTriggered, kAddAlert, kTriggered, "grouped into it; no further page"},
    Transition{kTriggered, kResolveAlert, kTriggered,
               "mitigated once all stay resolved for a minute, unless a person opened it"},
    Transition{kTriggered, kAddNote, kTriggered, "noted"},
    Transition{kTriggered, kAssignRole, kTriggered, "assigned"},
    Transition{kTriggered, kChangeSeverity, kTriggered, "changed"},
    Transition{kTriggered, kPostUpdate, kTriggered, "posted"},

    Transition{kAcknowledged, kAcknowledge, std::nullopt, "somebody has acknowledged it already"},
    Transition{kAcknowledged, kEscalate, kTriggered,
               "the next level is paged and has to acknowledge"},
    Transition{kAcknowledged, kMitigate, kMitigated, "customers are well again"},
    Transition{kAcknowledged, kResolve, kResolved, "over"},
    Transition{kAcknowledged, kAddAlert, kAcknowledged,
               "grouped into it; no page, someone is on it"},
    Transition{kAcknowledged, kResolveAlert, kAcknowledged,
               "mitigated once all stay resolved for a minute, unless a person opened it"},
    Transition{kAcknowledged, kAddNote, kAcknowledged, "noted"},
    Transition{kAcknowledged, kAssignRole, kAcknowledged, "assigned"},
    Transition{kAcknowledged, kChangeSeverity, kAcknowledged, "changed"},
    Transition{kAcknowledged, kPostUpdate, kAcknowledged, "posted"},

    Transition{kMitigated, kAcknowledge, std::nullopt, "it is mitigated: nobody is paged any more"},
    Transition{kMitigated, kEscalate, kTriggered, "it was not over: the next level is paged"},
    Transition{kMitigated, kMitigate, std::nullopt, "it is mitigated already"},
    Transition{kMitigated, kResolve, kResolved, "over"},
    Transition{kMitigated, kAddAlert, kTriggered,
               "it was not over: the first level is paged again"},
    Transition{kMitigated, kResolveAlert, kMitigated, "still mitigated"},
    Transition{kMitigated, kAddNote, kMitigated, "noted"},
    Transition{kMitigated, kAssignRole, kMitigated, "assigned"},
    Transition{kMitigated, kChangeSeverity, kMitigated, "changed"},
    Transition{kMitigated, kPostUpdate, kMitigated, "posted"},

    Transition{kResolved, kAcknowledge, std::nullopt, kOver},
    Transition{kResolved, kEscalate, std::nullopt, kOver},
    Transition{kResolved, kMitigate, std::nullopt, kOver},
    Transition{kResolved, kResolve, std::nullopt, "it is resolved already"},
    Transition{kResolved, kAddAlert, std::nullopt, kOver},
    Transition{kResolved, kResolveAlert, kResolved, "only its alert's mark changes"},
    Transition{kResolved, kAddNote, kResolved, "noted: what was learned later belongs here too"},
    Transition{kResolved, kAssignRole, std::nullopt, kOver},
    Transition{kResolved, kChangeSeverity, kResolved,
               "changed: what it was is often known only later"},
    Transition{kResolved, kPostUpdate, kResolved, "posted: customers may be told more"},
};

}  // namespace

const char* name_of(IncidentState state) {
  switch (state) {
    case kTriggered:
      return "triggered";
    case kAcknowledged:
      return "acknowledged";
    case kMitigated:
      return "mitigated";
    case kResolved:
      return "resolved";
  }
  return "?";
}

std::optional<IncidentState> state_named(std::string_view name) {
  for (const auto state : {kTriggered, kAcknowledged, kMitigated, kResolved}) {
    if (name == name_of(state)) return state;
  }
  return std::nullopt;
}

const char* name_of(IncidentCommand command) {
  switch (command) {
    case kAcknowledge:
      return "acknowledge";
    case kEscalate:
      return "escalate";
    case kMitigate:
      return "mitigate";
    case kResolve:
      return "resolve";
    case kAddAlert:
      return "add_alert";
    case kResolveAlert:
      return "resolve_alert";
    case kAddNote:
      return "add_note";
    case kAssignRole:
      return "assign_role";
    case kChangeSeverity:
      return "change_severity";
    case kPostUpdate:
      return "post_update";
  }
  return "?";
}

std::span<const Transition> incident_transitions() {
  return kTransitions;
}

Result<IncidentState> next_state(IncidentState from, IncidentCommand command) {
  const auto found = std::ranges::find_if(
      kTransitions, [&](const auto& each) { return each.from == from && each.command == command; });
  WELLRUN_ASSERT(found != kTransitions.end(), "a pair is missing in the table of incidents");
  if (!found->to) {
    return fail(ErrorCode::kConflict, fmt::format("cannot {} an incident that is {}: {}",
                                                  name_of(command), name_of(from), found->because));
  }
  return *found->to;
}

std::string incident_transitions_markdown() {
  std::string text = "| state | command | then | what |\n|---|---|---|---|\n";
  for (const auto& each : kTransitions) {
    text += fmt::format("| {} | {} | {} | {} |\n", name_of(each.from), name_of(each.command),
                        each.to ? name_of(*each.to) : "refused", each.because);
  }
  return text;
}

}  // namespace wellrun::respond
