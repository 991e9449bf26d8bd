#pragma once

// What to do about alerts that are not worth their noise, and about incidents that nothing told of:
// proposals, each with the figures that support it. Pure; a person decides.

#include <optional>
#include <string>
#include <vector>

#include "health/effectiveness/effectiveness.h"

namespace wellrun::health::effectiveness {

struct Proposal {
  std::string what;     ///< merge, raise, lower, delete or add
  std::string subject;  ///< that it is about; of "add": the KPI or detector to watch, or workload
  std::string text;     ///< in words, with figures
  Json support = Json::object();  ///< the counts that it rests on
  /// The rule that is proposed, to be tried on measured history as POST /api/v1/rules/backtest
  /// takes it; null: none is.
  Json rule = {};
  std::vector<Json> now = {};  ///< rules as they are, to be tried beside it
  std::string workload;
  Duration interval{60'000};  ///< how often these rules are evaluated
};

/// raise: a rule with half of its alerts noise or more, whose `for` can be made longer so that at
/// least half of the noise goes and every incident that it told is still told.
/// Likewise the burn-rate alert of an SLO, or one that spoke kEnoughToJudge times and was never
/// right.
/// raise: a detector with half of its findings noise or more, whose workload's findingScore can be
/// higher so that at least half of the noise goes and every incident that it told is still told.
/// lower: one that missed incidents and was mostly right when it spoke.
/// delete: a rule that never spoke although it was declared for the whole time, or spoke
/// kEnoughToJudge times and was never right.
/// delete: a KPI that was declared for the whole time, that nobody reviewed or looked at and on
/// which nothing was done.
/// merge: two rules of a workload of which each spoke mostly while the other did, and neither is to
/// go.
/// add: a real incident that a person noticed before an alert told of it: an alert on the KPI that
/// had left its target by then, or on the baselines of the workload where its detector knew.
/// `worths`: of subjects_of() the catalog.
std::vector<Proposal> proposals(const std::vector<Worth>& worths, const History& history,
                                Timestamp from, Timestamp now);

inline constexpr std::size_t kEnoughToJudge = 5;

Json to_json(const Proposal& proposal);

}  // namespace wellrun::health::effectiveness
