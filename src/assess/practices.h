#pragma once

// The practice catalog: data, by edition. Official ids are renumbered between editions, so they are
// aliases, never keys.

#include <span>
#include <string_view>

namespace wellrun::assess {

/// The edition whose ids `aliases` are. Rows are keyed by our own ids, which stay.
inline constexpr std::string_view kEdition = "2024-06";

struct Practice {
  std::string_view id;     ///< "W6"
  std::string_view area;   ///< "Operate"
  std::string_view title;  ///< in our own words
  std::string_view
      aliases;     ///< official ids of the edition, space-separated; empty: no row of its own there
  int weight = 1;  ///< 3 high, 2 medium, 1 low: the risk when it is missing
};

/// All practices, in the order of the page.
std::span<const Practice> practices();

/// Areas in the order of the page.
std::span<const std::string_view> areas();

}  // namespace wellrun::assess
