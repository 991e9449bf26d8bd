#pragma once

// What the journal tells of a time, for whoever asks what alerts, KPIs and detectors are worth.
// Keeps of each fact what is asked of it: an alert's evidence is left out. Synchronous, for
// workers.

#include <functional>

#include "health/effectiveness/effectiveness.h"
#include "health/past_facts.h"
#include "journal/store.h"

namespace wellrun::health::effectiveness {

struct Past {
  History history;
  Timestamp from;  ///< it is complete from here on
};

/// From `from` on, or from later where there is more of one type than `most`: what is newest is
/// what counts. `standing`: what fired or was off its target at any time before now and still is,
/// in order of beginning. `names`: of the rules that share a name. kCancelled once `cancelled` (may
/// be empty) says so.
Result<Past> read_past(const journal::Store& journal, Timestamp from, const RuleNames& names,
                       std::vector<Signal> standing, const std::function<bool()>& cancelled,
                       std::size_t most = kMostPastFacts);

}  // namespace wellrun::health::effectiveness
