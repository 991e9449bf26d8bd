#pragma once

// What the journal has of some types, the newest of it where there is too much. Reads page by page,
// so that others read in between. Synchronous, for workers.

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "journal/store.h"

namespace wellrun::health {

/// Facts of one type that are read at most.
inline constexpr std::size_t kMostPastFacts = 100'000;

struct PastAsked {
  Timestamp from{};
  std::optional<Timestamp> to = {};               ///< exclusive
  std::size_t most = kMostPastFacts;              ///< of each type
  std::function<void(journal::Fact&)> slim = {};  ///< leaves out what is not asked for
  std::function<bool()> cancelled = {};           ///< asked before each page
};

struct PastFacts {
  std::vector<journal::Fact> facts;  ///< in order
  Timestamp from{};  ///< complete from here on: as asked, or later where there are too many
};

/// `types`: exact ones, whose pages come out of an index. kCancelled once `cancelled` says so, and
/// errors of the store.
Result<PastFacts> past_facts(const journal::Store& journal, std::span<const std::string_view> types,
                             const PastAsked& asked);

}  // namespace wellrun::health
