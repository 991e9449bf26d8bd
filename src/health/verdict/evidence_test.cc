// The evidence itself: what it says of known data, that it stays an e-process, and that it is right
// at the edges.

#include <cmath>
#include <gtest/gtest.h>

#include "health/verdict/change_prior.h"
#include "health/verdict/count_evidence.h"
#include "health/verdict/level_evidence.h"
#include "health/verdict/normal.h"
#include "health/verdict/test_chance.h"
#include "health/verdict/wander_prior.h"

namespace wellrun::health {
namespace {

Block block(double time_s, double difference, double noise_variance = 0.1) {
  return {.time_s = time_s,
          .difference = difference,
          .noise_variance = noise_variance,
          .smoothness = -1};
}

TEST(ChangePrior, WeighsAllMomentsToOne) {
  for (const double never : {0.0, 0.4}) {
    const ChangePrior prior{.at_start = 0.5, .never = never};
    double sum = prior.at_start;
    for (int t = 0; t < 100'000; t += 10) sum += prior.between(t, t + 10);
    EXPECT_NEAR(sum + prior.after(100'000), 1, 1e-9);
    EXPECT_NEAR(prior.after(1e12), never, 1e-6);
  }
}

TEST(HalfNormalRatio, IsTheIntegralItStandsFor) {
  // 2 Phi(z) exp(z^2/2), by summing the normal density up to z.
  for (const double z : {-9.0, -4.0, -1.0, 0.0, 1.0, 3.0}) {
    double integral = 0;
    constexpr double kStep = 1e-4;
    for (double x = z - 12; x < z; x += kStep)
      integral += std::exp((z * z - (x + kStep / 2) * (x + kStep / 2)) / 2) * kStep;
    EXPECT_NEAR(half_normal_ratio(z) / (2 * integral / std::sqrt(2 * M_PI)), 1, 1e-2) << z;
  }
  EXPECT_TRUE(std::isfinite(half_normal_ratio(1e6)));
  EXPECT_GT(half_normal_ratio(-1e6), 0);
}

TEST(WanderHypotheses, HaveWeightOneAndKnowNoWander) {
  double sum = 0;
  bool none = false;
  for (const auto& each : wander_hypotheses({.value_variance = 0.5})) {
    sum += each.weight;
    none = none || each.variance == 0;
    EXPECT_GT(each.memory_s, 0);
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_TRUE(none);
}

TEST(LevelEvidence, SaysNothingBeforeTheFirstBlock) {
  const LevelEvidence evidence({.value_variance = 0.5});
  EXPECT_EQ(evidence.log_worse(), 0);
  EXPECT_EQ(evidence.effect().size, 0);
}

TEST(LevelEvidence, GrowsWithALastingDifferenceAndNamesIt) {
  TestChance chance(1);
  LevelEvidence evidence({.value_variance = 0.5});
  for (int k = 0; k < 200; ++k) evidence.add(block(10 * k, 0.2 + std::sqrt(0.1) * chance.normal()));
  EXPECT_GT(evidence.log_worse(), std::log(789.0)) << "enough for one of three metrics";
  EXPECT_NEAR(evidence.effect().size, 0.2, 0.1);
  EXPECT_LT(evidence.effect().since_s, 600);
}

TEST(LevelEvidence, NeverBlamesACanaryThatIsBetter) {
  TestChance chance(2);
  LevelEvidence evidence({.value_variance = 0.5});
  for (int k = 0; k < 400; ++k) {
    evidence.add(block(10 * k, -0.3 + std::sqrt(0.1) * chance.normal()));
    ASSERT_LT(evidence.log_worse(), 3) << k;
  }
}

TEST(LevelEvidence, FindsAStepAndWhenItCame) {
  TestChance chance(3);
  LevelEvidence evidence({.value_variance = 0.5});
  for (int k = 0; k < 360; ++k)
    evidence.add(block(10 * k, (k < 180 ? 0.0 : 0.3) + std::sqrt(0.1) * chance.normal()));
  EXPECT_GT(evidence.log_worse(), 7);
  EXPECT_NEAR(evidence.effect().since_s, 1800, 400);
}

TEST(LevelEvidence, KeepsTheMomentOfAStepWhileItsEvidenceGrows) {
  // A slight step needs hundreds of blocks; the moments kept meanwhile are few, and the right one
  // must be among them.
  constexpr int kRuns = 20;
  double evidence_sum = 0, astray_s = 0;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    TestChance chance(seed);
    LevelEvidence evidence({.value_variance = 0.5});
    for (int k = 0; k < 900; ++k)
      evidence.add(block(10 * k, (k < 500 ? 0.0 : 0.12) + std::sqrt(0.1) * chance.normal()));
    evidence_sum += evidence.log_worse();
    astray_s += std::abs(evidence.effect().since_s - 5000);
  }
  EXPECT_GT(evidence_sum / kRuns, 9.5);
  EXPECT_LT(astray_s / kRuns, 450);
}

TEST(LevelEvidence, IsAnEProcessUnderItsOwnPrior) {
  // Differences drawn from the prior of wander itself: the e-value reaches 20 in at most a
  // twentieth of the runs, however often one looks.
  TestChance chance(4);
  constexpr int kRuns = 300;
  int alarms = 0;
  for (int run = 0; run < kRuns; ++run) {
    const MetricReadings readings{.value_variance = 0.5, .coarse = run % 2 == 0};
    const auto hypotheses = wander_hypotheses(readings);
    double left = chance.uniform();
    const auto* drawn = &hypotheses.front();
    for (const auto& each : hypotheses) {
      drawn = &each;
      if ((left -= each.weight) <= 0) break;
    }
    LevelEvidence evidence(readings);
    double wander = std::sqrt(drawn->variance) * chance.normal();
    const double carry = std::exp(-10 / drawn->memory_s);
    bool alarm = false;
    for (int k = 0; k < 60; ++k) {
      evidence.add(block(10 * k, wander + std::sqrt(0.1) * chance.normal()));
      alarm = alarm || evidence.log_worse() > std::log(20);
      wander = carry * wander + std::sqrt((1 - carry * carry) * drawn->variance) * chance.normal();
    }
    alarms += alarm;
  }
  EXPECT_LE(alarms, kRuns / 20 + 8) << "two standard deviations above the bound";
}

TEST(LevelEvidence, ShowsEquivalenceOnlyWhereThereIsSome) {
  TestChance chance(5);
  LevelEvidence same({.value_variance = 0.01}), higher({.value_variance = 0.01});
  for (int k = 0; k < 360; ++k) {
    const double noise = 0.04 * chance.normal();
    same.add(block(10 * k, noise, 0.0016));
    higher.add(block(10 * k, 0.05 + noise, 0.0016));
  }
  EXPECT_GT(same.log_equivalent(0.05), std::log(100));
  EXPECT_LT(higher.log_equivalent(0.05), std::log(100));
}

TEST(LevelEvidence, StaysFiniteOnWildData) {
  LevelEvidence evidence({.value_variance = 1e-8});
  for (int k = 0; k < 200; ++k) {
    evidence.add(block(k / 3 * 1e6, k % 7 == 0 ? 1e6 : -1e6, 1e-8));
    ASSERT_TRUE(std::isfinite(evidence.log_worse())) << k;
    ASSERT_TRUE(std::isfinite(evidence.log_equivalent(0.05))) << k;
  }
}

TEST(CountEvidence, EqualsTheBinomialMixtureByHandWhereNothingWanders) {
  // One period, four events, all the canary's, equal exposure: under a factor f the chance is (f /
  // (1 + f))^4 against 1/16. Wander changes that only a little, so the e-value lies between the
  // extremes of the factors.
  CountEvidence evidence;
  evidence.add(10, {0, 100}, {4, 100});
  EXPECT_GT(evidence.log_worse(), std::log(1.0));
  EXPECT_LT(evidence.log_worse(), std::log(16.0)) << "no alternative beats certainty";
}

TEST(CountEvidence, FiveOfTwoHundredAgainstABaselineWithoutErrorsIsStrong) {
  CountEvidence evidence;
  for (int k = 1; k <= 5; ++k) evidence.add(10 * k, {0, 800}, {1, 40});
  EXPECT_GT(evidence.log_worse(), std::log(632.0));
  CountEvidence burst;  // all at once is one burst, of which there is only one
  burst.add(10, {0, 4000}, {5, 200});
  EXPECT_LT(burst.log_worse(), evidence.log_worse());
}

TEST(CountEvidence, IsSilentWithoutEventsOrExposure) {
  CountEvidence evidence;
  evidence.add(10, {0, 0}, {5, 200});
  evidence.add(20, {0, 500}, {0, 500});
  EXPECT_NEAR(evidence.log_worse(), 0, 1e-12);
  EXPECT_FALSE(evidence.has_events());
}

TEST(CountEvidence, TakesUnequalTrafficForWhatItIs) {
  CountEvidence evidence;  // the canary has a tenth of the requests and a tenth of the failures
  for (int k = 1; k <= 300; ++k) {
    evidence.add(10 * k, {10, 5000}, {1, 500});
    ASSERT_LT(evidence.log_worse(), 2) << k;
  }
}

TEST(CountEvidence, KeepsItsErrorRateUnderContinuousWatching) {
  TestChance chance(6);
  constexpr int kRuns = 400;
  int alarms = 0;
  for (int run = 0; run < kRuns; ++run) {
    CountEvidence evidence;
    bool alarm = false;
    for (int k = 1; k <= 120; ++k) {
      const double baseline = chance.poisson(1), canary = chance.poisson(1);
      evidence.add(10 * k, {baseline, 500}, {canary, 500});
      alarm = alarm || evidence.log_worse() > std::log(20);
    }
    alarms += alarm;
  }
  EXPECT_LE(alarms, kRuns / 20);
}

TEST(CountEvidence, FindsTwentyfoldErrorsWithinAMinuteAndTheirSize) {
  CountEvidence evidence;
  for (int k = 1; k <= 6; ++k) evidence.add(10 * k, {k % 2 ? 1.0 : 0.0, 500}, {10, 500});
  EXPECT_GT(evidence.log_worse(), std::log(1000));
  EXPECT_GT(evidence.factor(), 8);
}

TEST(CountEvidence, StaysFiniteOnHugeCounts) {
  CountEvidence evidence;
  for (int k = 1; k <= 50; ++k) {
    evidence.add(1e5 * k, {1e9, 1e12}, {k % 2 ? 3e9 : 0.0, 1e12});
    ASSERT_TRUE(std::isfinite(evidence.log_worse())) << k;
    ASSERT_TRUE(std::isfinite(evidence.factor())) << k;
  }
}

}  // namespace
}  // namespace wellrun::health
