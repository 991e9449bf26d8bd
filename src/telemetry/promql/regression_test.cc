#include "telemetry/promql/regression.h"

#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>

#include "telemetry/promql/kahan.h"
#include "telemetry/promql/testing/random_world.h"

namespace wellrun::telemetry::promql {
namespace {

using testing::Chance;
using testing::odd_value;

struct SlowSum {
  double sum = 0, compensation = 0;
  void add(double value) { kahan_add(value, sum, compensation); }
  double result() const { return sum + compensation; }
};

/// Four sums one after the other, as the formula stands in Prometheus' linearRegression.
Line slow_line(std::span<const Sample> samples, std::int64_t origin_ms) {
  SlowSum x_sum, y_sum, xy_sum, xx_sum;
  bool is_constant = true;
  for (const auto& [time_ms, y] : samples) {
    is_constant = is_constant && y == samples[0].value;
    const double x = static_cast<double>(time_ms - origin_ms) / 1000;
    x_sum.add(x);
    y_sum.add(y);
    xy_sum.add(x * y);
    xx_sum.add(x * x);
  }
  if (is_constant && std::isinf(samples[0].value)) return {std::nan(""), std::nan("")};
  if (is_constant) return {0, samples[0].value};
  const double n = static_cast<double>(samples.size());
  const double slope = (xy_sum.result() - x_sum.result() * y_sum.result() / n) /
                       (xx_sum.result() - x_sum.result() * x_sum.result() / n);
  return {slope, y_sum.result() / n - slope * x_sum.result() / n};
}

/// To the last bit; NaN is NaN.
bool is_same(double a, double b) {
  return std::isnan(a) ? std::isnan(b)
                       : std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

void expect_slow_line(Regression& regression, std::span<const Sample> samples,
                      std::int64_t origin_ms) {
  const auto line = regression.through(samples, origin_ms), slow = slow_line(samples, origin_ms);
  ASSERT_TRUE(is_same(line.slope, slow.slope)) << line.slope << " is not " << slow.slope;
  ASSERT_TRUE(is_same(line.intercept, slow.intercept))
      << line.intercept << " is not " << slow.intercept;
}

double random_value(Chance& chance) {
  const double sign = chance.one_in(2) ? 1 : -1;
  return sign * std::ldexp(static_cast<double>(1 + chance.below(1'000'000'007)),
                           static_cast<int>(chance.below(120)) - 60);
}

/// Each with the times of the one before, as often as not, with other times of the same number and
/// ends, or with times of its own.
TEST(Regression, is_the_slow_one_to_the_last_bit) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Chance chance(seed);
    Regression regression;
    std::vector<Sample> samples;
    std::int64_t origin_ms = 0;
    for (int series = 0; series < 20; ++series) {
      if (samples.empty() || chance.one_in(3)) {
        samples.resize(2 + chance.below(300));
        std::int64_t time_ms = 1'700'000'000'000;
        for (auto& sample : samples)
          sample.time_ms = time_ms += 1 + static_cast<std::int64_t>(chance.below(30'000));
        origin_ms = chance.one_in(2) ? samples.front().time_ms : samples.back().time_ms + 500;
      } else if (chance.one_in(4) && samples.size() > 2 &&
                 samples[0].time_ms + 1 < samples[1].time_ms) {
        --samples[1].time_ms;
      } else if (chance.one_in(6)) {
        origin_ms += 60'000;
      }
      const bool has_odd_values = chance.one_in(5), is_constant = chance.one_in(10);
      const double constant = chance.one_in(3) ? odd_value(chance) : random_value(chance);
      for (auto& sample : samples) {
        sample.value = is_constant ? constant : random_value(chance);
        if (has_odd_values && chance.one_in(40)) sample.value = odd_value(chance);
      }
      expect_slow_line(regression, samples, origin_ms);
      if (HasFatalFailure()) return;
    }
  }
}

/// Nothing may come of what overflows on the way to a sum that does not.
TEST(Regression, next_to_the_largest_number_gives_a_sum_without_what_it_lost) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  const std::vector<Sample> samples = {{0, -1e292}, {1'000, kLargest}};
  Regression regression;
  const auto line = regression.through(samples, 0), slow = slow_line(samples, 0);
  ASSERT_FALSE(std::isnan(slow.slope));
  EXPECT_DOUBLE_EQ(line.slope, slow.slope);
}

}  // namespace
}  // namespace wellrun::telemetry::promql
