#pragma once

// `wellrun analysis show`: a post-incident analysis as text, each sentence with the facts that it
// rests on.

#include "cli/commands.h"

namespace wellrun::cli {

/// An answer of GET /api/v1/analyses/{id} as a person reads it.
std::string analysis_text(const Json& analysis, const Terminal& terminal);

/// Adds them to the group `analysis`, which add_client_commands() has made.
void add_analysis_commands(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
