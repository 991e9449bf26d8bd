#pragma once

// Series that are to be made: what the index has to know of their labels, read before its lock is
// taken. Pure.

#include <cstddef>
#include <optional>
#include <string_view>

#include "telemetry/store/series_accounts.h"

namespace wellrun::telemetry::store {

/// Of this process alone.
std::size_t hash_of_labels(std::string_view canonical);

/// Points into label bytes: into its own, and `owner` perhaps into those of a series read before.
struct NewSeries {
  std::string_view labels;  ///< canonical
  std::size_t hash = 0;     ///< of the labels
  OwnerLabels owner;

  NewSeries() = default;
  explicit NewSeries(std::string_view canonical);
};

/// Reads one series after the other, as a sender sends them. What one shares with the one before is
/// not looked at again.
class NewSeriesReader {
 public:
  /// std::nullopt: the bytes are not canonical as sent. Those read before are still there.
  std::optional<NewSeries> read(std::string_view sent);

 private:
  NewSeries before_;
};

}  // namespace wellrun::telemetry::store
