#include "health/baseline/few_events.h"

#include <cmath>
#include <gtest/gtest.h>

#include "health/baseline/test_series.h"

namespace wellrun::health::baseline {
namespace {

using testing::Noise;
using Side = FewEvents::Side;

/// A Poisson count, by the arrivals within one.
int poisson(Noise& noise, double mean) {
  int count = -1;
  for (double time = 0; time < 1; ++count) time -= std::log(1 - noise.uniform()) / mean;
  return count;
}

FewEvents after(int rows, const auto& value_at) {
  FewEvents few;
  for (int row = 0; row < rows; ++row) {
    few.observe(value_at(row));
    few.learn(value_at(row));
  }
  return few;
}

TEST(FewEvents, TheFirstOneIsAsRareAsTheTimeWithoutWasLong) {
  auto few = after(999, [](int) { return 0.0; });
  few.observe(1);
  EXPECT_NEAR(few.most(Side::kMore), 3, 0.05);
  few.observe(2);
  EXPECT_GT(few.most(Side::kMore), 5.8) << "two at once, squared";
}

/// Whatever the rate: what is called once in 10^s happens about once in 10^s, or less often.
TEST(FewEvents, IsNoRarerThanIndependentEventsAre) {
  for (const double rate : {0.01, 0.2, 1.0, 3.0}) {
    Noise noise(7);
    FewEvents few;
    constexpr int kRows = 20'000;
    int beyond = 0;
    for (int row = 0; row < kRows; ++row) {
      const double value = poisson(noise, rate);
      few.observe(value);
      // The last row alone: windows that overlap are asked more than once.
      FewEvents::State alone = few.state();
      alone.lately = alone.of_late = 0;
      FewEvents single;
      single.restore(alone);
      if (row > 1000 && single.most(Side::kMore) > 2.5) ++beyond;
      few.learn(value);
    }
    EXPECT_LT(beyond, 3 * kRows * std::pow(10, -2.5)) << rate;
  }
}

TEST(FewEvents, FewerThanUsualAreTakenLikewise) {
  Noise noise(9);
  auto rare = after(5000, [&](int) { return poisson(noise, 0.01); });
  rare.observe(0);
  EXPECT_LT(rare.most(Side::kFewer), 0.5) << "none is what there mostly is";
  auto common = after(5000, [&](int) { return poisson(noise, 6); });
  for (int row = 0; row < 24; ++row) common.observe(0);
  EXPECT_GT(common.most(Side::kFewer), 20) << "they have stopped";
}

TEST(FewEvents, SaysNothingOfWhatCountsNoEvents) {
  EXPECT_TRUE(
      std::isinf(after(100, [](int row) { return row == 50 ? 0.5 : 0; }).most(Side::kMore)));
  EXPECT_TRUE(std::isinf(after(100, [](int row) { return row == 50 ? -1 : 0; }).most(Side::kMore)));
  EXPECT_TRUE(std::isinf(after(100, [](int) { return 3.0; }).most(Side::kMore))) << "replicas";
  EXPECT_TRUE(std::isinf(after(100, [](int row) { return row == 99 ? 31 : 0; }).most(Side::kMore)))
      << "many";
  EXPECT_TRUE(std::isinf(FewEvents().most(Side::kMore))) << "nothing is known";
}

TEST(FewEvents, AWindowOfRowsCountsTogether) {
  auto few = after(10'000, [](int) { return 0.0; });
  double before = 0;
  for (int row = 0; row < 3; ++row) {
    few.observe(1);
    EXPECT_GE(few.most(Side::kMore), before);
    before = few.most(Side::kMore);
    few.learn(1);
  }
  EXPECT_GT(before, 6) << "three rows with one each, after none in ten thousand";
}

}  // namespace
}  // namespace wellrun::health::baseline
