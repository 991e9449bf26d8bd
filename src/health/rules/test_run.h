#pragma once

// Runs unit tests of rules, as promtool does: the input series appear sample by sample, every group
// is evaluated at each interval in order, and alerts and expressions are compared at their times.
// Pure: a store in memory, no clock.

#include <string>
#include <vector>

#include "catalog/rule_file.h"
#include "health/rules/unit_test_file.h"

namespace wellrun::health::rules {

struct TestOutcome {
  std::string name;
  std::vector<std::string> failures;  ///< each of one or more lines: what was expected and found
  bool passed() const { return failures.empty(); }
};

/// `files`: the rule files that the test file names, read without problems, in their order.
TestOutcome run_test(const TestGroup& test, const UnitTestFile& file,
                     const std::vector<catalog::RuleFile>& files);

}  // namespace wellrun::health::rules
