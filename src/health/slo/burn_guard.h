#pragma once

// Whether there is enough in a window to say that a budget burns. Pure.
//
// One failing request at night is no reason to wake anyone: a burn counts with minimumEvents
// events, minimumBadEvents bad ones and, where events are counted, so many bad ones that a burn at
// the threshold would have fewer in 19 cases of 20 (exact binomial test). Of a composite the
// objectives that have too little are left out.

#include <span>
#include <string>

#include "health/slo/budget.h"

namespace wellrun::health {

/// Bad ones, in whole numbers.
double bad_of(const EventCounts& counts);

/// A sample of a stored ratio stands for nobody knows how many events: it is neither good nor bad.
bool is_stored_ratio(const catalog::Slo& slo);

/// Whether what is counted are events that are good or bad independently of each other.
bool counts_events(const catalog::Slo& slo);

/// Why so few events are no reason to do anything; empty when they are. Not of composites.
std::string too_few(const catalog::Slo& slo, const EventCounts& events, const std::string& over);

/// Why so many bad events say nothing when each is bad with chance `allowed`; empty when they do.
std::string may_be_chance(const EventCounts& events, double allowed, const std::string& over);

/// Why a burn faster than `threshold` is no reason to alert; empty when it is. `parts`:
/// slo.parts(), `events` those of each in the long window.
std::string too_little(const catalog::Slo& slo, std::span<const catalog::Slo> parts,
                       std::span<const EventCounts> events, double threshold,
                       const std::string& over);

/// What an alert says of the guard.
std::string least_words(const catalog::Slo& slo, const BurnRate& burn);

}  // namespace wellrun::health
