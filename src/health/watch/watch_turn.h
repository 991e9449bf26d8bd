#pragma once

// One turn of one watch: reads from the store what is new, shows it to the detectors, writes what
// they say, and saves their states now and then. Synchronous: runs on a worker, one turn of a watch
// at a time. No clock: `now` is an argument.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "health/watch/distribution.h"
#include "health/watch/watch.h"
#include "health/watch/watch_store.h"
#include "health/watch/watched_series.h"
#include "telemetry/promql/engine.h"

namespace wellrun::health::watch {

/// Everything known of one watch. Owned by whoever takes its turn.
struct WatchState {
  Watch watch;
  Timestamp read_to{};  ///< everything before has been shown to the detectors
  std::map<std::string, WatchedSeries> series;  ///< by id
  std::map<std::string, Gathering> gathering;   ///< of histograms, by the id of their series
  std::set<std::string> changed;                ///< ids whose state is newer than the saved one
  std::vector<Labels> gone;                     ///< to be removed at the next save
  /// Ids of stored series with points after what is to be read first, until they are met. What is
  /// not by the time all is read was another query's; meanwhile it takes no room of this one's.
  std::set<std::string> unmet;
  /// Of an expression, read in a turn at most: halved when that many are too much, and grown again.
  std::int64_t steps_a_turn = 2000;
  /// The same of a selector, whose series are not known before they were read.
  Duration window_a_turn = std::chrono::hours(24);
  std::size_t refused = 0;  ///< series of the last turn that were not watched for lack of room
  std::string error;        ///< of the last turn, or empty
  Timestamp saved_at{};
  bool loaded = false;
};

/// What a turn works with; all outlive it. `store` may be null: nothing survives then.
struct TurnTools {
  const telemetry::promql::Engine& engine;
  telemetry::MetricWriter& writer;
  WatchStore* store = nullptr;
  std::function<bool()> cancelled = {};  ///< asked now and then by reads
};

struct TurnLimits {
  std::size_t most_series = 10'000;  ///< that this watch may have in memory after the turn
};

/// Takes up what was saved, at the first turn.
void load(WatchState& state, const TurnTools& tools, Timestamp now);

/// True: there is more to be read at once. What goes wrong stands in state.error; the same points
/// are read again in the next turn.
bool take_turn(WatchState& state, const TurnTools& tools, const TurnLimits& limits, Timestamp now);

/// Saves what changed, whenever it was saved last.
void save(WatchState& state, const TurnTools& tools, Timestamp now);

}  // namespace wellrun::health::watch
