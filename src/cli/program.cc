#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <sstream>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/analysis_commands.h"
#include "cli/assess_command.h"
#include "cli/canary_command.h"
#include "cli/completion.h"
#include "cli/contents.h"
#include "cli/detect.h"
#include "cli/experiment_commands.h"
#include "cli/journal_commands.h"
#include "cli/offline_commands.h"
#include "cli/rules_commands.h"
#include "cli/run_commands.h"
#include "cli/serve.h"
#include "cli/settings.h"
#include "cli/slo_commands.h"
#include "cli/usage_error.h"
#include "cli/version.h"
#include "platform/runtime/system_runtime.h"

namespace wellrun::cli {
namespace {

Terminal terminal_of(bool colour_wanted, Timestamp now) {
  Terminal terminal{.now = now};
  const bool is_terminal = isatty(STDOUT_FILENO) == 1;
  terminal.colour = colour_wanted && is_terminal && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  constexpr int kUnlimited = 100'000;
  terminal.width = is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
                       ? size.ws_col
                       : kUnlimited;
  return terminal;
}

Timestamp wall_clock() {
  SystemRuntime runtime({.io_threads = 1, .worker_threads = 1});
  return runtime.runtime().clock.now();
}

/// Into a file or a pipe everything as it is. 0, or the errno of what went wrong.
int write_to(std::FILE* file, const std::string& text) {
  const auto written = isatty(fileno(file)) == 1 ? harmless(text) : text;
  const bool done = std::fwrite(written.data(), 1, written.size(), file) == written.size() &&
                    std::fflush(file) == 0;
  return done ? 0 : errno;
}

/// Standard output, and the first error in writing to it.
class Output {
 public:
  bool write(const std::string& text) {
    const int error = write_to(stdout, text);
    if (error_ == 0) error_ = error;
    return error == 0;
  }

  /// Whether all of it was written. A reader that went away has read what it wanted.
  Status written() const {
    if (error_ == 0 || error_ == EPIPE) return {};
    return fail(ErrorCode::kNoSpace,
                fmt::format("standard output cannot be written: {}", std::strerror(error_)));
  }

 private:
  int error_ = 0;
};

/// Reads arguments and environment and does what they say; its exit code.
int run(int argc, char** argv, Output& standard_output) {
  CLI::App app("Wellrun: operational excellence as running software.", "wellrun");
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag(
      "--version", fmt::format("wellrun {} (commit {}, built {})", kVersion, kCommit, kBuildDate));

  Context context;
  context.out = [&standard_output](const std::string& text) { return standard_output.write(text); };
  context.err = [](const std::string& text) { write_to(stderr, text); };
  context.terminal = terminal_of(true, wall_clock());
  context.client.text("server", "URL", context.api.server, "the server's address");
  context.client.secret("token", context.api.token, "API token");
  context.client.text("ca-file", "file", context.api.ca_file,
                      "extra certificate authority for https");
  if (const auto taken = context.client.apply_environment(environment_variable); !taken)
    return report(context, taken.error());
  add_settings(app, context.client);
  std::string output = "text";
  app.add_option("--output,-o", output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->each([&context](const std::string& form) { context.json = form == "json"; });

  int exit_code = 2;
  add_serve(app, context, exit_code);
  add_config(app, context, exit_code);
  add_catalog_commands(app, context, exit_code);
  add_client_commands(app, context, exit_code);
  add_assess(app, context, exit_code);
  add_analysis_commands(app, context, exit_code);
  add_experiment_commands(app, context, exit_code);
  add_slo_commands(app, context, exit_code);
  add_rules_commands(app, context, exit_code);
  add_journal_commands(app, context, exit_code);
  add_backup(app, context, exit_code);
  add_run_commands(app, context, exit_code);
  add_detect(app, context, exit_code);
  add_canary_commands(app, context, exit_code);
  add_completion(app, context, exit_code);
  add_contents(app);
  // After the commands: they would inherit it.
  app.footer(
      "Begin with:\n"
      "  wellrun serve                              the server; prints its address and a token\n"
      "  export WELLRUN_TOKEN=wr_…                  that token, in a second terminal\n"
      "  wellrun init ops && wellrun apply ops      operations as code, and make it so\n\n"
      "Every command: --help for examples, --output json for programs. Options above may also be\n"
      "set as WELLRUN_SERVER, WELLRUN_TOKEN, WELLRUN_CA_FILE.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      std::ostringstream help;
      app.exit(error, help);
      context.out(help.str());
      return 0;
    }
    context.err(usage_error(app, error));
    return 2;
  }
  return exit_code;
}

}  // namespace

int run_program(int argc, char** argv) {
  Output standard_output;
  const int exit_code = run(argc, argv, standard_output);
  const auto written = standard_output.written();
  if (written) return exit_code;
  write_to(stderr, "wellrun: " + written.error().message + "\n");
  return exit_code_of(written.error().code);
}

}  // namespace wellrun::cli
