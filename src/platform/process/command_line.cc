#include "platform/process/command_line.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <functional>

#include "core/text.h"

namespace wellrun {
namespace {

constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

Status check(const ProcessRequest& request) {
  if (request.argv.empty() || request.argv.front().empty()) {
    return fail(ErrorCode::kInvalid, "there is no program to run: argv is empty");
  }
  if (has_nul(request.cwd) || std::ranges::any_of(request.argv, has_nul)) {
    return fail(ErrorCode::kInvalid, fmt::format("cannot run {}: an argument holds a NUL byte",
                                                 quote(request.argv.front())));
  }
  for (const auto& [name, value] : request.env) {
    if (name.empty() || name.contains('=') || has_nul(name) || has_nul(value)) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("cannot run {}: {} is no environment variable's name, or its value "
                              "holds a NUL byte",
                              quote(request.argv.front()), quote(name)));
    }
  }
  return {};
}

std::map<std::string, std::string> complete_environment(const ProcessRequest& request) {
  auto environment = request.env;
  environment.try_emplace("PATH", kDefaultPath);
  return environment;
}

/// Options NUL-terminated, as `bwrap --args` reads them.
std::string sandbox_options(const ProcessRequest& request, const ProcessRunnerOptions& options) {
  std::string bytes;
  const auto add = [&bytes](std::initializer_list<std::string_view> words) {
    for (const auto word : words) bytes.append(word).push_back('\0');
  };
  add({"--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"});
  if (request.network) add({"--share-net"});
  add({"--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"});
  add({"--tmpfs", "/run"});  // sockets of the machine's services can be used on a read-only mount
  if (request.network) {     // where /etc/resolv.conf may point to
    add({"--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"});
  }
  for (const auto& hidden : {std::cref(options.hidden), std::cref(request.hidden)}) {
    for (const auto& path : hidden.get()) {
      std::error_code error;
      const auto place = std::filesystem::canonical(path, error);
      if (error) continue;
      if (std::filesystem::is_directory(place, error)) {
        add({"--tmpfs", place.native()});
      } else {
        add({"--ro-bind", "/dev/null", place.native()});  // a device on such a mount: no access
      }
    }
  }
  add({"--chdir", request.cwd.empty() ? "/" : std::string_view(request.cwd), "--clearenv"});
  auto environment = complete_environment(request);
  environment.try_emplace("HOME", "/tmp");
  for (const auto& [name, value] : environment) add({"--setenv", name, value});
  return bytes;
}

/// Processor seconds end a busy loop even where the timeout's signal is late.
std::vector<std::string> limits(const ProcessRequest& request) {
  const auto cpu_seconds = request.timeout / std::chrono::seconds{1} + 5;
  return {"/usr/bin/prlimit",
          fmt::format("--cpu={}", cpu_seconds),
          "--as=1073741824",
          "--fsize=268435456",
          "--nproc=512",
          "--core=0",
          "--"};
}

}  // namespace

Result<CommandLine> command_line_of(const ProcessRequest& request,
                                    const ProcessRunnerOptions& options) {
  TRY_STATUS(check(request));
  CommandLine line;
  if (request.sandbox == ProcessRequest::Sandbox::kNone) {
    line.argv = request.argv;
    for (const auto& [name, value] : complete_environment(request)) {
      line.environment.push_back(fmt::format("{}={}", name, value));
    }
    return line;
  }
  line.sandbox_options = sandbox_options(request, options);
  line.argv = {options.bubblewrap, "--args", "3", "--"};
  std::ranges::move(limits(request), std::back_inserter(line.argv));
  std::ranges::copy(request.argv, std::back_inserter(line.argv));
  line.environment = {fmt::format("PATH={}", kDefaultPath)};
  return line;
}

Error sandbox_error(std::string_view first_line) {
  return {ErrorCode::kUnavailable,
          fmt::format("the sandbox could not be set up: {}; it needs the package bubblewrap and "
                      "the right to make user namespaces (sysctl user.max_user_namespaces above 0, "
                      "kernel.unprivileged_userns_clone = 1 where it exists; in a container, a "
                      "seccomp profile that permits them), and directories that exist in it",
                      trimmed(first_line)),
          "bubblewrap"};
}

}  // namespace wellrun
