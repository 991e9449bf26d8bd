#include "health/template/functions.h"

#include <algorithm>
#include <array>
#include <limits>

#include "health/template/time_text.h"

namespace wellrun::health::templates {
namespace {

const FunctionInfo* find_in(std::span<const FunctionInfo> table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &FunctionInfo::name);
  return found == table.end() ? nullptr : &*found;
}

/// time.Duration ends after 292 years; Go stays at its end.
Nanoseconds between(Timestamp later, Timestamp earlier) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t count = 0;
  const auto milliseconds = (later - earlier).count();
  if (__builtin_mul_overflow(milliseconds, std::int64_t{1'000'000}, &count))
    count = milliseconds < 0 ? std::numeric_limits<std::int64_t>::min() : kMost;
  return {count};
}

std::optional<Value> time_method(Timestamp time, std::string_view name) {
  const auto number = [&](std::string_view layout) {
    return Value(static_cast<std::int64_t>(std::stol(format_time(time, layout))));
  };
  if (name == "Unix")
    return Value(static_cast<std::int64_t>(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count()));
  if (name == "UnixMilli") return Value(to_unix_ms(time));
  if (name == "UnixMicro") return Value(to_unix_ms(time) * 1000);
  if (name == "UnixNano") return Value(between(time, Timestamp{}).count);
  if (name == "Nanosecond")
    return Value(static_cast<std::int64_t>(
        (time - std::chrono::floor<std::chrono::seconds>(time)).count() * 1'000'000));
  if (name == "IsZero") return Value(time == std::chrono::sys_days(std::chrono::year(1) / 1 / 1));
  if (name == "UTC") return Value(time);
  if (name == "String") return Value(time_text(time));
  if (name == "Weekday") return Value(format_time(time, "Monday"));
  if (name == "Month") return Value(format_time(time, "January"));
  if (name == "Year") return number("2006");
  if (name == "YearDay") return number("002");
  if (name == "Day") return number("2");
  if (name == "Hour") return number("15");
  if (name == "Minute") return number("04");
  if (name == "Second") return number("05");
  return std::nullopt;
}

/// Go's times reach further than the calendar of the standard library.
Result<Value> within_calendar(std::chrono::sys_time<std::chrono::milliseconds> time) {
  constexpr auto kFirst = std::chrono::sys_days(std::chrono::year(-9999) / 1 / 1);
  constexpr auto kLast = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);
  if (time < kFirst || time > kLast)
    return fail(ErrorCode::kInvalid, "the time is beyond the years -9999 to 9999");
  return Value(time);
}

/// As Go normalizes: October 32 is November 1. Source: Go's Time.AddDate.
Result<Value> add_date(Timestamp time, Arguments arguments) {
  std::array<int, 3> change{};
  for (std::size_t i = 0; i < change.size(); ++i) {
    const auto* whole =
        arguments.size() == change.size() ? arguments[i].as<std::int64_t>() : nullptr;
    if (whole == nullptr)
      return fail(ErrorCode::kInvalid, "AddDate takes three whole numbers: years, months, days");
    constexpr std::int64_t kMost = 10'000'000;
    change[i] = static_cast<int>(std::clamp(*whole, -kMost, kMost));
  }
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::int64_t months = (static_cast<int>(date.year()) + std::int64_t{change[0]}) * 12 +
                              static_cast<unsigned>(date.month()) - 1 + change[1];
  const auto year = months >= 0 ? months / 12 : -((-months + 11) / 12);
  if (std::abs(year) > 9999) return fail(ErrorCode::kInvalid, "the year is beyond 9999");
  const std::chrono::sys_days first(std::chrono::year(static_cast<int>(year)) /
                                    static_cast<int>(months - year * 12 + 1) / 1);
  const std::chrono::days days(static_cast<int>(static_cast<unsigned>(date.day())) - 1 + change[2]);
  return within_calendar(first + days + (time - day));
}

/// Methods of a time that take values, and those that may fail.
std::optional<Result<Value>> time_call(Timestamp time, std::string_view name, Arguments arguments) {
  const auto wanted = [&](std::string_view what) {
    return fail(ErrorCode::kInvalid, fmt::format("{} takes one {}", name, what));
  };
  const auto* only = arguments.size() == 1 ? &arguments.front() : nullptr;
  if (name == "Format") {
    const auto* layout = only == nullptr ? nullptr : only->as<std::string>();
    if (layout == nullptr) return wanted("text, the layout");
    return Value(format_time(time, *layout));
  }
  if (name == "AddDate") return add_date(time, arguments);
  if (name == "Add") {
    const auto* length = only == nullptr ? nullptr : only->as<Nanoseconds>();
    if (length == nullptr) return wanted("length of time, as of toDuration");
    return within_calendar(time +
                           std::chrono::floor<Duration>(std::chrono::nanoseconds(length->count)));
  }
  if (name == "Before" || name == "After" || name == "Equal" || name == "Sub") {
    const auto* other = only == nullptr ? nullptr : only->as<Timestamp>();
    if (other == nullptr) return wanted("time, as of toTime");
    if (name == "Sub") return Value(between(time, *other));
    return Value(name == "Before"  ? time < *other
                 : name == "After" ? time > *other
                                   : time == *other);
  }
  return std::nullopt;
}

std::optional<Value> duration_method(Nanoseconds length, std::string_view name) {
  const auto count = static_cast<double>(length.count);
  if (name == "Hours") return Value(count / 3.6e12);
  if (name == "Minutes") return Value(count / 6e10);
  if (name == "Seconds") return Value(count / 1e9);
  if (name == "Microseconds") return Value(length.count / 1000);
  if (name == "Milliseconds") return Value(length.count / 1'000'000);
  if (name == "Nanoseconds") return Value(length.count);
  if (name == "String") return Value(duration_text(length));
  return std::nullopt;
}

}  // namespace

const FunctionInfo* find_function(std::string_view name) {
  const auto* found = find_in(go_functions(), name);
  return found != nullptr ? found : find_in(prometheus_functions(), name);
}

std::vector<std::string> function_names() {
  std::vector<std::string> names;
  for (const auto table : {go_functions(), prometheus_functions()}) {
    for (const auto& info : table) names.emplace_back(info.name);
  }
  return names;
}

std::optional<Result<Value>> call_method(const Value& value, std::string_view name,
                                         Arguments arguments) {
  if (const auto* time = value.as<Timestamp>()) {
    if (auto called = time_call(*time, name, arguments)) return called;
  }
  std::optional<Value> got;
  if (const auto* time = value.as<Timestamp>()) got = time_method(*time, name);
  if (const auto* length = value.as<Nanoseconds>()) got = duration_method(*length, name);
  if (!got) return std::nullopt;
  if (!arguments.empty()) return fail(ErrorCode::kInvalid, fmt::format("{} takes no values", name));
  return *got;
}

}  // namespace wellrun::health::templates
