#include "health/watch/watch_reading.h"

namespace wellrun::health::watch {
namespace {

SeriesReading reading_of(const std::string& id, const WatchedSeries& series, Timestamp now) {
  return {.id = id,
          .identity = series.identity(),
          .phase = series.phase(now),
          .nature = series.nature(),
          .points = series.points(),
          .step = series.step(),
          .last_value_time = series.last_value_time(),
          .latest = series.latest(),
          .season = series.model().season().trust(),
          .level_changed_at = series.model().level_changed_at(),
          .anomalies = series.anomalies()};
}

}  // namespace

WatchReading reading_of(const WatchState& state, bool catching_up, Timestamp now) {
  WatchReading reading{.watch = state.watch,
                       .read_to = state.read_to,
                       .catching_up = catching_up,
                       .refused = state.refused,
                       .error = state.error,
                       .series = {}};
  for (const auto& [id, series] : state.series)
    reading.series.push_back(reading_of(id, series, now));
  return reading;
}

}  // namespace wellrun::health::watch
