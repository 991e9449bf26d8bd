#pragma once

// Who is on call: a pure function of a schedule and a moment. Used by plan (who would be paged
// differently), by respond (whom to page) and by the API. Hand-overs happen at a local wall-clock
// time, which stays the same when clocks change.

#include <optional>
#include <string>

#include "catalog/kinds/schedule.h"
#include "core/result.h"

namespace wellrun::catalog {

struct OnCall {
  std::string person;
  Timestamp from;           ///< when this turn began
  Timestamp to;             ///< when it ends (exclusive)
  std::string next_person;  ///< who takes over at `to`; may be the same person in a rotation of one
};

/// std::nullopt before the schedule's start (unless an override covers `at`), for an empty
/// rotation, and for a time zone or hand-over that cannot be read (check() refuses those).
/// Hand-over inside a gap of the clock (02:30 in a spring change) happens at the change; one that
/// the clock shows twice happens the first time.
std::optional<OnCall> who_is_on_call(const Schedule& schedule, Timestamp at);

struct Handover {
  std::optional<int> weekday;  ///< 0 is Monday
  int hour = 0;
  int minute = 0;
};

/// "monday 09:00" or "09:00"; day names in English, any case, whole or three letters.
Result<Handover> parse_handover(std::string_view text);

/// True for an IANA name that this machine knows, "UTC" included.
bool is_time_zone(std::string_view name);

}  // namespace wellrun::catalog
