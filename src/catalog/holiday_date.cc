#include "catalog/holiday_date.h"

#include <chrono>
#include <fmt/format.h>
#include <re2/re2.h>
#include <string>

#include "core/text.h"

namespace wellrun::catalog {
namespace {

constexpr int kSomeLeapYear = 2000;

bool exists(const HolidayDate& date) {
  return std::chrono::year_month_day{std::chrono::year{date.year.value_or(kSomeLeapYear)},
                                     std::chrono::month{static_cast<unsigned>(date.month)},
                                     std::chrono::day{static_cast<unsigned>(date.day)}}
      .ok();
}

}  // namespace

Result<HolidayDate> parse_holiday_date(std::string_view text) {
  static const RE2 kForm("(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})");
  std::string year;
  HolidayDate date;
  const re2::StringPiece piece(text.data(), text.size());
  if (RE2::FullMatch(piece, kForm, &year, &date.month, &date.day)) {
    if (!year.empty()) date.year = std::stoi(year);
    if (exists(date)) return date;
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("{} is no day as \"2026-04-06\" or, for every year, \"12-25\"",
                          quote(text.substr(0, 40))));
}

}  // namespace wellrun::catalog
