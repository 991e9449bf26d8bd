#include "health/baseline/baseline.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>
#include <vector>

#include "core/bytes.h"
#include "health/baseline/state.h"
#include "health/baseline/test_series.h"

namespace wellrun::health::baseline {
namespace {

using testing::Noise;
using testing::score;
using testing::Scored;
using testing::time_of;

constexpr int kDay = testing::kRowsPerDay;

double calm(Noise& noise) {
  return 50 + noise.normal();
}

double daily(int row) {
  return 100 + 40 * std::sin(2 * std::numbers::pi * (row % kDay) / kDay);
}

int alarms(const std::vector<Scored>& rows, int from, int to) {
  return static_cast<int>(std::count_if(rows.begin() + from, rows.begin() + to,
                                        [](const Scored& row) { return row.seen.score >= 0.5; }));
}

double highest(const std::vector<Scored>& rows, int from, int to) {
  double best = 0;
  for (int i = from; i < to; ++i)
    best = std::max(best, rows[static_cast<std::size_t>(i)].seen.score);
  return best;
}

TEST(Baseline, SaysNothingWhileItLearns) {
  Noise noise(1);
  const auto rows = score(60, [&](int row) { return row == 30 ? 1e9 : calm(noise); });
  for (const auto& row : rows) {
    EXPECT_EQ(row.seen.score, 0);
    EXPECT_EQ(row.seen.phase, Phase::kLearning);
  }
}

TEST(Baseline, PureNoiseAlarmsLessThanOnceAWeek) {
  int raised = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Noise noise(seed);
    raised += alarms(score(15 * kDay, [&](int) { return calm(noise); }), kDay, 15 * kDay);
  }
  EXPECT_LT(raised, 20) << "20 weeks of nothing";
}

TEST(Baseline, ASpikeAlarmsAtItsFirstRow) {
  Noise noise(2);
  const auto rows = score(5 * kDay, [&](int row) { return calm(noise) + (row == 1000 ? 15 : 0); });
  EXPECT_GE(rows[1000].seen.score, 0.5);
  EXPECT_TRUE(rows[1000].seen.above);
  EXPECT_EQ(rows[1000].seen.since, time_of(1000));
}

TEST(Baseline, AnEpisodeIsOneAlarmNotOneARow) {
  Noise noise(3);
  const auto rows =
      score(5 * kDay, [&](int row) { return calm(noise) + (row >= 1000 && row < 1060 ? 15 : 0); });
  EXPECT_GE(alarms(rows, 1000, 1004), 1);
  EXPECT_LE(alarms(rows, 1000, 1060), 6);
  EXPECT_GT(highest(rows, 1050, 1060), highest(rows, 700, 1000)) << "but the course stays visible";
}

TEST(Episode, AlarmsAgainOnlyWhenItIsClearlyWorse) {
  Episode episode;
  int alarms = 0;
  for (double surprise = 6.6; surprise < 8.7; surprise += 0.1)  // creeps up, row by row
    alarms += episode.score(surprise, 288) >= 0.5;
  EXPECT_GE(alarms, 3) << "a hundred times as rare is news";
  EXPECT_LE(alarms, 4);
}

TEST(Episode, RowsAfterAnAlarmStayJustBelowItWhileTheyAreStillUnusual) {
  Episode episode;
  ASSERT_GE(episode.score(9, kDay), 0.5);
  const double next = episode.score(6, kDay);
  EXPECT_LT(next, 0.5);
  EXPECT_GT(next, 0.44);
  EXPECT_LT(episode.score(4, kDay), 0.25) << "no longer unusual";
  double later = 1;
  for (int row = 0; row < 60; ++row) later = episode.score(6, kDay);
  Episode calm;
  EXPECT_EQ(later, calm.score(6, kDay)) << "the alarm is forgotten";
}

TEST(Episode, WhatIsNearlyAnAlarmAndFarOffIsAWarningJustBelow) {
  constexpr double kNearly = 6, kFar = 8, kNear = 2;
  Episode warned, near, ordinary;
  EXPECT_LT(warned.score(kNearly, kDay, kFar), 0.5) << "no alarm";
  EXPECT_GT(warned.score(kNearly, kDay), 0.38) << "seen together with what follows";
  EXPECT_LT(near.score(kNearly, kDay, kNear), 0.26) << "rare, but nothing a person would see";
  EXPECT_LT(ordinary.score(4, kDay, kFar), 0.26) << "far off, as it often is";
  EXPECT_GE(warned.score(7, kDay), 0.5) << "a warning does not raise the bar";
}

TEST(Episode, AWarningMustBeNewsAfterAnAlarm) {
  Episode episode;
  ASSERT_GE(episode.score(9, kDay), 0.5);
  for (int row = 0; row < 60; ++row) (void)episode.score(0, kDay);
  const double nothing_new = Episode{}.score(6, kDay);
  EXPECT_NEAR(episode.score(6, kDay, 8), nothing_new, 0.01);
}

TEST(Baseline, ALevelShiftAlarmsAndIsTheNewNormalAfterTwoDays) {
  Noise noise(4);
  const auto rows = score(12 * kDay, [&](int row) { return calm(noise) + (row >= 1500 ? 12 : 0); });
  EXPECT_GE(alarms(rows, 1500, 1510), 1);
  EXPECT_EQ(alarms(rows, 1500 + 2 * kDay, 12 * kDay), 0);
  EXPECT_NEAR(rows.back().expected.expected, 62, 1);
}

TEST(Baseline, ALevelThatChangesForGoodIsNotedAsAChange) {
  Noise noise(5);
  Baseline baseline;
  for (int row = 0; row < 8 * kDay; ++row)
    (void)baseline.observe(time_of(row), 0.01 * noise.normal() + (row >= 1500 ? 1000 : 0));
  ASSERT_TRUE(baseline.level_changed_at());
  EXPECT_GE(*baseline.level_changed_at(), time_of(1500));
  EXPECT_NEAR(baseline.expect(time_of(8 * kDay)).expected, 1000, 50);
}

TEST(Baseline, ADailySeasonIsLearnedAndItsBreakAlarms) {
  Noise noise(6);
  const int broken = 14 * kDay + 60;  // the peak of a day is missing
  const auto rows = score(15 * kDay, [&](int row) {
    return (row >= broken && row < broken + 30 ? 100 : daily(row)) + noise.normal();
  });
  EXPECT_EQ(alarms(rows, 7 * kDay, broken), 0) << "the season itself is no anomaly";
  EXPECT_GE(alarms(rows, broken, broken + 6), 1) << "100 is an ordinary value at another hour";
  EXPECT_FALSE(rows[static_cast<std::size_t>(broken)].seen.above);
  EXPECT_NEAR(rows[13 * kDay + 72].expected.expected, 140, 6);
}

TEST(Baseline, TheWeekendIsNotAnAnomalyOnceWeeksAreKnown) {
  Noise noise(7);
  const auto rows = score(42 * kDay, [&](int row) {
    const bool weekend = row / kDay % 7 >= 5;
    return daily(row) * (weekend ? 0.5 : 1) + noise.normal();
  });
  EXPECT_LE(alarms(rows, 21 * kDay, 42 * kDay), 1);
}

TEST(Baseline, ASlowDriftIsFollowedWithoutAlarms) {
  Noise noise(8);
  const auto rows = score(21 * kDay, [&](int row) { return calm(noise) + row * 2.0 / kDay; });
  EXPECT_LE(alarms(rows, 2 * kDay, 21 * kDay), 2);
  EXPECT_NEAR(rows.back().expected.expected, 50 + 42, 4);
}

TEST(Baseline, AFlatlineWhereThereWasNoiseAlarms) {
  Noise noise(9);
  const auto rows = score(8 * kDay, [&](int row) { return row >= 2000 ? 50.0 : calm(noise); });
  EXPECT_GE(alarms(rows, 2000, 2000 + kDay), 1);
}

TEST(Baseline, ADailyPeakOfOneRowIsNoPageAfterAWeek) {
  Noise noise(10);
  const auto rows = score(21 * kDay, [&](int row) {
    return calm(noise) + (row % kDay == 100 ? 30 + 3 * noise.normal() : 0);
  });
  EXPECT_LT(highest(rows, 8 * kDay, 21 * kDay), 0.6);
}

TEST(Baseline, TheSameBurstAgainIsNoNewsAndAHigherOneIs) {
  Noise noise(23);
  const int higher = 59 * kDay;
  const auto rows = score(60 * kDay, [&](int row) {
    const bool burst = row > 100 && noise.uniform() < 1.0 / kDay;  // about daily, at any time
    return row == higher ? 9.0 : burst ? 3.0 : 0.0;
  });
  EXPECT_LE(alarms(rows, 30 * kDay, higher), 3);
  EXPECT_GE(rows[higher].seen.score, 0.5);
  EXPECT_FALSE(rows[higher].seen.seen_before);
  const auto again = std::find_if(rows.begin() + 30 * kDay, rows.end(),
                                  [](const Scored& row) { return row.seen.seen_before; });
  ASSERT_NE(again, rows.end());
  const auto text = explain(again->seen, again->expected, again->value);
  EXPECT_NE(text.find("the same as at " + format_rfc3339(*again->seen.seen_before)),
            std::string::npos)
      << text;
}

TEST(Baseline, AConstantIsNeverAnAnomalyAndItsEndIs) {
  const auto rows = score(3000, [](int row) { return row == 2500 ? 0.5 : 0.0; });
  EXPECT_EQ(highest(rows, 0, 2500), 0);
  EXPECT_GE(rows[2500].seen.score, 0.5);
}

/// A service that fails once a week or so, and the first failure of one that never did.
TEST(Baseline, OneEventIsNoAlarmAndSeveralAtOnceAre) {
  Noise noise(12);
  const auto rare = score(60 * kDay, [&](int row) {
    if (row == 55 * kDay) return 4.0;
    return noise.uniform() < 1.0 / (7 * kDay) ? 1.0 : 0.0;
  });
  EXPECT_EQ(alarms(rare, 0, 55 * kDay), 0);
  EXPECT_GE(rare[55 * kDay].seen.score, 0.5);
  const auto first = score(3000, [](int row) { return row == 2500 ? 1.0 : 0.0; });
  EXPECT_EQ(alarms(first, 0, 3000), 0);
}

TEST(Baseline, AFlagThatGoesUpAndStaysUpAlarmsWithinTheHour) {
  const auto rows = score(3000, [](int row) { return row >= 2500 ? 1.0 : 0.0; });
  EXPECT_EQ(alarms(rows, 0, 2500), 0);
  EXPECT_GE(alarms(rows, 2500, 2512), 1);
}

/// What varies less than events do is no count of them: one replica more is news.
TEST(Baseline, AWholeNumberThatHardlyEverChangesIsNoCountOfEvents) {
  const auto rows = score(3000, [](int row) { return row >= 2500 ? 4.0 : row == 100 ? 2.0 : 3.0; });
  EXPECT_GE(rows[2500].seen.score, 0.5);
}

TEST(Baseline, AChangeOfUnitAlarmsAtOnceAndIsAnotherSeriesAfterADay) {
  Noise noise(11);
  const auto rows =
      score(21 * kDay, [&](int row) { return calm(noise) * (row >= 7 * kDay ? 1000 : 1); });
  EXPECT_GE(alarms(rows, 7 * kDay, 7 * kDay + 3), 1);
  EXPECT_LE(alarms(rows, 9 * kDay, 21 * kDay), 2);
  EXPECT_NEAR(rows.back().expected.expected, 50'000, 1'500);
}

TEST(Baseline, ACounterIsWatchedByItsRate) {
  Noise noise(12);
  double total = 0;
  Baseline baseline;
  std::vector<Observation> seen;
  for (int row = 0; row < 10 * kDay; ++row) {
    total += 300 * (10 + noise.normal() * 0.5) * (row == 2000 ? 5 : 1);
    if (row == 1500) total = 100;
    seen.push_back(baseline.observe(time_of(row), total));
  }
  EXPECT_EQ(baseline.nature(), Nature::kCounter);
  EXPECT_NEAR(baseline.expect(time_of(10 * kDay)).expected, 10, 0.5);
  EXPECT_LT(seen[1500].score, 0.5) << "a restart of a counter is not a fall";
  EXPECT_GE(seen[2000].score, 0.5) << "five times the rate";
}

TEST(Baseline, TellsWhatASeriesIsByItsValues) {
  const auto nature = [](const std::function<double(int)>& value) {
    NatureFinder finder;
    for (int i = 0; i < 200; ++i) finder.observe(value(i));
    return finder.nature();
  };
  EXPECT_EQ(nature([](int i) { return i % 7 - 3.0; }), Nature::kGauge);
  EXPECT_EQ(nature([](int i) { return i % 7 * 30.0; }), Nature::kNonNegative);
  EXPECT_EQ(nature([](int i) { return i % 7 / 10.0; }), Nature::kRatio);
  EXPECT_EQ(nature([](int i) { return 5.0 * i; }), Nature::kCounter);
  EXPECT_EQ(nature([](int i) { return i % 50 * 3.0; }), Nature::kCounter) << "with restarts";
  EXPECT_EQ(nature([](int i) { return i % 2 * 3.0; }), Nature::kNonNegative) << "bursts";
  EXPECT_EQ(nature([](int) { return 5.0; }), Nature::kNonNegative) << "a constant";
}

TEST(Baseline, ACounterStaysOneThroughNightsInWhichNothingHappens) {
  NatureFinder finder;
  double total = 0;
  const auto turns_while = [&](int minutes, double step) {
    int turns = 0;
    for (int i = 0; i < minutes; ++i) {
      const bool before = finder.nature() == Nature::kCounter;
      finder.observe(total += step);
      turns += (finder.nature() == Nature::kCounter) != before;
    }
    return turns;
  };
  EXPECT_EQ(turns_while(720, 5), 1);
  for (int day = 0; day < 20; ++day) EXPECT_EQ(turns_while(720, 0) + turns_while(720, 5), 0) << day;
  EXPECT_EQ(finder.nature(), Nature::kCounter);
  total *= 0.9;
  EXPECT_EQ(turns_while(720, 5), 1) << "it fell: a counter does not";
  EXPECT_EQ(turns_while(7200, 5), 0) << "and it is never taken for one again";
}

TEST(Baseline, TheBandOfARatioStaysWithinZeroAndOne) {
  Noise noise(13);
  Baseline baseline;
  for (int row = 0; row < 3 * kDay; ++row)
    (void)baseline.observe(time_of(row), std::clamp(0.97 + 0.02 * noise.normal(), 0.0, 1.0));
  const auto band = baseline.expect(time_of(3 * kDay));
  EXPECT_LE(band.upper, 1);
  EXPECT_LE(band.lower, band.expected);
  EXPECT_NEAR(band.expected, 0.97, 0.01);
}

TEST(Baseline, TheBandHoldsAllButFewValues) {
  Noise noise(14);
  const auto rows = score(20 * kDay, [&](int row) { return daily(row) + noise.normal(); });
  int outside = 0;
  for (int i = 10 * kDay; i < 20 * kDay; ++i)
    outside +=
        rows[static_cast<std::size_t>(i)].value <
            rows[static_cast<std::size_t>(i)].expected.lower ||
        rows[static_cast<std::size_t>(i)].value > rows[static_cast<std::size_t>(i)].expected.upper;
  EXPECT_LE(outside, 10 * kDay / 100);
  EXPECT_LT(rows.back().expected.upper - rows.back().expected.lower, 20) << "and is no barn door";
}

TEST(Baseline, NoScoreDependsOnWhatComesAfterIt) {
  Noise noise(15);
  std::vector<double> values;
  for (int i = 0; i < 1500; ++i) values.push_back(calm(noise) + (i % 400 == 399 ? 20 : 0));
  const auto whole = score(1500, [&](int row) { return values[static_cast<std::size_t>(row)]; });
  const auto prefix = score(700, [&](int row) { return values[static_cast<std::size_t>(row)]; });
  for (int i = 0; i < 700; ++i)
    EXPECT_EQ(whole[static_cast<std::size_t>(i)].seen.score,
              prefix[static_cast<std::size_t>(i)].seen.score)
        << i;
}

TEST(Baseline, NotANumberAndInfinityAreMissingAndTeachNothing) {
  Noise first(16), second(16);
  Baseline with, without;
  for (int row = 0; row < 1000; ++row) {
    for (const double odd :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
          -std::numeric_limits<double>::infinity()}) {
      const auto seen = with.observe(time_of(row), odd);
      EXPECT_EQ(seen.score, 0);
      EXPECT_EQ(seen.phase, Phase::kMissing);
    }
    EXPECT_EQ(with.observe(time_of(row), calm(first)).score,
              without.observe(time_of(row), calm(second)).score);
  }
}

TEST(Baseline, EqualAndBackwardTimesGiveDefinedScores) {
  Noise noise(17);
  Baseline baseline;
  for (int row = 0; row < 3000; ++row) {
    const int jumpy = row % 5 == 4 ? row - 3 : row % 7 == 6 ? row - 1 : row;
    const auto seen = baseline.observe(time_of(jumpy), calm(noise));
    ASSERT_TRUE(seen.score >= 0 && seen.score <= 1) << row;
  }
  EXPECT_NEAR(baseline.expect(time_of(3000)).expected, 50, 1);
}

TEST(Baseline, AGapIsNoAnomaly) {
  Noise noise(18);
  Baseline baseline;
  double worst = 0;
  for (int row = 0; row < 4000; ++row) {
    const int later = row >= 2000 ? 3 * kDay : 0;
    const auto seen = baseline.observe(time_of(row + later), daily(row + later) + noise.normal());
    if (row >= 2000 && row < 2050) worst = std::max(worst, seen.score);
  }
  EXPECT_LT(worst, 0.5);
}

TEST(Baseline, IrregularIntervalsAreLearnedAsWell) {
  Noise noise(19);
  Baseline baseline;
  int late = 0, raised = 0;
  for (int row = 0; row < 5000; ++row) {
    late += 1 + static_cast<int>(4 * noise.uniform());
    const auto seen = baseline.observe(time_of(late), daily(late) + noise.normal());
    raised += row > 2500 && seen.score >= 0.5;
  }
  EXPECT_LE(raised, 2);
}

TEST(Baseline, ExtremeValuesNeverLeaveTheRangeOfAScore) {
  const double most = std::numeric_limits<double>::max();
  const double odd[] = {0, most, -most, 1e-320, -0.0, 1, most, 1e300, -1e-300};
  Baseline baseline;
  for (int row = 0; row < 5000; ++row) {
    const auto seen =
        baseline.observe(time_of(row), odd[static_cast<std::size_t>(row) % std::size(odd)]);
    ASSERT_TRUE(seen.score >= 0 && seen.score <= 1) << row;
    ASSERT_TRUE(std::isfinite(baseline.expect(time_of(row)).upper)) << row;
  }
}

TEST(Baseline, ExplainsWhatDepartedSinceWhenAndHowRarely) {
  Noise noise(20);
  const auto rows = score(3000, [&](int row) { return calm(noise) + (row >= 2900 ? 25 : 0); });
  const auto& row = rows[2902];
  const auto text = explain(row.seen, row.expected, row.value);
  EXPECT_NE(text.find("is expected"), std::string::npos) << text;
  EXPECT_NE(text.find("once"), std::string::npos) << text;
  EXPECT_NE(text.find(format_rfc3339(time_of(2900))), std::string::npos) << text;
  EXPECT_EQ(explain(rows[2500].seen, rows[2500].expected, rows[2500].value), "");
}

TEST(BaselineState, ARestoredBaselineGoesOnAsTheOriginal) {
  Noise noise(21);
  Baseline original;
  for (int row = 0; row < 20 * kDay; ++row)
    (void)original.observe(time_of(row), daily(row) + noise.normal());
  auto restored = restore(save(original));
  ASSERT_TRUE(restored) << to_string(restored.error());
  for (int row = 20 * kDay; row < 22 * kDay; ++row) {
    const double value = daily(row) + noise.normal() + (row == 21 * kDay ? 30 : 0);
    EXPECT_NEAR(original.expect(time_of(row)).expected, restored->expect(time_of(row)).expected,
                0.05);
    EXPECT_NEAR(original.observe(time_of(row), value).score,
                restored->observe(time_of(row), value).score, 0.01);
  }
}

TEST(BaselineState, AGaugeOfNanosecondsSince1970IsReadAgain) {
  Baseline original;
  for (int row = 0; row < 2 * kDay; ++row)
    (void)original.observe(time_of(row), 1.7e18 + 1e9 * (row % 7));
  const auto restored = restore(save(original));
  EXPECT_TRUE(restored) << to_string(restored.error());
}

TEST(BaselineState, AMonthOfASeasonalSeriesFitsTwoKibibytes) {
  Noise noise(22);
  Baseline baseline;
  for (int row = 0; row < 30 * kDay; ++row)
    (void)baseline.observe(time_of(row), daily(row) + noise.normal());
  EXPECT_LE(save(baseline).size(), 2048U);
}

std::string cut(std::string bytes, std::size_t count, char version) {
  constexpr std::size_t kVersionAt = 4;
  bytes.resize(bytes.size() - count);
  bytes[kVersionAt] = version;
  const auto sum = static_cast<std::uint32_t>(stable_hash(bytes));
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(sum >> shift & 0xff);
  return bytes;
}

/// As an earlier version had it, which is without what ends a state now: version 4 added the
/// courses, 3 the plain value's history, 2 the profile of holidays and how fresh an alarm is. Only
/// a state of the right length is read, so the length is found by trying.
Result<Baseline> restored_as(char version, const Baseline& baseline) {
  constexpr std::size_t kChecksum = 4;
  const std::string bytes = save(baseline);
  for (std::size_t ending = 0; ending + kChecksum < bytes.size() / 2; ++ending)
    if (auto restored = restore(cut(bytes, kChecksum + ending, version))) return restored;
  return fail(ErrorCode::kCorrupt, "no length fits");
}

TEST(BaselineState, AnEarlierStateGoesOnAsItWas) {
  Noise noise(21);
  const auto value_at = [&](int row) {
    const bool loud = row / kDay % 9 == 0;  // in the week between the scale sinks
    return 100 + noise.normal() * (loud ? 30 : 1);
  };
  Baseline original;
  for (int row = 0; row < 18 * kDay; ++row) (void)original.observe(time_of(row), value_at(row));
  auto first = restored_as(1, original);
  auto second = restored_as(2, original);
  auto third = restored_as(3, original);
  ASSERT_TRUE(first) << to_string(first.error());
  ASSERT_TRUE(second) << to_string(second.error());
  ASSERT_TRUE(third) << to_string(third.error());
  auto same = restore(save(original));
  int lower = 0;
  for (int row = 18 * kDay; row < 19 * kDay; ++row) {
    const double value = value_at(row);
    EXPECT_EQ(first->expect(time_of(row)).expected, same->expect(time_of(row)).expected);
    const double score = first->observe(time_of(row), value).score;
    EXPECT_EQ(score, second->observe(time_of(row), value).score);
    const double now = same->observe(time_of(row), value).score;
    EXPECT_EQ(now, third->observe(time_of(row), value).score) << "no course came twice";
    lower += now < score;
  }
  EXPECT_GT(lower, 0) << "what is remembered in its own units is sometimes less rare";
}

TEST(BaselineState, WhatIsKnownOfHolidaysIsKept) {
  catalog::Calendar declared;
  declared.holidays = {{"A day", "2020-01-15"}, {"Another", "2020-01-22"}};
  const auto calendar = *Calendar::of(declared);
  Baseline original;
  Noise noise(22);
  for (int row = 0; row < 15 * kDay; ++row)
    (void)original.observe(time_of(row), daily(row) + noise.normal() + (row / kDay == 9 ? 30 : 0),
                           calendar);
  const auto restored = restore(save(original));
  ASSERT_TRUE(restored);
  const auto noon = time_of(16 * kDay + kDay / 2);
  EXPECT_GT(original.expect(noon, calendar).expected, original.expect(noon).expected + 5);
  EXPECT_NEAR(restored->expect(noon, calendar).expected, original.expect(noon, calendar).expected,
              0.2);
}

TEST(BaselineState, CoursesThatCameBeforeAreKept) {
  Baseline original;
  const auto value_at = [](int row) { return row % 203 == 0 ? 3.0 : row % 7 * 0.01; };
  for (int row = 0; row < 10 * kDay; ++row) (void)original.observe(time_of(row), value_at(row));
  auto restored = restore(save(original));
  ASSERT_TRUE(restored);
  int recalled = 0;
  for (int row = 10 * kDay; row < 12 * kDay; ++row) {
    const auto seen = original.observe(time_of(row), value_at(row)).seen_before;
    const auto same = restored->observe(time_of(row), value_at(row)).seen_before;
    if (row % 203 != 0) continue;  // what is hardly off must be the same to the last digit
    EXPECT_EQ(seen, same) << row;
    recalled += seen.has_value();
  }
  EXPECT_GE(recalled, 2);
}

TEST(BaselineState, EventsThatWereCountedAreKept) {
  Baseline original;
  for (int row = 0; row < 3000; ++row) (void)original.observe(time_of(row), row == 2500 ? 1 : 0);
  auto same = restore(save(original));
  ASSERT_TRUE(same) << to_string(same.error());
  EXPECT_LT(same->observe(time_of(3000), 1).score, 0.5) << "one more is still no alarm";
  auto forgetful = restored_as(4, original);
  ASSERT_TRUE(forgetful) << to_string(forgetful.error());
  EXPECT_GE(forgetful->observe(time_of(3000), 40).score, 0.5);
}

/// Which a counter is not any more by its numbers alone, after a long night.
TEST(BaselineState, ThatASeriesIsACounterIsKept) {
  Baseline original;
  double total = 0;
  for (int row = 0; row < 3000; ++row)
    (void)original.observe(time_of(row), total += row < 1000 ? 5 : 0);
  auto same = restore(save(original));
  ASSERT_TRUE(same) << to_string(same.error());
  EXPECT_EQ(same->nature(), Nature::kCounter);
}

/// A version 5 had 0 where there is a 2 now: that byte is found by trying.
TEST(BaselineState, ACounterOfAnEarlierStateGoesOnAsOne) {
  Baseline original;
  for (int row = 0; row < 1000; ++row) (void)original.observe(time_of(row), 5.0 * row);
  const auto bytes = save(original);
  int read = 0;
  for (std::size_t i = 5; i < bytes.size(); ++i) {
    if (bytes[i] != 2) continue;
    auto earlier = bytes;
    earlier[i] = 0;
    auto restored = restore(cut(earlier, 4, 5));
    if (!restored) continue;
    ++read;
    EXPECT_EQ(restored->nature(), Nature::kCounter);
    EXPECT_GT(restored->observe(time_of(1000), 5000).history_rows, 900) << "nothing is forgotten";
  }
  EXPECT_EQ(read, 1);
}

TEST(BaselineState, ChangedBytesAreRefused) {
  Baseline baseline;
  for (int row = 0; row < 100; ++row) (void)baseline.observe(time_of(row), row % 7);
  const auto good = save(baseline);
  ASSERT_TRUE(restore(good));
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    EXPECT_FALSE(restore(bad)) << i;
    EXPECT_FALSE(restore(std::string_view(good).substr(0, i))) << i;
  }
}

}  // namespace
}  // namespace wellrun::health::baseline
