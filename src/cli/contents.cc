#include "cli/contents.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace wellrun::cli {
namespace {

struct Chapter {
  const char* title;
  std::vector<std::string_view> commands;
};

const std::vector<Chapter>& chapters() {
  static const std::vector<Chapter> all{
      {"Run it", {"serve", "config", "token", "completion"}},
      {"Say what you want, as code", {"init", "check", "plan", "diff", "apply", "get", "export"}},
      {"See how it is",
       {"workload", "kpi", "slo", "alert", "effectiveness", "baselines", "findings", "forecasts",
        "rules", "query", "queries", "series", "detect", "oncall"}},
      {"Respond", {"incident", "runbook", "run", "automation"}},
      {"Change, learn, improve",
       {"deploy", "change", "canary", "analysis", "action", "experiment", "assess", "journal",
        "backup"}},
  };
  return all;
}

/// By path of commands, in the order a newcomer would try them.
const std::map<std::string_view, std::vector<std::string_view>>& examples() {
  static const std::map<std::string_view, std::vector<std::string_view>> all{
      {"init", {"wellrun init ops && wellrun check ops"}},
      {"check", {"wellrun check ops", "wellrun check ops --output json   for an editor or CI"}},
      {"plan", {"wellrun plan ops", "wellrun plan ops --prune"}},
      {"diff", {"wellrun diff ops"}},
      {"apply", {"wellrun apply ops", "wellrun apply ops --prune"}},
      {"get", {"wellrun get Workload", "wellrun get Team payments --output json"}},
      {"export", {"wellrun export > everything.yaml"}},
      {"workload", {"wellrun workload list", "wellrun workload show shop"}},
      {"workload list", {"wellrun workload list"}},
      {"workload show", {"wellrun workload show shop"}},
      {"kpi", {"wellrun kpi list --workload shop"}},
      {"kpi list", {"wellrun kpi list --workload shop"}},
      {"kpi operations",
       {"wellrun kpi operations --window 90d", "wellrun kpi operations --workload shop"}},
      {"kpi tree", {"wellrun kpi tree", "wellrun kpi tree --workload shop"}},
      {"kpi review", {"wellrun kpi review orders --decision 'the target is 320 from May on'"}},
      {"alert", {"wellrun alert list", "wellrun alert verdict 0123456789abcdef --verdict noise"}},
      {"alert list", {"wellrun alert list --workload shop"}},
      {"alert verdict",
       {"wellrun alert verdict 0123456789abcdef --verdict noise --comment 'a planned restart'"}},
      {"effectiveness",
       {"wellrun effectiveness list --days 90", "wellrun effectiveness proposals"}},
      {"effectiveness list",
       {"wellrun effectiveness list --workload shop", "wellrun effectiveness list --output json"}},
      {"effectiveness proposals", {"wellrun effectiveness proposals --days 90"}},
      {"slo", {"wellrun slo list --workload shop"}},
      {"slo list", {"wellrun slo list --workload shop"}},
      {"baselines",
       {"wellrun baselines list --workload shop --phase anomalous",
        "wellrun baselines list --output json"}},
      {"baselines list",
       {"wellrun baselines list --workload shop", "wellrun baselines list --watch kpi/orders"}},
      {"baselines show", {"wellrun baselines show 0123456789abcdef"}},
      {"findings", {"wellrun findings list --state open", "wellrun findings list --output json"}},
      {"findings list", {"wellrun findings list --workload shop --state open"}},
      {"findings show", {"wellrun findings show fnd-000001"}},
      {"slo report",
       {"wellrun slo report", "wellrun slo report checkout-availability",
        "wellrun slo report --workload shop --output json"}},
      {"forecasts", {"wellrun forecasts list --workload shop"}},
      {"forecasts list",
       {"wellrun forecasts list --kind disk", "wellrun forecasts list --output json"}},
      {"forecasts show", {"wellrun forecasts show 0123456789abcdef"}},
      {"query",
       {"wellrun query 'sum(rate(http_requests_total[5m]))'",
        "wellrun query up --at 2026-11-24T12:00:00Z"}},
      {"rules", {"wellrun rules check rules/*.yaml"}},
      {"rules check", {"wellrun rules check rules/*.yaml"}},
      {"rules test", {"wellrun rules test tests/*.yaml --junit report.xml"}},
      {"rules why", {"wellrun rules why", "wellrun rules why OrdersFail"}},
      {"rules backtest",
       {"wellrun rules backtest shop.rules.yml",
        "wellrun rules backtest shop.rules.yml --alert OrdersFail --start 2026-11-01T00:00:00Z"}},
      {"queries", {"wellrun queries top"}},
      {"queries top", {"wellrun queries top"}},
      {"queries cancel", {"wellrun queries cancel 42"}},
      {"series", {"wellrun series owners", "wellrun series top --by metric --workload shop"}},
      {"series owners", {"wellrun series owners", "wellrun series owners --output json"}},
      {"series retention",
       {"wellrun series retention", "wellrun series retention --match '{job=\"billing\"}'"}},
      {"series top",
       {"wellrun series top --by metric", "wellrun series top --by label --workload shop",
        "wellrun series top --by pair --match '{job=\"checkout\"}' --limit 50"}},
      {"oncall", {"wellrun oncall list"}},
      {"oncall list", {"wellrun oncall list", "wellrun oncall list --at 2026-11-24T03:00:00Z"}},
      {"incident",
       {"wellrun incident list", "wellrun incident ack inc-0001",
        "wellrun incident resolve inc-0001 --reason 'rolled back'"}},
      {"incident list",
       {"wellrun incident list", "wellrun incident list --state all --workload shop"}},
      {"incident show", {"wellrun incident show inc-0001"}},
      {"incident open",
       {"wellrun incident open --title 'Orders fail' --workload shop --severity 2"}},
      {"incident ack", {"wellrun incident ack inc-0001"}},
      {"incident escalate",
       {"wellrun incident escalate inc-0001 --reason 'needs the database team'"}},
      {"incident severity",
       {"wellrun incident severity inc-0001 --severity 1 --reason 'nobody can pay'"}},
      {"incident role", {"wellrun incident role inc-0001 --role commander --person ana"}},
      {"incident mitigate", {"wellrun incident mitigate inc-0001"}},
      {"incident resolve", {"wellrun incident resolve inc-0001 --reason 'rolled back'"}},
      {"incident note", {"wellrun incident note inc-0001 --text 'the pool is exhausted'"}},
      {"incident update",
       {"wellrun incident update inc-0001 --text 'Some orders fail.' --state identified --next "
        "30m"}},
      {"runbook", {"wellrun runbook list"}},
      {"runbook list", {"wellrun runbook list --workload shop"}},
      {"automation", {"wellrun automation list"}},
      {"automation list", {"wellrun automation list"}},
      {"run", {"wellrun run list", "wellrun run start --runbook switch-off-flag"}},
      {"run list", {"wellrun run list --state waiting_approval"}},
      {"run start",
       {"wellrun run start --runbook switch-off-flag --incident inc-0001 --input "
        "flag=new-pricing"}},
      {"run approve", {"wellrun run approve run-0001 --comment 'looked at the graph'"}},
      {"run verdict", {"wellrun run verdict run-0001 --helped true --comment 'back in a minute'"}},
      {"run cancel", {"wellrun run cancel run-0001"}},
      {"run resume", {"wellrun run resume run-0001 --decision retry"}},
      {"deploy", {"wellrun deploy record --workload shop --version 1.2.0 --outcome succeeded"}},
      {"deploy gate",
       {"wellrun deploy gate --workload shop",
        "wellrun deploy gate --workload shop && ./deploy.sh"}},
      {"deploy list", {"wellrun deploy list --workload shop"}},
      {"deploy record",
       {"wellrun deploy record --workload shop --component checkout --version 1.2.0",
        "wellrun deploy record --workload shop --version 1.2.0 --outcome succeeded"}},
      {"deploy finish", {"wellrun deploy finish dep-1 --outcome succeeded"}},
      {"canary", {"wellrun canary judge < stream.jsonl > verdicts.jsonl"}},
      {"change",
       {"wellrun change list",
        "wellrun change record --kind flag --workload shop --summary 'new-pricing on'"}},
      {"change list", {"wellrun change list --workload shop"}},
      {"change record",
       {"wellrun change record --kind flag --workload shop --summary 'new-pricing on'",
        "wellrun change record --kind config --workload shop --summary 'pool back to 20' "
        "--reverses dep-0004"}},
      {"analysis", {"wellrun analysis list", "wellrun analysis show ana-0001"}},
      {"analysis show", {"wellrun analysis show ana-0001"}},
      {"analysis sign", {"wellrun analysis sign ana-0001"}},
      {"analysis list", {"wellrun analysis list"}},
      {"action", {"wellrun action list --state open"}},
      {"action list", {"wellrun action list --owner storefront"}},
      {"action add",
       {"wellrun action add --title 'alert on the pool' --owner storefront --due 2026-12-31 "
        "--analysis ana-0001"}},
      {"action show", {"wellrun action show act-0001"}},
      {"action expect",
       {"wellrun action expect act-0001 --metric checkout-errors --direction lower --smallest 20% "
        "--watch 7d"}},
      {"experiment",
       {"wellrun experiment list --state running", "wellrun experiment show exp-0001"}},
      {"experiment list", {"wellrun experiment list --state running"}},
      {"experiment show", {"wellrun experiment show exp-0001"}},
      {"experiment start",
       {"wellrun experiment start --hypothesis 'a warm pool halves waiting' --owner storefront "
        "--metric checkout-latency --direction lower --smallest 20% --watch 7d --guard-rail "
        "higher:5%:checkout-errors"}},
      {"experiment stop", {"wellrun experiment stop exp-0001 --reason 'the sale begins today'"}},
      {"experiment learn",
       {"wellrun experiment learn exp-0001 --text 'the pool was never the bottleneck'"}},
      {"action done", {"wellrun action done act-1 --proof https://ci.example/42"}},
      {"assess",
       {"wellrun assess", "wellrun assess --fail-under 40   in CI", "wellrun assess --record"}},
      {"journal", {"wellrun journal list --type incident.", "wellrun journal verify"}},
      {"journal list",
       {"wellrun journal list --type incident. --limit 20",
        "wellrun journal list --stream incident/inc-0001"}},
      {"backup", {"wellrun backup /var/backups/wellrun-monday"}},
      {"token", {"wellrun token create --name ci --role operator"}},
      {"token list", {"wellrun token list"}},
      {"token create", {"wellrun token create --name ci --role operator"}},
      {"token revoke", {"wellrun token revoke ci"}},
      {"config", {"wellrun config show", "wellrun config example > wellrun.yaml"}},
      {"completion",
       {"source <(wellrun completion bash)",
        "wellrun completion fish > ~/.config/fish/completions/wellrun.fish"}},
  };
  return all;
}

void add_examples(CLI::App& app, const std::string& path) {
  for (auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const auto name = path.empty() ? command->get_name() : path + " " + command->get_name();
    const auto found = examples().find(name);
    if (command->get_footer().empty() && found != examples().end())
      command->footer(fmt::format("Examples:\n  {}", fmt::join(found->second, "\n  ")));
    add_examples(*command, name);
  }
}

}  // namespace

void add_contents(CLI::App& app) {
  for (auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    for (const auto& chapter : chapters()) {
      if (std::ranges::find(chapter.commands, command->get_name()) != chapter.commands.end())
        command->group(chapter.title);
    }
  }
  add_examples(app, "");
}

}  // namespace wellrun::cli
