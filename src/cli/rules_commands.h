#pragma once

// `wellrun rules …`: check and test of rule files without a server, and what needs one.

#include "cli/commands.h"

namespace wellrun::cli {

void add_rules_commands(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
