// Every fast way of the engine against the general one, on random series and queries.

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include "telemetry/promql/engine.h"
#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/float_totals.h"
#include "telemetry/promql/float_windows.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::telemetry::promql {
namespace {

using testing::MemoryReader;

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
  }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <typename T, std::size_t N>
  const T& of(const T (&choices)[N]) {
    return choices[below(N)];
  }

 private:
  std::mt19937_64 random_;
};

struct Habits {
  bool is_counter = false, has_odd_values = false, has_histograms = false, has_starts = false;
};

double odd_value(Chance& chance) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static const double kValues[] = {std::nan(""), kInfinity, -kInfinity, 1e308,
                                   -1e308,       -0.0,      5e-324};
  return chance.of(kValues);
}

HistogramSample histogram_at(std::int64_t time_ms, double count) {
  Histogram histogram;
  histogram.count = count;
  histogram.sum = 2 * count;
  histogram.positive_spans = {{0, 1}};
  histogram.positive_counts = {count};
  return {time_ms, std::make_shared<const Histogram>(std::move(histogram))};
}

SeriesWrite random_series(Chance& chance, Labels labels, Habits habits) {
  SeriesWrite series;
  series.labels = std::move(labels);
  std::int64_t time = static_cast<std::int64_t>(chance.below(30'000));
  double value = static_cast<double>(chance.below(1000));
  const bool regular = !chance.one_in(3);
  for (std::size_t i = 0, count = chance.below(200); i < count; ++i) {
    time += regular ? 15'000 : 1 + static_cast<std::int64_t>(chance.below(60'000));
    if (chance.one_in(20)) time += 400'000;  // a gap
    const double change = static_cast<double>(chance.below(2000)) / 100;
    value = habits.is_counter ? (chance.one_in(15) ? change : value + change) : value + change - 10;
    double put = value;
    if (chance.one_in(25)) put = stale_marker();
    if (habits.has_odd_values && chance.one_in(12)) put = odd_value(chance);
    if (habits.has_histograms && chance.one_in(3)) {
      series.histograms.push_back(histogram_at(time, value));
      continue;
    }
    series.samples.push_back({time, put});
    if (habits.has_starts)
      series.sample_starts.push_back(
          chance.one_in(4) ? 0 : time - static_cast<std::int64_t>(chance.below(40'000)));
  }
  return series;
}

MemoryReader random_world(Chance& chance) {
  MemoryReader reader;
  const Habits all = {.is_counter = false,
                      .has_odd_values = chance.one_in(3),
                      .has_histograms = chance.one_in(6),
                      .has_starts = chance.one_in(4)};
  for (const char* name : {"a_total", "b_total", "gauge"})
    for (const char* job : {"x", "y", "z"})
      for (const char* pod : {"p1", "p2", "p3", ""}) {
        Habits habits = all;
        habits.is_counter = std::string_view(name).ends_with("_total");
        reader.add(
            random_series(chance, Labels{{"__name__", name}, {"job", job}, {"pod", pod}}, habits));
      }
  if (chance.one_in(8))
    reader.add(random_series(
        chance,
        Labels{{"__name__", "a_total"}, {"__type__", "counter"}, {"job", "x"}, {"pod", "p1"}}, {}));
  return reader;
}

std::string random_selector(Chance& chance) {
  static const char* const kSelectors[] = {"a_total",
                                           "b_total{job=\"x\"}",
                                           "gauge",
                                           "{__name__=~\"a_total|gauge\"}",
                                           "a_total{pod!=\"\"}",
                                           "gauge{job=~\"x|y\",pod!~\"p[12]\"}",
                                           "{job=~\".+\"}",
                                           "gauge{job=\"none\"}"};
  return chance.of(kSelectors);
}

std::string random_shift(Chance& chance) {
  static const char* const kShifts[] = {"",       "",        "", "", " offset 3m", " offset -2m",
                                        " @ 900", " @ end()"};
  return chance.of(kShifts);
}

std::string random_vector(Chance& chance) {
  if (chance.one_in(3)) return random_selector(chance) + random_shift(chance);
  static const char* const kFunctions[] = {"rate",           "increase",        "delta",
                                           "sum_over_time",  "avg_over_time",   "min_over_time",
                                           "max_over_time",  "count_over_time", "present_over_time",
                                           "last_over_time", "changes",         "stddev_over_time"};
  static const char* const kRanges[] = {"20s", "1m", "5m", "17m", "1h"};
  return fmt::format("{}({}[{}]{})", chance.of(kFunctions), random_selector(chance),
                     chance.of(kRanges), random_shift(chance));
}

std::string random_query(Chance& chance) {
  static const char* const kOperators[] = {"sum", "avg", "min", "max", "count", "group"};
  static const char* const kGroupings[] = {"",
                                           "",
                                           " by (job)",
                                           " by (job, pod)",
                                           " by (pod, none)",
                                           " without (pod)",
                                           " without (job, pod)",
                                           " by (__name__)",
                                           " by ()",
                                           " without ()"};
  const auto vector = random_vector(chance);
  switch (chance.below(6)) {
    case 0:
      return vector;
    case 1:
      return fmt::format("{}{} ({} > 0)", chance.of(kOperators), chance.of(kGroupings), vector);
    case 2: {
      const auto* op = chance.of({"+", "-", "*", "/", ">", "== bool", "%"});
      const auto* matching =
          chance.of({"", " on (job, pod)", " ignoring (pod)", " on (job) group_left ()",
                     " on (pod, job) group_right (none)"});
      return fmt::format("{} {}{} {}", vector, op, matching, random_vector(chance));
    }
    default:
      return fmt::format("{}{} ({})", chance.of(kOperators), chance.of(kGroupings), vector);
  }
}

bool is_close(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return true;
  return std::abs(a - b) <= 1e-12 * std::max(std::abs(a), std::abs(b)) + 1e-16;
}

void expect_same(const Result<QueryResult>& fast, const Result<QueryResult>& general) {
  ASSERT_EQ(fast.has_value(), general.has_value())
      << (fast ? general.error().message : fast.error().message);
  if (!general) {
    EXPECT_EQ(fast.error().code, general.error().code);
    return;
  }
  EXPECT_EQ(fast->warnings, general->warnings);
  EXPECT_EQ(fast->infos, general->infos);
  ASSERT_EQ(fast->series.size(), general->series.size());
  for (std::size_t s = 0; s < fast->series.size(); ++s) {
    const auto &got = fast->series[s], &wanted = general->series[s];
    ASSERT_EQ(got.labels, wanted.labels);
    ASSERT_EQ(got.histograms.size(), wanted.histograms.size());
    ASSERT_EQ(got.samples.size(), wanted.samples.size());
    for (std::size_t i = 0; i < got.samples.size(); ++i) {
      ASSERT_EQ(got.samples[i].time_ms, wanted.samples[i].time_ms);
      ASSERT_TRUE(is_close(got.samples[i].value, wanted.samples[i].value))
          << fmt::format("{} is not {} at {}", got.samples[i].value, wanted.samples[i].value,
                         got.samples[i].time_ms);
    }
  }
}

TEST(FastPaths, give_what_the_general_way_gives) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Chance chance(seed);
    const MemoryReader reader = random_world(chance);
    EngineOptions options;
    options.delayed_name_removal = chance.one_in(3);
    options.use_start_timestamps = chance.one_in(2);
    options.type_and_unit_labels = chance.one_in(8);
    EngineOptions general = options;
    general.general_only = true;
    const Engine engine(reader, options), reference(reader, general);
    for (int i = 0; i < 40; ++i) {
      const auto query = random_query(chance);
      SCOPED_TRACE(fmt::format("seed {}: {}", seed, query));
      const auto start = from_unix_ms(static_cast<std::int64_t>(chance.below(2'000'000)));
      if (chance.one_in(3)) {
        expect_same(engine.instant(query, start), reference.instant(query, start));
      } else {
        const auto end = start + Duration{static_cast<std::int64_t>(chance.below(3'000'000))};
        const Duration step{
            1 + static_cast<std::int64_t>(chance.below(chance.one_in(2) ? 400'000 : 20'000))};
        expect_same(engine.range(query, start, end, step),
                    reference.range(query, start, end, step));
      }
      if (HasFatalFailure()) return;
    }
  }
}

TEST(FloatWindows, a_window_that_never_slides_back_needs_no_search) {
  std::vector<Sample> samples;
  for (std::int64_t i = 0; i < 1000; ++i) samples.push_back({i * 15'000, static_cast<double>(i)});
  const WindowSteps steps{600'000, 60'000, 300'000, 200};
  LaneBuffer buffer(steps.count);
  buffer.lane().clear();
  ASSERT_TRUE(window_function("count_over_time")(samples, steps, buffer.lane()));
  for (std::size_t i = 0; i < steps.count; ++i) ASSERT_EQ(buffer.lane().values[i], 20);
}

TEST(FloatTotals, partial_totals_merge_to_the_whole) {
  for (const auto op : {AggregateOp::kSum, AggregateOp::kAvg, AggregateOp::kMin, AggregateOp::kMax,
                        AggregateOp::kCount, AggregateOp::kGroup}) {
    Chance chance(7);
    FloatTotals whole(op, 2, 3), first(op, 2, 3), second(op, 2, 3);
    LaneBuffer buffer(3);
    for (int i = 0; i < 50; ++i) {
      const auto lane = buffer.lane();
      lane.clear();
      for (std::size_t step = 0; step < 3; ++step)
        if (chance.one_in(2)) lane.put(step, static_cast<double>(chance.below(1000)) / 7 - 70);
      const auto group = chance.below(2);
      whole.add(group, lane);
      (i < 25 ? first : second).add(group, lane);
    }
    first.merge(second);
    for (std::size_t group = 0; group < 2; ++group) {
      LaneBuffer a(3), b(3);
      a.lane().clear();
      b.lane().clear();
      ASSERT_EQ(whole.result(group, a.lane()), first.result(group, b.lane()));
      for (std::size_t i = 0; i < 3; ++i)
        ASSERT_TRUE(is_close(a.lane().values[i], b.lane().values[i])) << name_of(op);
    }
  }
}

}  // namespace
}  // namespace wellrun::telemetry::promql
