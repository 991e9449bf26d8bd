#include "health/slo/budget_bins.h"

#include <gtest/gtest.h>

#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::health {
namespace {

using namespace std::chrono_literals;

const auto kMidnight = from_unix_ms(1'767'225'600'000);

struct BudgetBinsTest : testing::Test {
  telemetry::promql::testing::MemoryReader reader;
  telemetry::promql::Engine engine{reader, {}};
  catalog::Slo slo;

  /// A request a second; all failed in the ten minutes before midnight, none after.
  BudgetBinsTest() {
    auto& ratio = slo.indicator.spec.ratio_metric.emplace();
    ratio.bad.emplace().metric_source.spec.query = "failed";
    ratio.total.emplace().metric_source.spec.query = "requests";
    slo.objectives = {{}};
    slo.objectives.front().target = 0.9;
    telemetry::SeriesWrite failed, requests;
    failed.labels.set("__name__", "failed");
    requests.labels.set("__name__", "requests");
    for (int second = -3600; second <= 2 * 3600; second += 15) {
      const auto time = to_unix_ms(kMidnight) + second * 1000;
      failed.samples.push_back({time, std::clamp(second + 600.0, 0.0, 600.0)});
      requests.samples.push_back({time, second + 3600.0});
    }
    reader.add(std::move(failed));
    reader.add(std::move(requests));
  }

  std::vector<BudgetBin> bins(const catalog::SloPeriod& period, Timestamp now) {
    auto found = budget_bins(engine, slo, period, now, {});
    EXPECT_TRUE(found) << to_string(found.error());
    return found.value_or(std::vector<BudgetBin>());
  }
};

/// The bins of a month are seven hours and some minutes, which no midnight is a multiple of.
TEST_F(BudgetBinsTest, TheFirstOneDoesNotReachIntoThePeriodBefore) {
  const catalog::SloPeriod month{kMidnight, kMidnight + 31 * 24h, false};
  const auto length = bin_length(slo, month);
  ASSERT_NE(to_unix_ms(kMidnight) % length.count(), 0);
  const auto found = bins(month, kMidnight + 2h);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().end, kMidnight + 2h);
  EXPECT_NEAR(*found.front().counts.total, 7200, 20);
  EXPECT_NEAR(*found.front().counts.total - *found.front().counts.good, 0, 1e-6);
}

TEST_F(BudgetBinsTest, TogetherTheyAreThePeriod) {
  const catalog::SloPeriod since{kMidnight - 707s, kMidnight + 5333s, false};
  const auto found = bins(since, kMidnight + 3600s);
  ASSERT_GT(found.size(), 30U);
  double bad = 0, total = 0;
  for (const auto& bin : found) {
    bad += *bin.counts.total - *bin.counts.good;
    total += *bin.counts.total;
  }
  EXPECT_LT(found.front().end - since.start, bin_length(slo, since)) << "the rest of a bin";
  EXPECT_EQ(found.back().end, kMidnight + 3600s);
  EXPECT_NEAR(total, 4307, 40);
  EXPECT_NEAR(bad, 600, 20);
}

TEST_F(BudgetBinsTest, WhatIsNaNInOneBinSpoilsNoOther) {
  slo.indicator.spec.ratio_metric->bad->metric_source.spec.query =
      "sum(increase(failed[{{.window}}])) / (sum(increase(failed[{{.window}}])) > bool 0)";
  const auto found = bins({kMidnight - 1800s, kMidnight + 3600s, false}, kMidnight + 3600s);
  double bad = 0;
  for (const auto& bin : found) bad += *bin.counts.total - *bin.counts.good;
  EXPECT_NEAR(bad, 600, 30);
}

TEST_F(BudgetBinsTest, OfAPeriodThatHasNotBegunThereAreNone) {
  EXPECT_TRUE(bins({kMidnight + 24h, kMidnight + 48h, false}, kMidnight).empty());
}

}  // namespace
}  // namespace wellrun::health
