#pragma once

// When an alerting rule would have fired on what was measured, beside the incidents that there
// were. Pure: the series come from the caller, the state machine is the evaluator's.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "health/alert_fsm.h"
#include "journal/fact.h"
#include "telemetry/query.h"

namespace wellrun::health::rules {

inline constexpr std::size_t kMostFirings = 1000;
/// A rule may foresee an incident: it counts when it fired up to this long before the opening.
inline constexpr Duration kForesight{3'600'000};

struct Firing {
  Labels labels;
  Timestamp active_since, fired_at;
  std::optional<Timestamp> ended;  ///< empty: it fired to the end
  double value = 0;                ///< when it fired
  double largest = 0;              ///< by magnitude, while it fired
};

/// How often a rule would have fired, and when.
struct Firings {
  std::vector<Firing> listed;  ///< in order of firing; the first kMostFirings
  /// When others fired, and how many did then.
  std::map<Timestamp, std::size_t> others = {};

  std::size_t count() const;
};

/// An incident as its facts tell it.
struct PastIncident {
  std::string id, title, workload;
  int severity = 3;
  Timestamp opened_at;
  std::optional<Timestamp> resolved_at;
  /// When a person knew: the acknowledgement, or the opening by hand.
  std::optional<Timestamp> noticed_at;
  std::string noticed_by;
};

/// Whether what fired at `at` told of the incident: between kForesight before its opening and its
/// end; one that is open ends at `now`.
bool tells(Timestamp at, const PastIncident& incident, Timestamp now);

/// Takes evaluations in order of time.
class Backtest {
 public:
  /// Annotations are left out; labels are expanded as always, without queries.
  explicit Backtest(AlertRule rule);

  /// `series`: what the expression gives at `now`. An error of the state machine ends the backtest.
  Status step(Timestamp now, const std::vector<telemetry::InstantSeries>& series);

  Firings finish();

 private:
  AlertRule rule_;
  ActiveAlerts alerts_;
  std::map<std::string, std::size_t> open_;  ///< fingerprint -> index in firings_.listed
  Firings firings_;
};

/// Of incident.* facts in order; in order of opening.
std::vector<PastIncident> incidents_of(std::span<const journal::Fact> facts);

/// Firings with the incidents that they belong to, incidents with when the rule would have said so,
/// and the sums: {firings, truncated, incidents, summary}. Those that are not listed (`truncated`)
/// count all the same. `workload`: only its incidents; empty: all.
Json backtest_report(const Firings& firings, const std::vector<PastIncident>& incidents,
                     const std::string& workload, Timestamp start, Timestamp end);

}  // namespace wellrun::health::rules
