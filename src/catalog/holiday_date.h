#pragma once

// The date of a Holiday as it is written. Pure.

#include <optional>
#include <string_view>

#include "core/result.h"

namespace wellrun::catalog {

struct HolidayDate {
  std::optional<int> year;  ///< absent: every year that has this day
  int month = 1;
  int day = 1;
};

/// "2026-04-06" or "12-25"; "02-29" is a day of leap years alone. kInvalid when it is written
/// otherwise or no calendar has it.
Result<HolidayDate> parse_holiday_date(std::string_view text);

}  // namespace wellrun::catalog
