#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/labels.h"
#include "core/text.h"

namespace wellrun::cli {
namespace {

using Form = Column::Form;

/// A list inside of one thing, shown below it.
struct ListBelow {
  const char* key;
  std::vector<Column> columns;
  const char* empty;
};

/// `wellrun <group> <name>`: asks for a list or one thing and prints it.
struct View {
  const char* group;
  const char* name;
  const char* about;
  std::string path;                  ///< "{}" takes the positional argument
  std::vector<const char*> filters;  ///< options that become query parameters
  std::vector<Column> columns;       ///< of items, or of the one thing
  const char* empty = "nothing there";
  const char* items = "items";  ///< where the list is; empty: the answer is one thing
  std::vector<ListBelow> lists = {};
};

const std::vector<View>& views() {
  static const std::vector<View> all{
      {"workload",
       "list",
       "Workloads and how they are",
       "/api/v1/workloads",
       {},
       {{"NAME", "name"},
        {"HEALTH", "health", Form::kState},
        {"TIER", "tier"},
        {"OWNER", "owner"},
        {"OPEN INCIDENTS", "open_incidents", Form::kList},
        {"ON CALL", "on_call", Form::kList}},
       "no workloads yet: write them as code (wellrun init) and apply them (wellrun apply)"},
      {"workload",
       "show",
       "One workload",
       "/api/v1/workloads/{}",
       {},
       {{"name", "name"},
        {"what", "description"},
        {"health", "health", Form::kState},
        {"because", "health_reasons", Form::kList},
        {"tier", "tier"},
        {"owner", "owner"},
        {"components", "components", Form::kList},
        {"incidents", "open_incidents", Form::kList},
        {"on call", "on_call", Form::kList}},
       "",
       ""},
      {"kpi",
       "list",
       "Outcomes: targets and where they stand",
       "/api/v1/kpis",
       {"workload"},
       {{"NAME", "name"},
        {"STATUS", "status", Form::kState},
        {"VALUE", "value"},
        {"TARGET", "target"},
        {"UNIT", "unit"},
        {"WORKLOAD", "workload"},
        {"OUTCOME", "outcome"}},
       "no KPIs yet: write a Kpi as code (wellrun init shows one) and apply it"},
      {"kpi",
       "operations",
       "The figures of operations, computed from the journal",
       "/api/v1/operations",
       {"workload", "window"},
       {{"NAME", "name"},
        {"VALUE", "value", Form::kNumber},
        {"UNIT", "unit"},
        {"OUT OF", "count"},
        {"BETTER", "direction"},
        {"WHAT", "title"}},
       "no figures"},
      {"effectiveness",
       "list",
       "What each alert, KPI and detector is worth",
       "/api/v1/effectiveness",
       {"workload", "days"},
       {{"SUBJECT", "subject"},
        {"SPOKE", "spoke"},
        {"RIGHT", "right"},
        {"NOISE", "noise"},
        {"PRECISION", "precision", Form::kPercent},
        {"RECALL", "recall", Form::kPercent},
        {"LEAD S", "lead_s", Form::kNumber},
        {"NEVER LOOKED AT", "never_looked_at"},
        {"CHANGED NOTHING", "never_changed_a_decision"}},
       "nothing may speak yet: declare alerts, SLOs and KPIs"},
      {"effectiveness",
       "proposals",
       "What to merge, raise, delete and add, with the figures that support it",
       "/api/v1/effectiveness/proposals",
       {"workload", "days"},
       {{"WHAT", "what"},
        {"PROPOSAL", "text"},
        {"SUPPORTED", "backtest.supports"},
        {"BACK-TEST", "backtest.text"}},
       "nothing to propose"},
      {"alert",
       "list",
       "Alerts that fired last, and what people said of them",
       "/api/v1/effectiveness",
       {"workload", "days"},
       {{"FINGERPRINT", "fingerprint"},
        {"ALERT", "subject"},
        {"SEVERITY", "severity"},
        {"FIRED", "from", Form::kAge},
        {"ENDED", "to", Form::kAge},
        {"VERDICT", "verdict"}},
       "no alert has fired in that time",
       "recent"},
      {"slo",
       "list",
       "Objectives and their error budgets",
       "/api/v1/slos",
       {"workload"},
       {{"NAME", "name"},
        {"STATUS", "status", Form::kState},
        {"BUDGET LEFT", "budget_remaining", Form::kPercent},
        {"SLI", "sli", Form::kPercent},
        {"TARGET", "target", Form::kPercent},
        {"WINDOW", "window"},
        {"WORKLOAD", "workload"}},
       "no SLOs yet: write an Slo as code (wellrun init shows one) and apply it"},
      {"baselines",
       "list",
       "Watched series: what is normal, and what departs from it",
       "/api/v1/baselines",
       {"workload", "watch", "phase"},
       {{"ID", "id"},
        {"PHASE", "phase", Form::kState},
        {"SCORE", "score"},
        {"WATCH", "watch"},
        {"METRIC", "metric"},
        {"VALUE", "value"},
        {"LOWER", "lower"},
        {"UPPER", "upper"},
        {"SINCE", "since", Form::kAge},
        {"EXPLANATION", "explanation"}},
       "nothing is watched yet: KPIs and SLOs are by themselves, other metrics by a Baseline"},
      {"baselines",
       "show",
       "One watched series: its pattern, where it stands, why, and its anomalies",
       "/api/v1/baselines/{}",
       {},
       {{"id", "id"},
        {"watch", "watch"},
        {"workload", "workload"},
        {"metric", "metric"},
        {"labels", "labels"},
        {"phase", "phase", Form::kState},
        {"explanation", "explanation"},
        {"value", "value"},
        {"expected", "expected"},
        {"lower", "lower"},
        {"upper", "upper"},
        {"score", "score"},
        {"unusual since", "since", Form::kAge},
        {"nature", "nature"},
        {"daily pattern", "season.daily", Form::kPercent},
        {"weekly pattern", "season.weekly", Form::kPercent},
        {"level changed", "level_changed_at", Form::kAge},
        {"points", "points"},
        {"last point", "time", Form::kAge},
        {"query", "watched_by.query"},
        {"error", "watched_by.error"}},
       "",
       "",
       {{"anomalies",
         {{"FROM", "from"}, {"TO", "to"}, {"OPEN", "open"}, {"SCORE", "score"}, {"WHY", "why"}},
         "no anomalies"}}},
      {"findings",
       "list",
       "What is unusual in workloads, grouped, and the likeliest cause",
       "/api/v1/findings",
       {"workload", "state"},
       {{"ID", "id"},
        {"STATE", "state", Form::kState},
        {"WORKLOAD", "workload"},
        {"SINCE", "since", Form::kAge},
        {"SERIES", "anomaly_count"},
        {"SUMMARY", "summary"}},
       "no findings: nothing is unusual"},
      {"findings",
       "show",
       "One finding: the series that are unusual, and ranked causes",
       "/api/v1/findings/{}",
       {},
       {{"id", "id"},
        {"state", "state", Form::kState},
        {"workload", "workload"},
        {"summary", "summary"},
        {"since", "since", Form::kAge},
        {"closed", "closed_at", Form::kAge},
        {"because", "closed_because"},
        {"series", "anomaly_count"}},
       "",
       "",
       {{"causes",
         {{"CAUSE", "kind"}, {"NAME", "name"}, {"SCORE", "score"}, {"WHY", "why"}},
         "no likely cause is known: no recent change, no component"},
        {"anomalies",
         {{"BASELINE", "baseline"},
          {"WATCH", "watch"},
          {"COMPONENT", "component"},
          {"SINCE", "since"},
          {"SCORE", "score"},
          {"WHY", "why"}},
         "no series"}}},
      {"forecasts",
       "list",
       "What is foretold of KPIs, error budgets, disks and certificates",
       "/api/v1/forecasts",
       {"workload", "kind"},
       {{"ID", "id"},
        {"KEY", "key"},
        {"WARNS", "warns"},
        {"EXPECTED", "expected", Form::kForetold},
        {"EARLIEST", "earliest", Form::kForetold},
        {"TEXT", "text"}},
       "no forecasts yet: they are made half a minute after the start, then every half hour"},
      {"forecasts",
       "show",
       "One forecast: its course, its band, and how wrong it was on the past",
       "/api/v1/forecasts/{}",
       {},
       {{"id", "id"},
        {"key", "key"},
        {"workload", "workload"},
        {"text", "text"},
        {"now", "now"},
        {"bound", "bound"},
        {"unit", "unit"},
        {"expected", "expected"},
        {"earliest", "earliest"},
        {"latest", "latest"},
        {"method", "backtest.method"},
        {"mean error", "backtest.error"},
        {"had it stayed", "backtest.stays_error"},
        {"tries", "backtest.tries"}},
       "",
       "",
       {{"points",
         {{"TIME", "time"}, {"EXPECTED", "expected"}, {"LOWER", "lower"}, {"UPPER", "upper"}},
         "no course: too little history, or none is needed"}}},
      {"incident",
       "list",
       "Incidents, open ones unless --state says otherwise",
       "/api/v1/incidents",
       {"state", "workload"},
       {{"ID", "id"},
        {"SEV", "severity"},
        {"STATE", "state", Form::kState},
        {"WORKLOAD", "workload"},
        {"TITLE", "title"},
        {"OPENED", "opened_at", Form::kAge},
        {"ACKNOWLEDGED BY", "acknowledged_by"}},
       "no open incidents; those that are over: wellrun incident list --state all"},
      {"incident",
       "show",
       "One incident",
       "/api/v1/incidents/{}",
       {},
       {{"id", "id"},
        {"title", "title"},
        {"state", "state", Form::kState},
        {"severity", "severity"},
        {"workload", "workload"},
        {"opened", "opened_at", Form::kAge},
        {"acknowledged", "acknowledged_at", Form::kAge},
        {"by", "acknowledged_by"},
        {"resolved", "resolved_at", Form::kAge},
        {"alerts", "alerts", Form::kList},
        {"paged", "paged", Form::kList},
        {"procedure", "procedure"},
        {"runs", "runs", Form::kList},
        {"next update due", "next_update_due", Form::kAge}},
       "",
       "",
       {{"timeline",
         {{"TIME", "time"}, {"WHAT", "text"}, {"BY", "actor"}, {"FACT", "seq"}},
         "no timeline"}}},
      {"oncall",
       "list",
       "Who is on call, now or --at a time",
       "/api/v1/on-call",
       {"at", "schedule"},
       {{"SCHEDULE", "schedule"},
        {"PERSON", "display_name"},
        {"SINCE", "from", Form::kAge},
        {"UNTIL", "to", Form::kAge},
        {"NEXT", "next_person"}},
       "no schedules yet: write a Schedule as code (wellrun init shows one) and apply it"},
      {"runbook",
       "list",
       "Runbooks and how they do",
       "/api/v1/runbooks",
       {"workload"},
       {{"NAME", "name"},
        {"TITLE", "title"},
        {"OWNER", "owner"},
        {"RUNS", "runs"},
        {"SUCCESS", "success_rate", Form::kPercent},
        {"LAST RUN", "last_run_at", Form::kAge}},
       "no runbooks yet: write a Runbook as code (wellrun init shows one) and apply it"},
      {"automation",
       "list",
       "What starts by itself",
       "/api/v1/automations",
       {},
       {{"NAME", "name"},
        {"ON", "on"},
        {"RUNBOOK", "runbook"},
        {"ENABLED", "enabled"},
        {"TRIGGERED", "triggered"},
        {"HELD BACK", "suppressed"},
        {"LAST", "last", Form::kAge}},
       "no automations yet: write an Automation as code (wellrun init shows one) and apply it"},
      {"run",
       "list",
       "Runs of runbooks",
       "/api/v1/runs",
       {"runbook", "incident", "state"},
       {{"ID", "id"},
        {"RUNBOOK", "runbook"},
        {"STATE", "state", Form::kState},
        {"STEP", "current_step"},
        {"INCIDENT", "incident"},
        {"BY", "by"},
        {"STARTED", "started_at", Form::kAge}},
       "no runs yet: wellrun run start --runbook NAME"},
      {"deploy",
       "list",
       "Deployments",
       "/api/v1/deployments",
       {"workload", "from", "to"},
       {{"ID", "id"},
        {"WORKLOAD", "workload"},
        {"COMPONENT", "component"},
        {"ENVIRONMENT", "environment"},
        {"VERSION", "version"},
        {"STATE", "state", Form::kState},
        {"STARTED", "started_at", Form::kAge},
        {"BY", "by"},
        {"INCIDENT", "incident"}},
       "no deployments recorded: wellrun deploy record, or POST /api/v1/deployments from your "
       "pipeline"},
      {"change",
       "list",
       "Changes other than deployments: flags, configuration, infrastructure",
       "/api/v1/changes",
       {"workload", "from", "to"},
       {{"ID", "id"},
        {"KIND", "kind"},
        {"WORKLOAD", "workload"},
        {"COMPONENT", "component"},
        {"WHAT", "summary"},
        {"AT", "at", Form::kAge},
        {"BY", "by"},
        {"TAKES BACK", "reverses"}},
       "no changes recorded: wellrun change record, or POST /api/v1/changes"},
      {"analysis",
       "list",
       "Post-incident analyses",
       "/api/v1/analyses",
       {},
       {{"ID", "id"}, {"INCIDENT", "incident"}, {"STATE", "state", Form::kState}},
       "no analyses yet: one is drafted when an incident is resolved"},
      {"action",
       "list",
       "Actions out of analyses",
       "/api/v1/actions",
       {"owner", "state"},
       {{"ID", "id"},
        {"TITLE", "title"},
        {"OWNER", "owner"},
        {"DUE", "due"},
        {"STATE", "state", Form::kState},
        {"EFFECT", "effect.state", Form::kState}},
       "no actions yet: wellrun action add --title … --owner … --due 2026-12-31"},
      {"action",
       "show",
       "One action: what it was to change, and whether it did",
       "/api/v1/actions/{}",
       {},
       {{"id", "id"},
        {"title", "title"},
        {"owner", "owner"},
        {"due", "due"},
        {"state", "state", Form::kState},
        {"finished", "finished_at", Form::kAge},
        {"proof", "proof"},
        {"metric", "expects.metric"},
        {"direction", "expects.direction"},
        {"smallest", "expects.smallest", Form::kPercent},
        {"watch", "expects.watch"},
        {"effect", "effect.state", Form::kState},
        {"doubt", "effect.doubt"},
        {"because", "effect.reason"},
        {"test", "effect.test"},
        {"threshold", "effect.threshold"}},
       "",
       ""},
      {"experiment",
       "list",
       "Experiments: what was believed, and what came of it",
       "/api/v1/experiments",
       {"state", "workload"},
       {{"ID", "id"},
        {"HYPOTHESIS", "hypothesis"},
        {"METRIC", "expects.metric"},
        {"STATE", "state", Form::kState},
        {"STARTED", "started_at", Form::kAge},
        {"LEARNT", "learned"}},
       "no experiments yet: wellrun experiment start"},
      {"experiment",
       "show",
       "One experiment, with the newest verdict on it and on its guard rails",
       "/api/v1/experiments/{}",
       {},
       {{"id", "id"},
        {"hypothesis", "hypothesis"},
        {"workload", "workload"},
        {"owner", "owner"},
        {"metric", "expects.metric"},
        {"control", "expects.control"},
        {"direction", "expects.direction"},
        {"smallest", "expects.smallest", Form::kPercent},
        {"watch", "expects.watch"},
        {"state", "state", Form::kState},
        {"verdict", "verdict.state", Form::kState},
        {"doubt", "verdict.doubt"},
        {"because", "verdict.reason"},
        {"test", "verdict.test"},
        {"threshold", "verdict.threshold"},
        {"ended", "reason"},
        {"learnt", "learned"}},
       "",
       "",
       {{"guard_rails",
         {{"GUARD RAIL", "metric"}, {"HARM IS", "direction"}, {"BY", "smallest", Form::kPercent}},
         "no guard rails"},
        {"guard_rail_verdicts",
         {{"STATE", "state", Form::kState}, {"BECAUSE", "reason"}},
         "no look yet"}}},
      {"journal",
       "list",
       "What happened, newest first",
       "/api/v1/journal?order=desc",
       {"stream", "type", "correlation", "after", "limit"},
       {{"SEQ", "seq"},
        {"TIME", "time"},
        {"TYPE", "type"},
        {"ACTOR", "actor"},
        {"CAUSE", "cause"},
        {"WHAT", "sentence"}},
       "nothing has happened yet"},
      {"queries",
       "top",
       "PromQL queries that run or wait, oldest first, and what they have read",
       "/api/v1/queries",
       {},
       {{"ID", "id"},
        {"USER", "user"},
        {"STATE", "state", Form::kState},
        {"SECONDS", "seconds"},
        {"SAMPLES", "samples"},
        {"SERIES", "series"},
        {"QUERY", "query"}},
       "no query is running"},
      {"series",
       "owners",
       "Who has how many series: workloads, and jobs that are part of none",
       "/api/v1/cardinality?by=workload",
       {"limit"},
       {{"NAME", "name"},
        {"KIND", "kind"},
        {"SERIES", "series"},
        {"SHARE", "share", Form::kPercent},
        {"LIMIT", "limit"},
        {"REFUSED", "refused_samples"},
        {"LAST REFUSED", "refused_at", Form::kAge}},
       "no series yet: send metrics (OTLP, remote write), or declare a Scrape"},
      {"series",
       "top",
       "What makes the most series: --by metric, label or pair",
       "/api/v1/cardinality",
       {"by", "workload", "job", "match", "limit"},
       {{"NAME", "name"},
        {"SERIES", "series"},
        {"SHARE", "share", Form::kPercent},
        {"VALUES", "values"},
        {"BYTES", "bytes"}},
       "no series match"},
      {"series",
       "retention",
       "How long series are kept and how finely, by the rules that say so: of all, or of --match",
       "/api/v1/retention",
       {"match"},
       {{"RULES", "rules", Form::kList},
        {"KEEP", "keep"},
        {"DOWNSAMPLED TO", "resolution"},
        {"SERIES", "series"},
        {"EXAMPLE", "example"}},
       "no series match"},
      {"token",
       "list",
       "Tokens that may use the API",
       "/api/v1/tokens",
       {},
       {{"NAME", "name"}, {"ROLE", "role"}, {"CREATED", "created_at", Form::kAge}},
       "no tokens"},
  };
  return all;
}

/// `wellrun <group> <name>`: changes something.
struct Action {
  const char* group;
  const char* name;
  const char* about;
  std::string path;  ///< "{}" takes the positional argument
  struct Field {
    const char* option;  ///< "--title"
    const char* key;     ///< of the body
    const char* help;
    bool required = false;
    enum class Type { kText, kBoolean, kNumber, kShare, kPairs } type = Type::kText;
  };
  std::vector<Field> fields;
  const char* method = "POST";
};

const std::vector<Action>& actions() {
  using Type = Action::Field::Type;
  static const std::vector<Action> all{
      {"incident",
       "open",
       "Open an incident by hand",
       "/api/v1/incidents",
       {{"--title", "title", "what is wrong", true},
        {"--workload", "workload", "which workload", true},
        {"--severity", "severity", "1 (worst) to 4", false, Type::kNumber}}},
      {"incident",
       "ack",
       "Acknowledge: you are on it, paging stops",
       "/api/v1/incidents/{}/acknowledge",
       {}},
      {"incident",
       "escalate",
       "Call the next level",
       "/api/v1/incidents/{}/escalate",
       {{"--reason", "reason", "why"}}},
      {"incident",
       "severity",
       "Change the severity",
       "/api/v1/incidents/{}/severity",
       {{"--severity", "severity", "1 (worst) to 4", true, Type::kNumber},
        {"--reason", "reason", "why"}}},
      {"incident",
       "role",
       "Give somebody a role",
       "/api/v1/incidents/{}/roles",
       {{"--role", "role", "commander, communications or scribe", true},
        {"--person", "person", "who, by the catalog's name", true}}},
      {"incident", "mitigate", "The customers are well again", "/api/v1/incidents/{}/mitigate", {}},
      {"incident",
       "resolve",
       "It is over",
       "/api/v1/incidents/{}/resolve",
       {{"--reason", "reason", "what ended it"}}},
      {"incident",
       "note",
       "Add a note to the timeline",
       "/api/v1/incidents/{}/notes",
       {{"--text", "text", "the note", true}}},
      {"incident",
       "update",
       "Tell customers on the status page",
       "/api/v1/incidents/{}/updates",
       {{"--text", "text", "what they should know", true},
        {"--state", "state", "investigating, identified, monitoring or resolved"},
        {"--next", "next_update_in", "when you will tell more, as 30m"}}},
      {"run",
       "start",
       "Start a runbook",
       "/api/v1/runs",
       {{"--runbook", "runbook", "which", true},
        {"--incident", "incident", "for which incident"},
        {"--input", "inputs", "name=value, repeated", false, Type::kPairs}}},
      {"run",
       "verdict",
       "Say whether a run helped: that is how procedures get better",
       "/api/v1/runs/{}/verdict",
       {{"--helped", "helped", "true or false", true, Type::kBoolean},
        {"--comment", "comment", "why"}}},
      {"run", "cancel", "Stop a run after its present step", "/api/v1/runs/{}/cancel", {}},
      {"run",
       "resume",
       "Say what became of a step whose outcome is unknown",
       "/api/v1/runs/{}/resume",
       {{"--decision", "decision", "done, retry or abort", true}}},
      {"kpi",
       "review",
       "Say that a KPI was looked at, and what was decided on it",
       "/api/v1/kpis/{}/review",
       {{"--decision", "decision", "what it changed; leave out: nothing"}}},
      {"alert",
       "verdict",
       "Say whether an alert was real or noise: that is how alerts get better",
       "/api/v1/alerts/{}/verdict",
       {{"--verdict", "verdict", "real or noise", true}, {"--comment", "comment", "why"}}},
      {"deploy",
       "record",
       "Record a deployment",
       "/api/v1/deployments",
       {{"--workload", "workload", "which workload", true},
        {"--component", "component", "which component"},
        {"--environment", "environment", "where (default production)"},
        {"--version", "version", "what it brings", true},
        {"--commit", "commit", "its commit"},
        {"--commit-time", "commit_time", "when that was made (RFC 3339): gives lead time"},
        {"--url", "url", "of the pipeline"},
        {"--outcome", "outcome", "succeeded, failed or rolled_back when it has ended"}}},
      {"deploy",
       "finish",
       "A deployment has ended",
       "/api/v1/deployments/{}/finish",
       {{"--outcome", "outcome", "succeeded, failed or rolled_back", true}}},
      {"change",
       "record",
       "Record a change of a flag, of configuration or infrastructure",
       "/api/v1/changes",
       {{"--kind", "kind", "flag, config or infrastructure", true},
        {"--workload", "workload", "which workload", true},
        {"--component", "component", "which component"},
        {"--environment", "environment", "where (default production)"},
        {"--summary", "summary", "what was changed", true},
        {"--reverses", "reverses", "id of the deployment or change that this takes back"}}},
      {"analysis",
       "sign",
       "Say that the analysis is right and complete",
       "/api/v1/analyses/{}/sign",
       {}},
      {"action",
       "add",
       "Add an action, with owner and due date",
       "/api/v1/actions",
       {{"--title", "title", "what will be done", true},
        {"--owner", "owner", "person or team", true},
        {"--due", "due", "a date, as 2026-12-31", true},
        {"--analysis", "analysis", "out of which analysis"}}},
      {"action",
       "expect",
       "Say what an action is to change, before it is done; it is checked afterwards",
       "/api/v1/actions/{}/expectation",
       {{"--metric", "metric", "a KPI's name, or PromQL that gives one series", true},
        {"--direction", "direction", "lower or higher", true},
        {"--smallest", "smallest", "the smallest effect that matters, as 10%", true, Type::kShare},
        {"--watch", "watch", "how long to watch once it is done (default 7d)"},
        {"--kind", "kind", "rate (default), ratio, duration or value"},
        {"--control", "control", "a metric of what does not get the change, to compare with"}}},
      {"action",
       "done",
       "An action is finished",
       "/api/v1/actions/{}/finish",
       {{"--proof", "proof", "a link or sentence that shows it", true}}},
      {"experiment",
       "stop",
       "Stop an experiment before there is a result",
       "/api/v1/experiments/{}/stop",
       {{"--reason", "reason", "why", true}}},
      {"experiment",
       "learn",
       "Say what an experiment taught, whatever its result",
       "/api/v1/experiments/{}/learn",
       {{"--text", "text", "what was learnt", true}}},
      {"queries", "cancel", "Cancel a query", "/api/v1/queries/{}", {}, "DELETE"},
      {"token",
       "create",
       "Create a token; it is shown once",
       "/api/v1/tokens",
       {{"--name", "name", "whose or what for", true},
        {"--role", "role", "viewer, responder, operator or admin", true}}},
      {"token", "revoke", "Revoke a token", "/api/v1/tokens/{}", {}, "DELETE"},
  };
  return all;
}

const char* about_group(std::string_view group) {
  static const std::map<std::string_view, const char*> about{
      {"workload", "What runs, who owns it, how it is"},
      {"kpi", "Outcomes that matter"},
      {"slo", "Objectives and error budgets"},
      {"forecasts", "What is foretold, and how far to trust it"},
      {"alert", "Alerts that fired, and whether they were worth it"},
      {"effectiveness", "What alerts, KPIs and detectors are worth, and what to change"},
      {"findings", "What is unusual in workloads, and why perhaps"},
      {"baselines", "What is normal for each watched series, and what departs from it"},
      {"incident", "Incidents: see, acknowledge, escalate, resolve, tell customers"},
      {"oncall", "Who is on call, at any time"},
      {"runbook", "Procedures as code"},
      {"automation", "Procedures that start by themselves"},
      {"run", "Runs of procedures: start, approve, resume"},
      {"deploy", "Deployments: record and list"},
      {"change", "Other changes: record and list"},
      {"analysis", "Post-incident analyses"},
      {"action", "Actions that keep failures from coming back"},
      {"experiment", "Experiments: a hypothesis on a metric, with guard rails"},
      {"journal", "Everything that happened, and why"},
      {"queries", "PromQL queries that are running: see, cancel"},
      {"series", "Series: who makes them, who is at the limit"},
      {"token", "API tokens"}};
  return about.at(group);
}

CLI::App& group_of(CLI::App& app, const char* name) {
  for (auto* known :
       app.get_subcommands([&](const CLI::App* each) { return each->get_name() == name; }))
    return *known;
  auto* group = app.add_subcommand(name, about_group(name));
  group->require_subcommand(1);
  return *group;
}

std::string with_argument(std::string path, const std::string& argument) {
  const auto place = path.find("{}");
  if (place != std::string::npos) path.replace(place, 2, url_encode(argument));
  return path;
}

int show_view(Context& context, const View& view, std::string path,
              const std::map<std::string, std::string>& filters) {
  std::string asked;
  for (const auto& [name, value] : filters) {
    if (value.empty()) continue;
    path += (path.find('?') == std::string::npos ? '?' : '&') + name + '=' + url_encode(value);
    asked += fmt::format(" --{} {}", name, value);
  }
  Api api(context.api);
  auto answer = api.get(path);
  if (!answer) return report(context, answer.error());
  if (context.json) {
    context.out(answer->dump(2) + "\n");
  } else if (std::string_view(view.items).empty()) {
    context.out(details(*answer, view.columns, context.terminal));
    for (const auto& list : view.lists)
      context.out("\n" + table(answer->value(list.key, Json::array()), list.columns,
                               context.terminal, list.empty));
  } else {
    context.out(table(answer->value(view.items, Json::array()), view.columns, context.terminal,
                      asked.empty() ? view.empty : "nothing matches" + asked));
  }
  return 0;
}

struct Given {
  std::string argument;
  std::map<std::string, std::string> values;
  std::map<std::string, std::vector<std::string>> lists;
};

void add_view(CLI::App& app, Context& context, const View& view, int& exit_code) {
  auto* command = group_of(app, view.group).add_subcommand(view.name, view.about);
  auto given = std::make_shared<Given>();
  if (view.path.find("{}") != std::string::npos)
    command->add_option("id", given->argument, "which")->required();
  for (const auto* filter : view.filters)
    command->add_option(std::string("--") + filter, given->values[filter],
                        std::string("only this ") + filter);
  command->callback([&context, &view, &exit_code, given] {
    exit_code = show_view(context, view, with_argument(view.path, given->argument), given->values);
  });
}

Result<Json> body_of(const Action& action, const Given& given) {
  using Type = Action::Field::Type;
  Json body = Json::object();
  for (const auto& field : action.fields) {
    if (field.type == Type::kPairs) {
      Json pairs = Json::object();
      for (const auto& pair : given.lists.at(field.key)) {
        const auto equals = pair.find('=');
        if (equals == std::string::npos)
          return fail(ErrorCode::kInvalid,
                      std::string(field.option) + " takes name=value; it got " + quote(pair));
        pairs[pair.substr(0, equals)] = pair.substr(equals + 1);
      }
      body[field.key] = std::move(pairs);
      continue;
    }
    const auto& value = given.values.at(field.key);
    if (value.empty()) continue;
    if (field.type == Type::kText) {
      body[field.key] = value;
    } else if (field.type == Type::kShare) {
      const auto share = share_of(value);
      if (!share) return fail(ErrorCode::kInvalid, share.error().message, field.option);
      body[field.key] = *share;
    } else {
      const auto number = parse_json(value);
      if (field.type == Type::kBoolean && number && number->is_boolean()) {
        body[field.key] = *number;
        continue;
      }
      if (field.type == Type::kBoolean)
        return fail(ErrorCode::kInvalid,
                    std::string(field.option) + " takes true or false; it got " + quote(value));
      if (!number || !number->is_number_integer())
        return fail(ErrorCode::kInvalid,
                    std::string(field.option) + " takes a whole number; it got " + quote(value));
      body[field.key] = *number;
    }
  }
  return body;
}

int perform(Context& context, const Action& action, const Given& given) {
  auto body = body_of(action, given);
  if (!body) return report(context, body.error());
  Api api(context.api);
  auto answer = api.send(action.method, with_argument(action.path, given.argument), *body);
  if (!answer) return report(context, answer.error());
  if (context.json || !answer->is_object()) {
    if (answer->is_null()) *answer = context.json ? Json::object() : Json("done");
    context.out((answer->is_string() ? answer->get<std::string>() : answer->dump(2)) + "\n");
    return 0;
  }
  const auto id = text_or(*answer, "id", text_or(*answer, "name", given.argument));
  const auto state = text_or(*answer, "state");
  context.out(id + (state.empty() ? "" : ": " + coloured(state, state, context.terminal)) + "\n");
  if (answer->contains("token"))
    context.out("token (shown only now): " + answer->at("token").get<std::string>() + "\n");
  return 0;
}

void add_action(CLI::App& app, Context& context, const Action& action, int& exit_code) {
  using Type = Action::Field::Type;
  auto* command = group_of(app, action.group).add_subcommand(action.name, action.about);
  auto given = std::make_shared<Given>();
  if (action.path.find("{}") != std::string::npos)
    command->add_option("id", given->argument, "which")->required();
  for (const auto& field : action.fields) {
    CLI::Option* option = nullptr;
    if (field.type == Type::kPairs) {
      option = command->add_option(field.option, given->lists[field.key], field.help);
    } else {
      option = command->add_option(field.option, given->values[field.key], field.help);
    }
    if (field.required) option->required();
  }
  command->callback(
      [&context, &action, &exit_code, given] { exit_code = perform(context, action, *given); });
}

std::string query_text(const Json& answer, const Terminal& terminal) {
  const auto& data = answer.at("data");
  if (text_or(data, "resultType") != "vector") return data.value("result", Json()).dump() + "\n";
  Json rows = Json::array();
  for (const auto& series : data.at("result")) {
    Labels labels;
    for (const auto& [name, value] : series.at("metric").items())
      labels.set(name, value.get<std::string>());
    rows.push_back(
        {{"series", to_string(labels)},
         {"value", series.contains("value") ? series.at("value").at(1) : Json("(histogram)")}});
  }
  return table(rows, {{"SERIES", "series"}, {"VALUE", "value"}}, terminal, "no series match");
}

void add_query(CLI::App& app, Context& context, int& exit_code) {
  auto* command = app.add_subcommand("query", "Ask PromQL, now or --at a time");
  auto given = std::make_shared<Given>();
  command->add_option("promql", given->argument, "for example 'sum(rate(http_requests_total[5m]))'")
      ->required();
  command->add_option("--at", given->values["at"], "RFC 3339 or Unix seconds");
  command->callback([&context, &exit_code, given] {
    auto path = "/api/v1/query?query=" + url_encode(given->argument);
    if (!given->values["at"].empty()) path += "&time=" + url_encode(given->values["at"]);
    Api api(context.api);
    auto answer = api.get(path);
    if (!answer) {
      exit_code = report(context, answer.error());
      return;
    }
    context.out(context.json ? answer->dump(2) + "\n" : query_text(*answer, context.terminal));
    exit_code = 0;
  });
}

}  // namespace

Result<double> share_of(std::string_view text) {
  const bool percent = text.ends_with('%');
  const auto number = parse_json(percent ? text.substr(0, text.size() - 1) : text);
  if (!number || !number->is_number())
    return fail(ErrorCode::kInvalid,
                fmt::format("a share is written as 10% or 0.1; it was {}", quote(text)));
  return percent ? number->get<double>() / 100 : number->get<double>();
}

int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadline:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
    case ErrorCode::kCorrupt:
      return 3;
    default:
      return 2;
  }
}

int report(const Context& context, const Error& error) {
  context.err("wellrun: " + to_string(error) + "\n");
  return exit_code_of(error.code);
}

void add_client_commands(CLI::App& app, Context& context, int& exit_code) {
  for (const auto& view : views()) add_view(app, context, view, exit_code);
  for (const auto& action : actions()) add_action(app, context, action, exit_code);
  add_query(app, context, exit_code);
}

}  // namespace wellrun::cli
