// Go's predefined template functions. Source: the documentation of text/template.

#include <algorithm>

#include "core/text.h"
#include "core/unicode.h"
#include "health/template/functions.h"
#include "health/template/print.h"

namespace wellrun::health::templates {
namespace {

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message));
}

// ---- logic and comparison ----

Result<Value> logical_and(const Environment&, Arguments arguments) {
  for (const auto& each : arguments) {
    if (!each.truth()) return each;
  }
  return arguments.back();
}
Result<Value> logical_or(const Environment&, Arguments arguments) {
  for (const auto& each : arguments) {
    if (each.truth()) return each;
  }
  return arguments.back();
}
Result<Value> logical_not(const Environment&, Arguments arguments) {
  return Value(!arguments[0].truth());
}

/// Values of one basic kind compare; int and float64 are two kinds, as in Go.
template <typename T, typename Compare>
std::optional<bool> compared(const Value& left, const Value& right, Compare compare) {
  const auto* a = left.as<T>();
  const auto* b = right.as<T>();
  if (a == nullptr || b == nullptr) return std::nullopt;
  return compare(*a, *b);
}

std::unexpected<Error> not_comparable(std::string_view function, const Value& left,
                                      const Value& right) {
  const auto* hint = (left.as<double>() != nullptr) != (right.as<double>() != nullptr)
                         ? "; write the number with a point, as 1.0"
                         : "";
  return wrong(fmt::format("{}: incompatible types for comparison, {} and {}{}", function,
                           left.type_name(), right.type_name(), hint));
}

Result<bool> equal(std::string_view function, const Value& left, const Value& right) {
  const auto same = [](const auto& a, const auto& b) { return a == b; };
  for (const auto& each :
       {compared<bool>(left, right, same), compared<std::int64_t>(left, right, same),
        compared<double>(left, right, same), compared<std::string>(left, right, same),
        compared<Timestamp>(left, right, same), compared<Nanoseconds>(left, right, same)}) {
    if (each) return *each;
  }
  if (left.is_nil() && right.is_nil()) return true;
  const bool listed = left.list() != nullptr || right.list() != nullptr ||
                      left.fields() != nullptr || right.fields() != nullptr;
  if ((left.is_nil() || right.is_nil()) && !listed) return false;
  return not_comparable(function, left, right);
}

Result<bool> less(std::string_view function, const Value& left, const Value& right) {
  const auto before = [](const auto& a, const auto& b) { return a < b; };
  for (const auto& each :
       {compared<std::int64_t>(left, right, before), compared<double>(left, right, before),
        compared<std::string>(left, right, before), compared<Nanoseconds>(left, right, before)}) {
    if (each) return *each;
  }
  return not_comparable(function, left, right);
}

Result<Value> eq(const Environment&, Arguments arguments) {
  for (const auto& each : arguments.subspan(1)) {
    TRY(const bool same, equal("eq", arguments[0], each));
    if (same) return Value(true);
  }
  return Value(false);
}
Result<Value> ne(const Environment&, Arguments arguments) {
  TRY(const bool same, equal("ne", arguments[0], arguments[1]));
  return Value(!same);
}
Result<Value> lt(const Environment&, Arguments arguments) {
  TRY(const bool before, less("lt", arguments[0], arguments[1]));
  return Value(before);
}
Result<Value> le(const Environment&, Arguments arguments) {
  TRY(const bool before, less("le", arguments[0], arguments[1]));
  if (before) return Value(true);
  TRY(const bool same, equal("le", arguments[0], arguments[1]));
  return Value(same);
}
/// Not "not le": NaN is neither.
Result<Value> gt(const Environment& environment, Arguments arguments) {
  return lt(environment, std::vector{arguments[1], arguments[0]});
}
Result<Value> ge(const Environment& environment, Arguments arguments) {
  return le(environment, std::vector{arguments[1], arguments[0]});
}

// ---- parts of values ----

Result<Value> length(const Environment&, Arguments arguments) {
  const auto& value = arguments[0];
  if (const auto* text = value.as<std::string>())
    return Value(static_cast<std::int64_t>(text->size()));
  if (const auto* items = value.list()) return Value(static_cast<std::int64_t>(items->size()));
  if (const auto* map = value.fields(); map != nullptr && !map->is_struct)
    return Value(static_cast<std::int64_t>(map->items.size()));
  return wrong(fmt::format("len of a {}", value.type_name()));
}

Result<std::size_t> position(const Value& value, std::size_t size, std::string_view function) {
  const auto* whole = value.as<std::int64_t>();
  if (whole == nullptr)
    return wrong(
        fmt::format("{}: a whole number is needed, not a {}", function, value.type_name()));
  if (*whole < 0 || static_cast<std::uint64_t>(*whole) > size)
    return wrong(fmt::format("{}: {} is out of range, of {}", function, *whole, size));
  return static_cast<std::size_t>(*whole);
}

Result<Value> index_one(const Value& value, const Value& key) {
  if (const auto* map = value.fields(); map != nullptr && !map->is_struct) {
    const auto* name = key.as<std::string>();
    if (name == nullptr)
      return wrong(fmt::format("index: a map's key is a text, not a {}", key.type_name()));
    const auto found = map->items.find(*name);
    if (found != map->items.end()) return found->second;
    return map->absent_is_text ? Value("") : Value();
  }
  const auto* items = value.list();
  const auto* text = value.as<std::string>();
  if (items == nullptr && text == nullptr)
    return wrong(fmt::format("index of a {}", value.type_name()));
  const auto size = items != nullptr ? items->size() : text->size();
  TRY(const auto at, position(key, size, "index"));
  if (at == size) return wrong(fmt::format("index: {} is out of range, of {}", at, size));
  if (items != nullptr) return (*items)[at];
  return Value(static_cast<std::int64_t>(static_cast<unsigned char>((*text)[at])));
}

Result<Value> index(const Environment&, Arguments arguments) {
  Value value = arguments[0];
  for (const auto& key : arguments.subspan(1)) {
    TRY(value, index_one(value, key));
  }
  return value;
}

Result<Value> slice(const Environment&, Arguments arguments) {
  const auto* items = arguments[0].list();
  const auto* text = arguments[0].as<std::string>();
  if (items == nullptr && text == nullptr)
    return wrong(fmt::format("slice of a {}", arguments[0].type_name()));
  const auto size = items != nullptr ? items->size() : text->size();
  std::size_t first = 0;
  std::size_t last = size;
  if (arguments.size() > 1) {
    TRY(first, position(arguments[1], size, "slice"));
  }
  if (arguments.size() > 2) {
    TRY(last, position(arguments[2], size, "slice"));
  }
  if (first > last) return wrong(fmt::format("slice: {} is behind {}", first, last));
  if (text != nullptr) return Value(text->substr(first, last - first));
  const auto at = [&](std::size_t offset) {
    return items->begin() + static_cast<std::ptrdiff_t>(offset);
  };
  return Value(List(at(first), at(last)));
}

Result<Value> call(const Environment&, Arguments arguments) {
  return wrong(fmt::format("call of a {}: no value here is a function", arguments[0].type_name()));
}

// ---- printing and escaping ----

Result<Value> print_all(const Environment&, Arguments arguments) {
  return Value(print(arguments));
}
Result<Value> println_all(const Environment&, Arguments arguments) {
  return Value(print_line(arguments));
}
Result<Value> printf_all(const Environment&, Arguments arguments) {
  const auto* format = arguments[0].as<std::string>();
  if (format == nullptr)
    return wrong(fmt::format("printf: its format is a text, not a {}", arguments[0].type_name()));
  return Value(print_format(*format, arguments.subspan(1)));
}

std::string joined(Arguments arguments) {
  const auto* text = arguments.size() == 1 ? arguments[0].as<std::string>() : nullptr;
  return text != nullptr ? *text : print(arguments);
}

Result<Value> html(const Environment&, Arguments arguments) {
  std::string out;
  for (const char c : joined(arguments)) {
    switch (c) {
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\0':
        out += "\uFFFD";
        break;
      default:
        out += c;
    }
  }
  return Value(out);
}

Result<Value> js(const Environment&, Arguments arguments) {
  const auto text = joined(arguments);
  std::string_view rest = text;
  std::string out;
  while (!rest.empty()) {
    const auto c = next_code_point(rest);
    if (c == '\\' || c == '\'' || c == '"') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == '=' || c == 0x7F ||
               c == 0xFFFD || c == 0x2028 || c == 0x2029) {
      out += fmt::format("\\u{:04X}", static_cast<std::uint32_t>(c));
    } else {
      append_utf8(out, c);
    }
  }
  return Value(out);
}

Result<Value> urlquery(const Environment&, Arguments arguments) {
  return Value(query_escaped(joined(arguments)));
}

constexpr FunctionInfo kTable[] = {
    {"and", 1, -1, logical_and},
    {"or", 1, -1, logical_or},
    {"not", 1, 1, logical_not},
    {"eq", 2, -1, eq},
    {"ne", 2, 2, ne},
    {"lt", 2, 2, lt},
    {"le", 2, 2, le},
    {"gt", 2, 2, gt},
    {"ge", 2, 2, ge},
    {"len", 1, 1, length},
    {"index", 1, -1, index},
    {"slice", 1, 4, slice},
    {"call", 1, -1, call},
    {"print", 0, -1, print_all},
    {"println", 0, -1, println_all},
    {"printf", 1, -1, printf_all},
    {"html", 1, -1, html},
    {"js", 1, -1, js},
    {"urlquery", 1, -1, urlquery},
};

}  // namespace

std::string query_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 128 && (std::isalnum(byte) != 0 || std::string_view("-_.~").contains(c)))
      out += c;
    else
      out += c == ' ' ? "+" : fmt::format("%{:02X}", byte);
  }
  return out;
}

std::span<const FunctionInfo> go_functions() {
  return kTable;
}

}  // namespace wellrun::health::templates
