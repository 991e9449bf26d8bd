#include "health/template/humanize.h"

#include <cmath>
#include <cstdint>

#include "health/template/time_text.h"

namespace wellrun::health {
namespace {

/// %.4g, also of what is not finite.
std::string short_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{:.4g}", value);
}

bool is_ordinary(double value) {
  return value != 0 && std::isfinite(value);
}

std::string with_small_prefix(double value, std::string_view unit) {
  std::string_view prefix;
  for (std::string_view each : {"m", "u", "n", "p", "f", "a", "z", "y"}) {
    if (std::abs(value) >= 1) break;
    prefix = each;
    value *= 1000;
  }
  return short_number(value) + std::string(prefix) + std::string(unit);
}

}  // namespace

std::string humanize(double value) {
  if (!is_ordinary(value)) return short_number(value);
  if (std::abs(value) < 1) return with_small_prefix(value, "");
  std::string_view prefix;
  for (std::string_view each : {"k", "M", "G", "T", "P", "E", "Z", "Y"}) {
    if (std::abs(value) < 1000) break;
    prefix = each;
    value /= 1000;
  }
  return short_number(value) + std::string(prefix);
}

std::string humanize_1024(double value) {
  if (!is_ordinary(value) || std::abs(value) <= 1) return short_number(value);
  std::string_view prefix;
  for (std::string_view each : {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"}) {
    if (std::abs(value) < 1024) break;
    prefix = each;
    value /= 1024;
  }
  return short_number(value) + std::string(prefix);
}

std::string humanize_duration(double seconds) {
  if (seconds == 0) return "0s";
  if (!is_ordinary(seconds) || std::abs(seconds) > 9e15) return short_number(seconds);
  if (std::abs(seconds) < 1) return with_small_prefix(seconds, "s");
  const std::string sign = seconds < 0 ? "-" : "";
  const auto whole = static_cast<std::int64_t>(std::abs(seconds));
  const auto s = whole % 60;
  const auto m = whole / 60 % 60;
  const auto h = whole / 3600 % 24;
  const auto d = whole / 86400;
  if (d > 0) return fmt::format("{}{}d {}h {}m {}s", sign, d, h, m, s);
  if (h > 0) return fmt::format("{}{}h {}m {}s", sign, h, m, s);
  if (m > 0) return fmt::format("{}{}m {}s", sign, m, s);
  return fmt::format("{}s", short_number(seconds));
}

std::string humanize_percentage(double ratio) {
  return short_number(ratio * 100) + "%";
}

std::string humanize_timestamp(double seconds) {
  const double milliseconds = std::floor(seconds * 1000);
  constexpr double kLast = 8.64e15;  // beyond, the calendar ends
  if (!std::isfinite(seconds) || std::abs(milliseconds) > kLast) return short_number(seconds);
  return templates::time_text(from_unix_ms(static_cast<std::int64_t>(milliseconds)));
}

}  // namespace wellrun::health
