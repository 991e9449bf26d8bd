#include "health/slo.h"

#include <cmath>
#include <limits>

namespace wellrun::health {

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

std::optional<double> budget_remaining(const EventCounts& counts, double target) {
  const auto used = burn_rate(counts, target);
  if (!used) return std::nullopt;
  return 1 - *used;
}

BurnRate judge(const catalog::BurnRateWindow& window, const EventCounts& in_long,
               const EventCounts& in_short, double target, int minimum_events) {
  BurnRate burn{.window = window,
                .long_rate = burn_rate(in_long, target),
                .short_rate = burn_rate(in_short, target),
                .events = in_long.total.value_or(0),
                .firing = false};
  burn.firing = burn.long_rate && burn.short_rate && *burn.long_rate > window.burn_rate &&
                *burn.short_rate > window.burn_rate && burn.events >= minimum_events;
  return burn;
}

std::string increase_query(const std::string& selector, Duration window) {
  return fmt::format("sum(increase({}[{}]))", selector, format_duration(window));
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
  const auto rate_over = [&](Duration window) {
    return fmt::format("(1 - {} / {}) / {:g}", increase_query(slo.good_query(), window),
                       increase_query(slo.total_query(), window), 1 - slo.target());
  };
  rule.expr = fmt::format(
      "{0} > {2:g} and {1} > {2:g} and {3} >= {4}", rate_over(burn.window.long_window),
      rate_over(burn.window.short_window), burn.window.burn_rate,
      increase_query(slo.total_query(), burn.window.long_window), slo.alerting.minimum_events);
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
      {"minimum_events", fmt::format("Fewer than {} events in {} never alert; there were {:.0f}.",
                                     slo.alerting.minimum_events, in_long, burn.events)}};
  return rule;
}

}  // namespace wellrun::health
