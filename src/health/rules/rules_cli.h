#pragma once

// `wellrun rules check` and `wellrun rules test`: files in, a report out. Reads files; prints
// nothing itself.

#include <string>
#include <vector>

#include "catalog/rule_file.h"
#include "core/json.h"
#include "core/result.h"

namespace wellrun::health::rules {

struct Report {
  std::string text;
  std::string junit;  ///< of tests: JUnit's XML
  Json json;          ///< the same for programs
  bool ok = true;
};

/// A rule file without problems, or its first one.
Result<catalog::RuleFile> read_rules(const std::string& path);

/// Every problem of every file as file:line:column, and a last line that sums up. As JSON: {ok,
/// files, rules, problems, notes}, a problem as `wellrun check` has it.
Report check_files(const std::vector<std::string>& paths);

struct TestOptions {
  std::string run;  ///< regular expression; only tests whose name it is found in are run
};

/// Runs promtool's unit-test files. As JSON: {ok, files: [{file, ok, errors, warnings, tests:
/// [{name, ok, failures}]}]}.
Report test_files(const std::vector<std::string>& paths, const TestOptions& options = {});

}  // namespace wellrun::health::rules
