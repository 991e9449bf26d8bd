#include "telemetry/promql/engine.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "core/text.h"
#include "platform/runtime/virtual_runtime.h"
#include "telemetry/api_answer.h"
#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/testing/memory_reader.h"
#include "telemetry/query_api.h"
#include "telemetry/query_json.h"

namespace wellrun::telemetry::promql {
namespace {

using testing::MemoryReader;

double number(std::string text) {
  if (text.starts_with('+')) text.erase(0, 1);
  return std::strtod(text.c_str(), nullptr);
}

/// `name{…} values` or `{…} value`; the labels through the selector grammar.
SeriesWrite series_from(const std::string& line, std::int64_t step_ms) {
  const auto brace = line.find('}');
  const auto end = brace == std::string::npos ? line.find(' ') : brace + 1;
  SeriesWrite series;
  const auto head = line.substr(0, end);
  if (head != "{}") {
    auto matchers = parse_selector(head);
    EXPECT_TRUE(matchers) << line;
    for (const auto& matcher : *matchers) series.labels.set(matcher.name, matcher.value);
  }
  std::istringstream values(line.substr(end));
  std::int64_t time = 0;
  for (std::string word; values >> word;) {
    if (word == "_") {
      time += step_ms;
      continue;
    }
    const auto plus = word.find('+', 1), times = word.find('x');
    const double first = word == "stale" ? stale_marker() : number(word.substr(0, plus));
    const double grow =
        plus == std::string::npos ? 0 : number(word.substr(plus + 1, times - plus - 1));
    const int more = times == std::string::npos ? 0 : std::stoi(word.substr(times + 1));
    for (int i = 0; i <= more; ++i, time += step_ms)
      series.samples.push_back({time, i == 0 ? first : first + grow * i});
  }
  return series;
}

/// Runs one file of cases; how many there were.
void run_corpus(const std::filesystem::path& path, std::size_t& cases) {
  std::ifstream file(path);
  ASSERT_TRUE(file);
  MemoryReader reader;
  const Engine engine(reader);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    if (!line.starts_with('#')) lines.push_back(line);
  lines.emplace_back();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    std::istringstream head(lines[i]);
    std::string command, when, query;
    head >> command >> when;
    std::getline(head >> std::ws, query);
    if (command == "load") {
      reader.clear();
      const auto step = parse_duration(when);
      ASSERT_TRUE(step);
      for (++i; !lines[i].empty(); ++i) reader.add(series_from(lines[i], step->count()));
      continue;
    }
    SCOPED_TRACE(lines[i]);
    ++cases;
    const auto result = engine.instant(query, from_unix_ms(std::stoll(when) * 1000));
    std::size_t at = 0;
    for (++i; !lines[i].empty(); ++i) {
      const std::string& line = lines[i];
      if (line.starts_with("error ")) {
        ASSERT_FALSE(result);
        EXPECT_NE(result.error().message.find(line.substr(6)), std::string::npos)
            << result.error().message;
        at = 0;
        continue;
      }
      ASSERT_TRUE(result) << result.error().message;
      if (line.starts_with("warn ") || line.starts_with("info ")) {
        const auto& notes = line.starts_with("warn ") ? result->warnings : result->infos;
        ASSERT_EQ(notes.size(), 1U);
        EXPECT_NE(notes[0].find(line.substr(5)), std::string::npos) << notes[0];
        continue;
      }
      const auto want = series_from(line, 1);
      ASSERT_LT(at, result->series.size());
      EXPECT_EQ(labels_text(result->series[at].labels), labels_text(want.labels));
      const double got = result->series[at].samples.at(0).value, wanted = want.samples.at(0).value;
      if (std::isnan(wanted)) {
        EXPECT_TRUE(std::isnan(got)) << got;
      } else if (std::isinf(wanted)) {
        EXPECT_EQ(got, wanted);
      } else {
        EXPECT_NEAR(got, wanted, 1e-9);
      }
      ++at;
    }
    if (result) EXPECT_EQ(at, result->series.size());
  }
}

TEST(PromqlEngine, answers_as_the_corpus_says) {
  std::size_t cases = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(WELLRUN_SOURCE_DIR "/tests/corpora/promql")) {
    SCOPED_TRACE(file.path());
    run_corpus(file.path(), cases);
  }
  EXPECT_GE(cases, 60U);
}

TEST(PromqlEngine, of_a_series_without_a_result_nothing_is_said) {
  MemoryReader reader;
  reader.add(series_from("once 1", 60'000));
  EngineOptions slow;
  slow.general_only = true;
  for (const auto& engine : {Engine(reader), Engine(reader, slow)})
    for (const auto* query :
         {"rate(once[5m])", "sum(rate(once[5m]))", "increase(once[5m] offset 1m)"}) {
      const auto result = engine.instant(query, from_unix_ms(60'000));
      ASSERT_TRUE(result) << result.error().message;
      EXPECT_TRUE(result->series.empty());
      EXPECT_TRUE(result->infos.empty()) << query << ": " << result->infos[0];
    }
}

bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

TEST(PromqlEngine, a_range_query_gives_every_step_what_an_instant_query_gives) {
  MemoryReader reader;
  reader.add(series_from("a_total{x=\"1\"} 0+7x40 3+2x40", 15'000));
  reader.add(series_from("a_total{x=\"2\"} 5+1x20 _ _ _ 0+4x20", 15'000));
  const Engine engine(reader);
  for (const char* query :
       {"rate(a_total[1m])", "sum(a_total)", "avg_over_time(a_total[2m:20s] offset 30s)",
        "a_total @ 60", "topk(1, a_total)", "a_total / on(x) a_total", "stddev(a_total)",
        "deriv(a_total[1m])"}) {
    SCOPED_TRACE(query);
    const auto range =
        engine.range(query, from_unix_ms(0), from_unix_ms(900'000), Duration{37'000});
    ASSERT_TRUE(range) << range.error().message;
    std::size_t points = 0, expected = 0;
    for (const auto& series : range->series) points += series.samples.size();
    for (std::int64_t time = 0; time <= 900'000; time += 37'000) {
      const auto instant = engine.instant(query, from_unix_ms(time));
      ASSERT_TRUE(instant);
      for (const auto& one : instant->series) {
        ++expected;
        bool found = false;
        for (const auto& series : range->series)
          for (const auto& sample : series.samples)
            if (series.labels == one.labels && sample.time_ms == time &&
                same(sample.value, one.samples[0].value))
              found = true;
        EXPECT_TRUE(found) << "at " << time;
      }
    }
    EXPECT_EQ(points, expected);
  }
}

TEST(PromqlEngine, a_query_that_is_given_up_says_so) {
  MemoryReader reader;
  reader.add(series_from("a 1 2 3", 1000));
  const Engine engine(reader);
  QueryLimits limits;
  limits.cancelled = [] { return true; };
  EXPECT_EQ(engine.instant("sum(a)", from_unix_ms(0), limits).error().code, ErrorCode::kCancelled);
  limits = {};
  limits.timed_out = [] { return true; };
  EXPECT_EQ(engine.instant("sum(a)", from_unix_ms(0), limits).error().code, ErrorCode::kDeadline);
}

/// The time is over as soon as it begins to read.
struct LateReader : MemoryReader {
  Result<std::vector<SeriesData>> select(const std::vector<Matcher>& matchers, TimeRange range,
                                         const ReadLimits& limits) const override {
    is_late = true;
    return MemoryReader::select(matchers, range, limits);
  }
  mutable bool is_late = false;
};

TEST(PromqlEngine, a_query_whose_time_ends_while_it_reads_is_not_said_to_be_given_up) {
  LateReader reader;
  reader.add(series_from("a 1 2 3", 1000));
  const Engine engine(reader);
  QueryLimits limits;
  limits.timed_out = [&] { return reader.is_late; };
  for (const char* query : {"a", "sum(a)", "rate(a[1m])", "quantile(0.5, a)", "timestamp(a)",
                            "deriv(a[1m])", "sum(rate(a[1m]))", "a[1m]"}) {
    SCOPED_TRACE(query);
    reader.is_late = false;
    EXPECT_EQ(engine.instant(query, from_unix_ms(0), limits).error().code, ErrorCode::kDeadline);
    EXPECT_TRUE(reader.is_late);
  }
}

TEST(PromqlEngine, more_samples_than_allowed_are_refused) {
  MemoryReader reader;
  reader.add(series_from("a 1+1x1000", 1000));
  EngineOptions options;
  options.max_samples = 500;
  EXPECT_EQ(
      Engine(reader, options).instant("sum_over_time(a[1h])", from_unix_ms(1'000'000)).error().code,
      ErrorCode::kTooLarge);
}

/// A native histogram at second 1.
SeriesWrite one_observation(Labels labels, double zero_threshold = 0) {
  Histogram histogram;
  histogram.zero_threshold = zero_threshold;
  histogram.count = histogram.zero_count = 1;
  SeriesWrite series;
  series.labels = std::move(labels);
  series.histograms = {{1000, std::make_shared<const Histogram>(histogram)}};
  return series;
}

/// It is refused at the doors; a block of an earlier build may hold it.
TEST(PromqlEngine, a_histogram_whose_zero_threshold_is_no_number_ends_no_query) {
  MemoryReader reader;
  for (const auto& [pod, threshold] : {std::pair{"a", std::nan("")}, std::pair{"b", 0.001}}) {
    reader.add(one_observation(Labels{{"__name__", "h"}, {"pod", pod}}, threshold));
  }
  const auto sum = Engine(reader).instant("sum(h)", from_unix_ms(2000));
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->series.size(), 1U);
}

TEST(PromqlEngine, two_values_that_no_operator_is_made_for_are_no_match) {
  MemoryReader reader;
  reader.add(one_observation(Labels{{"__name__", "h"}, {"x", "1"}, {"y", "1"}}));
  reader.add(series_from(R"(h{x="1",y="2"} 0 5)", 1000));
  reader.add(series_from(R"(b{x="1"} 0 3)", 1000));
  const auto sum = Engine(reader).instant("h + on(x) b", from_unix_ms(1500));
  ASSERT_TRUE(sum) << sum.error().message;
  ASSERT_EQ(sum->series.size(), 1U);
  EXPECT_EQ(sum->infos.size(), 1U);
}

TEST(PromqlEngine, a_quantile_is_found_fault_with_only_where_there_is_one) {
  MemoryReader reader;
  reader.add(one_observation(Labels{{"__name__", "h"}}));
  reader.add(series_from("a 1 2 3", 1000));
  const Engine engine(reader);
  EXPECT_TRUE(engine.instant("quantile_over_time(2, h[5s])", from_unix_ms(2000))->warnings.empty());
  EXPECT_EQ(engine.instant("quantile_over_time(2, a[5s])", from_unix_ms(2000))->warnings.size(),
            1U);
}

TEST(PromqlEngine, what_may_just_be_parsed_can_be_evaluated) {
  MemoryReader reader;
  reader.add(series_from("a 1 2 3", 1000));
  const Engine engine(reader);
  std::string calls = "a", sum = "a";
  for (int i = 0; i < 490; ++i) calls = "abs(" + calls + ")";
  for (int i = 0; i < 490; ++i) sum = "(" + sum + ")+1";
  for (const auto& query : {calls, sum}) {
    const auto result = engine.instant(query, from_unix_ms(2000));
    if (!result) EXPECT_NE(result.error().message.find("nested deeper than"), std::string::npos);
  }
  EXPECT_TRUE(engine.instant(calls.substr(4 * 260, calls.size() - 5 * 260), from_unix_ms(2000)));
}

TEST(PromqlParser, depth_and_size_are_bounded) {
  for (const std::string& query :
       {std::string(10'000, '(') + "1" + std::string(10'000, ')'), std::string(10'000, '-') + "1",
        [] {
          std::string s = "1";
          for (int i = 0; i < 10'000; ++i) s += "+1";
          return s;
        }(),
        "a[" + std::string(10'000, '(') + "1"}) {
    const auto expr = parse(query);
    ASSERT_FALSE(expr);
    EXPECT_NE(expr.error().message.find("nested deeper than"), std::string::npos)
        << expr.error().message;
  }
  EXPECT_EQ(parse(std::string((1 << 20) + 1, 'a')).error().code, ErrorCode::kTooLarge);
}

TEST(PromqlParser, what_is_printed_is_read_back_to_the_same_text) {
  for (const char* query :
       {"sum by (job, \"x.y\") (rate(a_total{b=~\"c.*\", \"d.e\"!=\"f\"}[5m] @ 10.000 offset 1m))",
        "a + on (x) group_left (y) b", "quantile(0.9, a) or -b",
        "max_over_time(a[1h:5m] @ start() offset -1m)", "(a > bool 1) * 2", "{\"m.n\", x=\"y\"}",
        "a[step() * 2 + min_of(1m, range())]", "histogram_quantile(0.9, sum without (pod) (a))",
        "a + fill (0) b", "sum(a) / 1e+30", "2 ^ Inf * 2", ": + ::a"}) {
    const auto first = parse(query);
    ASSERT_TRUE(first) << query << ": " << first.error().message;
    const auto text = to_string(**first);
    const auto second = parse(text);
    ASSERT_TRUE(second) << text;
    EXPECT_EQ(to_string(**second), text);
  }
}

TEST(PromqlParser, errors_say_where) {
  struct {
    const char* query;
    const char* error;
  } cases[] = {
      {"", "1:1: parse error: no expression found in input"},
      {"a +", "1:4: parse error: unexpected end of input"},
      {"sum(a", "1:6: parse error: unclosed left parenthesis"},
      {"a\n  [5m", "2:6: parse error: unclosed left bracket"},
      {"a{b=", "1:5: parse error: unexpected end of input inside braces"},
      {"sum(a)[5m]", "1:7: parse error: ranges only allowed for vector selectors"},
      {"a[5m:0s]", "1:6: parse error: duration must be greater than 0"},
      {"1 + 2 offset 5m",
       "1:5: parse error: offset modifier must be preceded by an instant vector selector"},
      {"b + a offset 5m offset 3m", "1:5: parse error: offset may not be set multiple times"},
      {"b + a @ 5 @ 6", "1:5: parse error: @ <timestamp> may not be set multiple times"},
      {"a == on(b) group_left(b) c",
       "1:3: parse error: label \"b\" must not occur in ON and GROUP clause at once"},
      {"a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators"},
      {"1 + (a or on(b) group_left b)",
       "1:6: parse error: no grouping allowed for \"or\" operation"},
      {"a + -\"b\"", "1:5: parse error: unary expression only allowed on expressions of type"},
      {"a + \"\\q\"", "1:5: parse error: unknown escape sequence '\\q'"},
      {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"1 == 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
      {"foo(a)", "1:1: parse error: unknown function with name \"foo\""},
      {"a{b=~\"(\"}", "1:3: parse error: error parsing regexp: missing ): ("},
      {"a{b=~\"c)(d\"}", "1:3: parse error: error parsing regexp: unexpected ): c)(d"},
      {R"(a{"b"})", "1:1: parse error: metric name must not be set twice: \"a\" or \"b\""},
      {R"(a{__name__!~"b"})",
       "1:1: parse error: metric name must not be set twice: \"a\" or \"b\""},
      {"1e400", "1:1: parse error: bad number or duration syntax: \"1e400\""},
      {"[a::b]", "1:1: parse error: unexpected \"[\""},
      {"5x", "1:1: parse error: bad number or duration syntax: \"5x\""},
  };
  for (const auto& one : cases) {
    const auto expr = parse(one.query);
    ASSERT_FALSE(expr) << one.query;
    EXPECT_TRUE(expr.error().message.starts_with(one.error) || expr.error().message == one.error)
        << expr.error().message;
  }
}

TEST(PromqlParser, names_are_found_for_cross_checks) {
  const auto expr = parse(
      "sum(rate(b_total[5m])) / on() max_over_time(a[1h:]) + {__name__=\"c\"} + {__name__=~\"d\"}");
  ASSERT_TRUE(expr);
  EXPECT_EQ(metric_names_of(**expr), (std::vector<std::string>{"a", "b_total", "c"}));
}

/// Advances by 1 ms at each look.
class TickingClock : public Clock {
 public:
  Timestamp now() const override { return {}; }
  std::chrono::nanoseconds steady() const override { return std::chrono::milliseconds(++looks_); }

 private:
  mutable int looks_ = 0;
};

TEST(PromqlEngine, samples_are_counted_as_prometheus_accounts_for_them) {
  MemoryReader reader;
  reader.add(series_from("a{i=\"1\"} 0+1x100", 10'000));
  reader.add(series_from("a{i=\"2\"} 0+1x9 stale", 10'000));
  SeriesWrite histograms;
  histograms.labels.set("__name__", "h");
  Histogram histogram;
  histogram.positive_spans = {{0, 2}};
  histogram.positive_counts = {1, 2};  // 168 + 3 · 8 + 8 bytes: 12 samples
  histograms.histograms.push_back({200'000, std::make_shared<const Histogram>(histogram)});
  reader.add(histograms);
  const Engine engine(reader);
  const TickingClock clock;
  using Counts = std::vector<std::int64_t>;
  // At 100 s the second series is stale.
  const struct {
    const char* query;
    Counts queryable, read;  ///< at 80 s, 140 s, 200 s
  } cases[] = {
      {"a", {2, 1, 1}, {2, 1, 1}},
      {"a offset 1m", {2, 2, 1}, {2, 2, 1}},
      {"a @ 80", {2, 2, 2}, {2, 0, 0}},
      {"sum(rate(a[1m]))", {12, 7, 6}, {12, 7, 6}},
      {"rate(a[2m])", {18, 19, 13}, {18, 7, 6}},
      {"rate(a[20s])", {4, 2, 2}, {4, 2, 2}},
      {"sum_over_time(a[1m] @ 80)", {12, 12, 12}, {12, 0, 0}},
      {"a + on(i) a", {4, 2, 2}, {4, 2, 2}},
      {"max_over_time(a[1m:20s])", {6, 3, 3}, {6, 3, 3}},
      {"max_over_time(a[2m:1m])", {4, 3, 2}, {4, 1, 1}},
      {"max_over_time(rate(a[1m])[1m:1m])", {12, 9, 6}, {12, 9, 6}},
      {"h", {0, 0, 12}, {0, 0, 12}},
      {"1 + vector(2)", {0, 0, 0}, {0, 0, 0}},
      {"b", {0, 0, 0}, {0, 0, 0}},
  };
  QueryLimits limits;
  limits.measured_by = &clock;
  for (const auto& one : cases) {
    SCOPED_TRACE(one.query);
    const auto result = engine.range(one.query, from_unix_ms(80'000), from_unix_ms(200'000),
                                     Duration{60'000}, limits);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->stats.counts.queryable, one.queryable);
    EXPECT_EQ(result->stats.counts.read, one.read);
    EXPECT_EQ(result->stats.preparation, std::chrono::milliseconds(1));
    EXPECT_EQ(result->stats.evaluation, std::chrono::milliseconds(1));
    for (std::size_t step = 0; step < one.queryable.size(); ++step) {
      const auto instant = engine.instant(
          one.query, from_unix_ms(80'000 + 60'000 * static_cast<std::int64_t>(step)), limits);
      ASSERT_TRUE(instant);
      EXPECT_EQ(instant->stats.counts.queryable, Counts{one.queryable[step]}) << step;
    }
  }
  EXPECT_TRUE(engine.instant("a", from_unix_ms(0))->stats.counts.queryable.empty());
}

TEST(PromqlEngine, a_parameter_is_judged_once_and_over_all_steps) {
  MemoryReader reader;
  reader.add(series_from("k -1 0.5 7 9", 60'000));
  const Engine engine(reader);
  const auto ask = [&](const std::string& query) {
    return engine.range(query, from_unix_ms(0), from_unix_ms(180'000), Duration{60'000}, {});
  };
  const auto quantile = ask("quantile(scalar(k), k)");
  ASSERT_TRUE(quantile) << quantile.error().message;
  ASSERT_EQ(quantile->warnings.size(), 2U);  // of the greatest and of the least, not of each
  EXPECT_NE(quantile->warnings[0].find("got 9"), std::string::npos) << quantile->warnings[0];
  EXPECT_NE(quantile->warnings[1].find("got -1"), std::string::npos) << quantile->warnings[1];
  EXPECT_EQ(ask("limit_ratio(scalar(k), k)")->warnings.size(), 1U);  // -1 is in its range
  // One step at which it is no number spoils all of them.
  EXPECT_FALSE(ask("topk(scalar(k > 7), k)"));
  EXPECT_TRUE(ask("topk(scalar(k), k)"));
}

TEST(PromqlEngine, series_that_differ_by_dropped_names_alone_become_one) {
  MemoryReader reader;
  for (const char* line : {"a{x=\"1\"} 1 1 1", "b{x=\"1\"} _ _ _ _ 2 2 2 2", "c{x=\"1\"} 1 1 1"})
    reader.add(series_from(line, 600'000));
  const Engine engine(reader, {.delayed_name_removal = true});
  const auto joined = engine.instant(R"(abs({__name__=~"a|b"})[2h:10m])", from_unix_ms(4'200'000));
  ASSERT_TRUE(joined) << joined.error().message;
  ASSERT_EQ(joined->series.size(), 1U);
  EXPECT_EQ(joined->series[0].samples.size(), 7U);
  const auto clash = engine.instant(R"(abs({__name__=~"a|c"})[2h:10m])", from_unix_ms(4'200'000));
  ASSERT_FALSE(clash);
  EXPECT_NE(clash.error().message.find("same labelset"), std::string::npos);
}

/// Where Prometheus points at, which is not always at what it speaks of.
TEST(PromqlEngine, annotations_point_where_prometheus_points) {
  MemoryReader reader;
  for (const char* line :
       {"h_bucket{le=\"1\"} 2", "h_bucket{le=\"2\"} 1", "h_bucket{le=\"+Inf\"} 3"})
    reader.add(series_from(line, 1'000));
  Histogram with_nan;
  with_nan.sum = std::nan("");
  with_nan.count = 3;
  with_nan.positive_spans = {{0, 1}};
  with_nan.positive_counts = {1};
  SeriesWrite native;
  native.labels.set("__name__", "n");
  native.histograms.push_back({0, std::make_shared<const Histogram>(with_nan)});
  reader.add(native);
  const Engine dropping(reader), keeping(reader, {.delayed_name_removal = true});
  const auto info = [](const Engine& engine, const char* query) {
    const auto result = engine.instant(query, from_unix_ms(0));
    return result && result->infos.size() == 1 ? result->infos[0] : "?";
  };
  EXPECT_TRUE(
      info(keeping, "histogram_quantile(0.9, n)").ends_with(" for metric name \"n\" (1:25)"));
  EXPECT_TRUE(info(dropping, "histogram_quantile(0.9, n)").ends_with("result is NaN (1:25)"));
  EXPECT_TRUE(info(dropping, "histogram_fraction(0, 1, n)").ends_with("fractions (1:26)"));
  EXPECT_TRUE(info(keeping, "histogram_quantile(0.9, h_bucket)")
                  .find("tile) for metric name \"h_bucket\", from buckets 2 to 2,") !=
              std::string::npos);
  EXPECT_TRUE(info(dropping, "histogram_quantile(0.9, h_bucket)").find("tile), from") !=
              std::string::npos);
  EXPECT_TRUE(info(dropping, "histogram_quantile(0.9, h_bucket)").ends_with("00Z (1:25)"));
  EXPECT_TRUE(info(dropping, "topk(1, n)").ends_with(" (1:1)"));
  EXPECT_TRUE(info(dropping, "max(n)").ends_with(" (1:5)"));
}

TEST(QueryApi, statistics_are_written_as_prometheus_does) {
  QueryStats stats;
  stats.peak_samples = 9;
  stats.preparation = std::chrono::microseconds(1);
  stats.evaluation = std::chrono::milliseconds(2);
  stats.counts = {{3, 4}, {3, 1}};
  const Steps steps{1'500, 2'500, 1'000};
  std::string out;
  append_query_stats(out, stats, std::chrono::seconds(1), &steps);
  EXPECT_EQ(out, R"({"timings":{"evalTotalTime":0.002001000,"resultSortTime":0.000000000,)"
                 R"("queryPreparationTime":0.000001000,"innerEvalTime":0.002000000,)"
                 R"("execQueueTime":1.000000000,"execTotalTime":1.002001000},)"
                 R"("samples":{"totalQueryableSamples":7,"samplesRead":4,"peakSamples":9,)"
                 R"("totalQueryableSamplesPerStep":[[1.5,3],[2.5,4]],)"
                 R"("samplesReadPerStep":[[1.5,3],[2.5,1]]}})");
}

TEST(QueryApi, numbers_are_written_as_prometheus_does) {
  for (const auto& [value, text] : {std::pair{1e21, "1e+21"},
                                    {1e20, "100000000000000000000"},
                                    {0.1, "0.1"},
                                    {-0.0, "-0"},
                                    {1e-6, "0.000001"},
                                    {-1.5e-7, "-1.5e-07"},
                                    {INFINITY, "+Inf"},
                                    {-INFINITY, "-Inf"}}) {
    std::string out;
    append_sample_value(out, value);
    EXPECT_EQ(out, text);
  }
}

TEST(QueryApi, a_scalar_is_written_without_an_exponent) {
  MemoryReader reader;
  const Engine engine(reader);
  for (const auto& [query, text] : {std::pair{"1e22", "10000000000000000000000"},
                                    {"-1e-7", "-0.0000001"},
                                    {"1 / 0", "+Inf"},
                                    {"0.5", "0.5"}}) {
    std::string out;
    append_query_data(out, *engine.instant(query, from_unix_ms(1'500)), nullptr);
    EXPECT_EQ(out, fmt::format(R"({{"resultType":"scalar","result":[1.5,"{}"]}})", text));
  }
}

TEST(QueryApi, times_and_durations_are_read_in_both_forms) {
  EXPECT_EQ(to_unix_ms(*parse_api_time("1.5")), 1500);
  EXPECT_EQ(to_unix_ms(*parse_api_time("1970-01-01T00:00:02Z")), 2000);
  EXPECT_FALSE(parse_api_time("yesterday"));
  EXPECT_EQ(to_unix_ms(*parse_api_time("+5")), 5000);
  for (const char* text : {"inf", "nan", "1e300", "1e400", "1e16", "++5", "+-5", "+", ""})
    EXPECT_FALSE(parse_api_time(text)) << text;
  EXPECT_EQ(parse_api_duration("5m")->count(), 300'000);
  EXPECT_EQ(parse_api_duration("0.5")->count(), 500);
  EXPECT_EQ(parse_api_duration("+0.5")->count(), 500);
  EXPECT_FALSE(parse_api_duration("x"));
  EXPECT_FALSE(parse_api_duration("1e13"));
}

TEST(QueryApi, times_beyond_everything_are_the_earliest_and_the_latest) {
  EXPECT_EQ(to_unix_ms(*parse_api_time("-9223309901257974")), api::kEarliestMs);
  EXPECT_EQ(to_unix_ms(*parse_api_time("9223309901257974.999")), api::kLatestMs);
  MemoryReader reader;
  SeriesWrite series;
  series.labels = Labels{{"__name__", "m"}};
  series.samples = {{1000, 1}};
  reader.add(std::move(series));
  const Engine engine(reader);
  VirtualRuntime runtime;
  const auto answer = [&](std::string_view pattern, http::Parameters parameters) {
    http::Request request;
    request.query = std::move(parameters);
    request.path_parameters["name"] = "__name__";
    return answer_prometheus_query(pattern, request, engine, runtime.runtime().clock, {});
  };
  for (const char* pattern : {"/api/v1/labels", "/api/v1/label/{name}/values", "/api/v1/series"}) {
    const auto response = answer(
        pattern, {{"match[]", "m"}, {"start", "-9223309901257974"}, {"end", "9223309901257974"}});
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_NE(response.body.find(pattern == std::string_view("/api/v1/labels") ? "__name__" : "m"),
              std::string::npos)
        << response.body;
  }
  for (const char* time : {"-9223309901257974", "9223309901257974"})
    for (const char* query : {"m", "m offset 1y", "rate(m[1y])", "max_over_time(m[1y:1d])"}) {
      EXPECT_EQ(answer("/api/v1/query", {{"query", query}, {"time", time}}).status, 200) << query;
      EXPECT_EQ(answer("/api/v1/query_range",
                       {{"query", query}, {"start", time}, {"end", time}, {"step", "1"}})
                    .status,
                200)
          << query;
    }
}

}  // namespace
}  // namespace wellrun::telemetry::promql
