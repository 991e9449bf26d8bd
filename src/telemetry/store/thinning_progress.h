#pragma once

// How far thinning has come, and under which rules: rows of the database, so that a restart does
// not have every window read again to find that nothing is left to do. Pure. Stored bytes:
// docs/formats/telemetry.md. Inside this folder only.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/retention_rules.h"

namespace wellrun::telemetry::store {

struct ThinningProgress {
  std::string rules;  ///< rules_bytes() of those it was thinned by
  /// Until where each resolution of a class (by the names of its rules) was thinned to.
  std::map<std::vector<std::string>, std::vector<std::int64_t>> until;

  bool operator==(const ThinningProgress&) const = default;
};

/// The same bytes for the same rules, in every process.
std::string rules_bytes(const RetentionRules& rules);

std::string progress_bytes(const ThinningProgress& progress);
/// std::nullopt for what is not that.
std::optional<ThinningProgress> read_progress(std::string_view bytes);

inline constexpr const char* kThinnedKey = "thinned";
/// The oldest sample that came to the database since the pass that the progress is of, fixed64:
/// windows from there on are to be looked at again.
inline constexpr const char* kLateKey = "late";

}  // namespace wellrun::telemetry::store
