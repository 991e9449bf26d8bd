#include "health/watch/distribution.h"

#include <gtest/gtest.h>

#include "health/baseline/test_series.h"

namespace wellrun::health::watch {
namespace {

using namespace std::chrono_literals;
using telemetry::Histogram;
using telemetry::HistogramSample;
using telemetry::SeriesData;

/// Counts since it began in the buckets up to 0.1, 1, 10 and beyond; a sample every 15 seconds.
struct Counted {
  std::array<double, 4> total{};
  std::int64_t now_ms = 1'767'225'600'000;

  HistogramSample next(std::array<double, 4> more) {
    Histogram histogram;
    histogram.schema = telemetry::kCustomBucketsSchema;
    histogram.custom_bounds = {0.1, 1, 10};
    for (std::size_t i = 0; i < total.size(); ++i) {
      total[i] += more[i];
      histogram.positive_counts.push_back(total[i]);
      histogram.count += total[i];
    }
    histogram.positive_spans = {{0, 4}};
    now_ms += 15'000;
    return {now_ms, std::make_shared<const Histogram>(histogram)};
  }
};

SeriesData bucket(const char* le, std::vector<telemetry::Sample> samples) {
  return {.labels = {{"__name__", "latency_bucket"}, {"le", le}, {"service", "checkout"}},
          .samples = std::move(samples)};
}

TEST(Distribution, BucketsBecomeOneHistogramAndTheRestStays) {
  std::vector<SeriesData> read{
      bucket("0.1", {{1000, 3}, {2000, 5}}),
      bucket("1", {{1000, 4}, {2000, 9}}),
      bucket("+Inf", {{1000, 4}, {2000, 10}, {3000, 11}}),
      {.labels = {{"__name__", "latency_count"}}, .samples = {{1000, 4}}},
      {.labels = {{"__name__", "paint_bucket"}, {"colour", "red"}}, .samples = {{1000, 4}}}};
  const auto found = take_distributions(read);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].labels,
            (Labels{{"__name__", "latency"}, {"quantile", "0.95"}, {"service", "checkout"}}));
  ASSERT_EQ(found[0].samples.size(), 2U) << "a bucket is missing at 3000";
  EXPECT_EQ(found[0].samples[1].histogram->positive_counts, (std::vector<double>{5, 4, 1}));
  EXPECT_EQ(found[0].samples[1].histogram->count, 10);
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[1].labels.metric_name(), "paint_bucket") << "without le it is no bucket";
}

TEST(Distribution, APointNeedsEnoughObservationsHoweverLongTheyTake) {
  Counted counted;
  Gathering gathering(std::nullopt);
  EXPECT_FALSE(gathering.observe(counted.next({1000, 0, 0, 0}))) << "before: nobody knows when";
  const auto busy = gathering.observe(counted.next({100, 0, 0, 0}));
  ASSERT_TRUE(busy);
  EXPECT_NEAR(busy->value, 0.095, 1e-9);
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(gathering.observe(counted.next({0, 10, 0, 0}))) << i;
  const auto calm = gathering.observe(counted.next({0, 10, 0, 0}));
  ASSERT_TRUE(calm);
  EXPECT_EQ(calm->time_ms, counted.now_ms);
  EXPECT_NEAR(calm->value, 0.1 + 0.95 * 0.9, 1e-9) << "none of the busy time's";
}

TEST(Distribution, OneSlowRequestOfFewIsNoPoint) {
  Counted counted;
  Gathering gathering(std::nullopt);
  (void)gathering.observe(counted.next({}));
  EXPECT_FALSE(gathering.observe(counted.next({0, 0, 1, 0})));
  EXPECT_NEAR(gathering.observe(counted.next({99, 0, 0, 0}))->value, 0.1 * 95 / 99, 1e-9);
}

TEST(Distribution, WhatDoesNotComeTogetherInAnHourIsLeftOut) {
  Counted counted;
  Gathering gathering(std::nullopt);
  (void)gathering.observe(counted.next({}));
  (void)gathering.observe(counted.next({0, 0, 90, 0}));
  counted.now_ms += 2 * 3'600'000;
  EXPECT_FALSE(gathering.observe(counted.next({20, 0, 0, 0})));
  EXPECT_LT(gathering.observe(counted.next({100, 0, 0, 0}))->value, 0.1);
}

TEST(Distribution, AResetCountsFromZeroAndAStaleMarkerEndsIt) {
  Counted counted;
  Gathering gathering(std::nullopt);
  (void)gathering.observe(counted.next({5000, 0, 0, 0}));
  counted.total = {};
  EXPECT_NEAR(gathering.observe(counted.next({0, 200, 0, 0}))->value, 0.955, 1e-9);
  Histogram stale;
  stale.sum = telemetry::stale_marker();
  counted.now_ms += 15'000;
  EXPECT_FALSE(gathering.observe({counted.now_ms, std::make_shared<const Histogram>(stale)}));
  EXPECT_FALSE(gathering.observe(counted.next({0, 0, 500, 0}))) << "it begins anew";
  EXPECT_LT(gathering.observe(counted.next({100, 0, 0, 0}))->value, 0.1);
}

TEST(Distribution, EarlierAndRepeatedSamplesTeachNothing) {
  Counted counted;
  const auto first = counted.next({100, 0, 0, 0}), second = counted.next({100, 0, 0, 0});
  const auto third = counted.next({0, 100, 0, 0});
  Gathering again(from_unix_ms(second.time_ms));
  EXPECT_FALSE(again.observe(first)) << "before its last point";
  EXPECT_FALSE(again.observe(second));
  EXPECT_FALSE(again.observe(second));
  EXPECT_NEAR(again.observe(third)->value, 0.955, 1e-9) << "as if there had been no restart";
}

}  // namespace
}  // namespace wellrun::health::watch
