#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

struct MetricSourceSpec {
  std::string query;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("The query.");
    s.field("query", &MetricSourceSpec::query,
            "PromQL. Of a counter: a selector, or an expression over selectors; the increase over "
            "each window is taken of every selector. `{{.window}}` stands for the window.")
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

/// Good events over all events. Exactly one of these is given: good and total, bad and total, raw.
struct RatioMetric {
  bool counter = true;
  std::optional<MetricCount> good;
  std::optional<MetricCount> bad;
  std::optional<MetricCount> total;
  std::optional<MetricCount> raw;
  std::string raw_type;  ///< success or failure; of `raw` only

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Good events over all events: `good` or `bad` with `total`, or `raw`.");
    s.field("counter", &RatioMetric::counter,
            "Whether the queries are of counters, which only grow. `false`: each sample is a count "
            "of its own. Without meaning for `raw`.");
    s.field("good", &RatioMetric::good, "Events that went well.");
    s.field("bad", &RatioMetric::bad, "Events that went wrong, instead of `good`.");
    s.field("total", &RatioMetric::total, "All events.");
    s.field("raw", &RatioMetric::raw, "A ratio that is stored already, instead of the counts.");
    s.field("rawType", &RatioMetric::raw_type, "What the ratio of `raw` is the share of.")
        .one_of({"success", "failure"});
  }
};

/// A histogram of which the share up to a threshold is good; not in OpenSLO.
struct LatencyMetric {
  std::string histogram;
  double threshold = 0;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("The share of a histogram's observations up to a threshold.");
    s.field("histogram", &LatencyMetric::histogram,
            "A selector of the histogram by its base name, as "
            "`http_request_duration_seconds{job=\"shop\"}`: native, or classic (then its _bucket "
            "and _count are read).")
        .required()
        .format("promql");
    s.field("threshold", &LatencyMetric::threshold,
            "The largest value that is good, in the histogram's own unit. Best a bucket's border: "
            "between two borders the share is interpolated.")
        .required();
  }
};

/// Exactly one of them.
struct IndicatorSpec {
  std::string description;
  std::optional<RatioMetric> ratio_metric;
  std::optional<MetricCount> threshold_metric;
  std::optional<LatencyMetric> latency_metric;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("What is measured: exactly one metric.");
    s.field("description", &IndicatorSpec::description, "What is measured, in words.");
    s.field("ratioMetric", &IndicatorSpec::ratio_metric, "Good events over all events.");
    s.field("thresholdMetric", &IndicatorSpec::threshold_metric,
            "A value that is good while it compares well with the objective's `op` and `value`.");
    s.field("latencyMetric", &IndicatorSpec::latency_metric,
            "A histogram's observations up to a threshold, classic and native (not in OpenSLO).");
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

struct SloCalendar {
  std::string start_time;
  std::string time_zone = "UTC";

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Where calendar windows begin.");
    s.field("startTime", &SloCalendar::start_time,
            "When the first one begins, by the clocks of `timeZone`. The following ones begin a "
            "`duration` later each, at the same time of day.")
        .required()
        .format("local-time");
    s.field("timeZone", &SloCalendar::time_zone, "Whose clocks.").format("time-zone");
  }
};

struct SloTimeWindow {
  std::string duration = "4w";
  bool is_rolling = true;
  std::optional<SloCalendar> calendar;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("The time over which the objective is to be met.");
    s.field("duration", &SloTimeWindow::duration,
            "Its length: `28d`, `4w`; also `1M` (month), `1Q` (quarter), `1Y` (year), which in a "
            "rolling window are 30, 90 and 365 days.")
        .format("window-length");
    s.field("isRolling", &SloTimeWindow::is_rolling,
            "Whether it ends now. `false`: the calendar's windows.");
    s.field("calendar", &SloTimeWindow::calendar, "Where they begin, when it does not roll.");
  }
};

struct Objective {
  std::string display_name;
  std::optional<double> target;
  std::optional<double> target_percent;
  std::string op;
  std::optional<double> value;
  std::optional<double> time_slice_target;
  std::string time_slice_window;
  std::optional<Indicator> indicator;  ///< of a composite's objective
  double composite_weight = 1;

  /// Of `target` or `targetPercent`; 0.99 where it has neither.
  double share() const;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("What is promised.");
    s.field("displayName", &Objective::display_name, "Its name.");
    s.field("target", &Objective::target, "The share that is to be good, between 0 and 1.")
        .range(0, 1);
    s.field("targetPercent", &Objective::target_percent, "The same between 0 and 100.")
        .range(0, 100);
    s.field("op", &Objective::op, "How the thresholdMetric compares with `value` when it is good.")
        .one_of({"lte", "gte", "lt", "gt"});
    s.field("value", &Objective::value, "What the thresholdMetric is compared with.");
    s.field("timeSliceTarget", &Objective::time_slice_target,
            "Timeslices: the share that must be good in a slice for the slice to be good.")
        .range(0, 1);
    s.field("timeSliceWindow", &Objective::time_slice_window,
            "Timeslices and RatioTimeslices: the length of a slice; a number means minutes.")
        .format("slice-length");
    s.field(
        "indicator", &Objective::indicator,
        "What is measured for this objective, of a composite: several objectives, each with its "
        "own, instead of `spec.indicator`.");
    s.field("compositeWeight", &Objective::composite_weight,
            "How many times as fast this objective's burning burns the composite's budget. Without "
            "meaning for Timeslices: a slice that is bad for one objective is bad.")
        .range(0, 1'000'000);
  }
};

struct BurnRateWindow {
  std::string severity = "page";  ///< page or ticket
  Duration long_window = std::chrono::hours(1);
  Duration short_window = std::chrono::minutes(5);
  double burn_rate = 14.4;
  Duration for_{0};

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
    s.field("for", &BurnRateWindow::for_, "How long it must burn so before the alert fires.");
  }
};

struct SloAlerting {
  int minimum_events = 10;  ///< fewer total events in the long window never alert
  int minimum_bad_events = 2;
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
    s.field("minimumBadEvents", &SloAlerting::minimum_bad_events,
            "Fewer bad events than this in the long window never alert: one failing request is no "
            "reason to wake anyone, whatever the target. Without meaning for `raw`, whose samples "
            "are neither good nor bad.")
        .range(1, 1'000'000'000);
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
  std::vector<Objective> objectives;  ///< one; of a composite several
  SloAlerting alerting;

  /// The length of its window; check() sees to it that there is exactly one.
  Duration window() const;
  /// Of its objective, 0.99 where it has none. Of a composite the highest: who keeps that keeps
  /// all.
  double target() const;
  /// Of its objective; the same for all of a composite's.
  std::optional<Duration> slice() const;
  const Objective& objective() const;  ///< the first one
  bool by_slices() const { return budgeting_method != "Occurrences"; }
  bool is_composite() const { return objectives.size() > 1; }
  /// Of a composite each objective as an Slo of its own, with its indicator; else itself alone.
  std::vector<Slo> parts() const;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A service level objective, in OpenSLO's shape.");
    s.field("service", &Slo::service, "The workload that promises it.").required();
    s.field("description", &Slo::description, "What is promised, in words.");
    s.field("owner", &Slo::owner, "The team that answers for it. Default: the workload's.");
    s.field("kpi", &Slo::kpi, "The outcome that is at risk when the budget burns.");
    s.field("procedure", &Slo::procedure,
            "What to do when it pages. Default: the workload's playbook.");
    s.field("indicator", &Slo::indicator,
            "What is measured. Required, but of a composite, whose objectives have their own.");
    s.field("timeWindow", &Slo::time_window, "The time over which it is to be met.").count(1, 1);
    s.field("budgetingMethod", &Slo::budgeting_method,
            "How the budget is counted: by events (samples, of a value), by slices of time that "
            "are good "
            "or bad, or by the mean of the slices' ratios.")
        .one_of({"Occurrences", "Timeslices", "RatioTimeslices"});
    s.field("objectives", &Slo::objectives,
            "What is promised. Several make a composite: a journey that is good when all its parts "
            "are, each with its own `indicator`.")
        .required()
        .count(1, 20);
    s.field("alerting", &Slo::alerting, "When the burning of the budget alerts.");
  }
};

}  // namespace wellrun::catalog
