#pragma once

#include "journal/ledger.h"

namespace wellrun::health {

/// The end of a command of health's own, whose answer nobody waits for: that the journal refused it
/// is logged (at most once a minute), since what it should have recorded reaches nobody. `what`: of
/// static lifetime. `ledger` outlives the command.
journal::Ledger::Done log_refusal(const journal::Ledger& ledger, std::string_view what);

}  // namespace wellrun::health
