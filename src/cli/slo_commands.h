#pragma once

// `wellrun slo report`: error budgets, what used them up and what that closes; `wellrun kpi tree`:
// from outcomes to signals; `wellrun deploy gate`: may a deployment go ahead?

#include "cli/commands.h"

namespace wellrun::cli {

/// After add_client_commands(), which makes the groups.
void add_slo_commands(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
