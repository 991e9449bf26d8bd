#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// A day on which people do otherwise than its weekday says.
struct Holiday {
  std::string name;
  std::string date;  ///< "2026-04-06", or "12-25" for every year (holiday_date.h)

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A day on which people do otherwise than its weekday says.");
    s.field("name", &Holiday::name, "What people call it; named where it explains something.")
        .required();
    s.field("date", &Holiday::date,
            "The day in `timeZone`: `2026-04-06`, or `12-25` for that day of every year.")
        .required()
        .format("holiday-date");
  }
};

/// The clock and the holidays of the people who use a workload.
struct Calendar {
  static constexpr const char* kKind = "Calendar";
  Metadata metadata;
  std::string description;
  std::string time_zone = "UTC";
  std::vector<Holiday> holidays;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about(
        "The clock and the holidays of the people who use a workload. What is normal is learned by "
        "their time of day, so that a change of the clocks surprises nobody; a holiday may look "
        "like a Sunday.");
    s.field("description", &Calendar::description, "Whose calendar it is.");
    s.field("timeZone", &Calendar::time_zone, "IANA time zone, by which days begin.")
        .format("time-zone");
    s.field("holidays", &Calendar::holidays, "In any order.");
  }
};

}  // namespace wellrun::catalog
