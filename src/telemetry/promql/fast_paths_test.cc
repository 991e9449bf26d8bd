// Every fast way of the engine against the general one, on random series and queries.

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>

#include "telemetry/promql/engine.h"
#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/float_totals.h"
#include "telemetry/promql/float_windows.h"
#include "telemetry/promql/testing/random_world.h"

namespace wellrun::telemetry::promql {
namespace {

using testing::Chance;
using testing::expect_same;
using testing::is_close;
using testing::MemoryReader;
using testing::random_world;

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
                                           "last_over_time", "changes",         "stddev_over_time",
                                           "deriv"};
  static const char* const kRanges[] = {"20s", "1m", "5m", "17m", "1h"};
  if (chance.one_in(12))
    return fmt::format("predict_linear({}[{}]{}, {})", random_selector(chance), chance.of(kRanges),
                       random_shift(chance), chance.of({"600", "-time()", "scalar(gauge)"}));
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
  Windows windows({600'000, 60'000, 300'000, 200});
  const auto& steps = windows.steps();
  LaneBuffer buffer(steps.count);
  buffer.lane().clear();
  ASSERT_TRUE(window_function("count_over_time")(samples, windows, buffer.lane()));
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
