#pragma once

// How bad an incident is, from what is known when it opens. Pure.

#include <string>

namespace wellrun::respond {

struct Severity {
  int level = 3;       ///< 1 (worst) to 4
  std::string reason;  ///< for the timeline
};

/// | tier | KPI missed | KPI at risk | otherwise |
/// |  1   |     1      |      2      |     2     |
/// |  2   |     2      |      2      |     3     |
/// |  3   |     3      |      3      |     3     |
/// |  4   |     4      |      4      |     4     |
/// `kpi_status`: of the alert's KPI, or the worst of the workload's; `tier` outside 1..4 counts
/// as 3.
Severity severity_of(int tier, const std::string& kpi, const std::string& kpi_status);

}  // namespace wellrun::respond
