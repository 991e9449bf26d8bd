#include "health/slo/budget.h"

#include <cmath>
#include <limits>

#include "health/slo/sli_queries.h"

namespace wellrun::health {
namespace {

/// A burn at the threshold shows so many bad events by chance at most this often.
constexpr double kChance = 0.05;

double bad_of(const EventCounts& counts) {
  return std::round(std::max(0.0, counts.total.value_or(0) - counts.good.value_or(0)));
}

/// A sample of a stored ratio stands for nobody knows how many events: it is neither good nor bad,
/// and what is missing to 1 in all of them is no number of bad ones.
bool is_stored_ratio(const catalog::Slo& slo) {
  const auto& ratio = slo.indicator.spec.ratio_metric;
  return ratio && ratio->raw;
}

/// Why so few events are no reason to do anything; empty when they are.
std::string too_few(const catalog::Slo& slo, double events, double bad, const std::string& over) {
  const auto& alerting = slo.alerting;
  if (events < alerting.minimum_events)
    return fmt::format("{:.0f} {} in {}, fewer than {}", events,
                       is_stored_ratio(slo) ? "samples" : "events", over, alerting.minimum_events);
  if (is_stored_ratio(slo) || bad >= alerting.minimum_bad_events) return {};
  return fmt::format("{:.0f} bad of {:.0f} events in {}, fewer than {}", bad, events, over,
                     alerting.minimum_bad_events);
}

/// Whether what is counted are events that are good or bad independently of each other.
bool counts_events(const catalog::Slo& slo) {
  return !slo.by_slices() && !slo.indicator.spec.threshold_metric && !is_stored_ratio(slo);
}

/// Why so many bad events say nothing when each is bad with `allowed`; empty when they do.
std::string may_be_chance(double bad, double events, double allowed, const std::string& over) {
  const double chance = chance_of_so_many(bad, events, allowed);
  if (chance <= kChance) return {};
  return fmt::format("{:.0f} bad of {:.0f} events in {} may be chance (p = {:.2f})", bad, events,
                     over, chance);
}

/// How much of a period is over, above 0; a rolling one ends now.
double share_passed(const catalog::SloPeriod& period, Timestamp until) {
  if (period.rolling || until >= period.end) return 1;
  const auto passed = std::max(until - period.start, Duration{1000});
  return std::min(1.0, to_seconds(passed) / to_seconds(period.length()));
}

/// Why a burn is no reason to alert; empty when it is.
std::string too_little(const catalog::Slo& slo, const BurnRate& burn) {
  const auto over = format_duration(burn.window.long_window);
  if (auto few = too_few(slo, burn.events, burn.bad_events, over); !few.empty()) return few;
  if (!counts_events(slo)) return {};
  return may_be_chance(burn.bad_events, burn.events, burn.window.burn_rate * (1 - slo.target()),
                       over);
}

/// What an alert says of the guard.
std::string least_words(const catalog::Slo& slo, const BurnRate& burn) {
  const auto& alerting = slo.alerting;
  const auto over = format_duration(burn.window.long_window);
  if (is_stored_ratio(slo))
    return fmt::format("Fewer than {} samples in {} never alert; there were {:.0f}.",
                       alerting.minimum_events, over, burn.events);
  return fmt::format(
      "Fewer than {} events or {} bad ones in {} never alert; there were {:.0f} and {:.0f}.",
      alerting.minimum_events, alerting.minimum_bad_events, over, burn.events, burn.bad_events);
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
  return budget;
}

std::optional<BudgetUse> budget_use(const catalog::Slo& slo, const Budget& budget,
                                    const EventCounts& events) {
  if (!budget.remaining) return std::nullopt;
  const double total = events.total.value_or(0);
  const double bad = bad_of(events);
  BudgetUse use{.percent = (1 - *budget.remaining) * 100,
                .held_back = too_few(slo, total, bad, "the time window")};
  if (use.held_back.empty() && counts_events(slo) && budget.allowed < 1)
    use.held_back = may_be_chance(bad, total, 1 - slo.target(), "the time window");
  return use;
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
                .events = counts.events.total.value_or(0),
                .bad_events = bad_of(counts.events),
                .firing = false,
                .held_back = {}};
  const bool burns = burn.long_rate && burn.short_rate && *burn.long_rate > window.burn_rate &&
                     *burn.short_rate > window.burn_rate;
  if (burns) burn.held_back = too_little(slo, burn);
  burn.firing = burns && burn.held_back.empty();
  return burn;
}

Duration slo_interval(const catalog::Slo& slo) {
  Duration interval{30'000};
  for (const auto& window : slo.alerting.windows)
    interval = std::min(interval, window.short_window / 2);
  return std::max(interval, Duration{1000});
}

AlertRule slo_alert_rule(const catalog::Slo& slo, const BurnRate& burn) {
  const auto& name = slo.metadata.name;
  const auto in_long = format_duration(burn.window.long_window);
  const auto in_short = format_duration(burn.window.short_window);
  AlertRule rule;
  rule.key = fmt::format("slos/{}/SloBurnRate", name);
  rule.alert = "SloBurnRate";
  rule.hold = burn.window.for_;
  const auto rate_over = [&](Duration window) {
    const auto counts = sli_queries(slo, window);
    return fmt::format("({}({}) / ({})) / {:g}", counts.bad ? "" : "1 - ", counts.good,
                       counts.total, 1 - slo.target());
  };
  rule.expr =
      fmt::format("{0} > {2:g} and {1} > {2:g} and {3} >= {4}", rate_over(burn.window.long_window),
                  rate_over(burn.window.short_window), burn.window.burn_rate,
                  event_queries(slo, burn.window.long_window).total, slo.alerting.minimum_events);
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
           "than {:g} on both alerts. Objective: {:g}% good.",
           in_long, burn.long_rate.value_or(0), in_short, burn.short_rate.value_or(0),
           burn.window.burn_rate, slo.target() * 100)},
      {"minimum_events", least_words(slo, burn)}};
  return rule;
}

}  // namespace wellrun::health
