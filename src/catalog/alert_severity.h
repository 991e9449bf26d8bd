#pragma once

// What the word that people give an alert as its severity does: one meaning in rules and in OpenSLO
// documents. Pure. docs/rules.md has the table.

#include <string>
#include <string_view>

namespace wellrun::catalog {

/// page for page, critical, high, sev1, sev2, P1 and 1; ticket for ticket, warning, medium, sev3,
/// P2, P3, 2 and 3; info for anything else, and for nothing. Capital letters do not matter.
std::string alert_severity(std::string_view word);

/// Whether a label may turn out as `severity`: it does, or is a template that holds a word for it.
bool may_be_severity(std::string_view label, std::string_view severity);

}  // namespace wellrun::catalog
