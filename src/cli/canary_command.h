#pragma once

// `wellrun canary judge`: the judge on standard input, without a server.

#include "cli/commands.h"

namespace wellrun::cli {

/// canary judge.
void add_canary_commands(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
