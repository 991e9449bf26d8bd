#pragma once

// Facts about what people looked at: only that somebody did, and on which day. No name of a person,
// and at most one a day of each thing, however many look. Stream: kpi/<name>.

#include <string>

#include "core/json.h"

namespace wellrun::facts {

/// The chart of a KPI was opened for the first time on its (UTC) day.
struct KpiViewed {
  static constexpr auto kType = "kpi.viewed";
  std::string kpi;
  std::string workload;
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(KpiViewed, kpi, workload)

}  // namespace wellrun::facts
