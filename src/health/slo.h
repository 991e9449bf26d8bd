#pragma once

// Error budgets and burn rates. Pure. Source: Google's SRE Workbook, chapter 5, alert 6
// (multiwindow, multi-burn-rate).

#include <optional>
#include <string>
#include <vector>

#include "catalog/kinds/slo.h"
#include "health/alert.h"

namespace wellrun::health {

/// Events in one window; nothing where the series were absent.
struct EventCounts {
  std::optional<double> good, total;
};

/// Share of good events; std::nullopt without events. Total without any good series means none was
/// good.
std::optional<double> sli(const EventCounts& counts);

/// How many times faster than allowed the budget burns: (1 - sli) / (1 - target). Infinite when a
/// target of 1 is missed at all; std::nullopt without events.
std::optional<double> burn_rate(const EventCounts& counts, double target);

/// 1: untouched; 0: used up; negative: overdrawn. std::nullopt without events.
std::optional<double> budget_remaining(const EventCounts& counts, double target);

struct BurnRate {
  catalog::BurnRateWindow window;
  std::optional<double> long_rate, short_rate;
  double events = 0;  ///< in the long window
  bool firing = false;
};

/// Fires when both windows burn faster than the threshold and the long one has at least
/// `minimum_events` events: one failed request at night is no reason to wake anyone.
BurnRate judge(const catalog::BurnRateWindow& window, const EventCounts& in_long,
               const EventCounts& in_short, double target, int minimum_events);

/// `sum(increase(http_requests_total{code="200"}[1h]))`.
std::string increase_query(const std::string& selector, Duration window);

/// How often to evaluate: half of the shortest window, between one second and thirty.
Duration slo_interval(const catalog::Slo& slo);

/// The alerting rule of one window; its annotations are final texts of `burn`, not templates.
AlertRule slo_alert_rule(const catalog::Slo& slo, const BurnRate& burn);

}  // namespace wellrun::health
