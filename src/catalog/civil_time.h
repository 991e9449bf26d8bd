#pragma once

// Local times and time zones, shared by what repeats by people's clocks: schedules and calendar
// windows. Pure; floor-internal.

#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <optional>
#include <string_view>

#include "core/time.h"

namespace wellrun::catalog {

/// An IANA zone that this machine knows, "UTC" included.
std::optional<absl::TimeZone> load_zone(std::string_view name);

/// When the clocks of `zone` show `local`. Inside a gap (02:30 in a spring change): the change; a
/// time that the clocks show twice: the first one.
Timestamp resolve(const absl::TimeZone& zone, absl::CivilSecond local);

absl::CivilSecond local_time(const absl::TimeZone& zone, Timestamp at);

}  // namespace wellrun::catalog
