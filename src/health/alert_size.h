#pragma once

// An alert is recorded whatever its size: what does not fit into a fact is cut. Pure.

#include <map>
#include <string>
#include <string_view>

#include "facts/health.h"

namespace wellrun::health {

/// Bytes of an alert.fired as text. Below the journal's bound, since what follows from it repeats
/// its labels beside words of its own.
inline constexpr std::size_t kMostAlertBytes = 12 * 1024;

/// `fired` as it is when it fits into kMostAlertBytes; else its texts and the values of its labels
/// are cut (each ends with "…"), the values of its evidence are left out from the back, and at last
/// annotations and labels are, so that it fits. What identifies it stays: fingerprint, rule, names.
facts::AlertFired fitted(facts::AlertFired fired);

/// Whether `kept` is `whole`, or what fitted() cuts it to.
bool is_fitted(std::string_view kept, std::string_view whole);

/// Whether an alert that was recorded with the labels `kept` may be of a rule that declares
/// `labels`: it has those of them that are no templates.
bool has_fixed_labels(const std::map<std::string, std::string>& kept,
                      const std::map<std::string, std::string>& labels);

}  // namespace wellrun::health
