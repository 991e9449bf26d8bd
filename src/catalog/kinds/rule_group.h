#pragma once

#include "catalog/alert_severity.h"
#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// One rule in Prometheus' shape: recording (record) or alerting (alert).
struct Rule {
  std::string alert;
  std::string record;
  std::string expr;
  Duration for_{0};  ///< how long the expression must hold
  Duration keep_firing_for{0};
  TextMap labels;
  TextMap annotations;
  Ref<Runbook> procedure;

  bool is_alert() const { return !alert.empty(); }
  /// page, ticket or info: what its label `severity` does.
  std::string severity() const {
    const auto at = labels.find("severity");
    return alert_severity(at == labels.end() ? std::string() : at->second);
  }

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("One rule: alerting (`alert`) or recording (`record`).");
    s.field("alert", &Rule::alert, "Name of the alert.");
    s.field("record", &Rule::record, "Name of the series to record.").format("metric-name");
    s.field("expr", &Rule::expr, "PromQL.").required().format("promql");
    s.field("for", &Rule::for_, "How long the expression must hold before the alert fires.");
    s.field("keep_firing_for", &Rule::keep_firing_for,
            "How long the alert goes on firing after the expression held last.");
    s.field("labels", &Rule::labels,
            "Labels to add. `severity: page` (or `critical`) pages, anything else (`ticket`, "
            "`warning`, `info`) is an event only: docs/rules.md.")
        .format("utf8-label-map");
    s.field("annotations", &Rule::annotations, "Text for people.").format("utf8-label-map");
    s.field("procedure", &Rule::procedure,
            "What to do when it fires. Default: the workload's playbook.");
  }
};

/// Rules evaluated together, in order, in Prometheus' shape.
struct RuleGroup {
  static constexpr const char* kKind = "RuleGroup";
  Metadata metadata;
  Ref<Workload> workload;
  Ref<Team> owner;  ///< empty: the workload's
  Duration interval{30'000};
  Duration query_offset{0};
  int limit = 0;
  std::vector<Rule> rules;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Rules evaluated together, in order, in Prometheus' shape.");
    s.field("workload", &RuleGroup::workload, "The workload that its alerts are about.");
    s.field("owner", &RuleGroup::owner, "The team that answers for it. Default: the workload's.");
    s.field("interval", &RuleGroup::interval, "How often they are evaluated.").positive();
    s.field("query_offset", &RuleGroup::query_offset,
            "How far back in time expressions are evaluated, for samples that come late.");
    s.field("limit", &RuleGroup::limit,
            "The most series one of its rules may give, the most alerts it may have; 0: no limit.")
        .range(0, 1e9);
    s.field("rules", &RuleGroup::rules, "The rules.").required();
  }
};

}  // namespace wellrun::catalog
