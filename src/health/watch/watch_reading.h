#pragma once

// What is known of watched series, as values that others may keep: what the API shows and findings
// are made of.

#include <memory>
#include <string>
#include <vector>

#include "health/watch/watch_turn.h"

namespace wellrun::health::watch {

struct SeriesReading {
  std::string id;
  Labels identity;
  std::string phase;
  std::string nature;
  std::int64_t points = 0;
  Duration step{0};
  Timestamp last_value_time{};
  std::optional<Point> latest;
  baseline::Season::Trust season;
  std::optional<Timestamp> level_changed_at;
  std::deque<Anomaly> anomalies;  ///< oldest first; only the last may be open

  const Anomaly* open_anomaly() const {
    return anomalies.empty() || !anomalies.back().open ? nullptr : &anomalies.back();
  }
};

struct WatchReading {
  Watch watch;
  Timestamp read_to{};
  bool catching_up = true;
  std::size_t refused = 0;
  std::string error;
  std::vector<SeriesReading> series;  ///< sorted by id
};
using WatchReadingPointer = std::shared_ptr<const WatchReading>;

WatchReading reading_of(const WatchState& state, bool catching_up, Timestamp now);

}  // namespace wellrun::health::watch
