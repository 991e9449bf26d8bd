#include "health/baseline/calendar.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "health/baseline/baseline.h"
#include "health/baseline/test_series.h"

namespace wellrun::health::baseline {
namespace {

using testing::Noise;

Timestamp at(const char* rfc3339) {
  return *parse_rfc3339(rfc3339);
}

Result<Calendar> calendar_in(std::string zone, std::vector<catalog::Holiday> holidays = {}) {
  catalog::Calendar declared;
  declared.time_zone = std::move(zone);
  declared.holidays = std::move(holidays);
  return Calendar::of(declared);
}

Calendar berlin(std::vector<catalog::Holiday> holidays = {}) {
  return *calendar_in("Europe/Berlin", std::move(holidays));
}

double local_hour(const Calendar& calendar, const char* rfc3339) {
  const auto ms = calendar.at(at(rfc3339)).ms;
  return static_cast<double>(ms % 86'400'000) / 3'600'000;
}

TEST(Calendar, ShowsWhatTheClocksShowBeforeAndAfterTheirChange) {
  const auto calendar = berlin();
  EXPECT_EQ(local_hour(calendar, "2026-03-29T00:59:00Z"), 1 + 59 / 60.0);
  EXPECT_EQ(local_hour(calendar, "2026-03-29T01:00:00Z"), 3);
  EXPECT_EQ(local_hour(calendar, "2026-10-25T00:30:00Z"), 2.5);
  EXPECT_EQ(local_hour(calendar, "2026-10-25T01:30:00Z"), 2.5);
  EXPECT_EQ(local_hour(Calendar::utc(), "2026-10-25T01:30:00Z"), 1.5);
}

TEST(Calendar, KnowsADayByTheClockOfItsZone) {
  const auto calendar = berlin({{"New Year's Day", "01-01"}, {"Easter Monday", "2026-04-06"}});
  EXPECT_EQ(calendar.at(at("2026-12-31T22:59:00Z")).day, DayKind::kOrdinary);
  EXPECT_EQ(calendar.at(at("2026-12-31T23:00:00Z")).day, DayKind::kHoliday);
  EXPECT_EQ(calendar.at(at("2027-01-01T22:59:00Z")).day, DayKind::kHoliday);
  EXPECT_EQ(calendar.at(at("2026-04-06T12:00:00Z")).day, DayKind::kHoliday);
  EXPECT_EQ(calendar.at(at("2027-04-06T12:00:00Z")).day, DayKind::kOrdinary) << "once only";
  EXPECT_EQ(calendar.day_in_words(at("2026-04-06T12:00:00Z")), "Easter Monday");
  EXPECT_EQ(calendar.day_in_words(at("2026-04-07T12:00:00Z")), "the day after Easter Monday");
  EXPECT_EQ(calendar.day_in_words(at("2026-04-08T12:00:00Z")), "");
}

TEST(Calendar, KnowsNoDayAfterOnAWeekend) {
  const auto calendar = berlin({{"Good Friday", "2026-04-03"}, {"First of May", "05-01"}});
  EXPECT_EQ(calendar.at(at("2026-04-04T12:00:00Z")).day, DayKind::kOrdinary) << "a Saturday";
  EXPECT_EQ(calendar.at(at("2025-05-02T12:00:00Z")).day, DayKind::kAfterHoliday) << "a Friday";
  EXPECT_EQ(calendar.at(at("1969-12-31T12:00:00Z")).day, DayKind::kOrdinary);
}

TEST(Calendar, HasThe29thOfFebruaryInLeapYearsOnly) {
  const auto calendar = berlin({{"Leap day", "02-29"}});
  EXPECT_EQ(calendar.at(at("2028-02-29T12:00:00Z")).day, DayKind::kHoliday);
  EXPECT_EQ(calendar.at(at("2027-03-01T12:00:00Z")).day, DayKind::kOrdinary);
}

TEST(Calendar, RefusesWhatNoClockOrCalendarHas) {
  EXPECT_FALSE(calendar_in("Europe/Atlantis"));
  for (const char* date : {"2026-02-29", "02-30", "13-01", "1-1", "2026-4-6", "", "Monday"})
    EXPECT_FALSE(calendar_in("UTC", {{"A day", date}})) << date;
}

// A workload of people in Berlin: busy from nine to five, quiet at night and on weekends; every
// five minutes since Monday 2 February 2026.
class Office {
 public:
  explicit Office(const Calendar& lives_by) : lives_by_(lives_by) {}

  /// What happens at `time`, on holidays as on a Sunday times `holiday`.
  double value(Timestamp time, double holiday = 1) {
    const auto moment = lives_by_.at(time);
    const double hour = static_cast<double>(moment.ms % 86'400'000) / 3'600'000;
    const auto weekday = (moment.ms / 86'400'000) % 7;  // 0: Thursday
    const bool is_holiday = moment.day == DayKind::kHoliday;
    const bool works = weekday != 2 && weekday != 3 && !is_holiday;
    const double busy = std::clamp(2 * std::min(hour - 8, 18 - hour), 0.0, 1.0);
    return (100 + (works ? 900 : 150) * busy) * (is_holiday ? holiday : 1) + 15 * noise_.normal();
  }

 private:
  const Calendar& lives_by_;
  Noise noise_{4};
};

struct Day {
  int alarms = 0;
  double highest_score = 0;
  std::string why;  ///< of the last alarm
};

/// Observed by `known` until `to`, while people live by `lived`; what is said from `from` on.
struct Watching {
  const Calendar& lived;
  const Calendar& known;
  Timestamp from, to;
  double holiday = 1;
  double factor = 1;  ///< of the values from `from` on
};

Day watch(const Watching& watching) {
  Office office(watching.lived);
  Baseline baseline;
  Day day;
  for (auto time = at("2026-02-02T00:00:00Z"); time < watching.to;
       time += std::chrono::minutes(5)) {
    const bool counts = time >= watching.from;
    const double value = office.value(time, watching.holiday) * (counts ? watching.factor : 1);
    const auto expected = baseline.expect(time, watching.known);
    const auto seen = baseline.observe(time, value, watching.known);
    if (!counts) continue;
    day.highest_score = std::max(day.highest_score, seen.score);
    if (seen.score < 0.5) continue;
    ++day.alarms;
    day.why = explain(seen, expected, value, watching.known.day_in_words(time));
  }
  return day;
}

TEST(BaselineWithCalendar, IsNotSurprisedByAChangeOfTheClocks) {
  const auto calendar = berlin();
  const auto from = at("2026-03-29T00:00:00Z"), to = at("2026-04-03T00:00:00Z");
  EXPECT_EQ(watch({.lived = calendar, .known = calendar, .from = from, .to = to}).alarms, 0);
  EXPECT_GT(watch({.lived = calendar, .known = Calendar::utc(), .from = from, .to = to}).alarms, 0);
}

TEST(BaselineWithCalendar, CallsNeitherAHolidayNorTheDayAfterItAnAnomaly) {
  const auto lived = berlin({{"Easter Monday", "2026-04-06"}});
  const auto ignorant = berlin();
  const auto from = at("2026-04-05T22:00:00Z"), to = at("2026-04-08T22:00:00Z");
  EXPECT_EQ(watch({.lived = lived, .known = lived, .from = from, .to = to}).alarms, 0);
  EXPECT_GT(watch({.lived = lived, .known = ignorant, .from = from, .to = to}).alarms, 0);
}

TEST(BaselineWithCalendar, DoesNotMindAHolidayOnWhichPeopleWork) {
  const auto known = berlin({{"Easter Monday", "2026-04-06"}});
  const auto lived = berlin();
  const auto from = at("2026-04-05T22:00:00Z"), to = at("2026-04-08T22:00:00Z");
  EXPECT_EQ(watch({.lived = lived, .known = known, .from = from, .to = to}).alarms, 0);
}

TEST(BaselineWithCalendar, FindsAnOutageOnAHolidayAndNamesTheDay) {
  const auto calendar = berlin({{"Easter Monday", "2026-04-06"}});
  const auto day = watch({.lived = calendar,
                          .known = calendar,
                          .from = at("2026-04-06T10:00:00Z"),
                          .to = at("2026-04-06T12:00:00Z"),
                          .factor = 0});
  EXPECT_GT(day.alarms, 0);
  EXPECT_NE(day.why.find("; Easter Monday"), std::string::npos) << day.why;
}

TEST(BaselineWithCalendar, LearnsWhatHolidaysAreLikeIfNotASunday) {
  const auto calendar = berlin({{"First", "2026-03-18"}, {"Second", "2026-04-01"}});
  const auto noon = at("2026-04-01T10:00:00Z");
  const auto expected_after = [&](double holiday) {
    Office office(calendar);
    Baseline baseline;
    for (auto time = at("2026-02-02T00:00:00Z"); time < noon; time += std::chrono::minutes(5))
      baseline.observe(time, office.value(time, holiday), calendar);
    return baseline.expect(noon, calendar);
  };
  const auto like_sunday = expected_after(1), busier = expected_after(2);
  EXPECT_NEAR(like_sunday.expected, 250, 40);
  EXPECT_GT(busier.expected, like_sunday.expected + 80);
  EXPECT_GT(busier.upper, 900) << "an ordinary Wednesday is no surprise either";
}

}  // namespace
}  // namespace wellrun::health::baseline
