#pragma once

// An incident out of its facts: what the domain does as they come, and how one is read again that
// is only in the journal any more. Pure but for what reads the store.

#include <optional>
#include <string>

#include "journal/store.h"
#include "respond/incident.h"

namespace wellrun::respond {

/// "inc-0007" for 7, and back.
std::string incident_id(int number);
std::optional<int> incident_number(std::string_view id);

/// Oldest first: "inc-9999" comes before "inc-10000".
struct IncidentIdOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    return std::pair(a.size(), std::string_view(a)) < std::pair(b.size(), std::string_view(b));
  }
};

/// Alerts that an incident knows: beyond that, the oldest that are over are only in the journal.
/// What fires is never forgotten.
inline constexpr std::size_t kMaxAlertsPerIncident = 2000;

/// Out of its incident.opened.
Incident begin_incident(const journal::Fact& opened);

/// Folds one further fact of its stream into it. Never fails: a fact that was accepted once must
/// apply for ever.
void apply(Incident& incident, const journal::Fact& fact);

/// kNotFound when the journal knows no such incident. Cost: its facts.
Result<Incident> read_incident(const journal::Store& store, const std::string& id);

Error no_incident(const std::string& id);

}  // namespace wellrun::respond
