#include "cli/rules_commands.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fstream>

#include "catalog/rule_file.h"
#include "cli/api.h"
#include "cli/render.h"
#include "health/rules/rules_cli.h"

namespace wellrun::cli {
namespace {

struct TestArguments {
  std::vector<std::string> files;
  std::string junit;
  health::rules::TestOptions options;
};

void print(const Context& context, const health::rules::Report& report) {
  context.out(context.json ? report.json.dump(2) + "\n" : report.text);
}

int run_test(const Context& context, const TestArguments& arguments) {
  const auto report = health::rules::test_files(arguments.files, arguments.options);
  print(context, report);
  if (!arguments.junit.empty()) {
    std::ofstream stream(arguments.junit, std::ios::binary);
    stream << report.junit;
    stream.close();
    if (!stream)
      return wellrun::cli::report(
          context, Error{ErrorCode::kIo, "writing JUnit's file failed", arguments.junit});
  }
  return report.ok ? 0 : 1;
}

struct BacktestArguments {
  std::string file, alert, start, end, interval, workload;
};

/// As the operation takes it.
Json rule_json(const catalog::Rule& rule) {
  return {{"alert", rule.alert},
          {"expr", rule.expr},
          {"for", format_duration(rule.for_)},
          {"keep_firing_for", format_duration(rule.keep_firing_for)},
          {"labels", rule.labels}};
}

Result<std::vector<Json>> rules_to_try(const BacktestArguments& arguments) {
  TRY(const auto file, health::rules::read_rules(arguments.file));
  std::vector<Json> rules;
  for (const auto& group : file.groups) {
    for (const auto& rule : group.rules) {
      const bool meant = arguments.alert.empty() || rule.alert == arguments.alert;
      if (rule.is_alert() && meant) rules.push_back(rule_json(rule));
    }
  }
  if (!rules.empty()) return rules;
  return fail(ErrorCode::kNotFound,
              arguments.alert.empty() ? "the file has no alerting rule"
                                      : fmt::format("the file has no alert {}", arguments.alert),
              arguments.file);
}

std::string seconds_text(const Json& seconds) {
  if (!seconds.is_number()) return "-";
  const Duration length{static_cast<std::int64_t>(seconds.get<double>() * 1000)};
  return length < Duration::zero() ? format_age(-length) + " later"
                                   : format_age(length) + " earlier";
}

void show_backtest(const Context& context, const Json& answer) {
  const auto& summary = answer.at("summary");
  context.out(
      fmt::format("{}: {}\n{} to {}, every {}: would have fired {} times, {} of them without an "
                  "incident; told {} of {} incidents\n",
                  text_or(answer["rule"], "alert"), text_or(answer["rule"], "expr"),
                  text_or(answer, "start"), text_or(answer, "end"), text_or(answer, "interval"),
                  summary.at("firings").dump(), summary.at("firings_without_incident").dump(),
                  summary.at("incidents_told").dump(), summary.at("incidents").dump()));
  context.out(table(answer.at("firings"),
                    {{"FIRED AT", "fired_at"},
                     {"ENDED AT", "ended_at"},
                     {"VALUE", "value"},
                     {"LARGEST", "largest"},
                     {"LABELS", "labels"},
                     {"INCIDENTS", "incidents", Column::Form::kList}},
                    context.terminal, "it would not have fired"));
  if (answer.value("truncated", false))
    context.out(fmt::format("only the first {} are listed\n", answer.at("firings").size()));
  Json incidents = answer.at("incidents");
  for (auto& each : incidents)
    each["than_a_person"] = seconds_text(each["seconds_before_a_person"]);
  context.out(table(incidents,
                    {{"INCIDENT", "id"},
                     {"OPENED", "opened_at"},
                     {"NOTICED", "noticed_at"},
                     {"BY", "noticed_by"},
                     {"RULE FIRED", "fired_at"},
                     {"THAN THE PERSON", "than_a_person"},
                     {"TITLE", "title"}},
                    context.terminal, "no incidents in that time") +
              "\n");
}

int run_backtest(const Context& context, const BacktestArguments& arguments) {
  const auto rules = rules_to_try(arguments);
  if (!rules) return report(context, rules.error());
  Api api(context.api);
  Json answers = Json::array();
  for (const auto& rule : *rules) {
    Json body{{"rule", rule},
              {"workload", arguments.workload},
              {"start", arguments.start},
              {"end", arguments.end},
              {"interval", arguments.interval}};
    auto answer = api.send("POST", "/api/v1/rules/backtest", body);
    if (!answer) return report(context, answer.error());
    if (!context.json) show_backtest(context, *answer);
    answers.push_back(std::move(*answer));
  }
  if (context.json) context.out(answers.dump(2) + "\n");
  return 0;
}

/// Alerts of that name, or all that fire, with the values that their expressions were made of.
int run_why(const Context& context, const std::string& name) {
  Api api(context.api);
  auto answer = api.get("/api/v1/alerts");
  if (!answer) return report(context, answer.error());
  Json alerts = Json::array();
  for (auto& alert : answer->at("data").at("alerts")) {
    const bool meant = name.empty() ? text_or(alert, "state") == "firing"
                                    : text_or(alert["labels"], "alertname") == name;
    if (meant) alerts.push_back(std::move(alert));
  }
  if (context.json) {
    context.out(alerts.dump(2) + "\n");
    return 0;
  }
  if (alerts.empty())
    context.out(name.empty() ? "nothing fires\n"
                             : fmt::format("no alert {} is pending or firing\n", name));
  for (const auto& alert : alerts) {
    context.out(fmt::format("{} {} since {}, value {}\n", alert["labels"].dump(),
                            text_or(alert, "state"), text_or(alert, "activeAt"),
                            text_or(alert, "value")));
    for (const auto& part : alert.value("evidence", Json::array())) {
      context.out(fmt::format("  {}\n", text_or(part, "expr")));
      if (part.contains("error"))
        context.out(fmt::format("    could not be asked: {}\n", text_or(part, "error")));
      for (const auto& series : part.value("series", Json::array()))
        context.out(fmt::format("    {} {}\n", series["value"].dump(), series["labels"].dump()));
    }
  }
  return 0;
}

}  // namespace

void add_rules_commands(CLI::App& app, Context& context, int& exit_code) {
  auto* rules = app.add_subcommand("rules", "Prometheus rule files: check, test, try on history");
  rules->require_subcommand(1);

  auto files = std::make_shared<std::vector<std::string>>();
  auto* check = rules->add_subcommand("check", "Find everything that is wrong with rule files");
  check->add_option("file", *files, "Prometheus rule files")->required();
  check->callback([&context, &exit_code, files] {
    const auto report = health::rules::check_files(*files);
    print(context, report);
    exit_code = report.ok ? 0 : 1;
  });

  auto arguments = std::make_shared<TestArguments>();
  auto* test = rules->add_subcommand("test", "Run unit tests of rules, in promtool's files");
  test->add_option("file", arguments->files, "files as `promtool test rules` takes them")
      ->required();
  test->add_option("--junit", arguments->junit,
                   "also write the outcome as JUnit's XML to this file");
  test->add_option("--run", arguments->options.run,
                   "only tests whose name matches this regular expression");
  test->callback([&context, &exit_code, arguments] { exit_code = run_test(context, *arguments); });

  auto history = std::make_shared<BacktestArguments>();
  auto* backtest = rules->add_subcommand(
      "backtest",
      "When would these alerts have fired, for which incidents, how long before a person noticed");
  backtest->add_option("file", history->file, "a Prometheus rule file")->required();
  backtest->add_option("--alert", history->alert, "only this alert of the file");
  backtest->add_option("--start", history->start, "RFC 3339; default: 7 days before the end");
  backtest->add_option("--end", history->end, "RFC 3339; default: now");
  backtest->add_option("--interval", history->interval, "between two evaluations; default: 1m");
  backtest->add_option("--workload", history->workload, "only its incidents");
  backtest->callback(
      [&context, &exit_code, history] { exit_code = run_backtest(context, *history); });

  auto name = std::make_shared<std::string>();
  auto* why = rules->add_subcommand(
      "why", "Why alerts fire: their expressions' parts with the values that they had");
  why->add_option("alert", *name, "its name; default: all that fire");
  why->callback([&context, &exit_code, name] { exit_code = run_why(context, *name); });
}

}  // namespace wellrun::cli
