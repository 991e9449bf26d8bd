#include "health/template/time_text.h"

#include <array>
#include <chrono>

namespace wellrun::health::templates {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

struct Civil {
  explicit Civil(Timestamp time) {
    const auto day_point = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day_point);
    const std::chrono::hh_mm_ss clock(time - day_point);
    year = static_cast<int>(date.year());
    month = static_cast<unsigned>(date.month());
    day = static_cast<unsigned>(date.day());
    weekday = std::chrono::weekday(day_point).c_encoding();
    year_day = static_cast<unsigned>(
        (day_point - std::chrono::sys_days(date.year() / std::chrono::January / 1)).count() + 1);
    hour = static_cast<unsigned>(clock.hours().count());
    minute = static_cast<unsigned>(clock.minutes().count());
    second = static_cast<unsigned>(clock.seconds().count());
    millisecond = static_cast<unsigned>(clock.subseconds().count());
  }
  int year;
  unsigned month, day, weekday, year_day, hour, minute, second, millisecond;
  unsigned hour12() const { return hour % 12 == 0 ? 12 : hour % 12; }
};

struct Element {
  std::string_view example;
  std::string (*print)(const Civil&);
};

/// Longest first where one begins like another. Source: Go's documentation of package time.
constexpr Element kElements[] = {
    {"January", [](const Civil& c) { return std::string(kMonths[c.month - 1]); }},
    {"Jan", [](const Civil& c) { return std::string(kMonths[c.month - 1].substr(0, 3)); }},
    {"Monday", [](const Civil& c) { return std::string(kDays[c.weekday]); }},
    {"Mon", [](const Civil& c) { return std::string(kDays[c.weekday].substr(0, 3)); }},
    {"MST", [](const Civil&) { return std::string("UTC"); }},
    {"2006", [](const Civil& c) { return fmt::format("{:04}", c.year); }},
    {"-07:00:00", [](const Civil&) { return std::string("+00:00:00"); }},
    {"-07:00", [](const Civil&) { return std::string("+00:00"); }},
    {"-0700", [](const Civil&) { return std::string("+0000"); }},
    {"-07", [](const Civil&) { return std::string("+00"); }},
    {"Z07:00", [](const Civil&) { return std::string("Z"); }},
    {"Z0700", [](const Civil&) { return std::string("Z"); }},
    {"002", [](const Civil& c) { return fmt::format("{:03}", c.year_day); }},
    {"01", [](const Civil& c) { return fmt::format("{:02}", c.month); }},
    {"02", [](const Civil& c) { return fmt::format("{:02}", c.day); }},
    {"03", [](const Civil& c) { return fmt::format("{:02}", c.hour12()); }},
    {"04", [](const Civil& c) { return fmt::format("{:02}", c.minute); }},
    {"05", [](const Civil& c) { return fmt::format("{:02}", c.second); }},
    {"06", [](const Civil& c) { return fmt::format("{:02}", c.year % 100); }},
    {"15", [](const Civil& c) { return fmt::format("{:02}", c.hour); }},
    {"PM", [](const Civil& c) { return std::string(c.hour < 12 ? "AM" : "PM"); }},
    {"pm", [](const Civil& c) { return std::string(c.hour < 12 ? "am" : "pm"); }},
    {"_2", [](const Civil& c) { return fmt::format("{:2}", c.day); }},
    {"1", [](const Civil& c) { return std::to_string(c.month); }},
    {"2", [](const Civil& c) { return std::to_string(c.day); }},
    {"3", [](const Civil& c) { return std::to_string(c.hour12()); }},
    {"4", [](const Civil& c) { return std::to_string(c.minute); }},
    {"5", [](const Civil& c) { return std::to_string(c.second); }},
};

/// ".000" keeps its zeros, ".999" drops them with the point; the number of bytes read, or 0.
std::size_t fraction(std::string_view layout, const Civil& civil, std::string& out) {
  if (layout.size() < 2 || (layout[0] != '.' && layout[0] != ',')) return 0;
  if (layout[1] != '0' && layout[1] != '9') return 0;
  const auto end = layout.find_first_not_of(layout[1], 1);
  const auto length = end == std::string_view::npos ? layout.size() : end;
  if (length < layout.size() && layout[length] >= '0' && layout[length] <= '9') return 0;
  auto digits =
      fmt::format("{:03}000000", civil.millisecond).substr(0, std::min<std::size_t>(length - 1, 9));
  if (layout[1] == '9') digits.erase(digits.find_last_not_of('0') + 1);
  if (!digits.empty()) out += layout[0] + digits;
  return length;
}

/// With up to nine digits behind the point, zeros dropped.
std::string with_fraction(std::uint64_t count, std::uint64_t unit) {
  auto text = std::to_string(count / unit);
  if (count % unit == 0) return text;
  auto digits = std::to_string(unit + count % unit).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  return text + "." + digits;
}

}  // namespace

std::string time_text(Timestamp time) {
  return format_time(time, "2006-01-02 15:04:05.999999999 -0700 MST");
}

std::string format_time(Timestamp time, std::string_view layout) {
  const Civil civil(time);
  std::string out;
  while (!layout.empty()) {
    if (const auto length = fraction(layout, civil, out); length > 0) {
      layout.remove_prefix(length);
      continue;
    }
    const auto* element = std::ranges::find_if(
        kElements, [&](const Element& each) { return layout.starts_with(each.example); });
    if (element == std::end(kElements)) {
      out += layout.front();
      layout.remove_prefix(1);
    } else {
      out += element->print(civil);
      layout.remove_prefix(element->example.size());
    }
  }
  return out;
}

std::string duration_text(Nanoseconds length) {
  const bool negative = length.count < 0;
  const auto count = negative ? ~static_cast<std::uint64_t>(length.count) + 1
                              : static_cast<std::uint64_t>(length.count);
  const std::string sign = negative ? "-" : "";
  if (count == 0) return "0s";
  if (count < 1000) return fmt::format("{}{}ns", sign, count);
  if (count < 1'000'000) return sign + with_fraction(count, 1000) + "µs";
  if (count < 1'000'000'000) return sign + with_fraction(count, 1'000'000) + "ms";
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto hours = count / (3600 * kSecond);
  const auto minutes = count / (60 * kSecond) % 60;
  const auto seconds = with_fraction(count % (60 * kSecond), kSecond);
  if (hours > 0) return fmt::format("{}{}h{}m{}s", sign, hours, minutes, seconds);
  if (minutes > 0) return fmt::format("{}{}m{}s", sign, minutes, seconds);
  return fmt::format("{}{}s", sign, seconds);
}

}  // namespace wellrun::health::templates
