#include "health/template/functions.h"

#include <algorithm>

#include "health/template/time_text.h"

namespace wellrun::health::templates {
namespace {

const FunctionInfo* find_in(std::span<const FunctionInfo> table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &FunctionInfo::name);
  return found == table.end() ? nullptr : &*found;
}

std::optional<Value> time_method(Timestamp time, std::string_view name) {
  const auto number = [&](std::string_view layout) {
    return Value(static_cast<std::int64_t>(std::stol(format_time(time, layout))));
  };
  if (name == "Unix")
    return Value(static_cast<std::int64_t>(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count()));
  if (name == "UnixMilli") return Value(to_unix_ms(time));
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

std::optional<Value> duration_method(Nanoseconds length, std::string_view name) {
  const auto count = static_cast<double>(length.count);
  if (name == "Hours") return Value(count / 3.6e12);
  if (name == "Minutes") return Value(count / 6e10);
  if (name == "Seconds") return Value(count / 1e9);
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
  if (const auto* time = value.as<Timestamp>(); time != nullptr && name == "Format") {
    const auto* layout = arguments.size() == 1 ? arguments.front().as<std::string>() : nullptr;
    if (layout == nullptr) return fail(ErrorCode::kInvalid, "Format takes one text, the layout");
    return Value(format_time(*time, *layout));
  }
  std::optional<Value> got;
  if (const auto* time = value.as<Timestamp>()) got = time_method(*time, name);
  if (const auto* length = value.as<Nanoseconds>()) got = duration_method(*length, name);
  if (!got) return std::nullopt;
  if (!arguments.empty()) return fail(ErrorCode::kInvalid, fmt::format("{} takes no values", name));
  return *got;
}

}  // namespace wellrun::health::templates
