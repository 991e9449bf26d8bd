// Results kept from query to query against computing everything anew, while the samples change.

#include <atomic>
#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>
#include <stdlib.h>
#include <thread>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/promql/testing/random_world.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::telemetry::promql {
namespace {

using testing::Chance;
using testing::expect_same;
using testing::MemoryReader;

/// Series of which samples come, go and are given up, and the log of it.
class ChangingWorld {
 public:
  explicit ChangingWorld(Chance& chance)
      : chance_(chance), reader_(testing::random_world(chance)) {}

  const MemoryReader& reader() const { return reader_; }
  const ChangeLog& changes() const { return changes_; }

  void change() {
    switch (chance_.below(7)) {
      case 0:
        return drop();
      case 1:
        return remove();
      case 2:
        return thin();
      default:
        return write();
    }
  }

 private:
  /// At the end, as scrapes come, or anywhere before.
  void write() {
    const bool in_order = !chance_.one_in(3);
    if (in_order) now_ms_ += 1 + static_cast<std::int64_t>(chance_.below(60'000));
    std::int64_t oldest = INT64_MAX;
    for (std::size_t i = 0, count = 1 + chance_.below(5); i < count; ++i) {
      const auto time =
          in_order ? now_ms_ + static_cast<std::int64_t>(chance_.below(2000)) : some_time();
      SeriesWrite series;
      series.labels = Labels{{"__name__", chance_.of({"a_total", "b_total", "gauge"})},
                             {"job", chance_.of({"x", "y", "z", "new"})},
                             {"pod", chance_.of({"p1", "p2", ""})}};
      const double value = static_cast<double>(chance_.below(5000)) / 10;
      if (chance_.one_in(40)) {
        series.histograms.push_back({time, std::make_shared<const Histogram>(Histogram{})});
      } else {
        series.samples.push_back({time, chance_.one_in(10) ? stale_marker() : value});
      }
      reader_.add(std::move(series));
      oldest = std::min(oldest, time);
    }
    changes_.changed(oldest);
  }

  /// Seldom long ago: else nothing would ever be found.
  std::int64_t some_time() {
    const auto back = chance_.one_in(6) ? now_ms_ : now_ms_ / 6;
    return now_ms_ - static_cast<std::int64_t>(chance_.below(static_cast<std::size_t>(back)));
  }

  /// Some series lose a stretch of time.
  void remove() {
    const auto from = some_time();
    const auto until = from + static_cast<std::int64_t>(chance_.below(600'000));
    rebuild([&](const Labels& labels, std::int64_t time) {
      return labels.get("job") == "x" && time >= from && time <= until;
    });
    changes_.changed(from);
  }

  /// Retention.
  void drop() {
    cutoff_ms_ += static_cast<std::int64_t>(chance_.below(30'000));
    changes_.dropping_before(cutoff_ms_);
    rebuild([&](const Labels&, std::int64_t time) { return time < cutoff_ms_; });
  }

  /// Downsampling of some series.
  void thin() {
    const auto until = some_time() - 300'000;
    rebuild([&](const Labels& labels, std::int64_t time) {
      return labels.get("job") == "x" && time < until && time / 15'000 % 4 != 0;
    });
    changes_.gave_up_before(until);
  }

  template <typename Gone>
  void rebuild(Gone gone) {
    auto all = *reader_.select({}, {INT64_MIN, INT64_MAX}, {});
    reader_.clear();
    for (auto& series : all) {
      SeriesWrite kept;
      const bool has_starts = !series.sample_starts.empty();
      for (std::size_t i = 0; i < series.samples.size(); ++i) {
        if (gone(series.labels, series.samples[i].time_ms)) continue;
        kept.samples.push_back(series.samples[i]);
        if (has_starts) kept.sample_starts.push_back(series.sample_starts[i]);
      }
      for (const auto& one : series.histograms)
        if (!gone(series.labels, one.time_ms)) kept.histograms.push_back(one);
      kept.labels = std::move(series.labels);
      reader_.add(std::move(kept));
    }
  }

  Chance& chance_;
  MemoryReader reader_;
  ChangeLog changes_;
  std::int64_t now_ms_ = 3'000'000, cutoff_ms_ = 0;
};

std::string selector(Chance& chance) {
  return chance.of({"a_total", "b_total{job=\"x\"}", "gauge", "{__name__=~\"a_total|gauge\"}",
                    "gauge{pod!~\"p[12]\"}", "gauge{job=\"none\"}"});
}

std::string shift(Chance& chance) {
  return chance.of(
      {"", "", "", "", " offset 3m", " offset -2m", " @ 900", " @ end()", " offset (step() + 60)"});
}

std::string vector(Chance& chance) {
  const auto range = chance.of({"20s", "1m", "5m", "17m"});
  switch (chance.below(7)) {
    case 0:
      return selector(chance) + shift(chance);
    case 1:
      return fmt::format("max_over_time(({} > 3)[10m:{}])", selector(chance),
                         chance.of({"", "1m", "13s", "step()"}));
    case 2:
      return fmt::format("quantile_over_time({}, {}[{}]{})",
                         chance.of({"0.3", "1.5", "scalar(gauge{job=\"x\"}) / 300"}),
                         selector(chance), range, shift(chance));
    case 3:
      return fmt::format("predict_linear({}[{}]{}, 600)", selector(chance), range, shift(chance));
    case 4:
      return fmt::format("absent({})", selector(chance));
    default:
      return fmt::format("{}({}[{}]{})",
                         chance.of({"rate", "increase", "delta", "sum_over_time", "last_over_time",
                                    "count_over_time", "changes", "resets", "absent_over_time"}),
                         selector(chance), range, shift(chance));
  }
}

std::string query(Chance& chance) {
  const auto grouping = chance.of({"", " by (job)", " by (pod, job)", " without (pod)"});
  switch (chance.below(8)) {
    case 0:
      return vector(chance);
    case 1:
      return fmt::format("topk{} (2, sum by (job, pod) ({}))", grouping, vector(chance));
    case 2:
      return fmt::format("quantile{} (0.5, {})", grouping, vector(chance));
    case 3:
      return fmt::format("sum{} ({} * time())", grouping, vector(chance));
    case 4:
      return fmt::format("sum by (job) ({}) / on (job) group_left () count by (job) ({})",
                         vector(chance), vector(chance));
    case 5:
      return fmt::format("avg_over_time(sum by (job) ({})[15m:30s])", vector(chance));
    default:
      return fmt::format("{}{} ({})", chance.of({"sum", "avg", "max", "count", "stddev"}), grouping,
                         vector(chance));
  }
}

bool is_identical(const QueryResult& a, const QueryResult& b) {
  for (std::size_t s = 0; s < a.series.size(); ++s)
    for (std::size_t i = 0; i < a.series[s].samples.size(); ++i)
      if (std::bit_cast<std::uint64_t>(a.series[s].samples[i].value) !=
          std::bit_cast<std::uint64_t>(b.series[s].samples[i].value))
        return false;
  return true;
}

TEST(KeptResults, are_what_computing_anew_gives) {
  std::uint64_t found = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Chance chance(seed);
    ChangingWorld world(chance);
    EngineOptions options;
    options.delayed_name_removal = chance.one_in(3);
    options.use_start_timestamps = chance.one_in(2);
    options.general_only = chance.one_in(2);
    EngineOptions keeping = options;
    keeping.changes = &world.changes();
    keeping.result_cache_bytes = chance.one_in(4) ? 100'000 : 16U << 20;
    const Engine engine(world.reader(), keeping), reference(world.reader(), options);
    std::vector<std::string> queries;
    for (int i = 0; i < 6; ++i) queries.push_back(query(chance));
    const Duration step{static_cast<std::int64_t>(chance.of({15'000, 60'000, 7'000}))};
    for (int i = 0; i < 80; ++i) {
      while (chance.one_in(3)) world.change();
      const auto& asked = queries[chance.below(queries.size())];
      // Mostly in one phase, as dashboards ask; some before 1970.
      const auto most = static_cast<std::size_t>(3'600'000 / step.count());
      const auto begin = static_cast<std::int64_t>(chance.below(most)) - 10;
      const auto odd =
          chance.one_in(8) ? Duration{static_cast<std::int64_t>(chance.below(5000))} : Duration{0};
      const auto start = from_unix_ms(0) + begin * step + odd;
      const auto end = start + static_cast<std::int64_t>(chance.below(120)) * step;
      SCOPED_TRACE(fmt::format("seed {}, {}: {} from {} to {} by {}", seed, i, asked,
                               to_unix_ms(start), to_unix_ms(end), step.count()));
      const bool instant = chance.one_in(10);
      const auto got = instant ? engine.instant(asked, end) : engine.range(asked, start, end, step);
      const auto wanted =
          instant ? reference.instant(asked, end) : reference.range(asked, start, end, step);
      expect_same(got, wanted);
      if (HasFailure()) return;
      if (options.general_only && got) ASSERT_TRUE(is_identical(*got, *wanted));
    }
    found += engine.kept_results().steps_found;
    EXPECT_LE(engine.kept_results().bytes, keeping.result_cache_bytes);
  }
  // Otherwise nothing was tested.
  EXPECT_GT(found, 20'000U);
}

SeriesWrite counter(std::vector<Sample> samples) {
  SeriesWrite series;
  series.labels = Labels{{"__name__", "steady_total"}, {"job", "x"}};
  series.samples = std::move(samples);
  return series;
}

struct MinuteWorld {
  MinuteWorld() {
    std::vector<Sample> samples;
    for (std::int64_t i = 0; i <= 240; ++i) samples.push_back({i * 15'000, static_cast<double>(i)});
    reader.add(counter(std::move(samples)));
    EngineOptions options;
    options.changes = &changes;
    engine.emplace(reader, options);
  }
  void ask(std::int64_t from_minute, std::int64_t to_minute, bool anew = false) {
    QueryLimits limits;
    limits.anew = anew;
    const auto before = engine->kept_results();
    const auto result =
        engine->range("sum(rate(steady_total[5m]))", from_unix_ms(from_minute * 60'000),
                      from_unix_ms(to_minute * 60'000), Duration{60'000}, limits);
    ASSERT_TRUE(result) << result.error().message;
    const auto after = engine->kept_results();
    found = after.steps_found - before.steps_found;
    computed = after.steps_computed - before.steps_computed;
  }

  MemoryReader reader;
  ChangeLog changes;
  std::optional<Engine> engine;
  std::uint64_t found = 0, computed = 0;
};

TEST(KeptResults, a_query_that_moves_on_computes_only_its_new_steps) {
  MinuteWorld world;
  world.ask(10, 40);
  EXPECT_EQ(std::pair(world.found, world.computed), std::pair(0UL, 31UL));
  world.ask(12, 42);
  EXPECT_EQ(std::pair(world.found, world.computed), std::pair(29UL, 2UL));
  world.ask(5, 40);
  EXPECT_EQ(std::pair(world.found, world.computed), std::pair(31UL, 5UL));
  world.ask(10, 40, /*anew=*/true);
  EXPECT_EQ(std::pair(world.found, world.computed), std::pair(0UL, 0UL));
}

TEST(KeptResults, a_change_takes_the_steps_that_reach_it) {
  MinuteWorld world;
  world.ask(10, 40);
  world.changes.changed(30 * 60'000 + 1);  // the step at minute 30 does not see it
  world.ask(10, 40);
  EXPECT_EQ(std::pair(world.found, world.computed), std::pair(21UL, 10UL));
  world.ask(10, 40);
  EXPECT_EQ(std::pair(world.found, world.computed), std::pair(31UL, 0UL));
  // A window of 5 min and the lookback behind it.
  world.changes.dropping_before(10 * 60'000);
  world.ask(10, 40);
  EXPECT_EQ(std::pair(world.found, world.computed), std::pair(21UL, 10UL));
}

TEST(KeptResults, what_gives_annotations_is_computed_each_time) {
  MinuteWorld world;
  const auto ask = [&] {
    return world.engine->range("rate({__name__=\"steady_total\"}[5m]) + rate(gauge[5m])",
                               from_unix_ms(0), from_unix_ms(3'600'000), Duration{60'000});
  };
  SeriesWrite gauge = counter({{60'000, 1}, {90'000, 2}});
  gauge.labels.set("__name__", "gauge");
  world.reader.add(std::move(gauge));
  const auto first = ask();
  const auto again = ask();
  ASSERT_TRUE(first && again);
  ASSERT_EQ(first->infos.size(), 1U);
  EXPECT_EQ(again->infos, first->infos);
}

// ---- the store, with writers

std::unique_ptr<EmbeddedStore> open_store(const std::string& dir, Runtime runtime) {
  EmbeddedStoreOptions options;
  options.dir = dir;
  options.min_free_bytes = 0;
  options.retention = options.out_of_order_window = std::chrono::years(100);
  auto opened = EmbeddedStore::open(std::move(options), runtime);
  EXPECT_TRUE(opened) << to_string(opened.error());
  return std::move(*opened);
}

TEST(KeptResults, miss_nothing_that_was_acknowledged_before_the_query) {
  VirtualRuntime runtime;
  std::string dir = "/tmp/wellrun-kept-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  {
    const auto store = open_store(dir, runtime.runtime());
    const auto base = to_unix_ms(runtime.runtime().clock.now()) / 60'000 * 60'000 - 36'000'000;
    EngineOptions options;
    options.changes = &store->changes();
    const Engine engine(*store, options);
    // Each writer has a series and fills it in a random order; at the last step a count sees all.
    constexpr std::size_t kWriters = 3, kSamples = 1500;
    std::atomic<std::size_t> acknowledged[kWriters] = {};
    const auto write = [&](std::size_t writer) {
      std::vector<std::int64_t> times;
      for (std::size_t i = 0; i < kSamples; ++i)
        times.push_back(base + static_cast<std::int64_t>(i) * 1000);
      std::mt19937_64 random(writer);
      std::ranges::shuffle(times, random);
      for (const auto time : times) {
        SeriesWrite series;
        series.labels = Labels{{"__name__", "filled"}, {"writer", std::to_string(writer)}};
        series.samples = {{time, 1}};
        const auto written = store->write({std::move(series)});
        ASSERT_TRUE(written && written->rejected == 0);
        ++acknowledged[writer];
      }
    };
    std::atomic<bool> is_done = false;
    std::thread checkpoints([&] {
      while (!is_done) ASSERT_TRUE(store->checkpoint());
    });
    std::vector<std::thread> writers;
    for (std::size_t i = 0; i < kWriters; ++i) writers.emplace_back(write, i);
    const auto ask = [&](bool anew) {
      QueryLimits limits;
      limits.anew = anew;
      return engine.range("sum by (writer) (count_over_time(filled[1h]))", from_unix_ms(base),
                          from_unix_ms(base + 1'560'000), Duration{60'000}, limits);
    };
    bool all = false;
    while (!all && !HasFailure()) {
      std::size_t least[kWriters];
      all = true;
      for (std::size_t i = 0; i < kWriters; ++i) {
        least[i] = acknowledged[i];
        all = all && least[i] == kSamples;
      }
      const auto result = ask(false);
      EXPECT_TRUE(result) << to_string(result.error());
      if (!result) break;
      for (const auto& series : result->series) {
        const auto writer = static_cast<std::size_t>(series.labels.get("writer")[0] - '0');
        EXPECT_EQ(series.samples.back().time_ms, base + 1'560'000);
        EXPECT_GE(series.samples.back().value, static_cast<double>(least[writer]));
      }
      if (all) expect_same(result, ask(true));
    }
    for (auto& writer : writers) writer.join();
    is_done = true;
    checkpoints.join();
    expect_same(ask(false), ask(true));
    const auto before = engine.kept_results().steps_found;
    expect_same(ask(false), ask(true));
    EXPECT_EQ(engine.kept_results().steps_found - before, 27U);
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace wellrun::telemetry::promql
