#pragma once

// `wellrun assess`: every practice with its evidence, and what to do next.

#include "cli/commands.h"

namespace wellrun::cli {

/// An answer of GET /api/v1/assessment as a person reads it: the practices of each area with
/// figure and next step, those that no rule looks at yet in one line, the score, and the three
/// steps that gain the most.
std::string assessment_text(const Json& assessment, const Terminal& terminal);

/// Adds `assess`; `exit_code` is set when it runs.
void add_assess(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
