#pragma once

// Random series for tests of the engine, and what is the same about two answers.

#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>

#include "telemetry/promql/engine.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::telemetry::promql::testing {

/// Everything random of a test, from one seed.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  std::size_t below(std::size_t end) { return next() % end; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <typename T, std::size_t N>
  const T& of(const T (&choices)[N]) {
    return choices[below(N)];
  }

 private:
  /// Source: SplitMix64, https://prng.di.unimi.it/splitmix64.c
  std::uint64_t next() {
    std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15ULL;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
  }

  std::uint64_t state_;
};

struct Habits {
  bool is_counter = false, has_odd_values = false, has_histograms = false, has_starts = false;
};

inline double odd_value(Chance& chance) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static const double kValues[] = {std::nan(""), kInfinity, -kInfinity, 1e308,
                                   -1e308,       -0.0,      5e-324};
  return chance.of(kValues);
}

inline HistogramSample histogram_at(std::int64_t time_ms, double count) {
  Histogram histogram;
  histogram.count = count;
  histogram.sum = 2 * count;
  histogram.positive_spans = {{0, 1}};
  histogram.positive_counts = {count};
  return {time_ms, std::make_shared<const Histogram>(std::move(histogram))};
}

/// Up to 200 samples in the first hours of 1970, regular or not, with gaps and stale markers.
inline SeriesWrite random_series(Chance& chance, Labels labels, Habits habits) {
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

/// As when both were scraped together.
inline void take_times(SeriesWrite& series, const SeriesWrite& from) {
  if (!series.histograms.empty() || !series.sample_starts.empty()) return;
  series.samples.resize(std::min(series.samples.size(), from.samples.size()));
  for (std::size_t i = 0; i < series.samples.size(); ++i)
    series.samples[i].time_ms = from.samples[i].time_ms;
}

/// a_total, b_total and gauge, each with twelve combinations of job and pod.
inline MemoryReader random_world(Chance& chance) {
  MemoryReader reader;
  const Habits all = {.is_counter = false,
                      .has_odd_values = chance.one_in(3),
                      .has_histograms = chance.one_in(6),
                      .has_starts = chance.one_in(4)};
  SeriesWrite before;
  for (const char* name : {"a_total", "b_total", "gauge"})
    for (const char* job : {"x", "y", "z"})
      for (const char* pod : {"p1", "p2", "p3", ""}) {
        Habits habits = all;
        habits.is_counter = std::string_view(name).ends_with("_total");
        auto series =
            random_series(chance, Labels{{"__name__", name}, {"job", job}, {"pod", pod}}, habits);
        if (chance.one_in(2)) take_times(series, before);
        before = series;
        reader.add(std::move(series));
      }
  if (chance.one_in(8))
    reader.add(random_series(
        chance,
        Labels{{"__name__", "a_total"}, {"__type__", "counter"}, {"job", "x"}, {"pod", "p1"}}, {}));
  return reader;
}

/// To 1e-12.
inline bool is_close(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return true;
  return std::abs(a - b) <= 1e-12 * std::max(std::abs(a), std::abs(b)) + 1e-16;
}

/// Fails the test unless labels, times, annotations and errors are equal and values are close.
inline void expect_same(const Result<QueryResult>& got, const Result<QueryResult>& wanted) {
  ASSERT_EQ(got.has_value(), wanted.has_value())
      << (got ? wanted.error().message : got.error().message);
  if (!wanted) {
    EXPECT_EQ(got.error().code, wanted.error().code);
    return;
  }
  EXPECT_EQ(got->warnings, wanted->warnings);
  EXPECT_EQ(got->infos, wanted->infos);
  ASSERT_EQ(got->series.size(), wanted->series.size());
  for (std::size_t s = 0; s < got->series.size(); ++s) {
    const auto &one = got->series[s], &other = wanted->series[s];
    ASSERT_EQ(one.labels, other.labels);
    ASSERT_EQ(one.histograms.size(), other.histograms.size());
    ASSERT_EQ(one.samples.size(), other.samples.size());
    for (std::size_t i = 0; i < one.samples.size(); ++i) {
      ASSERT_EQ(one.samples[i].time_ms, other.samples[i].time_ms);
      ASSERT_TRUE(is_close(one.samples[i].value, other.samples[i].value))
          << fmt::format("{} is not {} at {}", one.samples[i].value, other.samples[i].value,
                         one.samples[i].time_ms);
    }
  }
}

}  // namespace wellrun::telemetry::promql::testing
