#pragma once

// promtool's unit-test files for rules, as they are. Pure.
//
// Source: Prometheus' documentation of unit testing for rules.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/node.h"
#include "catalog/problem.h"
#include "core/time.h"

namespace wellrun::health::rules {

using TextMap = std::map<std::string, std::string>;

struct InputSeries {
  std::string series, values;
};

struct ExpectedAlert {
  TextMap labels, annotations;
};

struct AlertTest {
  Duration eval_time{0};
  std::string alertname;
  std::vector<ExpectedAlert> alerts;
  std::string at;  ///< "file:line" of the test file
};

struct ExpectedSample {
  std::string labels, value, histogram;  ///< as written
};

struct ExpressionTest {
  std::string expr;
  Duration eval_time{0};
  std::vector<ExpectedSample> samples;
  std::string at;
};

struct TestGroup {
  std::string name;
  Duration interval{0};  ///< of the input series
  Timestamp start{};
  std::vector<InputSeries> input;
  std::vector<AlertTest> alert_tests;
  std::vector<ExpressionTest> expression_tests;
  TextMap external_labels;
  std::string external_url;
};

struct UnitTestFile {
  std::vector<std::string> rule_files;  ///< patterns as written, relative to the file
  Duration evaluation_interval{60'000};
  std::vector<std::string> group_order;
  bool fuzzy_compare = false;
  std::vector<TestGroup> tests;
  std::vector<catalog::Problem> problems;
};

UnitTestFile read_unit_test_file(const std::string& file, std::string_view text);

}  // namespace wellrun::health::rules
