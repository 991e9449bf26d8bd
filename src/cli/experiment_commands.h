#pragma once

#include "cli/commands.h"

namespace wellrun::cli {

/// `wellrun experiment start`: its guard rails need more than the table of commands has.
void add_experiment_commands(CLI::App& app, Context& context, int& exit_code);

/// "higher:5%:checkout-errors" as the API has a guard rail: which way is harm, how much of it, of
/// what (a Kpi or PromQL, which may hold colons). kInvalid says how one is written.
Result<Json> guard_rail_of(std::string_view text);

}  // namespace wellrun::cli
