#pragma once

// The PromQL engine: a query's text in, its result out, read from a MetricReader. Synchronous; runs
// on Workers; one Engine serves any number of threads. It has no clock: the evaluation time comes
// from the caller.

#include <atomic>
#include <functional>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "platform/runtime/runtime.h"
#include "telemetry/change_log.h"
#include "telemetry/promql/parse_cache.h"
#include "telemetry/promql/parser.h"
#include "telemetry/promql/result_cache.h"
#include "telemetry/promql/value.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry::promql {

struct EngineOptions {
  Duration lookback{300'000};
  Duration default_subquery_interval{60'000};
  std::size_t max_samples = 50'000'000;  ///< held at once by one query
  std::size_t max_series = 500'000;      ///< read by one selector
  std::size_t max_steps = 0;  ///< of a range query; 0: unlimited (the HTTP API has its own limit)
  ParserOptions parser;
  bool delayed_name_removal = false;  ///< promql-delayed-name-removal
  bool use_start_timestamps = false;  ///< use-start-timestamps
  bool type_and_unit_labels = false;  ///< type-and-unit-labels
  bool per_step_stats = false;        ///< promql-per-step-stats
  Workers* helpers = nullptr;  ///< share large scans when they are idle; null: one thread a query
  bool general_only = false;   ///< no fast ways: what they are tested against
  /// Of the reader, outlives the engine. Null: results are not kept from query to query.
  const ChangeLog* changes = nullptr;
  std::size_t result_cache_bytes = 64U << 20;  ///< of results kept; 0: none
};

/// Turns on what `--enable-feature` names, comma-separated. kInvalid names the unknown one and the
/// nearest valid name.
Status enable_features(EngineOptions& options, std::string_view features);

/// What a query has read so far; for those who watch it run.
struct QueryCost {
  std::atomic<std::size_t> samples = 0, series = 0;
  std::chrono::nanoseconds waited{0};  ///< for its turn; set before it runs
};

/// What one query may do beyond the engine's options.
struct QueryLimits {
  Duration lookback{0};             ///< 0: the engine's
  std::function<bool()> cancelled;  ///< asked now and then, from any thread that works on the query
  std::function<bool()> timed_out;  ///< likewise
  QueryCost* cost = nullptr;        ///< kept up to date when not null
  bool anew = false;  ///< everything is computed, whatever earlier queries left; nothing is kept
  /// Not null: what its parts take is measured by this clock, and its samples are counted, for
  /// which they are read once more afterwards.
  const Clock* measured_by = nullptr;
};

class Engine {
 public:
  /// `reader` outlives the engine.
  explicit Engine(const MetricReader& reader, EngineOptions options = {})
      : reader_(reader),
        options_(options),
        parsed_(options_.parser),
        results_(options_.changes == nullptr ? 0 : options_.result_cache_bytes) {}

  /// kInvalid for what does not parse ("1:5: parse error: …"); kUnsupported when it cannot be
  /// executed (Prometheus' execution error, e.g. many-to-many matching); kTooLarge beyond a limit,
  /// kCancelled, kDeadline; the reader's errors.
  Result<QueryResult> instant(std::string_view query, Timestamp time,
                              const QueryLimits& limits = {}) const;

  /// Evaluated at start, start + step, … up to and including end. A step below 1 ms or an end
  /// before start: kInvalid.
  Result<QueryResult> range(std::string_view query, Timestamp start, Timestamp end, Duration step,
                            const QueryLimits& limits = {}) const;

  const EngineOptions& options() const { return options_; }
  const MetricReader& reader() const { return reader_; }
  ResultCache::Statistics kept_results() const { return results_.statistics(); }

 private:
  Result<QueryResult> run(std::string_view query, const Steps& steps, bool is_range,
                          std::int64_t default_step_ms, const QueryLimits& limits) const;

  const MetricReader& reader_;
  EngineOptions options_;
  ParseCache parsed_;
  mutable ResultCache results_;
};

}  // namespace wellrun::telemetry::promql
