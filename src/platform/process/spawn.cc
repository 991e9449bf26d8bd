#include "platform/process/spawn.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "core/text.h"

namespace wellrun {
namespace {

constexpr int kOptionsDescriptor = 3;  ///< where bubblewrap reads its options

std::string reason(int error) {
  return std::generic_category().message(error);
}

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return fail(ErrorCode::kUnavailable, "cannot make a pipe for a process: " + reason(errno));
  }
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

/// A file in memory that holds `bytes`, to be read from the start.
Result<Descriptor> memory_file(const std::string& bytes) {
  Descriptor file(::memfd_create("wellrun-sandbox", MFD_CLOEXEC));
  const auto size = static_cast<ssize_t>(bytes.size());
  if (file.get() < 0 || ::write(file.get(), bytes.data(), bytes.size()) != size ||
      ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return fail(ErrorCode::kUnavailable, "cannot hold a sandbox's options: " + reason(errno));
  }
  return file;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// What happens between fork and exec.
class Preparation {
 public:
  Preparation() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t ours;  // the runtime ignores SIGPIPE and blocks what it waits for; a child must not
    sigemptyset(&none);
    sigfillset(&ours);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &ours);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  Preparation(const Preparation&) = delete;
  ~Preparation() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  void use(int fd, int as) { posix_spawn_file_actions_adddup2(&actions_, fd, as); }
  void use_null_input() {
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  /// Whatever else we have open is none of the child's business.
  void close_from(int fd) { posix_spawn_file_actions_addclosefrom_np(&actions_, fd); }
  void change_directory(const std::string& directory) {
    posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
  }
  int run(const CommandLine& line, pid_t& pid) {
    const auto argv = pointers(line.argv);
    const auto environment = pointers(line.environment);
    return ::posix_spawnp(&pid, argv[0], &actions_, &attributes_, argv.data(), environment.data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

Error spawn_error(const CommandLine& line, int error) {
  const bool is_absent = error == ENOENT || error == ENOTDIR;
  const bool is_refused = error == EACCES || error == ENOEXEC || error == EPERM;
  const auto code = is_absent    ? ErrorCode::kNotFound
                    : is_refused ? ErrorCode::kForbidden
                                 : ErrorCode::kUnavailable;
  return {code, fmt::format("cannot run {}: {}", quote(line.argv.front()), reason(error)), {}};
}

Result<Descriptor> watch(pid_t pid) {
  Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd.get() >= 0) return pidfd;
  const int error = errno;
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return fail(ErrorCode::kUnavailable, "cannot watch a process (pidfd_open): " + reason(error));
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Spawned> spawn(const CommandLine& line, const std::string& cwd, bool wants_input) {
  Preparation preparation;
  TRY(auto output, make_pipe());
  Pipe input;
  Descriptor options;
  if (wants_input) {
    TRY(input, make_pipe());
    preparation.use(input.read.get(), STDIN_FILENO);
  } else {
    preparation.use_null_input();
  }
  preparation.use(output.write.get(), STDOUT_FILENO);
  preparation.use(output.write.get(), STDERR_FILENO);
  if (line.sandbox_options.empty()) {
    preparation.close_from(kOptionsDescriptor);
  } else {
    TRY(options, memory_file(line.sandbox_options));
    preparation.use(options.get(), kOptionsDescriptor);
    preparation.close_from(kOptionsDescriptor + 1);
  }
  std::error_code ignored;
  if (!cwd.empty() && !std::filesystem::is_directory(cwd, ignored)) {
    return fail(ErrorCode::kInvalid, fmt::format("cannot run {}: {} is no directory",
                                                 quote(line.argv.front()), quote(cwd)));
  }
  if (!cwd.empty()) preparation.change_directory(cwd);

  Spawned spawned;
  if (const int error = preparation.run(line, spawned.pid); error != 0) {
    return std::unexpected(spawn_error(line, error));
  }
  TRY(spawned.pidfd, watch(spawned.pid));
  spawned.output = std::move(output.read);
  spawned.input = std::move(input.write);
  return spawned;
}

}  // namespace wellrun
