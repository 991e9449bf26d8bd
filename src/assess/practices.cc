#include "assess/practices.h"

#include <array>

namespace wellrun::assess {
namespace {

// Titles in our own words; ids and risks as the edition has them.
// clang-format off
constexpr std::array<Practice, 84> kPractices{{
    {"DP1", "Design principles", "Operations are code: applied from commits, started by events", "05-BP01", 3},
    {"DP2", "Design principles", "Changes are small, frequent and reversible", "05-BP09", 2},
    {"DP3", "Design principles", "Procedures are used, found effective, and refined", "07-BP03", 2},
    {"DP4", "Design principles", "Failure is anticipated and responses are practised", "11-BP01", 2},
    {"DP5", "Design principles", "Every operational failure is learnt from", "11-BP02", 3},
    {"O1", "Organization", "Workloads and priorities are known as a whole", "", 2},
    {"O2", "Organization", "Needs of customers outside steer the work", "01-BP01", 3},
    {"O3", "Organization", "Needs of customers inside steer the work", "01-BP02", 3},
    {"O4", "Organization", "Governance rules are known and applied", "01-BP03", 3},
    {"O5", "Organization", "Compliance duties are known and evidenced", "01-BP04", 3},
    {"O6", "Organization", "Threats are kept in a register and reviewed", "01-BP05", 2},
    {"O7", "Organization", "Trade-offs are decided on data and revisited", "01-BP06", 2},
    {"O8", "Organization", "Benefits and risks are managed", "01-BP06", 2},
    {"O9", "Organization", "Every application component has one owner who exists and is reachable", "02-BP01 02-BP02 02-BP03", 3},
    {"O10", "Organization", "Platforms have owners, and their offers are used", "02-BP01 02-BP06", 2},
    {"O11", "Organization", "Priorities have a visible sponsor", "03-BP01", 3},
    {"O12", "Organization", "Whoever sees an outcome at risk may act", "03-BP02", 2},
    {"O13", "Organization", "Escalating early is welcome and works", "03-BP03", 3},
    {"O14", "Organization", "Communication is timely, clear and actionable", "03-BP04", 3},
    {"O15", "Organization", "Experiments are welcome", "03-BP05", 2},
    {"O16", "Organization", "Skills are kept and grown", "03-BP06", 2},
    {"O17", "Organization", "Teams are resourced for their load", "03-BP07", 2},
    {"O18", "Organization", "Different opinions are sought", "03-BP04", 1},
    {"P1", "Prepare", "Applications emit the telemetry they declare", "04-BP02", 3},
    {"P2", "Prepare", "Hosts, runtimes and probes are measured", "04-BP02 04-BP03", 3},
    {"P3", "Prepare", "User activity is measured", "04-BP03", 3},
    {"P4", "Prepare", "Dependencies are measured", "04-BP04", 3},
    {"P5", "Prepare", "Requests can be traced from end to end", "04-BP05", 3},
    {"P6", "Prepare", "Operations are under version control", "05-BP01", 3},
    {"P7", "Prepare", "Changes are tested and validated", "05-BP02", 3},
    {"P8", "Prepare", "Configuration is managed and drift is seen", "05-BP03", 2},
    {"P9", "Prepare", "Deployments are managed and recorded", "05-BP04", 2},
    {"P10", "Prepare", "Patches are managed", "05-BP05", 2},
    {"P11", "Prepare", "Design standards are shared and checked", "05-BP06", 2},
    {"P12", "Prepare", "Code quality is practised", "05-BP07", 2},
    {"P13", "Prepare", "Several environments, promoted in order", "05-BP08", 2},
    {"P14", "Prepare", "Changes are frequent, small and reversible", "05-BP09", 1},
    {"P15", "Prepare", "Integration and deployment are automated", "05-BP10", 1},
    {"P16", "Prepare", "There is a way back from every change", "06-BP01", 3},
    {"P17", "Prepare", "Deployments are tested and validated", "06-BP02", 3},
    {"P18", "Prepare", "Deployments go through a managed system", "06-BP03", 2},
    {"P19", "Prepare", "Deployments are limited first", "06-BP03", 2},
    {"P20", "Prepare", "Parallel environments switch and return", "06-BP03", 2},
    {"P21", "Prepare", "Infrastructure changes are small and reversible too", "06-BP03", 2},
    {"P22", "Prepare", "Integration and its tests are automated", "06-BP04", 2},
    {"P23", "Prepare", "A sound judge rolls bad deployments back", "06-BP04", 2},
    {"P24", "Prepare", "Enough able people support each workload", "07-BP01", 3},
    {"P25", "Prepare", "Readiness is reviewed in one consistent way", "07-BP02", 3},
    {"P26", "Prepare", "Runbooks perform procedures", "07-BP03", 2},
    {"P27", "Prepare", "Playbooks guide investigations", "07-BP04", 2},
    {"P28", "Prepare", "Decisions to deploy are informed", "07-BP05", 1},
    {"P29", "Prepare", "Production workloads have support plans", "07-BP06", 1},
    {"W1", "Operate", "Workloads have KPIs with targets and data", "04-BP01", 3},
    {"W2", "Operate", "Workload metrics are tied to KPIs", "08-BP01", 2},
    {"W3", "Operate", "Workload telemetry is collected and analysed", "08-BP01 08-BP02 08-BP03", 2},
    {"W4", "Operate", "Workload metrics have baselines", "08-BP01", 2},
    {"W5", "Operate", "Expected patterns of activity are learnt", "08-BP01", 2},
    {"W6", "Operate", "Alerts fire when workload outcomes are at risk", "08-BP04", 3},
    {"W7", "Operate", "Alerts fire on anomalies", "08-BP04", 3},
    {"W8", "Operate", "KPIs and alerts are shown to be effective", "11-BP06", 2},
    {"H1", "Operate", "Operations have KPIs with data", "09-BP01", 2},
    {"H2", "Operate", "Operations metrics are tied to KPIs", "09-BP01", 2},
    {"H3", "Operate", "Operations metrics are collected and analysed", "09-BP02", 2},
    {"H4", "Operate", "Operations metrics have baselines", "09-BP02", 2},
    {"H5", "Operate", "Expected patterns of operations are learnt", "09-BP02", 2},
    {"H6", "Operate", "Alerts fire when operations outcomes are at risk", "09-BP02", 2},
    {"H7", "Operate", "Alerts fire on anomalies of operations", "09-BP02", 2},
    {"H8", "Operate", "Operations KPIs are shown to be effective", "09-BP03", 2},
    {"E1", "Operate", "Events, incidents and problems follow one process", "10-BP01", 3},
    {"E2", "Operate", "Each alert has a procedure, and it is used", "10-BP02", 3},
    {"E3", "Operate", "Work is ordered by business impact", "10-BP03", 3},
    {"E4", "Operate", "Escalation paths are defined and answered", "10-BP04", 2},
    {"E5", "Operate", "Customers are told by plan", "10-BP05", 2},
    {"E6", "Operate", "Status is shown truthfully", "10-BP06 08-BP05", 2},
    {"E7", "Operate", "Responses to events are automated", "10-BP07", 2},
    {"V1", "Evolve", "Improvement has a process", "11-BP01", 3},
    {"V2", "Evolve", "Incidents are analysed", "11-BP02", 3},
    {"V3", "Evolve", "Feedback loops are closed", "11-BP03", 3},
    {"V4", "Evolve", "Knowledge is managed", "11-BP04", 3},
    {"V5", "Evolve", "Drivers for improvement are named from data", "11-BP05", 2},
    {"V6", "Evolve", "Insights are validated", "11-BP06", 2},
    {"V7", "Evolve", "Operations metrics are reviewed", "11-BP07 09-BP03", 2},
    {"V8", "Evolve", "Lessons are written down and shared", "11-BP08", 1},
    {"V9", "Evolve", "Time is set aside for improvement", "11-BP09", 1},
}};
// clang-format on

constexpr std::array<std::string_view, 5> kAreas{"Design principles", "Organization", "Prepare",
                                                 "Operate", "Evolve"};

}  // namespace

std::span<const Practice> practices() {
  return kPractices;
}
std::span<const std::string_view> areas() {
  return kAreas;
}

}  // namespace wellrun::assess
