#include "health/baseline/rarity.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "health/baseline/plain_rarity.h"
#include "health/baseline/season.h"
#include "health/baseline/test_series.h"

namespace wellrun::health::baseline {
namespace {

using testing::Noise;

/// The slow reference: every value is kept, rarity is a count.
struct Kept {
  std::vector<double> values;
  [[nodiscard]] double surprise(double at) const {
    const auto further = std::count_if(values.begin(), values.end(), [&](double value) {
      return at >= 0 ? value >= at : value <= at;
    });
    return -std::log10((static_cast<double>(further) + 0.5) /
                       (static_cast<double>(values.size()) + 1));
  }
};

TEST(Rarity, AgreesWithCountingInsideTheHistory) {
  Noise noise(1);
  Rarity rarity;
  Kept kept;
  for (int i = 0; i < 2000; ++i) {
    kept.values.push_back(noise.normal());
    rarity.add(kept.values.back(), 1);
  }
  for (double at = -2; at <= 2; at += 0.1)
    EXPECT_NEAR(rarity.surprise(at), kept.surprise(at), 0.12) << at;
}

TEST(Rarity, BeyondTheHistoryItKeepsRisingAndStaysFinite) {
  Noise noise(2);
  Rarity rarity;
  for (int i = 0; i < 2000; ++i) rarity.add(noise.normal(), 1);
  double last = rarity.surprise(3);
  for (double at = 4; at < 1e30; at *= 1.5) {
    const double now = rarity.surprise(at);
    EXPECT_GE(now, last) << at;
    EXPECT_TRUE(std::isfinite(now));
    last = now;
  }
  EXPECT_GT(rarity.surprise(8), 4);
}

TEST(Rarity, WhatCameBackOftenIsNotRare) {
  Rarity rarity;
  for (int i = 0; i < 3000; ++i) rarity.add(i % 100 == 0 ? 50 : 0.5, 1);
  EXPECT_NEAR(rarity.surprise(50), 2, 0.1) << "one in a hundred";
}

TEST(Rarity, AnEmptyHistoryFindsNothingRare) {
  const Rarity rarity;
  EXPECT_LT(rarity.surprise(1e9), 0.5);
  EXPECT_EQ(rarity.surprise(0), 0);
  EXPECT_EQ(rarity.upper(0.001), 0);
}

TEST(Rarity, OldObservationsFade) {
  Rarity rarity;
  for (int i = 0; i < 1000; ++i) rarity.add(100, 1);
  for (int i = 0; i < 200'000; ++i) rarity.add(1, 1);
  EXPECT_GT(rarity.surprise(100), 3);
}

TEST(Rarity, QuantilesAgreeWithSorting) {
  Noise noise(3);
  Rarity rarity;
  std::vector<double> values;
  for (int i = 0; i < 3000; ++i) {
    values.push_back(std::exp(noise.normal()));
    rarity.add(values.back(), 1);
  }
  std::ranges::sort(values);
  for (const double probability : {0.5, 0.2, 0.1, 0.05, 0.02}) {
    const auto index = static_cast<std::size_t>((1 - probability) * 3000);
    EXPECT_NEAR(std::log2(rarity.upper(probability) / values[index]), 0, 0.35) << probability;
  }
}

TEST(PlainRarity, RemembersHeightsWhateverTheScaleDoesMeanwhile) {
  Noise noise(6);
  PlainRarity moving, steady;
  double unit = 0;
  int restated = 0;
  for (int i = 0; i < 3000; ++i) {
    const double value = 10 * noise.normal();
    moving.add(value, 1, std::exp2(5 * std::sin(i / 300.0)));
    steady.add(value, 1, 1);
    restated += moving.unit() != unit;
    unit = moving.unit();
  }
  ASSERT_GT(restated, 4);
  for (double at = -40; at <= 40; at += 3)
    EXPECT_NEAR(moving.surprise(at), steady.surprise(at), 0.02) << at;
}

TEST(PlainRarity, WithNothingKnownNothingIsRare) {
  EXPECT_LT(PlainRarity().surprise(1e9), 0.5);
}

TEST(Season, ProfilesAreTheMeansOfTheirSlots) {
  Noise noise(4);
  Season season;
  std::vector<std::vector<double>> slots(Season::kDaySlots);
  const int per_slot = testing::kRowsPerDay / static_cast<int>(Season::kDaySlots);
  for (int row = 0; row < 4 * testing::kRowsPerDay; ++row) {
    const auto slot = static_cast<std::size_t>(row % testing::kRowsPerDay / per_slot);
    const double value = 10 * std::sin(static_cast<double>(slot)) + noise.normal();
    slots[slot].push_back(value);
    season.learn(Calendar::utc().at(testing::time_of(row)), {.deviation = value,
                                                             .step_limit = 1e9,
                                                             .error_limit = 1e9,
                                                             .rows_per_day = testing::kRowsPerDay});
  }
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    double mean = 0;
    for (const double value : slots[slot]) mean += value / static_cast<double>(slots[slot].size());
    EXPECT_NEAR(season.state().day.at(slot), mean, 1e-4);
  }
  EXPECT_GT(season.trust().daily + season.trust().weekly, 0.9);
}

TEST(Season, IsNotTrustedWhereThereIsNone) {
  Noise noise(5);
  Season season;
  for (int row = 0; row < 20 * testing::kRowsPerDay; ++row)
    season.learn(Calendar::utc().at(testing::time_of(row)), {.deviation = noise.normal(),
                                                             .step_limit = 10,
                                                             .error_limit = 10,
                                                             .rows_per_day = testing::kRowsPerDay});
  EXPECT_GT(season.trust().none, 1.0 / 3) << "it predicts no worse than any season";
  EXPECT_LT(std::fabs(season.at(Calendar::utc().at(testing::time_of(77))).expected), 0.5);
}

}  // namespace
}  // namespace wellrun::health::baseline
