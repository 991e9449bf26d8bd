#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

struct Calendar;

/// A set of components that together deliver an outcome.
struct Workload {
  static constexpr const char* kKind = "Workload";
  Metadata metadata;
  std::string display_name;
  std::string description;
  Ref<Team> owner;
  int tier = 3;  ///< 1 (most important) to 4
  bool customer_facing = false;
  Ref<EscalationPolicy> escalation_policy;
  Ref<CommunicationPlan> communication_plan;
  Ref<Runbook> playbook;
  Ref<Calendar> calendar;
  int max_series = 0;  ///< 0: the server's default
  double finding_score = 0.6;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A set of components that together deliver an outcome to someone.");
    s.field("displayName", &Workload::display_name, "The name as people write it.");
    s.field("description", &Workload::description, "What it does, for whom.");
    s.field("owner", &Workload::owner, "The team that answers for it.").required();
    s.field("tier", &Workload::tier, "How important it is: 1 is most important.").range(1, 4);
    s.field("customerFacing", &Workload::customer_facing, "Whether customers notice its failure.");
    s.field("escalationPolicy", &Workload::escalation_policy, "Who is paged, and who next.")
        .required();
    s.field("communicationPlan", &Workload::communication_plan,
            "How customers are told about an incident.");
    s.field("playbook", &Workload::playbook, "What to do first when the cause is not known.");
    s.field("calendar", &Workload::calendar,
            "Whose time of day and holidays its series follow. Without one: UTC, no holidays.");
    s.field("maxSeries", &Workload::max_series,
            "Most series that it may have, of all its components together: further ones are "
            "refused, those it has go on. 0: the server's `--max-series-per-workload`.")
        .range(0, 16'000'000);
    s.field("findingScore", &Workload::finding_score,
            "How unusual its series have to be for a finding: the anomaly score from which one "
            "alone opens it; two, a KPI or an SLI open one from 0.1 below.")
        .range(0.5, 0.95);
  }
};

}  // namespace wellrun::catalog
