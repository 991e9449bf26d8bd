#pragma once

// Completion scripts, made from the tree of commands itself: subcommands, their options, and the
// words an option takes.

#include "cli/commands.h"

namespace wellrun::cli {

/// completion bash|zsh|fish. To be added last: it completes what is there when it runs.
void add_completion(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
