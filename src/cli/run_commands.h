#pragma once

// `wellrun run watch`, a run as it happens, and `wellrun run approve`.

#include "cli/commands.h"
#include "core/json.h"

namespace wellrun::cli {

/// After add_client_commands(): it stands in its group.
void add_run_commands(CLI::App& app, Context& context, int& exit_code);

/// Of `run`, as the API has it, the step that is to be approved: the one of that name or index, or
/// when `named` is empty the one that waits now. kConflict when none waits, kNotFound when the run
/// has no such step.
Result<Json> step_to_approve(const Json& run, const std::string& named);

/// What `now` has beyond what was `printed`. Both may have lost their beginning: output is bounded.
std::string unseen(const std::string& printed, const std::string& now);

}  // namespace wellrun::cli
