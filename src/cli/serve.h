#pragma once

#include "cli/commands.h"

namespace wellrun::cli {

/// `wellrun serve`: settings from flags, environment and file, then the server until SIGINT or
/// SIGTERM.
void add_serve(CLI::App& app, Context& context, int& exit_code);

/// `wellrun config show|check|example`: the same settings, without starting anything.
void add_config(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
