#pragma once

#include "cli/commands.h"

namespace wellrun::cli {

/// `wellrun serve`: settings from flags and environment, then the server until SIGINT or SIGTERM.
void add_serve(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
