#include "health/verdict/tail_counts.h"

#include <cmath>
#include <gtest/gtest.h>

#include "health/verdict/test_chance.h"

namespace wellrun::health {
namespace {

TEST(TailCounts, CountsWhatLiesAboveTheCommonQuantile) {
  TailCounts counts(0.9);
  for (int i = 1; i <= 20; ++i) counts.add(Group::kBaseline, i);
  for (int i = 1; i <= 20; ++i) counts.add(Group::kCanary, i == 20 ? 1000 : i + 0.5);
  const auto block = counts.close();  // the highest four of forty: 19, 19.5, 20 and 1000
  ASSERT_TRUE(block);
  EXPECT_EQ((*block)[0].exposure, 20);
  EXPECT_EQ((*block)[0].events + (*block)[1].events, 4);
  EXPECT_FALSE(counts.close()) << "nothing is counted twice";
}

TEST(TailCounts, WaitsForEnoughOfBothGroups) {
  TailCounts counts(0.99);
  for (int i = 0; i < 150; ++i) counts.add(Group::kBaseline, i);
  EXPECT_FALSE(counts.close()) << "the canary has sent nothing";
  for (int i = 0; i < 40; ++i) counts.add(Group::kCanary, i);
  EXPECT_FALSE(counts.close()) << "190 values have fewer than two above their p99";
  for (int i = 0; i < 20; ++i) counts.add(Group::kCanary, i);
  EXPECT_TRUE(counts.close());
}

TEST(TailCounts, ConstantsHaveNoTail) {
  TailCounts counts(0.9);
  for (int i = 0; i < 50; ++i)
    for (const Group group : kGroups) counts.add(group, 7);
  const auto block = counts.close();
  ASSERT_TRUE(block);
  EXPECT_EQ((*block)[0].events + (*block)[1].events, 0);
}

/// log evidence after `blocks` blocks in which one canary value in a hundred is `slow` times as
/// slow.
double evidence_of(double slow, int blocks) {
  TestChance chance(7);
  TailCounts counts(0.98);
  CountEvidence evidence;
  for (int k = 1; k <= blocks; ++k) {
    for (int i = 0; i < 100; ++i)
      for (const Group group : kGroups) {
        const bool hit = group == Group::kCanary && chance.uniform() < 0.03;
        counts.add(group, std::exp(0.3 * chance.normal()) * (hit ? slow : 1));
      }
    const auto block = counts.close();
    evidence.add(10 * k, (*block)[0], (*block)[1]);
  }
  return evidence.log_worse();
}

TEST(TailCounts, ShowATailThatTheMiddleDoesNotFeel) {
  EXPECT_GT(evidence_of(5, 60), std::log(1000));
  EXPECT_LT(evidence_of(1, 60), std::log(20));
}

}  // namespace
}  // namespace wellrun::health
