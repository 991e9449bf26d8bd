#pragma once

// The command line's tree: what `wellrun --help` prints is its table of contents.

#include <functional>
#include <string>
#include <vector>

#include "cli/api.h"
#include "cli/render.h"
#include "platform/config/settings.h"

namespace CLI {
class App;
}

namespace wellrun::cli {

/// What every command sees of the outside. Made once in main().
struct Context {
  ApiOptions api;
  config::Settings client;  ///< how `api` is told: --server, --token, --ca-file
  bool json = false;        ///< --output json
  Terminal terminal;
  std::function<bool(const std::string&)> out;  ///< standard output; false: it takes no more
  std::function<void(const std::string&)> err;
};

/// Exit codes: 0 done, 1 a check did not hold (check, assess --fail-under, verify), 2 usage or
/// refused, 3 the server could not be reached or failed.
int exit_code_of(ErrorCode code);
/// Prints the error with what to do; returns its exit code.
int report(const Context& context, const Error& error);

/// "10%" or "0.1" is 0.1. kInvalid for what is neither.
Result<double> share_of(std::string_view text);

/// Adds every command that only asks the server; `exit_code` is set by the one that runs.
void add_client_commands(CLI::App& app, Context& context, int& exit_code);

}  // namespace wellrun::cli
