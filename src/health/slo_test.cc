#include "health/slo.h"

#include <cmath>
#include <gtest/gtest.h>

#include "health/kpi.h"

namespace wellrun::health {
namespace {

using namespace std::chrono_literals;

const catalog::BurnRateWindow kFast{"page", 1h, 5min, 14.4};

TEST(Slo, OneFailingRequestAtLowTrafficNeverPages) {
  for (double total = 1; total < 10; ++total) {
    const auto burn = judge(kFast, {total - 1, total}, {0, 1}, 0.999, 10);
    EXPECT_FALSE(burn.firing) << total;
  }
  EXPECT_TRUE(judge(kFast, {9, 10}, {0, 1}, 0.999, 10).firing) << "the guard is what held it back";
}

TEST(Slo, FiresOnlyWhenBothWindowsBurn) {
  EXPECT_TRUE(judge(kFast, {900, 1000}, {90, 100}, 0.999, 10).firing);
  EXPECT_FALSE(judge(kFast, {900, 1000}, {100, 100}, 0.999, 10).firing) << "it is over";
  EXPECT_FALSE(judge(kFast, {999, 1000}, {90, 100}, 0.999, 10).firing) << "it has only begun";
  EXPECT_FALSE(judge(kFast, {900, 1000}, {}, 0.999, 10).firing)
      << "nothing known of the short window";
}

TEST(Slo, CountsTheBudget) {
  EXPECT_DOUBLE_EQ(*burn_rate({990, 1000}, 0.99), 1);
  EXPECT_NEAR(*budget_remaining({995, 1000}, 0.99), 0.5, 1e-9);
  EXPECT_NEAR(*budget_remaining({980, 1000}, 0.99), -1, 1e-9);
  EXPECT_DOUBLE_EQ(*budget_remaining({1001, 1000}, 0.99), 1) << "extrapolation is not credit";
  EXPECT_EQ(budget_remaining({}, 0.99), std::nullopt);
  EXPECT_EQ(burn_rate({0, 0}, 0.99), std::nullopt);
  EXPECT_NEAR(*burn_rate({std::nullopt, 50}, 0.99), 100, 1e-9) << "no good series: none was good";
  EXPECT_TRUE(std::isinf(*burn_rate({9, 10}, 1)));
}

TEST(Slo, EvaluatesOftenEnoughForItsShortestWindow) {
  catalog::Slo slo;
  EXPECT_EQ(slo_interval(slo), 30s);
  slo.alerting.windows = {{"page", 30s, 10s, 5}};
  EXPECT_EQ(slo_interval(slo), 5s);
  slo.alerting.windows = {{"page", 30s, 1s, 5}};
  EXPECT_EQ(slo_interval(slo), 1s);
}

TEST(Kpi, StandsByDirectionTargetAndWarningThreshold) {
  catalog::Kpi higher;
  higher.target = 95;
  higher.at_risk = 97;
  EXPECT_EQ(kpi_status(higher, 99), "on_target");
  EXPECT_EQ(kpi_status(higher, 97), "on_target");
  EXPECT_EQ(kpi_status(higher, 96), "at_risk");
  EXPECT_EQ(kpi_status(higher, 95), "at_risk");
  EXPECT_EQ(kpi_status(higher, 94.9), "missed");
  EXPECT_EQ(kpi_status(higher, std::nullopt), "no_data");
  EXPECT_EQ(kpi_status(higher, std::nan("")), "no_data");
  catalog::Kpi lower;
  lower.direction = "lower";
  lower.target = 0.5;
  EXPECT_EQ(kpi_status(lower, 0.4), "on_target");
  EXPECT_EQ(kpi_status(lower, 0.6), "missed");
}

TEST(Kpi, TakesAStatusOnlyAfterTwoEvaluationsInARow) {
  KpiTrack track;
  EXPECT_FALSE(track.observe("missed"));
  EXPECT_FALSE(track.observe("on_target"));
  EXPECT_FALSE(track.observe("missed"));
  EXPECT_TRUE(track.observe("missed"));
}

}  // namespace
}  // namespace wellrun::health
