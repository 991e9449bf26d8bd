#pragma once

// Facts about findings: what departs from normal in a workload, grouped, with what may have caused
// it. Stream: finding/<id>. Each carries the values that it was decided on.

#include <string>

#include "core/json.h"

namespace wellrun::facts {

struct FindingOpened {
  static constexpr auto kType = "finding.opened";
  std::string finding;
  std::string workload;
  std::string since;    ///< RFC 3339: when its first series became unusual
  std::string summary;  ///< in words
  /// The series that are unusual, worst first, at most 20: {baseline, watch, metric, component,
  /// since, score, why}.
  Json anomalies;
  int anomaly_count = 0;
  /// What may have caused it, likeliest first, at most 5: {kind, name, score, why}.
  Json causes;
};

/// More series joined, or another cause is likeliest now.
struct FindingChanged {
  static constexpr auto kType = "finding.changed";
  std::string finding;
  std::string workload;
  std::string summary;
  Json anomalies;
  int anomaly_count = 0;
  Json causes;
};

struct FindingClosed {
  static constexpr auto kType = "finding.closed";
  std::string finding;
  std::string workload;
  std::string reason;  ///< "as usual again" or "no longer watched"
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(FindingOpened, finding, workload, since, summary,
                                                anomalies, anomaly_count, causes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(FindingChanged, finding, workload, summary,
                                                anomalies, anomaly_count, causes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(FindingClosed, finding, workload, reason)

}  // namespace wellrun::facts
