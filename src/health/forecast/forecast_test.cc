#include "health/forecast/forecast.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

#include "health/baseline/test_series.h"
#include "health/forecast/forecast_reference.h"

namespace wellrun::health::forecast {
namespace {

using namespace std::chrono_literals;
using baseline::testing::Noise;

template <typename ValueAt>
History hourly(int hours, ValueAt value_at) {
  History history{.start = from_unix_ms(1'767'225'600'000), .step = 1h, .values = {}};
  for (int i = 0; i < hours; ++i) history.values.push_back(value_at(i));
  return history;
}

double wave(int hour) {
  return std::sin(2 * std::numbers::pi * hour / 24.0);
}

TEST(Forecast, ADiskThatFillsIsFullWhenItIs) {
  Noise noise(3);
  const auto disk = hourly(21 * 24, [&](int i) { return 700 - 1.2 * i + 3 * noise.normal(); });
  const auto seen = forecast(disk, 7 * 24h);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->method, Method::kTrend);
  EXPECT_EQ(seen->points.size(), 7U * 24);
  EXPECT_EQ(seen->tries, 8);
  const auto empty = crossing(*seen, 0, true);
  ASSERT_TRUE(empty.expected);
  EXPECT_TRUE(is_credible(*seen, empty));
  const auto true_hours = 700 / 1.2;
  EXPECT_NEAR(to_seconds(*empty.expected - disk.start) / 3600, true_hours, 6);
  EXPECT_LE(*empty.earliest, *empty.expected);
  EXPECT_LT(seen->error, seen->stays_error / 3);
}

TEST(Forecast, NoiseOnALevelIsNoTrendAndMissesNothing) {
  int said = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Noise noise(seed);
    const auto flat = hourly(21 * 24, [&](int) { return 100 + 5 * noise.normal(); });
    const auto seen = forecast(flat, 7 * 24h);
    ASSERT_TRUE(seen);
    if (is_credible(*seen, crossing(*seen, 90, true))) ++said;
  }
  EXPECT_EQ(said, 0);
}

TEST(Forecast, ADayIsFoundByItself) {
  Noise noise(5);
  const auto history =
      hourly(14 * 24, [&](int i) { return 100 + 30 * wave(i) + 2 * noise.normal(); });
  const auto seen = forecast(history, 2 * 24h);
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->method == Method::kDay || seen->method == Method::kTrendAndDay)
      << name_of(seen->method);
  for (int lead = 0; lead < 48; ++lead)
    EXPECT_NEAR(seen->points[static_cast<std::size_t>(lead)].expected,
                100 + 30 * wave(14 * 24 + lead), 6);
  EXPECT_LT(seen->error, 0.2 * seen->stays_error);
}

/// The band is made of the past's errors: it must hold the future of series like them.
TEST(Forecast, TheBandHoldsAboutNineOfTenFutureValues) {
  double inside = 0, all = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Noise noise(seed);
    const auto whole =
        hourly(16 * 24, [&](int i) { return 0.3 * i + 20 * wave(i) + 4 * noise.normal(); });
    auto known = whole;
    known.values.resize(14 * 24);
    const auto seen = forecast(known, 2 * 24h);
    ASSERT_TRUE(seen);
    for (std::size_t lead = 0; lead < seen->points.size(); ++lead) {
      const double value = whole.values[known.values.size() + lead];
      inside += value >= seen->points[lead].lower && value <= seen->points[lead].upper ? 1 : 0;
      ++all;
    }
  }
  EXPECT_GT(inside / all, 0.86);
  EXPECT_LT(inside / all, 0.98);
}

TEST(Forecast, ARateThatChangedIsSeenInTheRecentTrend) {
  Noise noise(9);
  const auto disk = hourly(21 * 24, [&](int i) {
    return 900 - (i < 250 ? 0.1 * i : 25 + 2.0 * (i - 250)) + noise.normal();
  });
  const auto seen = forecast(disk, 7 * 24h);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->method, Method::kRecentTrend);
  const double last = 900 - (25 + 2.0 * (21 * 24 - 250));
  EXPECT_NEAR(seen->points[99].expected, last - 200, 15);
}

TEST(Forecast, NothingIsForetoldThatCouldNotBeTriedOnThePast) {
  const auto short_one = hourly(48, [](int i) { return i; });
  const auto seen = forecast(short_one, 30 * 24h);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->points.size(), 16U);
  EXPECT_GT(seen->tries, 1);
  EXPECT_FALSE(forecast(hourly(23, [](int i) { return i; }), 24h));
  EXPECT_FALSE(forecast({}, 24h));
}

TEST(Forecast, HolesInfinitiesAndConstantsHaveADefinedOutcome) {
  const auto holes = hourly(240, [](int i) { return i % 3 == 0 ? std::nan("") : i * 1.0; });
  const auto seen = forecast(holes, 24h);
  ASSERT_TRUE(seen);
  EXPECT_NEAR(seen->points.front().expected, 240, 2);
  EXPECT_FALSE(forecast(hourly(240, [](int i) { return i % 3 ? std::nan("") : i * 1.0; }), 24h))
      << "more than half is missing";
  const auto wild = hourly(240, [](int i) { return i % 50 == 0 ? INFINITY : 5.0; });
  ASSERT_TRUE(forecast(wild, 24h));
  const auto foretold = forecast(wild, 24h);
  for (const auto& point : foretold->points) EXPECT_EQ(point.expected, 5);
  const auto flat = forecast(hourly(240, [](int) { return 7.0; }), 24h);
  ASSERT_TRUE(flat);
  EXPECT_EQ(flat->method, Method::kStays);
  EXPECT_EQ(flat->points.back().upper, 7);
  EXPECT_FALSE(is_credible(*flat, crossing(*flat, 6, true)));
}

TEST(Forecast, ARatioStaysARatioAndACountIsNotNegative) {
  const auto ratio = forecast(hourly(240, [](int i) { return 0.5 + i * 0.002; }), 3 * 24h);
  ASSERT_TRUE(ratio);
  EXPECT_LE(ratio->points.back().upper, 1);
  EXPECT_LE(ratio->points.back().expected, 1);
  const auto falling = forecast(hourly(240, [](int i) { return 260.0 - i; }), 3 * 24h);
  ASSERT_TRUE(falling);
  EXPECT_EQ(falling->points.back().expected, 0);
  EXPECT_GE(falling->points.back().lower, 0);
}

TEST(Forecast, WhatStaysAsItIsCrossesNothing) {
  const auto at_target = forecast(hourly(240, [](int) { return 1.0; }), 3 * 24h);
  ASSERT_TRUE(at_target);
  EXPECT_FALSE(is_credible(*at_target, crossing(*at_target, 1, true)));
}

TEST(Forecast, TheLargestNumbersHaveAFiniteCourse) {
  const auto largest = std::numeric_limits<double>::max();
  const auto seen = forecast(
      hourly(240, [&](int i) { return i % 7 < 3    ? largest
                                      : i % 7 == 3 ? -largest
                                                   : 1; }), 48h);
  ASSERT_TRUE(seen);
  EXPECT_TRUE(std::isfinite(seen->error));
  for (const auto& point : seen->points) EXPECT_TRUE(std::isfinite(point.upper - point.lower));
}

TEST(Forecast, AStepThatIsNotPositiveForetellsNothing) {
  auto history = hourly(240, [](int i) { return i; });
  for (const Duration step : {0h, -1h}) {
    history.step = step;
    EXPECT_FALSE(forecast(history, 24h));
  }
}

/// 600 short histories: waves, lines, steps, ties and holes.
TEST(Forecast, AgreesWithTheSlowReference) {
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    Noise noise(seed);
    const auto draw = [&](int below) { return static_cast<int>(noise.uniform() * below); };
    const double slope = draw(3) * 0.7 - 0.7, height = draw(3) * 10, rough = draw(3) * 2;
    const int at = draw(120), holes = draw(3);
    const bool is_whole = draw(2) == 0;
    auto history = hourly(20 + draw(101), [&](int i) {
      if (draw(10) < holes) return std::nan("");
      const double value =
          30 + slope * i + height * wave(i * 6) + rough * noise.normal() + (i >= at ? 15 : 0);
      return is_whole ? std::round(value) : value;
    });
    history.step = std::array<Duration, 4>{1h, 6h, 7h, 24h}[static_cast<std::size_t>(draw(4))];
    const Duration horizon = 1h * (1 + draw(24 * 10));
    EXPECT_EQ(testing::difference(history, horizon, forecast(history, horizon)), "")
        << "seed " << seed;
  }
}

TEST(Forecast, AStepThatDoesNotDivideTheDayHasNoPattern) {
  auto odd = hourly(600, [](int i) { return wave(i); });
  odd.step = 7h;
  const auto seen = forecast(odd, 48h);
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->method == Method::kStays || seen->method == Method::kTrend);
}

}  // namespace
}  // namespace wellrun::health::forecast
