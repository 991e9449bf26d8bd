#pragma once

// Commands that need no server, or more than one question to it: operations as code.

#include "cli/commands.h"

namespace wellrun::cli {

/// init, check, plan, diff, apply, export, get.
void add_catalog_commands(CLI::App& app, Context& context, int& exit_code);

/// backup.
void add_backup(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
