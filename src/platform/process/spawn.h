#pragma once

// fork and exec in one call, with pipes: the system calls of process.cc.

#include <string>
#include <sys/types.h>
#include <utility>

#include "platform/process/command_line.h"

namespace wellrun {

/// Owns a file descriptor; -1: none.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct Spawned {
  pid_t pid = -1;  ///< leader of its own process group; the caller reaps it
  Descriptor pidfd;
  Descriptor output;  ///< our end of standard output and error
  Descriptor input;   ///< our end of standard input, when asked for
};

/// kNotFound: no such program; kInvalid: `cwd` is no directory; kUnavailable: no process, pipe or
/// memory could be had.
Result<Spawned> spawn(const CommandLine& line, const std::string& cwd, bool wants_input);

}  // namespace wellrun
