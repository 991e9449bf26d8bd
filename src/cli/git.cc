#include "cli/git.h"

#include <fmt/format.h>
#include <future>

#include "platform/process/process.h"
#include "platform/runtime/system_runtime.h"

namespace wellrun::cli {

Result<std::string> run_git(const std::string& directory,
                            const std::vector<std::string>& arguments) {
  SystemRuntime runtime({.io_threads = 1, .worker_threads = 1});
  const auto runner = make_process_runner(runtime);
  ProcessRequest request{.argv = {"git", "-C", directory}};
  std::ranges::copy(arguments, std::back_inserter(request.argv));
  const auto* home = std::getenv("HOME");
  if (home != nullptr) request.env["HOME"] = home;
  auto promise = std::make_shared<std::promise<Result<ProcessExit>>>();
  auto answer = promise->get_future();
  runner->run(std::move(request), {},
              [promise](Result<ProcessExit> exit) { promise->set_value(std::move(exit)); });
  auto exit = answer.get();
  if (!exit) return std::unexpected(exit.error());
  if (exit->exit_code != 0)
    return fail(ErrorCode::kInvalid,
                fmt::format("git {} failed: {}", arguments.front(), exit->output));
  return std::move(exit->output);
}

}  // namespace wellrun::cli
