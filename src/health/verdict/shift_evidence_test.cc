#include "health/verdict/shift_evidence.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

#include "health/verdict/shift_hypotheses.h"
#include "health/verdict/test_chance.h"

namespace wellrun::health {
namespace {

/// The same from the definition: for each hypothesis and effect a whole covariance matrix, solved
/// anew by elimination; the season's mean summed up instead of taken from a Bessel function.
class Reference {
 public:
  Reference(const std::vector<ShiftReading>& readings, const ShiftModel& model)
      : readings_(readings), model_(model) {
    double sum = 0, count = 0;
    for (const auto& each : readings)
      if (each.time_s < model.changed_s) {
        sum += each.value;
        ++count;
      }
    if (!model.level_known && count > 0) level_ = sum / count;
  }

  double log_for() const {
    const double moved =
        log_mixture({{1, 0.3}, {1.5, 0.25}, {2.2, 0.2}, {3.3, 0.12}, {5, 0.08}, {8, 0.05}});
    return std::log(0.72 * std::exp(moved - log_mixture({{0, 1}})) + 0.28);
  }
  double log_against() const {
    return log_mixture({{0.25, 0.1}, {0, 0.5}, {-0.5, 0.15}, {-1, 0.1}, {-2, 0.1}, {-4, 0.05}}) -
           log_mixture({{1, 1}});
  }

 private:
  using Effects = std::vector<std::pair<double, double>>;

  double log_mixture(const Effects& effects) const {
    double sum = 0;
    for (const auto& hypothesis : shift_hypotheses())
      for (const auto& [size, weight] : effects)
        sum += weight * hypothesis.weight *
               std::exp(log_likelihood(hypothesis, size * model_.smallest));
    return std::log(sum);
  }

  static double raw_season(double share, double turns) {
    return std::exp(-2 * std::pow(std::sin(std::numbers::pi * share) / turns, 2));
  }
  static double mean_season(double turns) {
    double mean = 0;
    for (int i = 0; i < 1000; ++i) mean += raw_season(i / 1000.0, turns) / 1000;
    return mean;
  }
  static double season(double share, double turns, double mean) {
    return (raw_season(share, turns) - mean) / (1 - mean);
  }

  double covariance(const ShiftHypothesis& h, std::size_t i, std::size_t j) const {
    const double a = readings_[i].time_s, b = readings_[j].time_s;
    const double unit = 100 * model_.step_s;
    const double day = season((a - b) / 86'400, 0.5, daily_mean_),
                 week = season((a - b) / 604'800, 0.3, weekly_mean_);
    const double along = (a - model_.changed_s) * (b - model_.changed_s) / unit / unit;
    return (model_.level_known ? 0 : 100) + (i == j ? 1 - h.wander : 0) +
           h.wander * std::exp(-std::abs(a - b) / model_.step_s / kShiftMemories[h.memory]) +
           h.daily * day + h.weekly * week * (1 + day) / 2 + h.trend * along;
  }

  double log_likelihood(const ShiftHypothesis& h, double effect) const {
    const auto n = readings_.size();
    std::vector<std::vector<double>> rows(n, std::vector<double>(n + 1));
    std::vector<double> y(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) rows[i][j] = covariance(h, i, j);
      y[i] = rows[i][n] =
          readings_[i].value - level_ - (readings_[i].time_s >= model_.changed_s ? effect : 0);
    }
    double log_determinant = 0;
    for (std::size_t k = 0; k < n; ++k) {
      log_determinant += std::log(rows[k][k]);
      for (std::size_t i = 0; i < n; ++i) {
        if (i == k) continue;
        const double factor = rows[i][k] / rows[k][k];
        for (std::size_t j = k; j <= n; ++j) rows[i][j] -= factor * rows[k][j];
      }
    }
    double scatter = 0;
    for (std::size_t i = 0; i < n; ++i) scatter += y[i] * rows[i][n] / rows[i][i];
    const double scale = std::pow(model_.smallest / 4, 2);
    return -log_determinant / 2 - (1 + static_cast<double>(n) / 2) * std::log(scale + scatter / 2);
  }

  const std::vector<ShiftReading>& readings_;
  ShiftModel model_;
  double level_ = 0;
  double daily_mean_ = mean_season(0.5), weekly_mean_ = mean_season(0.3);
};

TEST(ShiftEvidence, IsWhatTheDefinitionSaysAfterEachReading) {
  for (const bool level_known : {false, true}) {
    TestChance chance(71);
    const ShiftModel model{
        .changed_s = 10 * 7200.0, .step_s = 7200, .smallest = 0.1, .level_known = level_known};
    std::vector<ShiftReading> readings;
    for (int i = 0; i < 16; ++i)
      if (i != 4)  // a gap
        readings.push_back({i * 7200.0, 0.1 * chance.normal() + (i >= 10 ? 0.15 : 0)});
    const auto evidence = shift_evidence(readings, model);
    ASSERT_EQ(evidence.size(), 6U);
    for (std::size_t i = 0; i < evidence.size(); i += 5) {
      const std::vector<ShiftReading> known(readings.begin(),
                                            readings.begin() + static_cast<std::ptrdiff_t>(10 + i));
      const Reference reference(known, model);
      EXPECT_NEAR(evidence[i].log_for, reference.log_for(), 1e-6);
      EXPECT_NEAR(evidence[i].log_against, reference.log_against(), 1e-6);
    }
  }
}

TEST(ShiftEvidence, KnowsTheSizeOfAClearStep) {
  TestChance chance(72);
  std::vector<ShiftReading> readings;
  for (int i = 0; i < 120; ++i)
    readings.push_back({i * 7200.0, 0.02 * chance.normal() + (i >= 80 ? 0.3 : 0)});
  const auto last =
      shift_evidence(readings, {.changed_s = 80 * 7200.0, .step_s = 7200, .smallest = 0.1}).back();
  EXPECT_NEAR(last.size, 0.3, 3 * last.standard_error);
  EXPECT_LT(last.standard_error, 0.05);
  EXPECT_GT(last.log_for, std::log(1e4));
  EXPECT_LT(last.log_against, 0);
}

TEST(ShiftEvidence, SaysNothingWithoutAReadingAfter) {
  const std::vector<ShiftReading> before{{0, 1}, {60, 2}};
  EXPECT_TRUE(shift_evidence(before, {.changed_s = 100, .step_s = 60, .smallest = 1}).empty());
  EXPECT_TRUE(shift_evidence({}, {.changed_s = 100, .step_s = 60, .smallest = 1}).empty());
}

TEST(ShiftHypotheses, WeighOneTogether) {
  double sum = 0;
  for (const auto& each : shift_hypotheses()) sum += each.weight;
  EXPECT_NEAR(sum, 1, 1e-12);
}

}  // namespace
}  // namespace wellrun::health
