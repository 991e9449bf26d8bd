#include "telemetry/downsample.h"

#include <gtest/gtest.h>
#include <random>

#include "telemetry/retention_rules.h"

namespace wellrun::telemetry {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

std::vector<std::int64_t> times_of(const std::vector<Sample>& samples) {
  std::vector<std::int64_t> times;
  for (const auto& sample : samples) times.push_back(sample.time_ms);
  return times;
}

std::vector<std::int64_t> thinned(std::vector<Sample> samples, std::int64_t resolution,
                                  Falls falls = Falls::kAreValues) {
  downsample(samples, resolution, falls);
  return times_of(samples);
}

using Times = std::vector<std::int64_t>;

TEST(Downsample, TheLastOfEachIntervalStays) {
  EXPECT_EQ(thinned({{0, 1}, {4, 2}, {9, 3}, {10, 4}, {31, 5}, {38, 1}}, 10), (Times{9, 10, 38}));
  EXPECT_EQ(thinned({{-11, 1}, {-10, 2}, {-1, 3}, {0, 4}}, 10), (Times{-11, -1, 0}))
      << "intervals before 1970 are as long as others";
  EXPECT_EQ(thinned({}, 10), Times{});
}

TEST(Downsample, AStaleMarkerStaysWhereItEndsAnIntervalAndTheValueBeforeItToo) {
  const auto gone = stale_marker();
  EXPECT_EQ(thinned({{1, 1}, {2, 2}, {3, gone}}, 10), (Times{2, 3}));
  EXPECT_EQ(thinned({{1, 1}, {2, gone}, {3, 3}}, 10), (Times{3}));
  EXPECT_EQ(thinned({{1, gone}, {2, gone}}, 10), (Times{2}));
  EXPECT_EQ(thinned({{1, 1}, {2, gone}, {3, gone}, {14, 1}}, 10), (Times{1, 3, 14}));
}

TEST(Downsample, BothSidesOfAResetStayWhereFallsAreResets) {
  const std::vector<Sample> reset{{1, 5}, {2, 7}, {3, 9}, {4, 1}, {5, 2}, {6, 20}};
  EXPECT_EQ(thinned(reset, 10), (Times{6}));
  EXPECT_EQ(thinned(reset, 10, Falls::kAreResets), (Times{1, 3, 4, 6}));
  EXPECT_EQ(falls_of("http_requests_total"), Falls::kAreResets);
  EXPECT_EQ(falls_of("memory_bytes"), Falls::kAreValues);
}

double growth(const std::vector<Sample>& samples, std::size_t first, std::size_t last) {
  double grown = 0;
  for (auto i = first + 1; i <= last; ++i)
    grown += samples[i].value < samples[i - 1].value ? samples[i].value
                                                     : samples[i].value - samples[i - 1].value;
  return grown;
}

/// Thinned in stages, as its windows age, and again: what it grew by between samples that stay.
TEST(Downsample, ACounterGrowsByWhatItDidHoweverOftenItIsResetAndThinned) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<Sample> raw;
    double value = 0;
    std::int64_t time = static_cast<std::int64_t>(random() % 1000) - 500;
    for (int i = 0; i < 300; ++i) {
      value = random() % 40 == 0 ? static_cast<double>(random() % 5)
                                 : value + static_cast<double>(random() % 10);
      raw.push_back({time += 1 + static_cast<std::int64_t>(random() % 20), value});
    }
    auto kept = raw;
    downsample(kept, 60, Falls::kAreResets);
    const auto once = times_of(kept);
    downsample(kept, 60, Falls::kAreResets);
    ASSERT_EQ(times_of(kept), once) << "thinned once is thinned";
    downsample(kept, 600, Falls::kAreResets);
    ASSERT_LT(kept.size(), raw.size() / 2);
    for (std::size_t i = 1; i < kept.size(); ++i) {
      const auto at = [&](std::int64_t wanted) {
        return static_cast<std::size_t>(
            std::ranges::lower_bound(raw, wanted, {}, &Sample::time_ms) - raw.begin());
      };
      ASSERT_EQ(growth(kept, i - 1, i), growth(raw, at(kept[i - 1].time_ms), at(kept[i].time_ms)));
    }
  }
}

HistogramSample histogram_at(std::int64_t time, double count,
                             Histogram::ResetHint hint = Histogram::ResetHint::kUnknown) {
  Histogram made;
  made.count = made.sum = count;
  made.positive_spans = {{0, 1}};
  made.positive_counts = {count};
  made.reset_hint = hint;
  return {time, std::make_shared<const Histogram>(made)};
}

TEST(Downsample, HistogramsKeepTheirResetsUnlessTheyAreGauges) {
  std::vector<HistogramSample> counters{histogram_at(1, 5), histogram_at(2, 9), histogram_at(3, 1),
                                        histogram_at(4, 2), histogram_at(5, 3)};
  downsample(counters, 10);
  ASSERT_EQ(counters.size(), 4U);
  EXPECT_EQ(counters[1].time_ms, 2);
  EXPECT_EQ(counters[2].time_ms, 3);
  std::vector<HistogramSample> gauges;
  for (int i = 0; i < 9; ++i)
    gauges.push_back(histogram_at(i, 9 - i, Histogram::ResetHint::kGauge));
  downsample(gauges, 10);
  EXPECT_EQ(gauges.size(), 2U) << "the first and the last";
}

Matcher is(const std::string& name, const std::string& value) {
  return {Matcher::Kind::kEqual, name, value};
}

TEST(RetentionRules, OfSeveralTheLongestTimeAndTheFinestResolutionHold) {
  const auto rules = RetentionRules::make(
      {{"all", {{is("team", "a")}}, days(400), {{days(30), minutes(5)}, {days(90), hours(1)}}},
       {"debug", {{is("level", "debug")}}, days(2), {}},
       {"slow", {{is("slow", "yes")}, {is("slow", "very")}}, days(0), {{days(1), hours(6)}}}},
      days(15));
  ASSERT_TRUE(rules) << to_string(rules.error());
  EXPECT_EQ(rules->longest(), days(400));
  const auto none = rules->of(Labels{{"team", "b"}});
  EXPECT_EQ(none.keep, days(15));
  EXPECT_TRUE(none.rules.empty());
  const auto debug = rules->of(Labels{{"level", "debug"}});
  EXPECT_EQ(debug.keep, days(2)) << "shorter than the store's own";
  const auto both = rules->of(Labels{{"team", "a"}, {"level", "debug"}});
  EXPECT_EQ(both.keep, days(400));
  EXPECT_TRUE(both.downsampling.empty()) << "one of them keeps every sample";
  EXPECT_EQ(both.rules, (std::vector<std::string>{"all", "debug"}));
  const auto slow = rules->of(Labels{{"team", "a"}, {"slow", "very"}});
  EXPECT_EQ(slow.keep, days(400));
  EXPECT_EQ(slow.downsampling,
            (std::vector<Downsampling>{{days(30), minutes(5)}, {days(90), hours(1)}}));
  EXPECT_EQ(rules->of(Labels{{"slow", "yes"}}).keep, days(15));
}

TEST(RetentionRules, TheFinestOfTwoIsToldStepByStep) {
  const std::vector<Downsampling> a{{days(1), minutes(10)}, {days(9), hours(2)}};
  const std::vector<Downsampling> b{{days(3), minutes(5)}, {days(5), hours(1)}};
  EXPECT_EQ(finest(a, b), (std::vector<Downsampling>{
                              {days(3), minutes(5)}, {days(5), minutes(10)}, {days(9), hours(1)}}));
  EXPECT_TRUE(finest(a, {}).empty());
}

}  // namespace
}  // namespace wellrun::telemetry
