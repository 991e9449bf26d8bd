#include "health/template/value.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/text.h"
#include "health/template/time_text.h"

namespace wellrun::health::templates {
namespace {

int deepest_of(const List& list) {
  int deepest = 0;
  for (const auto& each : list) deepest = std::max(deepest, each.depth());
  return deepest;
}

}  // namespace

Value::Value(Fields fields) {
  for (const auto& [name, value] : fields.items)
    fields.depth = std::max(fields.depth, 1 + value.depth());
  held_ = std::make_shared<const Fields>(std::move(fields));
}

int Value::depth() const {
  if (const auto* map = fields()) return map->depth;
  const auto* items = list();
  return items == nullptr ? 0 : 1 + deepest_of(*items);
}

bool Value::truth() const {
  if (is_nil()) return false;
  if (const auto* flag = as<bool>()) return *flag;
  if (const auto* whole = as<std::int64_t>()) return *whole != 0;
  if (const auto* number = as<double>()) return *number != 0;
  if (const auto* text = as<std::string>()) return !text->empty();
  if (const auto* items = list()) return !items->empty();
  if (const auto* map = fields()) return map->is_struct || !map->items.empty();
  return true;
}

std::string Value::type_name() const {
  if (as<bool>() != nullptr) return "bool";
  if (as<std::int64_t>() != nullptr) return "int";
  if (as<double>() != nullptr) return "float64";
  if (as<std::string>() != nullptr) return "string";
  if (as<Timestamp>() != nullptr) return "time.Time";
  if (as<Nanoseconds>() != nullptr) return "time.Duration";
  if (list() != nullptr) return "list";
  if (const auto* map = fields()) return map->type;
  return "nil";
}

std::string Value::text() const {
  if (const auto* flag = as<bool>()) return *flag ? "true" : "false";
  if (const auto* whole = as<std::int64_t>()) return std::to_string(*whole);
  if (const auto* number = as<double>()) return shortest(*number);
  if (const auto* text = as<std::string>()) return *text;
  if (const auto* time = as<Timestamp>()) return time_text(*time);
  if (const auto* length = as<Nanoseconds>()) return duration_text(*length);
  if (is_nil()) return "<no value>";
  std::string out;
  append_to(out);
  return out;
}

/// The same value may be in it many times: what is cut must not be walked either.
void Value::append_to(std::string& out) const {
  bool is_first = true;
  const auto goes_on = [&] {
    if (out.size() > kMostText) return false;
    if (!std::exchange(is_first, false)) out += ' ';
    return true;
  };
  if (const auto* items = list()) {
    out += '[';
    for (const auto& each : *items) {
      if (!goes_on()) return;
      each.append_to(out);
    }
    out += ']';
  } else if (const auto* map = fields()) {
    out += map->is_struct ? "{" : "map[";
    for (const auto& [name, value] : map->items) {
      if (!goes_on()) return;
      if (!map->is_struct) out += name + ":";
      value.append_to(out);
    }
    out += map->is_struct ? '}' : ']';
  } else {
    out += text();
  }
}

Value text_map(std::map<std::string, std::string> items) {
  Fields fields;
  fields.absent_is_text = true;
  fields.type = "map[string]string";
  for (auto& [name, value] : items) fields.items.emplace(name, std::move(value));
  return fields;
}

std::string shortest(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  std::array<char, 64> buffer{};
  const auto scientific = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                        std::chars_format::scientific);
  const std::string text(buffer.data(), scientific.ptr);
  const int exponent = std::stoi(text.substr(text.find('e') + 1));
  if (exponent < -4 || exponent >= 6) return text;
  const auto fixed =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  return {buffer.data(), fixed.ptr};
}

Result<double> number_of(const Value& value) {
  if (const auto* number = value.as<double>()) return *number;
  if (const auto* whole = value.as<std::int64_t>()) return static_cast<double>(*whole);
  if (const auto* length = value.as<Nanoseconds>()) return static_cast<double>(length->count) / 1e9;
  const auto* text = value.as<std::string>();
  if (text == nullptr)
    return fail(ErrorCode::kInvalid, fmt::format("a {} is not a number", value.type_name()));
  std::string_view digits = *text;
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  double number = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || end.ptr != digits.data() + digits.size() ||
      end.ec == std::errc::invalid_argument)
    return fail(ErrorCode::kInvalid, fmt::format("{} is not a number", quote(*text)));
  return number;
}

}  // namespace wellrun::health::templates
