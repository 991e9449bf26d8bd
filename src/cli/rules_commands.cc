#include "cli/rules_commands.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fstream>

#include "health/rules/rules_cli.h"

namespace wellrun::cli {
namespace {

struct TestArguments {
  std::vector<std::string> files;
  std::string junit;
  health::rules::TestOptions options;
};

int run_test(const Context& context, const TestArguments& arguments) {
  const auto report = health::rules::test_files(arguments.files, arguments.options);
  context.out(report.text);
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

}  // namespace

void add_rules_commands(CLI::App& app, Context& context, int& exit_code) {
  auto* rules = app.add_subcommand("rules", "Prometheus rule files: check, test, try on history");
  rules->require_subcommand(1);

  auto files = std::make_shared<std::vector<std::string>>();
  auto* check = rules->add_subcommand("check", "Find everything that is wrong with rule files");
  check->add_option("file", *files, "Prometheus rule files")->required();
  check->callback([&context, &exit_code, files] {
    const auto report = health::rules::check_files(*files);
    context.out(report.text);
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
}

}  // namespace wellrun::cli
