#pragma once

// Reads a journal's whole file and says whether it is what was written: `wellrun journal verify`.
// The file may be in use; what is checked is one moment of it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/result.h"
#include "journal/fact.h"

namespace wellrun::journal {

struct VerifyReport {
  std::uint64_t facts_checked = 0;
  Sequence last_seq = 0;  ///< that was found sound
  std::string last_hash;
  std::uint64_t blobs_checked = 0;

  /// What is wrong first, in order of the file's story; std::nullopt: the journal is sound.
  std::optional<Error> problem;
  Sequence broken_fact = 0;  ///< the first fact that is not what was written; 0: none
};

/// Follows the hash chain from the first fact, checks that it ends where the last commit ended, the
/// digests of blobs, and SQLite's own structure. `progress` (may be empty) is called now and then
/// with the facts checked. An error: the file could not be opened or is no journal at all.
Result<VerifyReport> verify_journal(const std::string& path,
                                    const std::function<void(std::uint64_t)>& progress = {});

}  // namespace wellrun::journal
