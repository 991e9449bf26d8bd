#pragma once

// What is executed for a request: checked, and wrapped in bubblewrap for a sandbox. Pure, but for a
// look at what the hidden paths are.

#include <string>
#include <vector>

#include "platform/process/process.h"

namespace wellrun {

struct CommandLine {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< "NAME=value"
  /// NUL-terminated options that bubblewrap reads from file descriptor 3, so that secrets of the
  /// environment show in no process list; empty without a sandbox.
  std::string sandbox_options;
};

/// kInvalid as ProcessRunner::run() says.
Result<CommandLine> command_line_of(const ProcessRequest& request,
                                    const ProcessRunnerOptions& options);

/// What bubblewrap itself complained about, as an error that says what to do.
Error sandbox_error(std::string_view first_line);

}  // namespace wellrun
