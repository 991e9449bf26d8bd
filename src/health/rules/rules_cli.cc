#include "health/rules/rules_cli.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <glob.h>
#include <re2/re2.h>

#include "core/text.h"
#include "health/rules/rule_check.h"
#include "health/rules/test_run.h"

namespace wellrun::health::rules {
namespace {

namespace fs = std::filesystem;

Result<std::string> read_file(const std::string& path) {
  std::error_code error;
  const bool regular = fs::is_regular_file(path, error);
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!regular || !stream)
    return fail(ErrorCode::kIo, "the file cannot be read; is its name right?", path);
  return text;
}

std::string plural(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string lines_of(const std::vector<catalog::Problem>& problems, std::string_view indent) {
  std::string text;
  for (const auto& each : problems) text += fmt::format("{}{}\n", indent, catalog::to_string(each));
  return text;
}

Json listed(const std::vector<catalog::Problem>& problems) {
  Json list = Json::array();
  for (const auto& each : problems) list.push_back(catalog::to_json(each));
  return list;
}

/// What a shell would make of the pattern, sorted; a name without wildcards is itself if it exists.
std::vector<std::string> matching_files(const std::string& pattern) {
  std::vector<std::string> found;
  glob_t matches{};
  if (glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
    for (std::size_t i = 0; i < matches.gl_pathc; ++i) found.emplace_back(matches.gl_pathv[i]);
  }
  globfree(&matches);
  return found;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return out;
}

/// One test file: what could not even be run, and what was.
struct Suite {
  std::string file;
  std::vector<std::string> errors, warnings;
  std::vector<TestOutcome> tests;

  std::size_t failed_count() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(tests, [](const auto& test) { return !test.passed(); }));
  }
  bool ok() const { return errors.empty() && failed_count() == 0; }
};

std::vector<catalog::RuleFile> load_rules(const UnitTestFile& test, Suite& suite) {
  std::vector<catalog::RuleFile> rules;
  const auto directory = fs::path(suite.file).parent_path();
  for (const auto& pattern : test.rule_files) {
    const auto path =
        (fs::path(pattern).is_absolute() ? fs::path(pattern) : directory / pattern).string();
    const auto files = matching_files(path);
    if (files.empty()) suite.warnings.push_back("no file matches " + path);
    for (const auto& file : files) {
      const auto text = read_file(file);
      if (!text) {
        suite.errors.push_back(to_string(text.error()));
        continue;
      }
      auto check = check_rule_file(file, *text);
      for (const auto& each : check.file.problems) suite.errors.push_back(catalog::to_string(each));
      rules.push_back(std::move(check.file));
    }
  }
  return rules;
}

Suite run_file(const std::string& path, const TestOptions& options) {
  Suite suite{path, {}, {}, {}};
  const auto text = read_file(path);
  if (!text) {
    suite.errors.push_back(to_string(text.error()));
    return suite;
  }
  const auto test = read_unit_test_file(path, *text);
  for (const auto& each : test.problems) suite.errors.push_back(catalog::to_string(each));
  const auto rules = load_rules(test, suite);
  if (!suite.errors.empty()) return suite;
  for (const auto& group : test.tests) {
    if (options.run.empty() || RE2::PartialMatch(group.name, options.run))
      suite.tests.push_back(run_test(group, test, rules));
  }
  return suite;
}

std::string render(const Suite& suite) {
  std::string text = suite.file + "\n";
  for (const auto& each : suite.warnings) text += "  warning: " + each + "\n";
  for (const auto& each : suite.errors) text += "  error: " + each + "\n";
  for (const auto& test : suite.tests) {
    if (test.passed()) continue;
    text += fmt::format("  FAILED {}\n", test.name);
    for (const auto& failure : test.failures)
      text += "    " + failure + (failure.ends_with('\n') ? "" : "\n");
  }
  if (suite.ok()) text += fmt::format("  passed: {}\n", plural(suite.tests.size(), "test"));
  return text;
}

Json json_of(const Suite& suite) {
  Json tests = Json::array();
  for (const auto& test : suite.tests)
    tests.push_back({{"name", test.name}, {"ok", test.passed()}, {"failures", test.failures}});
  return {{"file", suite.file},
          {"ok", suite.ok()},
          {"errors", suite.errors},
          {"warnings", suite.warnings},
          {"tests", std::move(tests)}};
}

std::string junit_of(const Suite& suite) {
  std::string xml = fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n", escaped(suite.file),
      suite.tests.size(), suite.failed_count(), suite.errors.size());
  for (const auto& error : suite.errors)
    xml += fmt::format("    <testcase name=\"reading\"><error message=\"{}\"/></testcase>\n",
                       escaped(error));
  for (const auto& test : suite.tests) {
    xml += fmt::format("    <testcase name=\"{}\">", escaped(test.name));
    for (const auto& failure : test.failures)
      xml += fmt::format("<failure message=\"{}\">{}</failure>",
                         escaped(failure.substr(0, failure.find('\n'))), escaped(failure));
    xml += "</testcase>\n";
  }
  return xml + "  </testsuite>\n";
}

}  // namespace

Result<catalog::RuleFile> read_rules(const std::string& path) {
  TRY(const auto text, read_file(path));
  auto check = check_rule_file(path, text);
  if (check.file.problems.empty()) return std::move(check.file);
  return fail(ErrorCode::kInvalid, catalog::to_string(check.file.problems.front()));
}

Report check_files(const std::vector<std::string>& paths) {
  std::size_t rules = 0;
  std::vector<catalog::Problem> problems;
  std::vector<catalog::Problem> notes;
  for (const auto& path : paths) {
    const auto text = read_file(path);
    if (!text) {
      problems.push_back({.file = path, .message = text.error().message});
      continue;
    }
    auto check = check_rule_file(path, *text);
    rules += check.rule_count();
    std::ranges::move(check.file.problems, std::back_inserter(problems));
    std::ranges::move(check.notes, std::back_inserter(notes));
  }
  Report report{.text = lines_of(problems, "") + lines_of(notes, "note: "), .ok = problems.empty()};
  report.text += fmt::format("{} in {}: {}\n", plural(rules, "rule"), plural(paths.size(), "file"),
                             problems.empty() ? "all well" : plural(problems.size(), "problem"));
  report.json = {{"ok", report.ok},
                 {"files", paths.size()},
                 {"rules", rules},
                 {"problems", listed(problems)},
                 {"notes", listed(notes)}};
  return report;
}

Report test_files(const std::vector<std::string>& paths, const TestOptions& options) {
  Report report;
  if (const RE2 run(options.run, RE2::Quiet); !run.ok()) {
    report.ok = false;
    report.text =
        fmt::format("--run {} is no regular expression: {}\n", quote(options.run), run.error());
    report.json = {{"ok", false}, {"problem", report.text}, {"files", Json::array()}};
    return report;
  }
  Json files = Json::array();
  report.junit = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const auto& path : paths) {
    const auto suite = run_file(path, options);
    report.ok = report.ok && suite.ok();
    report.text += render(suite);
    report.junit += junit_of(suite);
    files.push_back(json_of(suite));
  }
  report.junit += "</testsuites>\n";
  report.json = {{"ok", report.ok}, {"files", std::move(files)}};
  return report;
}

}  // namespace wellrun::health::rules
