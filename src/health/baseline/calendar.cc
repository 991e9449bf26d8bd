#include "health/baseline/calendar.h"

#include <absl/time/civil_time.h>
#include <algorithm>
#include <fmt/format.h>

#include "catalog/civil_time.h"
#include "catalog/holiday_date.h"
#include "core/text.h"

namespace wellrun::health::baseline {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr int kFirstYear = 1970, kLastYear = 2100;

std::int64_t day_of(std::int64_t local_ms) {
  return (local_ms >= 0 ? local_ms : local_ms - kDayMs + 1) / kDayMs;
}

bool is_weekend(std::int64_t day) {
  constexpr std::int64_t kThursday = 0, kSaturday = 2, kSunday = 3;  // the epoch was a Thursday
  const std::int64_t weekday = kThursday + (day % 7 + 7) % 7;
  return weekday == kSaturday || weekday == kSunday;
}

}  // namespace

const Calendar& Calendar::utc() {
  static const Calendar kUtc;
  return kUtc;
}

Result<Calendar> Calendar::of(const catalog::Calendar& declared) {
  Calendar calendar;
  const auto zone = catalog::load_zone(declared.time_zone);
  if (!zone)
    return fail(ErrorCode::kInvalid,
                fmt::format("this machine knows no time zone {}; give one of the IANA database as "
                            "\"Europe/Berlin\"",
                            quote(declared.time_zone)));
  calendar.zone_name_ = declared.time_zone;
  calendar.zone_ = *zone;
  calendar.is_utc_ = *zone == absl::UTCTimeZone();
  for (const auto& [name, text] : declared.holidays) {
    TRY(const auto date, catalog::parse_holiday_date(text));
    for (int year = date.year.value_or(kFirstYear); year <= date.year.value_or(kLastYear); ++year)
      calendar.add(year, date.month, date.day, name);
  }
  std::ranges::sort(calendar.holidays_);
  return calendar;
}

void Calendar::add(std::int64_t year, int month, int day, const std::string& name) {
  const absl::CivilDay date(year, month, day);
  if (date.day() != day) return;  // 29 February in most years
  holidays_.push_back({date - absl::CivilDay(1970, 1, 1), name});
}

std::int64_t Calendar::local_ms(Timestamp time) const {
  const std::int64_t ms = to_unix_ms(time);
  if (is_utc_) return ms;
  return ms + std::int64_t{1000} * zone_.At(absl::FromUnixMillis(ms)).offset;
}

const Calendar::Holiday* Calendar::holiday_on(std::int64_t day) const {
  const auto found = std::ranges::lower_bound(holidays_, day, {}, &Holiday::day);
  return found != holidays_.end() && found->day == day ? &*found : nullptr;
}

DayKind Calendar::kind_of(std::int64_t day) const {
  if (holiday_on(day) != nullptr) return DayKind::kHoliday;
  return holiday_on(day - 1) != nullptr && !is_weekend(day) ? DayKind::kAfterHoliday
                                                            : DayKind::kOrdinary;
}

LocalMoment Calendar::at(Timestamp time) const {
  const std::int64_t ms = local_ms(time);
  return {ms, holidays_.empty() ? DayKind::kOrdinary : kind_of(day_of(ms))};
}

std::string Calendar::day_in_words(Timestamp time) const {
  const std::int64_t day = day_of(local_ms(time));
  switch (kind_of(day)) {
    case DayKind::kOrdinary:
      return "";
    case DayKind::kHoliday:
      return holiday_on(day)->name;
    case DayKind::kAfterHoliday:
      return "the day after " + holiday_on(day - 1)->name;
  }
  return "";
}

bool Calendar::operator==(const Calendar& other) const {
  return zone_name_ == other.zone_name_ && holidays_ == other.holidays_;
}

}  // namespace wellrun::health::baseline
