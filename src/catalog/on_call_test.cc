#include "catalog/on_call.h"

#include <gtest/gtest.h>

namespace wellrun::catalog {
namespace {

Timestamp time(std::string_view text) {
  return parse_rfc3339(text).value();
}

Schedule berlin() {
  return {.metadata = {.name = "shop"},
          .time_zone = "Europe/Berlin",
          .start = time("2026-03-02T09:00:00+01:00"),
          .rotation = {{"ana"}, {"ben"}},
          .handover = "monday 09:00"};
}

TEST(OnCall, NobodyIsBeforeTheStart) {
  EXPECT_FALSE(who_is_on_call(berlin(), time("2026-03-02T08:59:59+01:00")));
  EXPECT_EQ(who_is_on_call(berlin(), time("2026-03-02T09:00:00+01:00"))->person, "ana");
}

TEST(OnCall, HandOverStaysAtNineWhenTheClocksGoForward) {
  // Europe/Berlin: 2026-03-29 02:00 becomes 03:00.
  const auto before = who_is_on_call(berlin(), time("2026-03-30T08:59:59+02:00"));
  EXPECT_EQ(before->person, "ben");
  EXPECT_EQ(before->from, time("2026-03-23T09:00:00+01:00"));
  EXPECT_EQ(before->to, time("2026-03-30T09:00:00+02:00"));
  EXPECT_EQ(before->to - before->from, std::chrono::hours(167));
  EXPECT_EQ(before->next_person, "ana");
  EXPECT_EQ(who_is_on_call(berlin(), before->to)->person, "ana");
}

TEST(OnCall, HandOverStaysAtNineWhenTheClocksGoBack) {
  // Europe/Berlin: 2026-10-25 03:00 becomes 02:00.
  const auto shift = who_is_on_call(berlin(), time("2026-10-26T08:59:59+01:00"));
  EXPECT_EQ(shift->from, time("2026-10-19T09:00:00+02:00"));
  EXPECT_EQ(shift->to, time("2026-10-26T09:00:00+01:00"));
  EXPECT_EQ(shift->to - shift->from, std::chrono::hours(169));
}

TEST(OnCall, AHandOverThatTheClockSkipsHappensAtTheChange) {
  Schedule schedule = berlin();
  schedule.shift = std::chrono::hours(24);
  schedule.handover = "02:30";
  schedule.start = time("2026-03-28T02:30:00+01:00");
  const auto shift = who_is_on_call(schedule, time("2026-03-29T12:00:00+02:00"));
  EXPECT_EQ(shift->from, time("2026-03-29T03:00:00+02:00"));
  EXPECT_EQ(shift->person, "ben");
}

TEST(OnCall, AHandOverThatTheClockShowsTwiceHappensTheFirstTime) {
  Schedule schedule = berlin();
  schedule.shift = std::chrono::hours(24);
  schedule.handover = "02:30";
  schedule.start = time("2026-10-24T02:30:00+02:00");
  const auto shift = who_is_on_call(schedule, time("2026-10-25T02:45:00+01:00"));
  EXPECT_EQ(shift->from, time("2026-10-25T02:30:00+02:00"));
  EXPECT_EQ(shift->person, "ben");
}

TEST(OnCall, EveryMomentOfTheYearIsCoveredOnceAndWithoutGap) {
  Schedule schedule = berlin();
  schedule.shift = std::chrono::hours(12);
  schedule.handover = "09:00";
  Timestamp at = schedule.start;
  while (at < time("2027-03-02T09:00:00+01:00")) {
    const auto shift = who_is_on_call(schedule, at);
    ASSERT_TRUE(shift);
    ASSERT_EQ(shift->from, at);
    ASSERT_GT(shift->to, at);
    ASSERT_EQ(who_is_on_call(schedule, shift->to)->person, shift->next_person);
    at = shift->to;
  }
}

TEST(OnCall, AnOverrideTakesOverAndGivesBack) {
  Schedule schedule = berlin();
  schedule.overrides = {{{"eve"}, time("2026-03-04T12:00:00Z"), time("2026-03-04T18:00:00Z")}};
  const auto before = who_is_on_call(schedule, time("2026-03-04T11:00:00Z"));
  EXPECT_EQ(before->person, "ana");
  EXPECT_EQ(before->to, time("2026-03-04T12:00:00Z"));
  EXPECT_EQ(before->next_person, "eve");
  const auto during = who_is_on_call(schedule, time("2026-03-04T12:00:00Z"));
  EXPECT_EQ(during->person, "eve");
  EXPECT_EQ(during->from, time("2026-03-04T12:00:00Z"));
  EXPECT_EQ(during->to, time("2026-03-04T18:00:00Z"));
  EXPECT_EQ(during->next_person, "ana");
  EXPECT_EQ(who_is_on_call(schedule, during->to)->person, "ana");
}

TEST(OnCall, HandOversAreReadOrRefused) {
  EXPECT_EQ(parse_handover("Mon 17:30")->weekday, 0);
  EXPECT_FALSE(parse_handover("09:00")->weekday);
  for (const char* wrong : {"", "monday", "25:00", "09:60", "moonday 09:00", "9:00", "09-00"}) {
    EXPECT_FALSE(parse_handover(wrong)) << wrong;
  }
}

TEST(OnCall, TimeZonesAreNamesNotFiles) {
  EXPECT_TRUE(is_time_zone("UTC"));
  EXPECT_TRUE(is_time_zone("Asia/Kathmandu"));
  for (const char* wrong : {"", "Europe/Berln", "/etc/passwd", "../etc/passwd", ":/etc/passwd"}) {
    EXPECT_FALSE(is_time_zone(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace wellrun::catalog
