#pragma once

// `wellrun slo report`: error budgets, what used them up and what that closes; `wellrun kpi tree`:
// from outcomes to signals; `wellrun deploy gate`: may a deployment go ahead?

#include "cli/commands.h"

namespace wellrun::cli {

/// Which period of an SLO's window is reported, behind its length: ", rolling", " since …", and
/// what is known of a calendar's that has not begun, or of one before the first evaluation.
std::string period_words(const Json& slo, Timestamp now);

/// After add_client_commands(), which makes the groups.
void add_slo_commands(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
