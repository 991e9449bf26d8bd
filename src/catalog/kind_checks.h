#pragma once

// What the fields of one kind must agree on among each other and with what they refer to.

#include <span>
#include <vector>

#include "catalog/load.h"

namespace wellrun::catalog {

/// Appends to both lists. References that lead nowhere are passed over: they are reported
/// elsewhere.
void check_kinds(const std::vector<Declared>& items, const Catalog& wanted,
                 std::vector<Problem>& problems, std::vector<Problem>& notes);

/// Appends a note for each SLO that is measured over less than its time window.
void note_retention(std::span<const Declared> items, const Catalog& wanted, Duration retention,
                    std::vector<Problem>& notes);

}  // namespace wellrun::catalog
