#pragma once

// `wellrun detect`: anomalies in one series, from stdin to stdout. Needs no server.

#include "cli/commands.h"

namespace wellrun::cli {

void add_detect(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
