#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// Metrics whose normal course is learned. KPIs and SLOs have theirs without being asked.
struct Baseline {
  static constexpr const char* kKind = "Baseline";
  Metadata metadata;
  Ref<Workload> workload;
  std::string description;
  std::string query;
  Duration interval{30'000};
  Duration learn_from = std::chrono::days(14);
  int most_series = 200;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about(
        "Metrics whose normal course is learned: expected value, band and anomaly score at each "
        "sample. KPIs and SLOs have theirs without being asked.");
    s.field("workload", &Baseline::workload, "The workload that the metrics speak of.").required();
    s.field("description", &Baseline::description, "What is watched, and why.");
    s.field("query", &Baseline::query,
            "PromQL. Of a plain selector each sample is watched as it came; any other expression "
            "is evaluated every `interval`.")
        .required()
        .format("promql");
    s.field("interval", &Baseline::interval,
            "The distance of points of an expression, and how often new samples are looked at.")
        .positive();
    s.field("learnFrom", &Baseline::learn_from,
            "How far back stored history is read when a series is new.")
        .positive();
    s.field("mostSeries", &Baseline::most_series,
            "Further series that the query gives are not watched, and it is said so.")
        .range(1, 5000);
  }
};

}  // namespace wellrun::catalog
