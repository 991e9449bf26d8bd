#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// A figure that says whether a business outcome is reached.
struct Kpi {
  static constexpr const char* kKind = "Kpi";
  Metadata metadata;
  Ref<Workload> workload;
  Ref<Team> owner;  ///< empty: the workload's
  std::string description;
  std::string outcome;
  Ref<Kpi> parent;         ///< the outcome that it leads to; empty: it is one
  std::string query;       ///< PromQL, one value
  std::string operations;  ///< a figure of operations instead of a query
  Duration window = std::chrono::hours(30 * 24);  ///< of that figure
  std::string unit;
  std::string direction = "higher";  ///< which way is better: higher or lower
  double target = 0;
  std::optional<double> at_risk;  ///< warning threshold, on the good side of the target
  Duration interval{30'000};
  Duration review_every = std::chrono::hours(90 * 24);

  /// What to ask for its values: the query, or the series that a figure of operations is kept in.
  std::string promql() const {
    return operations.empty() ? query : "wellrun_kpi_value{kpi=\"" + metadata.name + "\"}";
  }

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A figure that says whether a business outcome is reached.");
    s.field("workload", &Kpi::workload, "The workload whose outcome it measures.").required();
    s.field("owner", &Kpi::owner, "The team that answers for it. Default: the workload's.");
    s.field("description", &Kpi::description, "What is measured.");
    s.field("outcome", &Kpi::outcome, "The business outcome, in words.");
    s.field(
        "parent", &Kpi::parent,
        "The KPI that this one leads to: from the business outcome down to leading indicators.");
    s.field("query", &Kpi::query, "PromQL that gives one value. Or `operations`.").format("promql");
    s.field(
         "operations", &Kpi::operations,
         "A figure of operations, computed from the journal over `window` (docs/kpis.md), of the "
         "workload.")
        .one_of({"time-to-detect", "time-to-acknowledge", "time-to-mitigate", "time-to-resolve",
                 "deployment-frequency", "lead-time", "change-failure-rate", "time-to-restore",
                 "rework-rate", "toil", "page-load", "automation-share", "backlog-age"});
    s.field("window", &Kpi::window, "Over which time the figure of operations is computed.")
        .positive();
    s.field("unit", &Kpi::unit, "Unit of the value.");
    s.field("direction", &Kpi::direction, "Which way is better.").one_of({"higher", "lower"});
    s.field("target", &Kpi::target, "The value to reach.").required();
    s.field("atRisk", &Kpi::at_risk,
            "On the wrong side of this it is at risk, though the target is still met.");
    s.field("interval", &Kpi::interval, "How often it is computed.").positive();
    s.field("reviewEvery", &Kpi::review_every,
            "How often somebody is to look whether it still says what it should.")
        .positive();
  }
};

}  // namespace wellrun::catalog
