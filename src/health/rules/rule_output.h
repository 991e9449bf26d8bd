#pragma once

// What an evaluation of a rule writes: recorded series, ALERTS, ALERTS_FOR_STATE, and stale markers
// for what is no longer there. Pure; used by the evaluator and by tests of rules alike.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "health/alert.h"
#include "telemetry/model.h"
#include "telemetry/query.h"

namespace wellrun::health::rules {

telemetry::SeriesWrite one_sample(Labels labels, std::string_view name, Timestamp time,
                                  double value);

/// ALERTS{…, alertstate="…"} 1 and ALERTS_FOR_STATE{…} with the second since when it is active.
void write_alerts(const ActiveAlerts& alerts, Timestamp time,
                  std::vector<telemetry::SeriesWrite>& writes);

/// What ends a series.
telemetry::SeriesWrite stale_marker(Labels labels, Timestamp time);

struct Recording {
  std::string record;
  std::map<std::string, std::string> labels;
  int limit = 0;  ///< most series; 0: none said
};

/// kInvalid when two series are the same once the labels are set, kExhausted beyond the limit.
Result<std::vector<telemetry::SeriesWrite>> recorded_series(const Recording& rule,
                                                            const telemetry::InstantResult& result,
                                                            Timestamp time);

/// The series that a rule wrote last. One that it no longer writes needs a stale marker, or it
/// would be seen for five more minutes.
struct WrittenSeries {
  std::set<Labels> last;

  /// Adds the markers to `writes`.
  void finish(std::vector<telemetry::SeriesWrite>& writes, Timestamp time);
};

}  // namespace wellrun::health::rules
