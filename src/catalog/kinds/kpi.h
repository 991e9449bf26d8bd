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
  std::string query;  ///< PromQL, one value
  std::string unit;
  std::string direction = "higher";  ///< which way is better: higher or lower
  double target = 0;
  std::optional<double> at_risk;  ///< warning threshold, on the good side of the target
  Duration interval{30'000};

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A figure that says whether a business outcome is reached.");
    s.field("workload", &Kpi::workload, "The workload whose outcome it measures.").required();
    s.field("owner", &Kpi::owner, "The team that answers for it. Default: the workload's.");
    s.field("description", &Kpi::description, "What is measured.");
    s.field("outcome", &Kpi::outcome, "The business outcome, in words.");
    s.field("query", &Kpi::query, "PromQL that gives one value.").required().format("promql");
    s.field("unit", &Kpi::unit, "Unit of the value.");
    s.field("direction", &Kpi::direction, "Which way is better.").one_of({"higher", "lower"});
    s.field("target", &Kpi::target, "The value to reach.").required();
    s.field("atRisk", &Kpi::at_risk,
            "On the wrong side of this it is at risk, though the target is still met.");
    s.field("interval", &Kpi::interval, "How often it is computed.").positive();
  }
};

}  // namespace wellrun::catalog
