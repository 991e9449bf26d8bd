#include "health/rules/unit_test_file.h"

#include <charconv>
#include <cmath>
#include <set>

#include "catalog/shape.h"
#include "catalog/yaml.h"
#include "core/text.h"

namespace wellrun::health::rules {
namespace {

constexpr std::size_t kMost = 100'000;

// What stands in the file, field by field.

struct WrittenSeries {
  std::string series, values;
  template <typename Shape>
  static void describe(Shape& s) {
    s.field("series", &WrittenSeries::series, "").required();
    s.field("values", &WrittenSeries::values, "");
  }
};

struct WrittenAlert {
  TextMap labels, annotations;
  template <typename Shape>
  static void describe(Shape& s) {
    s.field("exp_labels", &WrittenAlert::labels, "").format("utf8-label-map");
    s.field("exp_annotations", &WrittenAlert::annotations, "").format("utf8-label-map");
  }
};

struct WrittenAlertTest {
  Duration eval_time{0};
  std::string alertname;
  std::vector<WrittenAlert> alerts;
  template <typename Shape>
  static void describe(Shape& s) {
    s.field("eval_time", &WrittenAlertTest::eval_time, "");
    s.field("alertname", &WrittenAlertTest::alertname, "").required();
    s.field("exp_alerts", &WrittenAlertTest::alerts, "").count(0, kMost);
  }
};

struct WrittenSample {
  std::string labels, value, histogram;
  template <typename Shape>
  static void describe(Shape& s) {
    s.field("labels", &WrittenSample::labels, "");
    s.field("value", &WrittenSample::value, "");
    s.field("histogram", &WrittenSample::histogram, "");
  }
};

struct WrittenExpressionTest {
  std::string expr;
  Duration eval_time{0};
  std::vector<WrittenSample> samples;
  template <typename Shape>
  static void describe(Shape& s) {
    s.field("expr", &WrittenExpressionTest::expr, "").required();
    s.field("eval_time", &WrittenExpressionTest::eval_time, "");
    s.field("exp_samples", &WrittenExpressionTest::samples, "").count(0, kMost);
  }
};

struct WrittenGroup {
  std::string name, external_url, start_timestamp;
  Duration interval{0};
  std::vector<WrittenSeries> input;
  std::vector<WrittenAlertTest> alert_tests;
  std::vector<WrittenExpressionTest> expression_tests;
  TextMap external_labels;
  template <typename Shape>
  static void describe(Shape& s) {
    s.field("name", &WrittenGroup::name, "");
    s.field("interval", &WrittenGroup::interval, "");
    s.field("start_timestamp", &WrittenGroup::start_timestamp, "");
    s.field("input_series", &WrittenGroup::input, "").count(0, kMost);
    s.field("alert_rule_test", &WrittenGroup::alert_tests, "").count(0, kMost);
    s.field("promql_expr_test", &WrittenGroup::expression_tests, "").count(0, kMost);
    s.field("external_labels", &WrittenGroup::external_labels, "").format("utf8-label-map");
    s.field("external_url", &WrittenGroup::external_url, "");
  }
};

struct WrittenFile {
  std::vector<std::string> rule_files, group_eval_order;
  Duration evaluation_interval{0};
  bool fuzzy_compare = false;
  std::vector<WrittenGroup> tests;
  template <typename Shape>
  static void describe(Shape& s) {
    s.field("rule_files", &WrittenFile::rule_files, "").count(0, kMost);
    s.field("evaluation_interval", &WrittenFile::evaluation_interval, "");
    s.field("group_eval_order", &WrittenFile::group_eval_order, "").count(0, kMost);
    s.field("fuzzy_compare", &WrittenFile::fuzzy_compare, "");
    s.field("tests", &WrittenFile::tests, "").count(0, kMost);
  }
};

class Converter {
 public:
  Converter(const std::string& file, const catalog::Node& document, UnitTestFile& into)
      : file_(file), document_(document), into_(into) {}

  void convert(WrittenFile written) {
    into_.rule_files = std::move(written.rule_files);
    into_.fuzzy_compare = written.fuzzy_compare;
    if (written.evaluation_interval > Duration::zero())
      into_.evaluation_interval = written.evaluation_interval;
    std::set<std::string> names;
    for (std::size_t i = 0; i < written.group_eval_order.size(); ++i) {
      if (!names.insert(written.group_eval_order[i]).second)
        problem(fmt::format("group_eval_order.{}", i),
                fmt::format("group {} stands twice in the evaluation order",
                            quote(written.group_eval_order[i])));
    }
    into_.group_order = std::move(written.group_eval_order);
    for (std::size_t i = 0; i < written.tests.size(); ++i) group(std::move(written.tests[i]), i);
  }

 private:
  void problem(std::string_view path, std::string message) {
    const auto at = catalog::nearest_at(document_, path)->position;
    into_.problems.push_back({file_, at.line, at.column, std::move(message), {}});
  }
  std::string place(const std::string& path) const {
    return fmt::format("{}:{}", file_, catalog::nearest_at(document_, path)->position.line);
  }

  /// RFC 3339, or seconds since 1970.
  Timestamp start_of(const std::string& written, const std::string& path) {
    if (written.empty()) return {};
    if (const auto time = parse_rfc3339(written)) return *time;
    double seconds = 0;
    const auto read = std::from_chars(written.data(), written.data() + written.size(), seconds);
    if (read.ec == std::errc{} && read.ptr == written.data() + written.size() &&
        std::abs(seconds) < 1e12)
      return from_unix_ms(std::llround(seconds * 1000));
    problem(path, fmt::format("{} is no time; write 2026-11-24T11:19:33Z or seconds since 1970",
                              quote(written)));
    return {};
  }

  void group(WrittenGroup written, std::size_t index) {
    const auto path = fmt::format("tests.{}", index);
    TestGroup made;
    made.name = written.name.empty() ? fmt::format("unnamed#{}", index) : std::move(written.name);
    made.interval =
        written.interval > Duration::zero() ? written.interval : into_.evaluation_interval;
    made.start = start_of(written.start_timestamp, path + ".start_timestamp");
    for (auto& each : written.input)
      made.input.push_back({std::move(each.series), std::move(each.values)});
    for (std::size_t i = 0; i < written.alert_tests.size(); ++i) {
      auto& each = written.alert_tests[i];
      AlertTest test{
          each.eval_time, each.alertname, {}, place(fmt::format("{}.alert_rule_test.{}", path, i))};
      for (auto& alert : each.alerts)
        test.alerts.push_back({std::move(alert.labels), std::move(alert.annotations)});
      made.alert_tests.push_back(std::move(test));
    }
    for (std::size_t i = 0; i < written.expression_tests.size(); ++i) {
      auto& each = written.expression_tests[i];
      ExpressionTest test{
          each.expr, each.eval_time, {}, place(fmt::format("{}.promql_expr_test.{}", path, i))};
      for (auto& sample : each.samples)
        test.samples.push_back(
            {std::move(sample.labels), std::move(sample.value), std::move(sample.histogram)});
      made.expression_tests.push_back(std::move(test));
    }
    made.external_labels = std::move(written.external_labels);
    made.external_url = std::move(written.external_url);
    into_.tests.push_back(std::move(made));
  }

  const std::string& file_;
  const catalog::Node& document_;
  UnitTestFile& into_;
};

}  // namespace

UnitTestFile read_unit_test_file(const std::string& file, std::string_view text) {
  UnitTestFile read;
  auto documents = catalog::read_yaml(text);
  for (auto& error : documents.errors)
    read.problems.push_back(
        {file, error.position.line, error.position.column, std::move(error.message), {}});
  if (documents.documents.empty()) return read;
  const auto& document = documents.documents.front();
  catalog::Reading reading;
  reading.file = file;
  WrittenFile written;
  catalog::decode_object(catalog::shape_of<WrittenFile>("a file of rule tests"), &written, document,
                         reading);
  read.problems.insert(read.problems.end(), reading.problems.begin(), reading.problems.end());
  Converter(file, document, read).convert(std::move(written));
  return read;
}

}  // namespace wellrun::health::rules
