#include "health/verdict/value_blocks.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "health/verdict/test_chance.h"

namespace wellrun::health {
namespace {

/// Ten-second ticks of `per_tick` values of each group; canary's are `factor` times as large.
std::vector<Block> blocks_of(ValueBlocks& blocks, TestChance& chance, int ticks, int per_tick,
                             double factor) {
  std::vector<Block> all;
  for (int tick = 1; tick <= ticks; ++tick) {
    for (int i = 0; i < per_tick; ++i) {
      blocks.add(Group::kBaseline, 80 * std::exp(0.5 * chance.normal()));
      blocks.add(Group::kCanary, 80 * factor * std::exp(0.5 * chance.normal()));
    }
    for (const Block& block : blocks.close(10 * tick)) all.push_back(block);
  }
  return all;
}

double mean_difference(const std::vector<Block>& blocks) {
  double sum = 0;
  for (const Block& block : blocks) sum += block.difference;
  return sum / static_cast<double>(blocks.size());
}

TEST(ValueBlocks, DifferenceIsTheLogOfTheRatioAndItsVarianceIsTrue) {
  TestChance chance(1);
  ValueBlocks blocks;
  const auto all = blocks_of(blocks, chance, 400, 5, 1.2);
  ASSERT_EQ(all.size(), 400u) << "blocks of the first moments come late, but all come";
  EXPECT_TRUE(blocks.logarithmic());
  EXPECT_NEAR(mean_difference(all), std::log(1.2), 0.05);
  double squares = 0, claimed = 0;
  for (const Block& block : all) {
    squares += std::pow(block.difference - std::log(1.2), 2);
    claimed += block.noise_variance;
  }
  EXPECT_NEAR(squares / claimed, 1, 0.25);
}

TEST(ValueBlocks, SharedIncidentCancels) {
  TestChance chance(2);
  ValueBlocks calm, incident;
  (void)blocks_of(calm, chance, 30, 5, 1);
  TestChance first(3), second(3);
  const auto quiet = blocks_of(calm, first, 30, 5, 1);
  for (int tick = 1; tick <= 30; ++tick) {
    // The same draws, three times as slow in both groups.
    ValueBlocks& blocks = incident;
    for (int i = 0; i < 5; ++i) {
      blocks.add(Group::kBaseline, 240 * std::exp(0.5 * second.normal()));
      blocks.add(Group::kCanary, 240 * std::exp(0.5 * second.normal()));
    }
    (void)blocks.close(10 * tick);
  }
  EXPECT_NEAR(mean_difference(quiet), 0, 0.2);
}

TEST(ValueBlocks, OneWildValueMovesABlockByDeviationsNotByItsSize) {
  TestChance chance(4);
  ValueBlocks blocks;
  (void)blocks_of(blocks, chance, 10, 5, 1);
  for (int i = 0; i < 5; ++i) {
    blocks.add(Group::kBaseline, 80);
    blocks.add(Group::kCanary, i == 0 ? 8e12 : 80);
  }
  const auto wild = blocks.close(1000);
  ASSERT_EQ(wild.size(), 1u);
  EXPECT_LT(wild[0].difference, 4 * 0.7 / 5 + 0.2);
}

TEST(ValueBlocks, WaitsForTheSparserGroup) {
  ValueBlocks blocks;
  for (int i = 0; i < 100; ++i) blocks.add(Group::kBaseline, 1 + i % 7);
  for (int i = 0; i < 4; ++i) blocks.add(Group::kCanary, 1 + i);
  EXPECT_TRUE(blocks.close(10).empty());
  blocks.add(Group::kCanary, 3);
  EXPECT_FALSE(blocks.close(20).empty());
  EXPECT_TRUE(blocks.close(30).empty()) << "nothing is counted twice";
}

TEST(ValueBlocks, ZerosAndNegativesAreComparedByDifference) {
  ValueBlocks blocks;
  std::vector<Block> all;
  for (int tick = 1; tick <= 20; ++tick) {
    for (int i = 0; i < 10; ++i) {
      blocks.add(Group::kBaseline, i % 3 - 1);
      blocks.add(Group::kCanary, i % 3 - 1 + 0.5);
    }
    for (const Block& block : blocks.close(10 * tick)) all.push_back(block);
  }
  EXPECT_FALSE(blocks.logarithmic());
  EXPECT_NEAR(mean_difference(all) * blocks.unit(), 0.5, 0.1);
}

TEST(ValueBlocks, ConstantsHaveAVarianceAboveZero) {
  ValueBlocks blocks;
  for (int tick = 1; tick <= 10; ++tick) {
    for (int i = 0; i < 10; ++i)
      for (const Group group : kGroups) blocks.add(group, 42);
    for (const Block& block : blocks.close(10 * tick)) {
      EXPECT_GT(block.noise_variance, 0);
      EXPECT_EQ(block.difference, 0);
    }
  }
}

/// Ticks of five values each, the same in both groups but for a factor of the canary's.
std::vector<Block> feed(ValueBlocks& blocks, int& tick, int ticks, double factor, auto next) {
  std::vector<Block> all;
  for (int i = 0; i < ticks; ++i) {
    for (int k = 0; k < 5; ++k) {
      blocks.add(Group::kBaseline, next());
      blocks.add(Group::kCanary, factor * next());
    }
    for (const Block& block : blocks.close(10 * ++tick)) all.push_back(block);
  }
  return all;
}

std::size_t beginnings(const std::vector<Block>& blocks) {
  return static_cast<std::size_t>(std::ranges::count_if(blocks, &Block::begins));
}

TEST(ValueBlocks, StillReadingsAreNoMoreExactThanTheirLastDecimal) {
  ValueBlocks blocks;
  int tick = 0;
  const auto all = feed(blocks, tick, 40, 1, [] { return 20; });
  EXPECT_TRUE(blocks.is_coarse());
  for (const Block& block : all) EXPECT_NEAR(block.noise_variance, 2 * 0.05 * 0.05 / 12, 1e-5);
}

TEST(ValueBlocks, ContinuousReadingsAreNotCoarse) {
  TestChance chance(6);
  ValueBlocks blocks;
  int tick = 0;
  (void)feed(blocks, tick, 40, 1, [&] { return 20 + chance.normal(); });
  EXPECT_FALSE(blocks.is_coarse());
  EXPECT_EQ(blocks.usual_step(), 0);
}

TEST(ValueBlocks, ZerosAreNoSizeToLearn) {
  TestChance chance(7);
  ValueBlocks blocks;
  int tick = 0;
  EXPECT_TRUE(feed(blocks, tick, 200, 1, [] { return 0; }).empty());
  EXPECT_FALSE(blocks.learned());
  const auto after = feed(blocks, tick, 40, 1, [&] { return 3 + chance.normal(); });
  EXPECT_TRUE(blocks.learned());
  EXPECT_EQ(after.size(), 40u);
  for (const Block& block : after) EXPECT_LT(std::abs(block.difference), 3);
}

TEST(ValueBlocks, BeginAnewWithDifferencesWhenZerosComeToLogarithms) {
  TestChance chance(8);
  ValueBlocks blocks;
  int tick = 0;
  EXPECT_EQ(beginnings(feed(blocks, tick, 40, 1, [&] { return 1 + chance.poisson(8); })), 1u);
  EXPECT_TRUE(blocks.logarithmic());
  const auto after = feed(blocks, tick, 40, 1, [&] { return chance.poisson(1); });
  EXPECT_EQ(beginnings(after), 1u);
  EXPECT_FALSE(blocks.logarithmic());
  EXPECT_NEAR(blocks.unit(), 1, 0.5);
  for (const Block& block : after) EXPECT_LT(std::abs(block.difference), 5);
}

TEST(ValueBlocks, AStrayZeroAmongLogarithmsIsAWildValue) {
  TestChance chance(9);
  ValueBlocks blocks;
  int tick = 0, count = 0;
  const auto all = feed(blocks, tick, 80, 1, [&] {
    return ++count > 500 && count % 97 == 0 ? 0 : 80 * std::exp(0.3 * chance.normal());
  });
  EXPECT_EQ(beginnings(all), 1u);
  EXPECT_TRUE(blocks.logarithmic());
  for (const Block& block : all) EXPECT_LT(std::abs(block.difference), 1.5);
}

TEST(ValueBlocks, BeginAnewWhereBothGroupsLeaveTheScaleAndNotWhereTheCanaryDoes) {
  for (const bool both : {true, false}) {
    TestChance chance(10);
    ValueBlocks blocks;
    int tick = 0;
    const auto noisy = [&](double level) {
      return [&chance, level] { return level + level * chance.normal(); };
    };
    (void)feed(blocks, tick, 40, 1, noisy(1));
    ASSERT_FALSE(blocks.logarithmic());
    const auto after =
        both ? feed(blocks, tick, 60, 1, noisy(40)) : feed(blocks, tick, 60, 40, noisy(1));
    EXPECT_EQ(beginnings(after), both ? 1u : 0u);
  }
}

TEST(ValueBlocks, ReadingsOfAGaugeAreToldFromIndependentValues) {
  TestChance chance(5);
  ValueBlocks independent, gauge;
  double said_independent = 0, said_gauge = 0;
  for (const Block& block : blocks_of(independent, chance, 60, 5, 1))
    said_independent += block.smoothness;
  std::array<double, 2> level{};
  for (int tick = 1; tick <= 60; ++tick) {
    for (int i = 0; i < 5; ++i)
      for (const Group group : kGroups) {
        double& at = level[static_cast<std::size_t>(group)];
        at = 0.97 * at + 0.73 * chance.normal();
        gauge.add(group, 40 + at);
      }
    for (const Block& block : gauge.close(50 * tick)) said_gauge += block.smoothness;
  }
  EXPECT_LT(said_independent, -10);
  EXPECT_GT(said_gauge, 10);
}

TEST(ValueBlocks, KeepsAtMostItsCapacity) {
  ValueBlocks blocks;
  for (int i = 0; i < 100'000; ++i)
    for (const Group group : kGroups) blocks.add(group, 1 + i % 100);
  const auto all = blocks.close(10);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_GT(all[0].noise_variance, 0.2 / (2 * ValueBlocks::kCapacity))
      << "the mean of no more values than were kept";
}

}  // namespace
}  // namespace wellrun::health
