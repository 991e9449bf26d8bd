#pragma once

// What may have caused a workload's anomalies: recent changes and components, ranked by when, where
// and what depends on them. Pure. A score orders the suspects; it is no probability.
// docs/findings.md says how it is made up.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "core/labels.h"
#include "core/time.h"

namespace wellrun::health::finding {

/// One unusual series, as far as its cause is concerned.
struct Onset {
  std::string component;  ///< empty: not known
  Timestamp since{};
  double score = 0;
};

/// A deployment or another change.
struct RecentChange {
  std::string id;
  std::string what;  ///< in words: "deployment of checkout 1.2.0"
  std::string workload;
  std::string component;  ///< empty: the whole workload
  Timestamp at{};
};

/// Which component needs which, over all workloads.
class Topology {
 public:
  explicit Topology(const catalog::Catalog& catalog);

  /// What `component` needs, itself too: how many dependencies lie in between, 0 for itself. Walks
  /// all of them.
  std::map<std::string, int> needs_of(const std::string& component) const;

 private:
  std::map<std::string, std::set<std::string>> needs_;
};

struct Cause {
  std::string kind;  ///< change or component
  std::string name;  ///< the change's id, or the component
  double score = 0;  ///< 0..1
  std::string why;
};

/// Likeliest first, at most five; those that score below a tenth are left out. `changes` may be of
/// any workload and in any order.
std::vector<Cause> likely_causes(const std::string& workload, const std::vector<Onset>& onsets,
                                 const std::vector<RecentChange>& changes,
                                 const Topology& topology);

/// The workload's component that a series speaks of: the value of its label component, service,
/// service_name, exported_service or job that names one; empty when none does.
std::string component_of(const catalog::Catalog& catalog, const std::string& workload,
                         const Labels& labels);

}  // namespace wellrun::health::finding
