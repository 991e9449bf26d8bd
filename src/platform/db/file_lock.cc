#include "platform/db/file_lock.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/text.h"

namespace wellrun::db {
namespace {

std::string holder(int descriptor) {
  std::array<char, 32> text{};
  const auto size = ::pread(descriptor, text.data(), text.size(), 0);
  const auto pid =
      trimmed(std::string_view(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0));
  return pid.empty() ? "another process" : fmt::format("process {}", pid);
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& path, const std::string& what) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fail(ErrorCode::kIo, fmt::format("could not lock {}: {}", what, std::strerror(errno)),
                path);
  FileLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return fail(ErrorCode::kConflict,
                  fmt::format("{} is in use by {}; stop it, or use another data directory", what,
                              holder(descriptor)),
                  path);
    return fail(ErrorCode::kIo, fmt::format("could not lock {}: {}", what, std::strerror(errno)),
                path);
  }
  // The process id is only for the message above: not having it harms nobody.
  const auto pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(descriptor, 0) == 0) (void)!::pwrite(descriptor, pid.data(), pid.size(), 0);
  return lock;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace wellrun::db
