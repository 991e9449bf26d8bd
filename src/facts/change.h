#pragma once

// Facts of the change domain: what was deployed or changed, where, by whom, and how it ended.
// Streams: deployment/<id>, change/<id>.

#include <optional>
#include <string>

#include "core/json.h"
#include "core/time.h"

namespace wellrun::facts {

struct DeploymentStarted {
  static constexpr auto kType = "deployment.started";
  std::string deployment;
  std::string workload;
  std::string component;
  std::string environment;
  std::string version;
  std::string previous_version;  ///< what this server last saw succeed there, or empty
  std::string commit;
  std::string commit_time;  ///< RFC 3339, or empty: no lead time is computed
  std::string url;
  std::string by;
};

struct DeploymentFinished {
  static constexpr auto kType = "deployment.finished";
  std::string deployment;
  std::string workload;
  std::string component;
  std::string environment;
  std::string version;
  std::string outcome;  ///< succeeded, failed or rolled_back
  std::string by;
};

/// A change that is not a deployment: a flag switched, a configuration edited, infrastructure
/// touched.
struct ChangeRecorded {
  static constexpr auto kType = "change.recorded";
  std::string change;
  std::string kind;  ///< flag, config or infrastructure
  std::string workload;
  std::string component;
  std::string environment;
  std::string summary;
  std::string by;
  std::string reverses;  ///< the deployment or change that it takes back, or empty
};

/// From commit to arrival: one reading for every figure that is made of it. std::nullopt when the
/// commit is said to be the later one: a clock was wrong, and how long it took is not known.
inline std::optional<Duration> lead_time(Timestamp committed, Timestamp arrived) {
  if (committed > arrived) return std::nullopt;
  return arrived - committed;
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(DeploymentStarted, deployment, workload, component,
                                                environment, version, previous_version, commit,
                                                commit_time, url, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(DeploymentFinished, deployment, workload, component,
                                                environment, version, outcome, by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ChangeRecorded, change, kind, workload, component,
                                                environment, summary, by, reverses)

}  // namespace wellrun::facts
