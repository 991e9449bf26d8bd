#include "health/rules/test_run.h"

#include <fstream>
#include <gtest/gtest.h>

#include "health/rules/rule_check.h"
#include "health/rules/rules_cli.h"

namespace wellrun::health::rules {
namespace {

std::string corpus(const std::string& file) {
  return std::string(WELLRUN_SOURCE_DIR) + "/tests/corpora/rules/" + file;
}

/// The first test of `tests` with the rules of `rules`.
TestOutcome run(std::string_view rules, std::string_view tests) {
  auto check = check_rule_file("rules.yml", rules);
  EXPECT_TRUE(check.file.problems.empty()) << to_string(check.file.problems.front());
  const auto file = read_unit_test_file("test.yml", tests);
  EXPECT_TRUE(file.problems.empty()) << to_string(file.problems.front());
  return run_test(file.tests.front(), file, {check.file});
}

std::string failures(const TestOutcome& outcome) {
  std::string text;
  for (const auto& each : outcome.failures) text += each + "\n";
  return text;
}

TEST(RuleTests, TheCorpusPassesAndFailsAsItsNamesSay) {
  EXPECT_TRUE(test_files({corpus("shop_passes.test.yml"), corpus("order_passes.test.yml"),
                          corpus("notation_passes.test.yml"), corpus("glob_passes.test.yml"),
                          corpus("empty_text_passes.test.yml")})
                  .ok)
      << test_files({corpus("shop_passes.test.yml")}).text;
  for (const auto* file :
       {"bad_expr_fails", "bad_series_fails", "bad_values_fails", "broken_rules_fails",
        "missing_sample_fails", "nan_fails", "no_alertname_fails", "order_fails",
        "order_twice_fails", "rule_error_fails", "unknown_field_fails", "wrong_alert_fails",
        "wrong_annotation_fails", "wrong_sample_fails"})
    EXPECT_FALSE(test_files({corpus(std::string(file) + ".test.yml")}).ok) << file;
  EXPECT_FALSE(test_files({corpus("no_such_file.yml")}).ok);
  EXPECT_TRUE(
      test_files({corpus("wrong_alert_fails.test.yml")}, {.run = "no test has this name"}).ok);
  EXPECT_FALSE(test_files({corpus("shop_passes.test.yml")}, {.run = "("}).ok);
}

TEST(RuleTests, HistogramsAreInputRecordedAndExpected) {
  const auto outcome = run(R"(
groups:
  - name: g
    rules:
      - record: job:latency
        expr: sum(latency)
)",
                           R"(
tests:
  - input_series:
      - series: latency{i="a"}
        values: '{{schema:0 count:4 sum:5 buckets:[1 2 1]}}+{{count:4 sum:5 buckets:[1 2 1]}}x3'
      - series: latency{i="b"}
        values: '{{schema:0 count:1 sum:1 offset:1 buckets:[1]}}x3'
    promql_expr_test:
      - expr: job:latency
        eval_time: 1m
        exp_samples:
          - labels: job:latency
            histogram: '{{schema:0 count:9 sum:11 buckets:[2 5 2]}}'
      - expr: histogram_count(job:latency)
        eval_time: 3m
        exp_samples: [{labels: '{}', value: 17}]
)");
  EXPECT_TRUE(outcome.passed()) << failures(outcome);
}

TEST(RuleTests, TheFirstSampleStandsAtTheStartTimestamp) {
  const auto outcome = run("groups: [{name: g, rules: [{record: t, expr: timestamp(a)}]}]", R"(
tests:
  - start_timestamp: 2026-01-01T00:00:00Z
    interval: 1m
    input_series: [{series: a, values: '1 2'}]
    promql_expr_test:
      - {expr: t, eval_time: 1m, exp_samples: [{labels: t, value: 1767225660}]}
      - {expr: a, eval_time: 1m, exp_samples: [{labels: a, value: 2}]}
)");
  EXPECT_TRUE(outcome.passed()) << failures(outcome);
}

TEST(RuleTests, FuzzyComparisonTakesNeighbours) {
  const std::string tests = R"(
tests:
  - input_series: [{series: a, values: '0.1+0.1x3'}]
    promql_expr_test: [{expr: a, eval_time: 2m, exp_samples: [{labels: a, value: 0.3}]}]
)";
  const auto* rules = "groups: []";
  EXPECT_FALSE(run(rules, tests).passed());
  const auto outcome = run(rules, "fuzzy_compare: true" + tests);
  EXPECT_TRUE(outcome.passed()) << failures(outcome);
}

TEST(RuleTests, AQueryOffsetLooksBack) {
  const auto outcome =
      run("groups: [{name: g, query_offset: 1m, rules: [{record: r, expr: a}, {alert: A, expr: a "
          "== 2}]}]",
          R"(
tests:
  - input_series: [{series: a, values: '1 2 3'}]
    alert_rule_test: [{eval_time: 2m, alertname: A, exp_alerts: [{}]}]
    promql_expr_test: [{expr: r, eval_time: 1m, exp_samples: [{labels: r, value: 2}]}]
)");
  EXPECT_TRUE(outcome.passed()) << failures(outcome);
}

TEST(RuleCheck, SaysEverythingAtItsPlace) {
  const auto check = check_rule_file("r.yml", R"(groups:
  - name: a
    interval: soon
    rules:
      - alert: A
        record: b
        expr: up
      - expr: up
      - record: c
        expr: sum(
        annotations: {x: y}
      - alert: D
        expr: up
        labels: {__name__: x, sev: "{{ $nope }}"}
      - alert: E
        expr: up
      - alert: E
        expr: up > 1
)");
  std::vector<std::string> lines;
  for (const auto& problem : check.file.problems)
    lines.push_back(fmt::format("{}:{}", problem.line, problem.column));
  EXPECT_EQ(lines,
            (std::vector<std::string>{"3:15", "5:9", "8:9", "10:15", "11:22", "14:17", "14:36"}))
      << [&] {
           std::string all;
           for (const auto& p : check.file.problems) all += to_string(p) + "\n";
           return all;
         }();
  ASSERT_EQ(check.notes.size(), 1U);
  EXPECT_EQ(check.notes.front().line, 17);
}

TEST(RuleCheck, KnowsYamlsMergeKeys) {
  const auto check = check_rule_file("r.yml", R"(groups:
  - name: a
    rules:
      - &base
        alert: A
        expr: up == 0
        labels: {severity: page}
      - <<: *base
        alert: B
)");
  ASSERT_TRUE(check.file.problems.empty()) << to_string(check.file.problems.front());
  EXPECT_EQ(check.file.groups[0].rules[1].alert, "B");
  EXPECT_EQ(check.file.groups[0].rules[1].expr, "up == 0");
}

}  // namespace
}  // namespace wellrun::health::rules
