#include "health/rules/test_run.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.h"
#include "health/rules/expectation.h"
#include "health/rules/group_run.h"
#include "health/rules/series_notation.h"

namespace wellrun::health::rules {
namespace {

std::string since_start(Timestamp time, Timestamp start) {
  return format_duration(time - start);
}

class TestRun {
 public:
  TestRun(const TestGroup& test, const UnitTestFile& file)
      : test_(test), file_(file), world_(file.evaluation_interval) {
    outcome_.name = test.name;
    settings_.external_labels = test.external_labels;
    settings_.external_url = test.external_url;
  }

  TestOutcome run(const std::vector<catalog::RuleFile>& files) {
    order_groups(files);
    load_input();
    if (!outcome_.passed()) return std::move(outcome_);
    const bool evaluated = evaluate_rules();
    if (evaluated) test_expressions();
    return std::move(outcome_);
  }

 private:
  /// Groups that the order does not name come first, as in promtool; among equals the files' order.
  void order_groups(const std::vector<catalog::RuleFile>& files) {
    std::vector<std::pair<std::size_t, const catalog::RuleFileGroup*>> ordered;
    for (const auto& file : files) {
      for (const auto& group : file.groups) {
        const auto place = std::ranges::find(file_.group_order, group.name);
        const bool named = place != file_.group_order.end();
        ordered.emplace_back(named ? place - file_.group_order.begin() : 0, &group);
      }
    }
    std::ranges::stable_sort(ordered, {}, [](const auto& each) { return each.first; });
    for (const auto& [place, group] : ordered) groups_.emplace_back(*group, settings_);
  }

  void load_input() {
    for (const auto& each : test_.input) {
      auto labels = parse_series_labels(each.series);
      auto values = labels ? parse_sequence(each.values) : std::unexpected(labels.error());
      if (!values) {
        outcome_.failures.push_back(
            fmt::format("input series {}: {}", each.series, values.error().message));
        continue;
      }
      world_.add_input(std::move(*labels), std::move(*values), test_.start, test_.interval);
    }
  }

  Duration longest_time() const {
    Duration longest{0};
    for (const auto& each : test_.alert_tests) longest = std::max(longest, each.eval_time);
    for (const auto& each : test_.expression_tests) longest = std::max(longest, each.eval_time);
    return longest;
  }

  /// False: a rule failed, and nothing more can be said.
  bool evaluate_rules() {
    const auto end = test_.start + longest_time();
    for (auto now = test_.start; now <= end; now += file_.evaluation_interval) {
      world_.reveal_until(now);
      const auto failures_before = outcome_.failures.size();
      for (auto& group : groups_) {
        for (const auto& problem : group.evaluate(world_, now)) {
          outcome_.failures.push_back(fmt::format("rule {} of group {}, time {}: {}", problem.rule,
                                                  group.name(), since_start(now, test_.start),
                                                  problem.message));
        }
      }
      if (outcome_.failures.size() > failures_before) return false;
      for (const auto& each : test_.alert_tests) {
        const auto at = test_.start + each.eval_time;
        if (now <= at && at < now + file_.evaluation_interval) test_alert(each);
      }
    }
    return true;
  }

  void test_alert(const AlertTest& test) {
    std::vector<LabelledAlert> expected;
    std::vector<LabelledAlert> found;
    for (const auto& each : test.alerts) {
      LabelledAlert alert{each.labels, each.annotations};
      alert.labels["alertname"] = test.alertname;
      std::erase_if(alert.labels, [](const auto& label) { return label.second.empty(); });
      std::erase_if(alert.annotations, [](const auto& label) { return label.second.empty(); });
      expected.push_back(std::move(alert));
    }
    for (const auto& group : groups_) group.collect_firing(test.alertname, found);
    const auto difference = compare_alerts(std::move(expected), std::move(found));
    if (!difference.empty())
      outcome_.failures.push_back(fmt::format("{}: alert {}, time {}:\n{}", test.at, test.alertname,
                                              format_duration(test.eval_time), difference));
  }

  void test_expressions() {
    world_.reveal_all();
    for (const auto& test : test_.expression_tests) {
      const auto difference = difference_of(test);
      if (!difference.empty())
        outcome_.failures.push_back(fmt::format("{}: expr {}, time {}:\n{}", test.at,
                                                quote(test.expr), format_duration(test.eval_time),
                                                difference));
    }
  }

  std::string difference_of(const ExpressionTest& test) const {
    const auto result = world_.query(test.expr, test_.start + test.eval_time);
    if (!result) return "      " + result.error().message;
    std::vector<ComparedSample> expected;
    for (const auto& each : test.samples) {
      auto sample = expected_sample(each);
      if (!sample)
        return fmt::format("      expected sample {}: {}", each.labels, sample.error().message);
      expected.push_back(std::move(*sample));
    }
    return compare_samples(std::move(expected), samples_of(*result), file_.fuzzy_compare);
  }

  const TestGroup& test_;
  const UnitTestFile& file_;
  World world_;
  GroupSettings settings_;
  std::vector<GroupRun> groups_;
  TestOutcome outcome_;
};

}  // namespace

TestOutcome run_test(const TestGroup& test, const UnitTestFile& file,
                     const std::vector<catalog::RuleFile>& files) {
  return TestRun(test, file).run(files);
}

}  // namespace wellrun::health::rules
