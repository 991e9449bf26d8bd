#include "health/verdict/shift_judge.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "health/verdict/test_chance.h"

namespace wellrun::health {
namespace {

using std::chrono::hours;

const auto kChanged = from_unix_ms(1'767'614'400'000);
constexpr Duration kWatch = hours(7 * 24);

/// A value for each step up to `until`, about `before` and then about `after`.
std::vector<ShiftReading> series(double before, double after, Timestamp until = kChanged + kWatch) {
  TestChance chance(5);
  const auto window = shift_window(kChanged, kWatch);
  std::vector<ShiftReading> values;
  for (auto at = window.from + window.step / 2; at < until; at += window.step)
    values.push_back(
        {to_unix_seconds(at), (at < kChanged ? before : after) * std::exp(0.05 * chance.normal())});
  return values;
}

ShiftVerdict judge(const std::vector<ShiftReading>& values, Timestamp now = kChanged + kWatch,
                   Move move = Move::kLower) {
  return judge_shift({.move = move, .changed_at = kChanged, .watch = kWatch, .now = now}, values);
}

TEST(ShiftJudge, SaysPassWithItsNumbersWhenItMovedAsSaid) {
  const auto verdict = judge(series(200, 150), kChanged + kWatch / 4);
  EXPECT_EQ(verdict.finding, Finding::kPass) << verdict.reason;
  EXPECT_TRUE(verdict.is_last) << "nothing more to find out";
  EXPECT_NEAR(verdict.change, -0.25, 0.03);
  EXPECT_EQ(verdict.before.steps, 84U);
  EXPECT_EQ(verdict.after.steps, 11U) << "what comes later is not looked at";
  EXPECT_NE(verdict.reason.find("84 steps of 4h before"), std::string::npos) << verdict.reason;
  EXPECT_NE(verdict.reason.find("same hours of the week"), std::string::npos) << verdict.reason;
  EXPECT_NE(verdict.threshold.find("evidence (e-value) of 20 for \"lower by 10 % or more\""),
            std::string::npos)
      << verdict.threshold;
}

TEST(ShiftJudge, SaysFailWhenItDidNotOrTheOtherWayButNotBeforeHalfOfTheWatch) {
  for (const double after : {200.0, 260.0}) {
    const auto early = judge(series(200, after), kChanged + kWatch / 4);
    EXPECT_EQ(early.finding, Finding::kWatching) << early.reason;
    EXPECT_FALSE(early.is_last);
    const auto verdict = judge(series(200, after), kChanged + kWatch / 2);
    EXPECT_EQ(verdict.finding, Finding::kFail) << verdict.reason;
    EXPECT_TRUE(verdict.is_last);
  }
}

TEST(ShiftJudge, HigherIsJudgedLikeLower) {
  EXPECT_EQ(judge(series(200, 260), kChanged + kWatch, Move::kHigher).finding, Finding::kPass);
  EXPECT_EQ(judge(series(200, 200), kChanged + kWatch, Move::kHigher).finding, Finding::kFail);
}

TEST(ShiftJudge, NeverPassesSilentlyWhereItCannotCompare) {
  EXPECT_EQ(judge({}).finding, Finding::kNoData);
  EXPECT_TRUE(judge({}).is_last) << "the watch is over";
  EXPECT_EQ(judge({}, kChanged + hours(1)).finding, Finding::kNoData) << "a misspelt metric";
  EXPECT_FALSE(judge({}, kChanged + hours(1)).is_last);
  EXPECT_EQ(judge(series(200, 150), kChanged + hours(1)).finding, Finding::kTooFew)
      << "it cannot be there yet";
  EXPECT_FALSE(judge({}, kChanged + kWatch / 2).is_last);
  EXPECT_EQ(judge(series(200, 150), kChanged + hours(21)).finding, Finding::kTooFew);
  EXPECT_EQ(judge(series(200, 150, kChanged)).finding, Finding::kNoData);
  EXPECT_EQ(judge(series(200, 150, kChanged + hours(48))).finding, Finding::kStale);
  EXPECT_EQ(judge(series(0, 150)).finding, Finding::kZeroBaseline);

  auto young = series(200, 150);
  young.erase(young.begin(), young.begin() + 76);
  EXPECT_EQ(judge(young).finding, Finding::kTooFew) << "eight steps before";
  young.erase(young.begin(), young.begin() + 8);
  const auto new_metric = judge(young);
  EXPECT_EQ(new_metric.finding, Finding::kNoData);
  EXPECT_NE(new_metric.reason.find("nothing before"), std::string::npos) << new_metric.reason;
}

TEST(ShiftJudge, ValuesThatAreNoNumbersAreLeftOut) {
  auto values = series(200, 150);
  values[3].value = std::numeric_limits<double>::quiet_NaN();
  values[7].value = std::numeric_limits<double>::infinity();
  const auto verdict = judge(values);
  EXPECT_EQ(verdict.before.steps, 82U);
  EXPECT_EQ(verdict.finding, Finding::kPass) << verdict.reason;
}

TEST(ShiftJudge, ValuesBelowZeroAreComparedInSharesOfTheMean) {
  auto values = series(200, 150);
  for (auto& each : values) each.value = -each.value;
  const auto verdict = judge(values, kChanged + kWatch, Move::kHigher);
  EXPECT_EQ(verdict.finding, Finding::kPass) << verdict.reason;
  EXPECT_NEAR(verdict.change, 0.25, 0.05);
}

TEST(ShiftJudge, ASeriesThatNeverMovedIsRefutedAndAStepOfItConfirmed) {
  auto values = series(200, 200);
  for (auto& each : values) each.value = 200;
  EXPECT_EQ(judge(values).finding, Finding::kFail);
  for (auto& each : values)
    if (each.time_s > to_unix_seconds(kChanged)) each.value = 100;
  EXPECT_EQ(judge(values).finding, Finding::kPass);
}

TEST(ShiftJudge, WhateverTheValuesAreItsNumbersAreFinite) {
  const double wild[] = {1e308, -1e308, 1e-308, 0, 5e-324, 1};
  for (const double level : {1.0, 1e300, 1e-300})
    for (const bool in_factors : {true, false}) {
      auto values = series(level, level);
      for (std::size_t i = 0; i < values.size(); i += 3) values[i].value = wild[i % 6];
      for (auto& each : values)
        if (in_factors && level < 1) each.value = std::max(std::abs(each.value), 5e-324);
      const auto verdict = judge_shift({.in_factors = in_factors,
                                        .changed_at = kChanged,
                                        .watch = kWatch,
                                        .now = kChanged + kWatch},
                                       values);
      for (const double number :
           {verdict.change, verdict.standard_error, verdict.evidence_for, verdict.evidence_against,
            verdict.before.mean, verdict.after.mean})
        EXPECT_TRUE(std::isfinite(number)) << verdict.reason;
    }
}

TEST(ShiftJudge, GroupsThatBeganTogetherAreTakenToHaveBeenAlike) {
  auto values = series(1, 0.8);
  values.erase(values.begin(), values.begin() + 84);
  const auto verdict = judge_shift({.move = Move::kLower,
                                    .has_control = true,
                                    .changed_at = kChanged,
                                    .watch = kWatch,
                                    .now = kChanged + kWatch},
                                   values);
  EXPECT_EQ(verdict.finding, Finding::kPass) << verdict.reason;
  EXPECT_NE(verdict.reason.find("taken to have been alike"), std::string::npos) << verdict.reason;
}

TEST(ShiftJudge, GroupsThatDifferedBeforeAreNeverTakenToHaveBeenAlike) {
  const auto all = series(0.8, 0.8);  // in another region: always at 0.8 of its control
  const auto judge_without = [&](std::ptrdiff_t lost, bool had_before) {
    return judge_shift({.move = Move::kLower,
                        .has_control = true,
                        .had_before = had_before,
                        .changed_at = kChanged,
                        .watch = kWatch,
                        .now = kChanged + kWatch},
                       std::span(all).subspan(static_cast<std::size_t>(lost)));
  };
  EXPECT_EQ(judge_without(0, false).finding, Finding::kFail) << "nothing moved";
  for (const bool had_before : {false, true}) {
    const auto few = judge_without(74, had_before);
    EXPECT_EQ(few.finding, Finding::kTooFew) << few.reason;
    EXPECT_NE(few.reason.find("too few before"), std::string::npos) << few.reason;
  }
  const auto gone = judge_without(84, true);
  EXPECT_EQ(gone.finding, Finding::kNoData) << gone.reason;
}

TEST(ShiftJudge, TheTimeBeforeHoldsTheSameHoursAndTheStepsAreFew) {
  for (const Duration watch : {Duration(hours(2)), Duration(hours(6)), Duration(hours(24)), kWatch,
                               Duration(hours(42 * 24))}) {
    const auto window = shift_window(kChanged, watch);
    const Duration season = watch < hours(24) ? hours(24) : hours(7 * 24);
    EXPECT_LE(window.from + season, kChanged) << format_duration(watch);
    EXPECT_LE((window.until - window.from) / window.step, 128) << format_duration(watch);
    EXPECT_GE(watch / window.step, 6) << format_duration(watch);
  }
}

}  // namespace
}  // namespace wellrun::health
