#pragma once

// Which queries run and which wait: `wellrun queries top`. At most so many run at once; who waits
// is let in fairly, so that one user's hundred dashboards do not keep another's single query out.
// Each can be cancelled by its id, and is when its client has gone.

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "platform/runtime/runtime.h"
#include "telemetry/promql/engine.h"

namespace wellrun::telemetry {

struct RunningQueriesOptions {
  std::size_t max_running =
      8;  ///< beyond, a query waits; the workers are shared among those that run
  /// At once of one user, however few others ask: so that theirs need not wait for one that lasts.
  std::size_t max_running_per_user = SIZE_MAX;
  std::size_t max_waiting = 1000;
  std::size_t max_waiting_per_user = 200;
  /// From the moment a query is asked, so that it waits no longer either; 0: none.
  Duration timeout{0};
};

/// What a query is, and what became of it so far.
struct QueryReport {
  std::string id;
  std::string user;
  std::string text;
  bool is_running = false;              ///< false: it waits for its turn
  Duration age{0};                      ///< since it was asked
  std::size_t samples = 0, series = 0;  ///< read so far
};

class RunningQueries {
 public:
  struct Asked {
    std::string user;
    std::string text;
    std::shared_ptr<const std::atomic<bool>>
        abandoned;  ///< true once the client has gone; may be null
  };
  /// Evaluates with these limits. Runs on a worker, once, even when the query was cancelled while
  /// it waited: then the limits say so at once.
  using Work = std::move_only_function<void(const promql::QueryLimits& limits)>;

  explicit RunningQueries(Runtime runtime, RunningQueriesOptions options = {})
      : runtime_(runtime), options_(options) {}

  /// Thread-safe. kExhausted when too many wait; `work` was not run then, and is given back.
  Status submit(Asked asked, Work& work);

  /// Oldest first.
  std::vector<QueryReport> list() const;

  /// kNotFound when there is no such query (any more).
  Status cancel(std::string_view id);

 private:
  struct Query;
  using QueryPtr = std::shared_ptr<Query>;

  struct User;
  void start(const QueryPtr& query);
  bool may_run(const User& user) const;
  void finished(const QueryPtr& query);
  QueryPtr next_waiting();

  const Runtime runtime_;
  const RunningQueriesOptions options_;
  mutable std::mutex mutex_;
  std::uint64_t last_id_ = 0, last_turn_ = 0;
  std::map<std::uint64_t, QueryPtr> queries_;  ///< by age
  struct User {
    std::size_t running = 0;
    std::uint64_t last_turn = 0;
    std::deque<QueryPtr> waiting;
  };
  std::map<std::string, User> users_;  ///< with a query that runs or waits
  std::size_t running_ = 0, waiting_ = 0;
};

}  // namespace wellrun::telemetry
