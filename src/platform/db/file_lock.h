#pragma once

// A file that one process holds, so that two do not use the same data. Gone with the process,
// however it ends; the file itself stays.

#include <string>
#include <utility>

#include "core/result.h"

namespace wellrun::db {

class FileLock {
 public:
  /// Creates `path` when needed. kConflict when it is held, naming the holder's process id; kIo.
  /// `what` is said in the message: "the journal /var/lib/wellrun/journal.db".
  static Result<FileLock> take(const std::string& path, const std::string& what);

  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace wellrun::db
