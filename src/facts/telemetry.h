#pragma once

// Facts about the telemetry store: who has as many series as it may, and what was taken out of it
// by hand. Streams: series_limit/<owner>, telemetry/deletions.

#include <cstdint>
#include <string>

#include "core/json.h"

namespace wellrun::facts {

/// A workload, or a job that is nobody's, has as many series as it may: new ones are refused.
struct SeriesLimitReached {
  static constexpr auto kType = "series_limit.reached";
  std::string workload;  ///< or empty
  std::string job;       ///< of an owner that is no workload
  std::uint64_t series = 0, limit = 0;
  std::string refused_series;  ///< the first one
  Json metrics;                ///< who makes them: the largest, a list of {name, series}
  Json labels;                 ///< those with the most values: a list of {name, values}
};

/// It has fewer again, and none was refused for a while.
struct SeriesLimitCleared {
  static constexpr auto kType = "series_limit.cleared";
  std::string workload, job;
  std::uint64_t series = 0, limit = 0;
};

/// Somebody asked the admin API to delete samples. Recorded before any is gone.
struct SeriesDeletionRequested {
  static constexpr auto kType = "series.deletion_requested";
  Json matchers;         ///< list of selectors, as they were given
  std::string from, to;  ///< RFC 3339; empty: since ever, for ever
};

/// What came of it. Without this fact after a request the process ended in between: some of it may
/// be gone.
struct SeriesDeleted {
  static constexpr auto kType = "series.deleted";
  Json matchers;         ///< list of selectors, as they were given
  std::string from, to;  ///< RFC 3339; empty: since ever, for ever
  std::uint64_t series = 0, samples = 0;
  std::string error;  ///< why it failed, and some of it may be gone; or empty
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SeriesLimitReached, workload, job, series, limit,
                                                refused_series, metrics, labels)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SeriesLimitCleared, workload, job, series, limit)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SeriesDeletionRequested, matchers, from, to)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SeriesDeleted, matchers, from, to, series, samples,
                                                error)

}  // namespace wellrun::facts
