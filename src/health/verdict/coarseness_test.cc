#include "health/verdict/coarseness.h"

#include <gtest/gtest.h>
#include <utility>
#include <vector>

#include "health/verdict/test_chance.h"

namespace wellrun::health {
namespace {

TEST(Coarseness, OfReadingsThatNeverRepeatIsNothingAtAll) {
  TestChance chance(1);
  Coarseness coarseness;
  coarseness.set_resolution(0.5);
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) values.push_back(chance.normal());
  coarseness.add(values);
  EXPECT_EQ(coarseness.step(), 0);
  EXPECT_EQ(coarseness.variance(1), 0);
  EXPECT_FALSE(coarseness.is_coarse(0));
}

TEST(Coarseness, OfAGaugeThatSeldomMovesIsItsStep) {
  Coarseness coarseness;
  coarseness.add(std::vector<double>{20, 20, 20, 21, 21, 21, 21, 20, 20, 20});
  EXPECT_DOUBLE_EQ(coarseness.step(), 1);
  EXPECT_TRUE(coarseness.is_coarse(0.1));
  EXPECT_NEAR(coarseness.variance(0), 1.0 / 12, 0.03) << "of an even distribution over one step";
}

TEST(Coarseness, BeforeAnyMoveIsTheLastDecimal) {
  Coarseness coarseness;
  coarseness.set_resolution(0.05);
  coarseness.add(std::vector<double>{1, 1, 1, 1, 1});
  EXPECT_DOUBLE_EQ(coarseness.step(), 0.05);
  EXPECT_TRUE(coarseness.is_coarse(0));
}

TEST(Coarseness, OfIndependentCountsThatRepeatIsHarmless) {
  TestChance chance(2);
  Coarseness coarseness;
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(chance.poisson(0.3));
  coarseness.add(values);
  EXPECT_GT(coarseness.held(), 0.5);
  EXPECT_FALSE(coarseness.is_coarse(0.3));
  EXPECT_LT(coarseness.variance(0.3), 1e-4);
}

TEST(Coarseness, OneWildMoveIsNoUsualStep) {
  Coarseness coarseness;
  std::vector<double> values(200, 1.0);
  for (std::size_t i = 0; i < values.size(); i += 10) values[i] = 2;
  values[105] = 1e300;
  coarseness.add(values);
  EXPECT_LT(coarseness.step(), 3);
}

TEST(DecimalResolution, IsTheLastDecimalWritten) {
  for (const auto& [value, resolution] : std::vector<std::pair<double, double>>{{0, 1},
                                                                                {20, 1},
                                                                                {-3, 1},
                                                                                {1e15, 1},
                                                                                {0.5, 0.1},
                                                                                {512.3, 0.1},
                                                                                {2.25, 0.01},
                                                                                {1e-6, 1e-6}})
    EXPECT_NEAR(decimal_resolution(value) / resolution, 1, 1e-9) << value;
  for (const double value : {1.0 / 3, 3.14159265358979, 1e-9, 1e-300})
    EXPECT_EQ(decimal_resolution(value), 0) << value;
}

}  // namespace
}  // namespace wellrun::health
