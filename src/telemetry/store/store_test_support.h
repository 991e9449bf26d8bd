#pragma once

// What tests of the store share.

#include <filesystem>
#include <map>
#include <string>
#include <system_error>

namespace wellrun::telemetry {

/// A copy of the folder beside it, of one moment: made again until nothing moved meanwhile. What it
/// holds is what kill -9 would have left.
inline std::filesystem::path copy_of_a_moment(const std::filesystem::path& dir) {
  namespace fs = std::filesystem;
  const auto listing = [&] {
    std::map<std::string, std::uintmax_t> files;
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(dir, error))
      if (entry.is_regular_file(error)) files[entry.path().string()] = entry.file_size(error);
    return files;
  };
  const fs::path copy = dir.string() + ".copy";
  for (bool done = false; !done;) {
    const auto before = listing();
    std::error_code error;
    fs::remove_all(copy);
    fs::copy(dir, copy, fs::copy_options::recursive, error);
    done = !error && listing() == before;
  }
  return copy;
}

/// The copy instead of the folder, which nobody has open any more.
inline void put_in_place(const std::filesystem::path& copy, const std::filesystem::path& dir) {
  std::filesystem::remove_all(dir);
  std::filesystem::rename(copy, dir);
}

}  // namespace wellrun::telemetry
