#pragma once

// Points in time and lengths of time: milliseconds everywhere, as Prometheus and OpenTelemetry
// metrics need no more. No clock here: "now" comes from platform/runtime/clock.h and reaches pure
// functions as an argument.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace wellrun {

using Duration = std::chrono::milliseconds;

/// Milliseconds since the Unix epoch, UTC, leap seconds not counted.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

constexpr Timestamp from_unix_ms(std::int64_t ms) {
  return Timestamp{Duration{ms}};
}
constexpr std::int64_t to_unix_ms(Timestamp time) {
  return time.time_since_epoch().count();
}
constexpr double to_unix_seconds(Timestamp time) {
  return static_cast<double>(time.time_since_epoch().count()) / 1000.0;
}
constexpr double to_seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1000.0;
}

/// "2026-11-24T11:19:33.250Z"; the fraction is left out when it is zero.
std::string format_rfc3339(Timestamp time);

/// Reads RFC 3339 with any offset and up to nanoseconds (cut to milliseconds). kInvalid on anything
/// else.
Result<Timestamp> parse_rfc3339(std::string_view text);

/// Reads Prometheus' durations: "1h30m", "500ms", "1d"; units y w d h m s ms, longest first, each
/// at most once; "0". kInvalid on anything else, negatives and overflow included.
Result<Duration> parse_duration(std::string_view text);

/// The shortest form that parse_duration reads back: "1h30m", "250ms", "0s". Negative: with a
/// leading '-'.
std::string format_duration(Duration duration);

/// For people: "just now", "42 s", "5 min", "3 h 20 min", "12 d". Never longer than two units.
std::string format_age(Duration age);

}  // namespace wellrun
