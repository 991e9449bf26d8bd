#pragma once

// `wellrun run watch`: a run as it happens.

#include "cli/commands.h"

namespace wellrun::cli {

/// After add_client_commands(): it stands in its group.
void add_run_commands(CLI::App& app, Context& context, int& exit_code);

/// What `now` has beyond what was `printed`. Both may have lost their beginning: output is bounded.
std::string unseen(const std::string& printed, const std::string& now);

}  // namespace wellrun::cli
