#pragma once

// The shell of watching: follows the catalog, takes the watches' turns on a worker, one at a time,
// and keeps their readings. Everything here on the strand. docs/baselines.md.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "health/watch/watch_reading.h"
#include "journal/ledger.h"
#include "platform/runtime/runtime.h"

namespace wellrun::health::watch {

class WatchService {
 public:
  /// All references outlive it, and whatever its turns on workers still do after stop().
  WatchService(Runtime runtime, const catalog::Catalog& catalog, journal::Ledger& ledger,
               TurnTools tools);
  ~WatchService();

  /// After Ledger::start(). Follows the catalog from then on.
  void start();
  /// A turn under way is told to end; its outcome is dropped.
  void stop();

  /// Sorted by key; a watch before its first turn is missing.
  std::vector<WatchReadingPointer> readings() const;
  /// The watch and the index of its series; nullptr when there is none.
  std::pair<WatchReadingPointer, std::size_t> find(const std::string& id) const;

  /// Whether each watch of the workload has had a turn since the start and caught up.
  bool has_read_all(const std::string& workload) const;
  bool watches_any(const std::string& workload) const;

  /// Called after each turn that is not catching up. One listener.
  void on_reading(std::function<void(const WatchReading&)> listener);

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< turns on their way hold it weakly
};

}  // namespace wellrun::health::watch
