#include "core/time.h"

#include <absl/time/time.h>
#include <array>
#include <fmt/format.h>
#include <limits>

namespace wellrun {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
};

constexpr std::array<Unit, 7> kUnits{{{"y", 365LL * 86'400'000},
                                      {"w", 7LL * 86'400'000},
                                      {"d", 86'400'000},
                                      {"h", 3'600'000},
                                      {"m", 60'000},
                                      {"s", 1000},
                                      {"ms", 1}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::unexpected<Error> not_a_duration(std::string_view text) {
  return fail(
      ErrorCode::kInvalid,
      fmt::format("\"{}\" is not a duration; write for example 30s, 5m, 1h30m or 7d", text));
}

}  // namespace

std::string format_rfc3339(Timestamp time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto fraction_ms = (time - whole).count();
  const auto absl_time = absl::FromUnixSeconds(whole.time_since_epoch().count());
  auto text = absl::FormatTime("%Y-%m-%dT%H:%M:%S", absl_time, absl::UTCTimeZone());
  return fraction_ms == 0 ? text + "Z" : fmt::format("{}.{:03}Z", text, fraction_ms);
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  absl::Time time;
  std::string error;
  const bool has_zone = text.find_first_of("Tt") != std::string_view::npos;
  if (!has_zone ||
      !absl::ParseTime(absl::RFC3339_full, absl::string_view(text.data(), text.size()), &time,
                       &error) ||
      time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("\"{}\" is not a time; write for example 2026-11-24T11:19:33Z", text));
  }
  return from_unix_ms(absl::ToUnixMillis(time));
}

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration{0};
  if (text.empty()) return not_a_duration(text);
  std::int64_t total_ms = 0;
  std::size_t next_unit = 0;
  std::size_t position = 0;
  while (position < text.size()) {
    std::int64_t count = 0;
    const std::size_t digits_start = position;
    while (position < text.size() && is_digit(text[position])) {
      if (count > (std::numeric_limits<std::int64_t>::max() - 9) / 10) return not_a_duration(text);
      count = count * 10 + (text[position++] - '0');
    }
    if (position == digits_start) return not_a_duration(text);
    const std::size_t unit_start = position;
    while (position < text.size() && !is_digit(text[position])) ++position;
    const auto unit = text.substr(unit_start, position - unit_start);
    while (next_unit < kUnits.size() && kUnits[next_unit].name != unit) ++next_unit;
    if (next_unit == kUnits.size()) return not_a_duration(text);
    if (count > (std::numeric_limits<std::int64_t>::max() - total_ms) / kUnits[next_unit].ms) {
      return not_a_duration(text);
    }
    total_ms += count * kUnits[next_unit].ms;
    ++next_unit;
  }
  return Duration{total_ms};
}

std::string format_duration(Duration duration) {
  if (duration.count() == 0) return "0s";
  if (duration.count() < 0) return "-" + format_duration(-duration);
  std::string text;
  auto rest_ms = duration.count();
  for (const auto& unit : kUnits) {
    // Years and weeks only when they come out even, as a person would write it: 8d, not 1w1d.
    if ((unit.name == "y" || unit.name == "w") && rest_ms % unit.ms != 0) continue;
    if (rest_ms >= unit.ms) text += fmt::format("{}{}", rest_ms / unit.ms, unit.name);
    rest_ms %= unit.ms;
  }
  return text;
}

std::string format_age(Duration age) {
  const auto seconds = age.count() / 1000;
  if (seconds < 1) return "just now";
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86'400) {
    const auto minutes = seconds % 3600 / 60;
    return minutes == 0 ? fmt::format("{} h", seconds / 3600)
                        : fmt::format("{} h {} min", seconds / 3600, minutes);
  }
  return fmt::format("{} d", seconds / 86'400);
}

}  // namespace wellrun
