#pragma once

namespace wellrun::cli {

// Of this build; written by cmake/version.cmake.
extern const char* const kVersion;  ///< "0.1.0"
extern const char* const kCommit;   ///< twelve digits, "-dirty" behind it when the tree had changes
extern const char* const kBuildDate;  ///< "2026-11-24"

}  // namespace wellrun::cli
