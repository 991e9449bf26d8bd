#include "catalog/slo_window.h"

#include <gtest/gtest.h>

namespace wellrun::catalog {
namespace {

using namespace std::chrono_literals;

Timestamp at(std::string_view text) {
  return parse_rfc3339(text).value();
}

SloTimeWindow calendar(const std::string& duration, const std::string& start,
                       const std::string& zone) {
  return {.duration = duration, .is_rolling = false, .calendar = SloCalendar{start, zone}};
}

std::string period(const SloTimeWindow& window, std::string_view now) {
  const auto found = period_at(window, at(now));
  return format_rfc3339(found.start) + " " + format_rfc3339(found.end);
}

TEST(SloWindow, ReadsOpenSlosAndPrometheusLengths) {
  EXPECT_EQ(parse_window_length("1M")->months, 1);
  EXPECT_EQ(parse_window_length("2Q")->months, 6);
  EXPECT_EQ(parse_window_length("1Y")->nominal(), 365 * 24h);
  EXPECT_EQ(parse_window_length("4w")->days, 28);
  EXPECT_EQ(parse_window_length("90m")->fixed, 90min);
  EXPECT_TRUE(parse_window_length("24h")->is_calendar());
  for (const auto* bad : {"", "M", "0d", "-1M", "1.5M", "1X", "99999999999M", "1M2d"})
    EXPECT_FALSE(parse_window_length(bad)) << bad;
  EXPECT_EQ(*parse_slice_length("5"), 5min);
  EXPECT_EQ(*parse_slice_length("30s"), 30s);
  EXPECT_FALSE(parse_slice_length("0"));
}

TEST(SloWindow, ARollingWindowEndsNow) {
  const auto now = at("2026-03-29T12:00:00Z");
  const auto found = period_at({.duration = "7d", .is_rolling = true, .calendar = {}}, now);
  EXPECT_TRUE(found.rolling);
  EXPECT_EQ(found.end, now);
  EXPECT_EQ(found.length(), 7 * 24h);
}

TEST(SloWindow, AMonthIsTheCalendarsByTheClocksOfItsZone) {
  const auto window = calendar("1M", "2026-01-01 00:00:00", "America/New_York");
  EXPECT_EQ(period(window, "2026-02-01T04:59:59Z"), "2026-01-01T05:00:00Z 2026-02-01T05:00:00Z");
  EXPECT_EQ(period(window, "2026-02-01T05:00:00Z"), "2026-02-01T05:00:00Z 2026-03-01T05:00:00Z");
  EXPECT_EQ(period(window, "2026-03-20T00:00:00Z"), "2026-03-01T05:00:00Z 2026-04-01T04:00:00Z")
      << "clocks change on 8 March: the month is an hour shorter";
  EXPECT_EQ(period_at(window, at("2026-03-20T00:00:00Z")).length(), (31 * 24 - 1) * 1h);
  EXPECT_EQ(period(window, "2025-12-31T12:00:00Z"), "2025-12-01T05:00:00Z 2026-01-01T05:00:00Z")
      << "also before the first one";
}

TEST(SloWindow, AWeekBeginsAtTheSameTimeOfDayOverAChangeOfTheClocks) {
  const auto window = calendar("1w", "2026-03-23 09:00:00", "Europe/Berlin");
  EXPECT_EQ(period(window, "2026-03-24T00:00:00Z"), "2026-03-23T08:00:00Z 2026-03-30T07:00:00Z");
  EXPECT_EQ(period(window, "2026-10-25T12:00:00Z"), "2026-10-19T07:00:00Z 2026-10-26T08:00:00Z");
}

TEST(SloWindow, ADayWhoseBorderIsInTheGapBeginsAtTheChange) {
  const auto window = calendar("1d", "2026-03-01 02:30:00", "Europe/Berlin");
  EXPECT_EQ(period(window, "2026-03-29T12:00:00Z"), "2026-03-29T01:00:00Z 2026-03-30T00:30:00Z");
}

TEST(SloWindow, AMonthThatIsTooShortBeginsOnItsLastDay) {
  const auto window = calendar("1M", "2026-01-31", "UTC");
  EXPECT_EQ(period(window, "2026-03-01T00:00:00Z"), "2026-02-28T00:00:00Z 2026-03-31T00:00:00Z");
  EXPECT_EQ(period(window, "2026-04-30T00:00:00Z"), "2026-04-30T00:00:00Z 2026-05-31T00:00:00Z");
}

TEST(SloWindow, PeriodsFollowEachOtherWithoutGaps) {
  for (const auto* length : {"1d", "3d", "1w", "1M", "1Q", "1Y"}) {
    const auto window = calendar(length, "2020-02-29 23:30:00", "America/New_York");
    auto now = at("2026-01-01T00:00:00Z");
    for (int i = 0; i < 40; ++i) {
      const auto found = period_at(window, now);
      ASSERT_LE(found.start, now) << length;
      ASSERT_GT(found.end, now) << length;
      ASSERT_EQ(period_at(window, found.end).start, found.end) << length;
      ASSERT_EQ(period_at(window, found.end - 1ms).start, found.start) << length;
      now = found.end;
    }
  }
}

}  // namespace
}  // namespace wellrun::catalog
