#pragma once

#include "catalog/kinds/common.h"

namespace wellrun::catalog {

/// Someone takes over for a time, whoever's turn it is.
struct Override {
  Ref<Person> person;
  Timestamp from;  ///< inclusive
  Timestamp to;    ///< exclusive

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("Someone takes over for a time, whoever's turn it is.");
    s.field("person", &Override::person, "Who takes over.").required();
    s.field("from", &Override::from, "From when.").required();
    s.field("to", &Override::to, "Until when (exclusive).").required();
  }
};

/// A rota: who is on call when. Computed by catalog/on_call.h.
struct Schedule {
  static constexpr const char* kKind = "Schedule";
  Metadata metadata;
  std::string description;
  std::string time_zone = "UTC";
  Timestamp start;  ///< the first hand-over is the first `handover` at or after it
  std::vector<Ref<Person>> rotation;
  Duration shift = std::chrono::hours(7 * 24);
  std::string handover;  ///< "monday 09:00" or "09:00" in time_zone; empty: start's own local time
  std::vector<Override> overrides;

  template <typename Shape>
  static void describe(Shape& s) {
    s.about("A rota: who is on call when.");
    s.field("description", &Schedule::description, "What it is for.");
    s.field("timeZone", &Schedule::time_zone, "IANA time zone of the hand-over.")
        .format("time-zone");
    s.field("start", &Schedule::start,
            "The first turn begins here; the first hand-over by `handover` at or after it begins "
            "the count.")
        .required();
    s.field("rotation", &Schedule::rotation, "Who takes turns, in this order.").required();
    s.field("shift", &Schedule::shift, "Length of a turn: whole days, or whole hours under a day.")
        .positive();
    s.field("handover", &Schedule::handover,
            "Local time of the hand-over, `monday 09:00` or `09:00`; it stays that local time when "
            "the clocks change. Default: that of `start`.")
        .format("handover");
    s.field("overrides", &Schedule::overrides, "Who takes over when; the later in the list wins.");
  }
};

}  // namespace wellrun::catalog
