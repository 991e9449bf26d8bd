#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

struct MetricSourceSpec {
  std::string query;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("The query.");
    s.field("query", &MetricSourceSpec::query, "PromQL: an instant vector selector of a counter.")
        .required()
        .format("promql");
  }
};

struct MetricSource {
  std::string type = "Prometheus";
  MetricSourceSpec spec;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Where the count comes from.");
    s.field("type", &MetricSource::type, "Kind of source.").one_of({"Prometheus"});
    s.field("spec", &MetricSource::spec, "The query.").required();
  }
};

struct MetricCount {
  MetricSource metric_source;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A count of events.");
    s.field("metricSource", &MetricCount::metric_source, "Where the count comes from.").required();
  }
};

struct RatioMetric {
  bool counter = true;
  MetricCount good;
  MetricCount total;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Good events over all events.");
    s.field("counter", &RatioMetric::counter, "Whether both are counters; only these are done.");
    s.field("good", &RatioMetric::good, "Events that went well.").required();
    s.field("total", &RatioMetric::total, "All events.").required();
  }
};

struct IndicatorSpec {
  RatioMetric ratio_metric;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("What is measured.");
    s.field("ratioMetric", &IndicatorSpec::ratio_metric, "Good events over all events.").required();
  }
};

struct Indicator {
  IndicatorSpec spec;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("The service level indicator.");
    s.field("spec", &Indicator::spec, "What is measured.").required();
  }
};

struct SloTimeWindow {
  Duration duration = std::chrono::hours(28 * 24);
  bool is_rolling = true;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("The time over which the objective is to be met.");
    s.field("duration", &SloTimeWindow::duration, "Its length.").positive();
    s.field("isRolling", &SloTimeWindow::is_rolling, "Whether it ends now; only these are done.");
  }
};

struct Objective {
  std::string display_name;
  double target = 0.99;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("What is promised.");
    s.field("displayName", &Objective::display_name, "Its name.");
    s.field("target", &Objective::target, "The share of good events, between 0 and 1.")
        .required()
        .range(0, 1);
  }
};

struct BurnRateWindow {
  std::string severity = "page";  ///< page or ticket
  Duration long_window = std::chrono::hours(1);
  Duration short_window = std::chrono::minutes(5);
  double burn_rate = 14.4;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Alerts when the budget burns faster than `burnRate` over both windows.");
    s.field("severity", &BurnRateWindow::severity, "What it does.").one_of({"page", "ticket"});
    s.field("long", &BurnRateWindow::long_window, "The window that decides.").positive();
    s.field("short", &BurnRateWindow::short_window, "The window that ends the alert soon.")
        .positive();
    s.field("burnRate", &BurnRateWindow::burn_rate,
            "How many times faster than allowed the budget burns.")
        .range(0, 1000);
  }
};

struct SloAlerting {
  int minimum_events = 10;  ///< fewer total events in the long window never alert
  /// Source of the default: SRE Workbook, chapter 5, table 5-8.
  std::vector<BurnRateWindow> windows = {
      {"page", std::chrono::hours(1), std::chrono::minutes(5), 14.4},
      {"page", std::chrono::hours(6), std::chrono::minutes(30), 6},
      {"ticket", std::chrono::hours(72), std::chrono::hours(6), 1},
  };

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("When the burning of the error budget alerts.");
    s.field("minimumEvents", &SloAlerting::minimum_events,
            "Fewer events than this in the long window never alert.")
        .range(0, 1'000'000'000);
    s.field("windows", &SloAlerting::windows,
            "Default: those of the SRE Workbook, chapter 5 (page 1h/5m at 14.4, page 6h/30m at 6, "
            "ticket 3d/6h at 1).");
  }
};

/// A service level objective, in OpenSLO's shape.
struct Slo {
  static constexpr const char* kKind = "Slo";
  Metadata metadata;
  Ref<Workload> service;
  std::string description;
  Ref<Team> owner;  ///< empty: the workload's
  Ref<Kpi> kpi;
  Ref<Runbook> procedure;
  Indicator indicator;
  std::vector<SloTimeWindow> time_window = {SloTimeWindow{}};  ///< exactly one
  std::string budgeting_method = "Occurrences";
  std::vector<Objective> objectives;  ///< exactly one
  SloAlerting alerting;

  const std::string& good_query() const {
    return indicator.spec.ratio_metric.good.metric_source.spec.query;
  }
  const std::string& total_query() const {
    return indicator.spec.ratio_metric.total.metric_source.spec.query;
  }
  /// The length of its window; check() sees to it that there is exactly one.
  Duration window() const {
    return time_window.empty() ? SloTimeWindow{}.duration : time_window.front().duration;
  }
  /// Between 0 and 1; check() sees to it that there is exactly one.
  double target() const {
    return objectives.empty() ? Objective{}.target : objectives.front().target;
  }

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A service level objective, in OpenSLO's shape.");
    s.field("service", &Slo::service, "The workload that promises it.").required();
    s.field("description", &Slo::description, "What is promised, in words.");
    s.field("owner", &Slo::owner, "The team that answers for it. Default: the workload's.");
    s.field("kpi", &Slo::kpi, "The outcome that is at risk when the budget burns.");
    s.field("procedure", &Slo::procedure,
            "What to do when it pages. Default: the workload's playbook.");
    s.field("indicator", &Slo::indicator, "What is measured.").required();
    s.field("timeWindow", &Slo::time_window, "The time over which it is to be met.").count(1, 1);
    s.field("budgetingMethod", &Slo::budgeting_method, "How the budget is counted.")
        .one_of({"Occurrences"});
    s.field("objectives", &Slo::objectives, "What is promised.").required().count(1, 1);
    s.field("alerting", &Slo::alerting, "When the burning of the budget alerts.");
  }
};

}  // namespace wellrun::catalog
