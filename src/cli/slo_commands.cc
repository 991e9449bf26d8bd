#include "cli/slo_commands.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <set>

namespace wellrun::cli {
namespace {

using Form = Column::Form;

std::string share(const Json& item, const char* key) {
  const auto found = item.find(key);
  if (found == item.end() || !found->is_number()) return "-";
  const auto value = found->get<double>();
  auto text = fmt::format("{:.5g}", value * 100);
  for (int digits = 6; value < 1 && text == "100" && digits <= 15; ++digits)
    text = fmt::format("{:.{}g}", value * 100, digits);  // what is missed is not shown as kept
  return text + "%";
}

std::string number(const Json& item, const char* key) {
  return fmt::format("{:.6g}", number_or(item, key, 0));
}

/// "40% left: 12 bad of 20 allowed (slices of 1m)", "spent 2.1 times: …".
std::string budget_text(const Json& slo) {
  const double remaining = number_or(slo, "budget_remaining", 0);
  if (remaining < 0)
    return fmt::format("spent {:.2g} times: {} bad of {} allowed ({})", 1 - remaining,
                       number(slo, "bad"), number(slo, "allowed_bad"), text_or(slo, "unit"));
  return fmt::format("{} left: {} bad of {} allowed ({})", share(slo, "budget_remaining"),
                     number(slo, "bad"), number(slo, "allowed_bad"), text_or(slo, "unit"));
}

std::string step_words(const Json& step) {
  if (step.value("reached", false)) return ": reached since " + text_or(step, "since");
  const auto held_back = text_or(step, "held_back");
  return held_back.empty() ? "" : ": used so much, and not reached: " + held_back;
}

/// Of a composite: what each objective has, and how much it takes.
void show_objectives(const Context& context, const Json& slo) {
  for (const auto& part : slo.value("objectives", Json::array()))
    context.out(
        fmt::format("  of which  {}: {} of {} promised, {} of its budget left, weight {:g}\n",
                    text_or(part, "name"), share(part, "sli"), share(part, "target"),
                    share(part, "budget_remaining"), number_or(part, "weight", 1)));
}

void show_slo(const Context& context, const Json& slo) {
  const auto status = text_or(slo, "status");
  context.out(fmt::format("{}  {}\n  promise   {} over {}{}, {}\n  measured  {}\n  budget    {}\n",
                          text_or(slo, "name"), coloured(status, status, context.terminal),
                          share(slo, "target"), text_or(slo, "window"),
                          period_words(slo, context.terminal.now), text_or(slo, "budgeting_method"),
                          share(slo, "sli"), budget_text(slo)));
  const auto since = text_or(slo, "counted_since");
  if (!since.empty()) context.out("  counted   nothing before " + since + "\n");
  if (const auto why = text_or(slo, "not_kept"); !why.empty())
    context.out("  kept      " + why + "\n");
  show_objectives(context, slo);
  if (slo.value("exhausted_in_s", Json()).is_number())
    context.out(fmt::format("  used up   in {} at the present pace\n",
                            format_age(Duration{static_cast<std::int64_t>(
                                slo["exhausted_in_s"].get<double>() * 1000)})));
  for (const auto& step : slo.value("steps", Json::array())) {
    std::vector<std::string> then;
    for (const auto& each : step.at("then")) then.push_back(each.get<std::string>());
    context.out(fmt::format("  at {:>4g}%  {} ({}){}\n", number_or(step, "at", 0),
                            fmt::join(then, ", "), text_or(step, "policy"), step_words(step)));
  }
  const auto feasibility = slo.value("feasibility", Json::object());
  if (!feasibility.value("possible", true))
    context.out(fmt::format("  cannot be kept if dependencies are in series: {}\n",
                            text_or(feasibility, "arithmetic")));
  for (const auto& burn : slo.value("burn_rates", Json::array())) {
    const auto held_back = text_or(burn, "held_back");
    if (!held_back.empty())
      context.out(fmt::format("  {} / {} burns and does not alert: {}\n", text_or(burn, "long"),
                              text_or(burn, "short"), held_back));
  }
}

void show_events(const Context& context, const Json& slo) {
  context.out(table(
      slo.value("incidents", Json::array()),
      {{"INCIDENT", "id"}, {"SEV", "severity"}, {"FROM", "from"}, {"TO", "to"}, {"TITLE", "title"}},
      context.terminal, "no incidents of the workload in this window"));
  context.out(table(slo.value("alerts", Json::array()),
                    {{"ALERT", "alert"},
                     {"SEVERITY", "severity"},
                     {"FROM", "from"},
                     {"TO", "to"},
                     {"SUMMARY", "summary"}},
                    context.terminal, "no alerts of this SLO in this window"));
}

struct ReportArguments {
  std::string name, workload;
};

int run_report(const Context& context, const ReportArguments& arguments) {
  std::string path = "/api/v1/reports/error-budget";
  char separator = '?';
  for (const auto& [key, value] :
       {std::pair{"slo", &arguments.name}, {"workload", &arguments.workload}}) {
    if (value->empty()) continue;
    path += separator + std::string(key) + '=' + url_encode(*value);
    separator = '&';
  }
  Api api(context.api);
  const auto answer = api.get(path);
  if (!answer) return report(context, answer.error());
  if (context.json) {
    context.out(answer->dump(2) + "\n");
    return 0;
  }
  const auto items = answer->value("items", Json::array());
  if (items.empty()) context.out("no SLOs: write them as code (docs/slo.md) and apply them\n");
  for (const auto& slo : items) {
    show_slo(context, slo);
    if (!arguments.name.empty()) show_events(context, slo);
  }
  return 0;
}

/// Exit 1: refused, for a pipeline to stop at.
int run_gate(const Context& context, const std::string& workload) {
  Api api(context.api);
  const auto answer = api.get("/api/v1/gates/budget?workload=" + url_encode(workload));
  if (!answer) return report(context, answer.error());
  const auto state = text_or(*answer, "state");
  if (context.json) {
    context.out(answer->dump(2) + "\n");
  } else {
    context.out(fmt::format("deployments of {}: {}\n", workload, state));
    for (const auto& reason : answer->value("reasons", Json::array()))
      context.out("  " + text_or(reason, "text") + "\n");
  }
  return state == "refused" ? 1 : 0;
}

/// From the outcomes down: each KPI under the one that it leads to, SLOs under the KPI at risk.
void show_branch(const Context& context, const Json& kpis, const Json& slos,
                 const std::string& parent, int depth) {
  for (const auto& kpi : kpis) {
    if (text_or(kpi, "parent") != parent) continue;
    const auto name = text_or(kpi, "name");
    const auto status = text_or(kpi, "status");
    const auto value = kpi.value("value", Json());
    context.out(fmt::format("{:{}}{}  {}  {} (target {:g}{}) {}\n", "", depth * 2, name,
                            coloured(status, status, context.terminal),
                            value.is_number() ? fmt::format("{:.4g}", value.get<double>()) : "-",
                            number_or(kpi, "target", 0),
                            text_or(kpi, "unit").empty() ? "" : " " + text_or(kpi, "unit"),
                            text_or(kpi, "outcome", text_or(kpi, "description"))));
    for (const auto& slo : slos) {
      const auto slo_status = text_or(slo, "status");
      if (text_or(slo, "kpi") == name)
        context.out(fmt::format("{:{}}slo {}  {}\n", "", depth * 2 + 2, text_or(slo, "name"),
                                coloured(slo_status, slo_status, context.terminal)));
    }
    show_branch(context, kpis, slos, name, depth + 1);
  }
}

int run_tree(const Context& context, const std::string& workload) {
  const auto filter = workload.empty() ? "" : "?workload=" + url_encode(workload);
  Api api(context.api);
  const auto kpis = api.get("/api/v1/kpis" + filter);
  if (!kpis) return report(context, kpis.error());
  const auto slos = api.get("/api/v1/slos" + filter);
  if (!slos) return report(context, slos.error());
  if (context.json) {
    context.out(Json{{"kpis", kpis->at("items")}, {"slos", slos->at("items")}}.dump(2) + "\n");
    return 0;
  }
  if (kpis->at("items").empty())
    context.out("no KPIs yet: write a Kpi as code (wellrun init shows one) and apply it\n");
  Json shown = kpis->at("items");
  std::set<std::string> names;
  for (const auto& kpi : shown) names.insert(text_or(kpi, "name"));
  for (auto& kpi : shown) {  // whose parent is of another workload stands at the top
    if (!names.contains(text_or(kpi, "parent"))) kpi["parent"] = "";
  }
  show_branch(context, shown, slos->at("items"), "", 0);
  return 0;
}

}  // namespace

std::string period_words(const Json& slo, Timestamp now) {
  if (slo.value("rolling", true)) return ", rolling";
  const auto written = text_or(slo, "period_start");
  const auto start = parse_rfc3339(written);
  if (!start) return " of the calendar";
  return (*start > now ? ", which begins " : " since ") + written;
}

void add_slo_commands(CLI::App& app, Context& context, int& exit_code) {
  auto arguments = std::make_shared<ReportArguments>();
  auto* command = app.get_subcommand("slo")->add_subcommand(
      "report", "Error budgets: what is left, what used it, what that closes, can it be kept");
  command->add_option("name", arguments->name, "only this SLO, with its incidents and alerts");
  command->add_option("--workload", arguments->workload, "only its SLOs");
  command->callback(
      [&context, &exit_code, arguments] { exit_code = run_report(context, *arguments); });

  auto tree_of = std::make_shared<std::string>();
  auto* tree = app.get_subcommand("kpi")->add_subcommand(
      "tree", "From business outcomes down to leading indicators and objectives");
  tree->add_option("--workload", *tree_of, "only its KPIs");
  tree->callback([&context, &exit_code, tree_of] { exit_code = run_tree(context, *tree_of); });

  auto workload = std::make_shared<std::string>();
  auto* gate = app.get_subcommand("deploy")->add_subcommand(
      "gate", "What error budgets say of a deployment now; exit 1 when they refuse it");
  gate->add_option("--workload", *workload, "whose deployment")->required();
  gate->callback([&context, &exit_code, workload] { exit_code = run_gate(context, *workload); });
}

}  // namespace wellrun::cli
