#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

struct AutomationLimits {
  int max_per_hour = 3;
  Duration cooldown = std::chrono::minutes(5);

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("How often at most.");
    s.field("maxPerHour", &AutomationLimits::max_per_hour, "Runs in any hour.").range(1, 1000);
    s.field("cooldown", &AutomationLimits::cooldown, "Time between two runs.");
  }
};

/// Starts a runbook when a fact is recorded that meets a condition.
struct Automation {
  static constexpr const char* kKind = "Automation";
  Metadata metadata;
  std::string description;
  std::string on;    ///< fact type: incident.opened
  TextListMap when;  ///< body field -> any of these values; all fields must match
  Ref<Runbook> runbook;
  TextMap inputs;
  AutomationLimits limits;
  bool enabled = true;
  bool dry_run = false;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Starts a runbook when a fact is recorded that meets a condition.");
    s.field("description", &Automation::description, "What it is for.");
    s.field("on", &Automation::on, "Type of the fact, as `incident.opened`.")
        .required()
        .format("fact-type");
    s.field("when", &Automation::when,
            "Fields of the fact, each with the value or list of values it may have; all must "
            "match.");
    s.field("runbook", &Automation::runbook, "What to run.").required();
    s.field("inputs", &Automation::inputs, "Its inputs; may hold `{{fact.<field>}}`.");
    s.field("limits", &Automation::limits, "How often at most.");
    s.field("enabled", &Automation::enabled, "Whether it does anything.");
    s.field("dryRun", &Automation::dry_run, "Whether it only records what it would have started.");
  }
};

}  // namespace wellrun::catalog
