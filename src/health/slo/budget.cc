#include "health/slo/budget.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "health/slo/burn_guard.h"
#include "health/slo/sli_queries.h"

namespace wellrun::health {
namespace {

/// How much of a period is over, above 0; a rolling one ends now.
double share_passed(const catalog::SloPeriod& period, Timestamp until) {
  if (period.rolling || until >= period.end) return 1;
  const auto passed = std::max(until - period.start, Duration{1000});
  return std::min(1.0, to_seconds(passed) / to_seconds(period.length()));
}

/// Counts of all objectives together, for what is said of them.
EventCounts together(std::span<const EventCounts> events) {
  EventCounts all{0, 0};
  for (const auto& each : events) {
    *all.total += each.total.value_or(0);
    *all.good += std::min(each.good.value_or(0), each.total.value_or(0));
  }
  return all;
}

/// How many times too fast each objective burns the composite's budget, in their order.
std::vector<double> part_rates(const catalog::Slo& slo, std::span<const catalog::Slo> parts,
                               std::span<const EventCounts> counts) {
  std::vector<double> rates;
  for (std::size_t i = 0; i < counts.size() && i < parts.size(); ++i) {
    const double weight =
        slo.budgeting_method == "Timeslices" ? 1 : parts[i].objective().composite_weight;
    const double target = slo.by_slices() ? slo.target() : parts[i].target();
    rates.push_back(weight * burn_rate(counts[i], target).value_or(0));
  }
  return rates;
}

/// " Mostly by payments (12.0)."; empty of an Slo of one objective.
std::string mostly_by(const catalog::Slo& slo, const BurnRate& burn) {
  const auto most = std::ranges::max_element(burn.part_rates);
  if (!slo.is_composite() || most == burn.part_rates.end()) return {};
  const auto& part = slo.objectives[static_cast<std::size_t>(most - burn.part_rates.begin())];
  return fmt::format(" Mostly by {} ({:.1f}).", part.display_name, *most);
}

}  // namespace

std::optional<double> sli(const EventCounts& counts) {
  if (!counts.total || !(*counts.total > 0)) return std::nullopt;
  const double share = counts.good.value_or(0) / *counts.total;
  // increase() extrapolates each series by itself: good may exceed total by a little.
  return std::clamp(share, 0.0, 1.0);
}

std::optional<double> burn_rate(const EventCounts& counts, double target) {
  const auto good_share = sli(counts);
  if (!good_share) return std::nullopt;
  const double bad = 1 - *good_share;
  const double allowed = 1 - target;
  if (allowed <= 0) return bad > 0 ? std::numeric_limits<double>::infinity() : 0;
  return bad / allowed;
}

Budget budget_of(const catalog::Slo& slo, const catalog::SloPeriod& period,
                 const EventCounts& counts, Timestamp until) {
  Budget budget;
  const double total = counts.total.value_or(0);
  budget.bad = std::max(0.0, total - counts.good.value_or(0));
  const auto slice = slo.slice();
  const double all = slo.by_slices() && slice ? to_seconds(period.length()) / to_seconds(*slice)
                                              : total / share_passed(period, until);
  budget.allowed = all * (1 - slo.target());
  if (total > 0 && budget.allowed > 0) budget.remaining = 1 - budget.bad / budget.allowed;
  // A target that is met exactly is not missed by what 1 - 0.9 is rounded by.
  constexpr double kRounding = 1e-9;
  if (budget.remaining && std::abs(*budget.remaining) < kRounding) budget.remaining = 0;
  return budget;
}

std::optional<BudgetUse> budget_use(const catalog::Slo& slo, const Budget& budget,
                                    const EventCounts& events) {
  if (!budget.remaining) return std::nullopt;
  BudgetUse use{.percent = (1 - *budget.remaining) * 100,
                .held_back = too_few(slo, events, "the time window")};
  if (use.held_back.empty() && counts_events(slo) && budget.allowed < 1)
    use.held_back = may_be_chance(events, 1 - slo.target(), "the time window");
  return use;
}

std::optional<BudgetUse> budget_use(const catalog::Slo& slo, const catalog::SloPeriod& period,
                                    const EventCounts& counts, std::span<const EventCounts> events,
                                    Timestamp until) {
  const auto whole = budget_of(slo, period, counts, until);
  const auto parts = slo.parts();
  if (parts.size() != events.size() || !whole.remaining) return std::nullopt;
  if (!slo.is_composite()) return budget_use(slo, whole, events.front());
  BudgetUse use{.percent = (1 - *whole.remaining) * 100, .held_back = {}};
  if (slo.by_slices()) {
    use.held_back = too_little(slo, parts, events, 1, "the time window");
    return use;
  }
  BudgetUse spoken;
  bool any = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part =
        budget_use(parts[i], budget_of(parts[i], period, events[i], until), events[i]);
    if (!part) continue;
    if (part->held_back.empty()) {
      any = true;
      spoken.percent += parts[i].objective().composite_weight * part->percent;
    } else if (use.held_back.empty()) {
      use.held_back = parts[i].objective().display_name + ": " + part->held_back;
    }
  }
  return any ? spoken : use;
}

/// Each term out of the one before: C(n,k) p^k q^(n-k). Above the mean they fall, so the sum ends
/// soon; below the mean the tail is more than what any alert asks for.
double chance_of_so_many(double bad, double total, double chance) {
  const double n = std::round(total);
  const double k = std::round(bad);
  if (k <= 0 || chance >= 1) return 1;
  if (k > n || chance <= 0) return 0;
  if (k <= n * chance) return 1;
  double term = std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                         k * std::log(chance) + (n - k) * std::log1p(-chance));
  double sum = 0;
  for (double i = k; i <= n && term > sum * 1e-9; ++i) {
    sum += term;
    term *= (n - i) / (i + 1) * chance / (1 - chance);
  }
  return std::min(sum, 1.0);
}

BurnRate judge(const catalog::Slo& slo, const catalog::BurnRateWindow& window,
               const BurnCounts& counts) {
  BurnRate burn{.window = window,
                .long_rate = burn_rate(counts.in_long, slo.target()),
                .short_rate = burn_rate(counts.in_short, slo.target()),
                .events = together(counts.events).total.value_or(0),
                .bad_events = bad_of(together(counts.events)),
                .part_rates = {},
                .firing = false,
                .held_back = {}};
  const auto parts = slo.parts();
  if (slo.is_composite()) burn.part_rates = part_rates(slo, parts, counts.parts);
  const bool burns = burn.long_rate && burn.short_rate && *burn.long_rate > window.burn_rate &&
                     *burn.short_rate > window.burn_rate;
  if (burns)
    burn.held_back = too_little(slo, parts, counts.events, window.burn_rate,
                                format_duration(window.long_window));
  burn.firing = burns && burn.held_back.empty();
  if (!burn.short_rate && burn.long_rate && *burn.long_rate > window.burn_rate)
    burn.held_back =
        fmt::format("nothing was counted in the last {}", format_duration(window.short_window));
  return burn;
}

Duration slo_interval(const catalog::Slo& slo) {
  Duration interval{30'000};
  for (const auto& window : slo.alerting.windows)
    interval = std::min(interval, window.short_window / 2);
  return std::max(interval, Duration{1000});
}

bool burns_wait(const catalog::Slo& slo) {
  return std::ranges::any_of(slo.alerting.windows, [](const catalog::BurnRateWindow& window) {
    return window.for_ > Duration::zero();
  });
}

std::string burn_expr(const catalog::Slo& slo, const catalog::BurnRateWindow& window) {
  if (slo.is_composite())
    return fmt::format("burn rate of the composite {} > {:g} over {} and over {}",
                       slo.metadata.name, window.burn_rate, format_duration(window.long_window),
                       format_duration(window.short_window));
  const auto rate_over = [&](Duration length) {
    const auto counts = sli_queries(slo, length);
    return fmt::format("({}({}) / ({})) / {:g}", counts.bad ? "" : "1 - ", counts.good,
                       counts.total, 1 - slo.target());
  };
  return fmt::format("{0} > {2:g} and {1} > {2:g} and {3} >= {4}", rate_over(window.long_window),
                     rate_over(window.short_window), window.burn_rate,
                     event_queries(slo, window.long_window).total, slo.alerting.minimum_events);
}

AlertRule slo_alert_rule(const catalog::Slo& slo, const BurnRate& burn) {
  const auto& name = slo.metadata.name;
  const auto in_long = format_duration(burn.window.long_window);
  const auto in_short = format_duration(burn.window.short_window);
  AlertRule rule;
  rule.key = fmt::format("slos/{}/{}", name, kBurnAlert);
  rule.alert = kBurnAlert;
  rule.hold = burn.window.for_;
  rule.expr = burn_expr(slo, burn.window);
  rule.workload = slo.service.name;
  rule.procedure = slo.procedure.name;
  rule.source = "slo";
  rule.slo = name;
  rule.kpi = slo.kpi.name;
  rule.labels = {{"slo", name},
                 {"workload", slo.service.name},
                 {"severity", burn.window.severity},
                 {"long_window", in_long},
                 {"short_window", in_short}};
  rule.annotations = {
      {"summary", fmt::format("{} burns its error budget {:.1f} times too fast", name,
                              burn.long_rate.value_or(0))},
      {"description",
       fmt::format(
           "Over {} the budget burned at {:.1f} times the allowed rate, over {} at {:.1f}; more "
           "than {:g} on both alerts. Objective: {:g}% good.{}",
           in_long, burn.long_rate.value_or(0), in_short, burn.short_rate.value_or(0),
           burn.window.burn_rate, slo.target() * 100, mostly_by(slo, burn))},
      {"minimum_events", least_words(slo, burn)}};
  return rule;
}

}  // namespace wellrun::health
