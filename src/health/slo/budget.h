#pragma once

// Error budgets and burn rates. Pure. Source: Google's SRE Workbook, chapter 5, alert 6
// (multiwindow, multi-burn-rate), and an exact binomial test against little traffic.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catalog/kinds/slo.h"
#include "catalog/slo_window.h"
#include "health/alert.h"

namespace wellrun::health {

/// What the budget is counted in, in one window; nothing where the series were absent.
struct EventCounts {
  std::optional<double> good, total;
};

/// Share of good events; std::nullopt without events. Total without any good series means none was
/// good.
std::optional<double> sli(const EventCounts& counts);

/// How many times faster than allowed the budget burns: (1 - sli) / (1 - target). Infinite when a
/// target of 1 is missed at all; std::nullopt without events.
std::optional<double> burn_rate(const EventCounts& counts, double target);

/// The budget in what it is counted in, and what was used of it.
struct Budget {
  double allowed = 0;  ///< bad ones that the period may have
  double bad = 0;      ///< that it had
  /// 1: untouched; 0: used up; negative: overdrawn. std::nullopt without events.
  std::optional<double> remaining;
};

/// `counts` of the period from its start until `until`. The budget is always the whole period's. Of
/// slices it is time: a share of the period's slices, whether all of them have been yet (or had any
/// traffic) or not. Of events it is a share of those that are expected: until the calendar's period
/// ends, as many in the same time as until now; a failure in its first hour is not a failure of the
/// month. A rolling window is there as a whole.
Budget budget_of(const catalog::Slo& slo, const catalog::SloPeriod& period,
                 const EventCounts& counts, Timestamp until);

/// How much of a budget is used, as budget policies take it.
struct BudgetUse {
  double percent = 0;
  std::string held_back;  ///< why too little is known to reach a step, whatever `percent`; or empty

  bool operator==(const BudgetUse&) const = default;
};

/// `events`: what `counts` was counted from, the same unless the budget is of slices. Held back
/// with fewer than minimumEvents events or minimumBadEvents bad ones, and where events are counted
/// and the budget is less than one bad event, unless a service that keeps its promise would have
/// fewer bad ones in 19 cases of 20: such a budget is used up by the first failure, which says
/// nothing. std::nullopt without events.
std::optional<BudgetUse> budget_use(const catalog::Slo& slo, const Budget& budget,
                                    const EventCounts& events);

/// The same of any Slo. `counts`: of the period until `until`; `events`: of each of slo.parts(). Of
/// a composite the objectives that would be held back are left out; when all would, it is.
std::optional<BudgetUse> budget_use(const catalog::Slo& slo, const catalog::SloPeriod& period,
                                    const EventCounts& counts, std::span<const EventCounts> events,
                                    Timestamp until);

/// The chance of `bad` or more of `total` events, when each is bad with `chance`: the exact
/// binomial tail. 1 for nothing bad.
double chance_of_so_many(double bad, double total, double chance);

struct BurnRate {
  catalog::BurnRateWindow window;
  std::optional<double> long_rate, short_rate;
  double events = 0;      ///< in the long window
  double bad_events = 0;  ///< likewise
  /// Of a composite: what each objective adds to the long rate. Of slices, where they overlap, more
  /// together.
  std::vector<double> part_rates;
  bool firing = false;
  /// Why it does not fire although both windows burn, or the long one and nothing is in the short
  /// one; or empty.
  std::string held_back;
};

/// Counts of the two windows, and the events of the long one, of each of slo.parts(): the same
/// counts unless the budget is of slices, or the Slo a composite.
struct BurnCounts {
  EventCounts in_long, in_short;
  std::vector<EventCounts> events;
  std::vector<EventCounts> parts = {};  ///< of a composite: what each objective counts
};

/// Fires when both windows burn faster than the threshold and the long one holds enough to say so
/// (burn_guard.h).
BurnRate judge(const catalog::Slo& slo, const catalog::BurnRateWindow& window,
               const BurnCounts& counts);

/// How often to evaluate: half of the shortest window, between one second and thirty.
Duration slo_interval(const catalog::Slo& slo);

inline constexpr const char* kBurnAlert = "SloBurnRate";

/// Whether one of its windows must burn `for` a time before it alerts.
bool burns_wait(const catalog::Slo& slo);

/// What the alert of one window asks, in PromQL, but for the test against chance (burn_guard.h). Of
/// a composite in words: its PromQL has every indicator several times, and is no reading for
/// anybody.
std::string burn_expr(const catalog::Slo& slo, const catalog::BurnRateWindow& window);

/// The alerting rule of one window; its annotations are final texts of `burn`, not templates.
AlertRule slo_alert_rule(const catalog::Slo& slo, const BurnRate& burn);

}  // namespace wellrun::health
