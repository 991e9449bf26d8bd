#include "health/baseline/recurrence.h"

#include <gtest/gtest.h>

#include "health/baseline/test_series.h"

namespace wellrun::health::baseline {
namespace {

using testing::time_of;

/// 40 calm rows, then a row of `height`, notable.
std::optional<Timestamp> burst(Recurrence& recurrence, int& row, double height) {
  for (int calm = 0; calm < 40; ++calm, ++row) recurrence.observe(0);
  recurrence.observe(height);
  return recurrence.recall(time_of(row++), height);
}

TEST(Recurrence, KnowsTheSameCourseAgainAndWhenItWasLastSeen) {
  Recurrence recurrence;
  int row = 0;
  EXPECT_FALSE(burst(recurrence, row, 10)) << "the first";
  EXPECT_EQ(burst(recurrence, row, 10.5), time_of(40));
  EXPECT_EQ(burst(recurrence, row, 10), time_of(81));
}

TEST(Recurrence, AnotherHeightIsAnotherCourse) {
  Recurrence recurrence;
  int row = 0;
  (void)burst(recurrence, row, 10);
  EXPECT_FALSE(burst(recurrence, row, 12));
  EXPECT_FALSE(burst(recurrence, row, -10));
}

TEST(Recurrence, WhatGoesOnHasNotComeBefore) {
  Recurrence recurrence;
  int row = 0;
  (void)burst(recurrence, row, 10);
  for (int i = 0; i < 200; ++i) {
    recurrence.observe(10);
    EXPECT_FALSE(recurrence.recall(time_of(row++), 10)) << i;
  }
}

TEST(Recurrence, AGapEndsACourse) {
  Recurrence recurrence;
  int row = 0;
  (void)burst(recurrence, row, 10);
  for (int calm = 0; calm < 40; ++calm, ++row) recurrence.observe(0);
  recurrence.forget_course();
  recurrence.observe(10);
  EXPECT_FALSE(recurrence.recall(time_of(row), 10)) << "what came before it is not known";
}

TEST(Recurrence, KeepsTheCoursesSeenLast) {
  Recurrence recurrence;
  int row = 0;
  double height = 1;
  (void)burst(recurrence, row, height);
  for (std::size_t i = 0; i < Recurrence::kMost; ++i) {
    EXPECT_TRUE(burst(recurrence, row, 1)) << "seen again and again";
    (void)burst(recurrence, row, height *= 2);
  }
  EXPECT_EQ(recurrence.state().kept.size(), Recurrence::kMost);
  EXPECT_TRUE(burst(recurrence, row, 1));
  EXPECT_TRUE(burst(recurrence, row, height));
  EXPECT_FALSE(burst(recurrence, row, 2)) << "the oldest went";
}

}  // namespace
}  // namespace wellrun::health::baseline
