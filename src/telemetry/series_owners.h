#pragma once

// Whose series are whose, and how many each owner may have: plain data, made from the catalog by
// server/series_limits.cc, kept by the embedded store. An owner is a workload; a job that belongs
// to no workload is an owner of its own, so that a flood has a name before anybody has written it
// down.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace wellrun::telemetry {

struct OwnerRules {
  /// Most series of a workload by its name; 0: no limit of its own.
  std::map<std::string, std::size_t> workloads;
  /// Which workload a job is part of: a `job` label, or a service's name (the part of `job` behind
  /// its last '/', or the label `service_name`).
  std::map<std::string, std::string> workload_of_job;
  /// For workloads without a limit of their own, and for jobs that are nobody's. 0: none.
  std::size_t default_max_series = 0;

  bool operator==(const OwnerRules&) const = default;
};

/// What one owner has now.
struct OwnerUsage {
  std::string workload;    ///< or empty
  std::string job;         ///< of an owner that is no workload; both empty: series without a job
  std::size_t series = 0;  ///< that the store knows: with samples within the retention
  std::size_t max_series = 0;   ///< 0: no limit
  std::uint64_t refused = 0;    ///< samples of new series refused since the start
  std::int64_t refused_ms = 0;  ///< when the last one was; 0: never
  std::string refused_series;   ///< the first one since the owner reached its limit

  bool at_limit() const { return max_series != 0 && series >= max_series; }
};

}  // namespace wellrun::telemetry
