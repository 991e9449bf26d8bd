#pragma once

// `wellrun journal export | import | verify`, which read and make the journal's file themselves,
// and `journal tail`, which asks the server.

#include "cli/commands.h"

namespace wellrun::cli {

/// After add_client_commands(): they stand in its group.
void add_journal_commands(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
