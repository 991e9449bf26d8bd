#pragma once

// The clock that people live by, and the days on which they do otherwise: what "the same time of
// day" means for a season. Immutable once made, so it may be shared between threads.

#include <absl/time/time.h>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/kinds/calendar.h"
#include "core/result.h"
#include "core/time.h"

namespace wellrun::health::baseline {

enum class DayKind : std::uint8_t {
  kOrdinary,
  kHoliday,
  kAfterHoliday,  ///< Monday to Friday, and the day before was a holiday
};

/// A moment as people's clocks show it.
struct LocalMoment {
  std::int64_t ms = 0;  ///< since 1970-01-01 00:00 by that clock
  DayKind day = DayKind::kOrdinary;
};

class Calendar {
 public:
  /// UTC, no holidays.
  Calendar() = default;
  static const Calendar& utc();

  /// kInvalid: a time zone or a date that check() would have refused. Days that come every year are
  /// known for 1970 to 2100.
  static Result<Calendar> of(const catalog::Calendar& declared);

  [[nodiscard]] LocalMoment at(Timestamp time) const;

  /// "Christmas Day", "the day after Christmas Day"; empty on an ordinary day.
  [[nodiscard]] std::string day_in_words(Timestamp time) const;

  [[nodiscard]] const std::string& time_zone() const { return zone_name_; }

  /// The same clock and holidays.
  bool operator==(const Calendar& other) const;

 private:
  struct Holiday {
    std::int64_t day = 0;  ///< days since 1970-01-01
    std::string name;
    auto operator<=>(const Holiday&) const = default;
  };

  [[nodiscard]] std::int64_t local_ms(Timestamp time) const;
  [[nodiscard]] const Holiday* holiday_on(std::int64_t day) const;
  [[nodiscard]] DayKind kind_of(std::int64_t day) const;
  void add(std::int64_t year, int month, int day, const std::string& name);

  std::string zone_name_ = "UTC";
  absl::TimeZone zone_ = absl::UTCTimeZone();
  bool is_utc_ = true;
  std::vector<Holiday> holidays_;  ///< sorted
};

}  // namespace wellrun::health::baseline
