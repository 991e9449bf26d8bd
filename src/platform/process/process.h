#pragma once

// Child processes behind a port: runbook steps and imports run through it, tests replace it.
// The real runner lives on the runtime's I/O threads and needs no thread per child.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "platform/runtime/system_runtime.h"

namespace wellrun {

struct ProcessRequest {
  enum class Sandbox {
    kNone,      ///< an ordinary child
    kIsolated,  ///< bubblewrap: read-only root, own /tmp, /run, /dev and process table, limits
  };

  /// The program (looked up in PATH when it holds no '/') and its arguments. No shell.
  std::vector<std::string> argv;
  /// The whole environment: nothing is inherited. A missing PATH gets Debian's default.
  std::map<std::string, std::string> env;
  std::string cwd;    ///< empty: the caller's, or / in a sandbox
  std::string input;  ///< standard input; empty: /dev/null
  Duration timeout{60'000};
  std::size_t max_output_bytes = 1 << 20;  ///< the rest is read and dropped
  Sandbox sandbox = Sandbox::kNone;
  bool network = false;  ///< a sandbox's only; an ordinary child has what we have
  /// Files and directories that this sandbox sees empty, besides those of the runner. What does not
  /// exist is passed over.
  std::vector<std::string> hidden;
};

struct ProcessExit {
  int exit_code = 0;  ///< 128 + the signal's number when a signal ended it, as shells say it
  bool timed_out = false;
  bool output_truncated = false;
  std::string output;  ///< standard output and error as they came, up to `max_output_bytes`
  Duration duration{0};
};

/// Thread-safe.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;

  /// `on_output` (may be empty) gets each kept piece of output, one call at a time and none after
  /// `done`. `done` is called exactly once, later, on any thread; neither may throw or block.
  ///
  /// The child has its own process group. At the timeout the group gets SIGTERM and two seconds
  /// later SIGKILL; `timed_out` tells. A sandbox is killed at once by SIGTERM. When the child
  /// exits, what is left of its group is killed.
  ///
  /// kInvalid: empty argv, a NUL byte, a name with '=', a missing directory. kNotFound: no such
  /// program (in a sandbox: exit code 127). kUnavailable: bubblewrap is missing or not permitted,
  /// or no process could be made. kCancelled: the runner was destroyed meanwhile.
  virtual void run(ProcessRequest request, std::function<void(std::string_view chunk)> on_output,
                   std::move_only_function<void(Result<ProcessExit>)> done) = 0;
};

struct ProcessRunnerOptions {
  /// Files and directories that every sandbox sees empty, or not at all (our own data: tokens and
  /// keys). By whatever link: the place they lead to is what is hidden.
  std::vector<std::string> hidden;
  std::string bubblewrap = "bwrap";  ///< looked up in PATH
  Duration kill_after{2'000};        ///< from SIGTERM to SIGKILL
};

/// Destroying it kills what still runs and waits for every `done`; `runtime` outlives it and its
/// I/O threads still run then.
std::unique_ptr<ProcessRunner> make_process_runner(SystemRuntime& runtime,
                                                   ProcessRunnerOptions options = {});

}  // namespace wellrun
