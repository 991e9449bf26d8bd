#include "health/template/print.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

#include "core/text.h"
#include "core/unicode.h"

namespace wellrun::health::templates {
namespace {

struct Spec {
  bool minus = false, plus = false, sharp = false, space = false, zero = false;
  std::optional<int> width, precision;
  char32_t verb = 0;
};

std::size_t length_of(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) next_code_point(text);
  return count;
}

std::string padded(std::string text, const Spec& spec, bool zeros = false) {
  const auto width = static_cast<std::size_t>(spec.width.value_or(0));
  const auto length = length_of(text);
  if (length >= width) return text;
  const auto missing = width - length;
  if (spec.minus) return text + std::string(missing, ' ');
  if (!zeros) return std::string(missing, ' ') + text;
  const bool has_sign = text.starts_with('-') || text.starts_with('+') || text.starts_with(' ');
  return text.insert(has_sign ? 1 : 0, missing, '0');
}

std::string with_sign(std::string text, const Spec& spec) {
  if (text.starts_with('-') || text.starts_with('+')) {
    if (text.starts_with('+') && !spec.plus) return spec.space ? " " + text.substr(1) : text;
    return text;
  }
  if (spec.plus) return "+" + text;
  return spec.space ? " " + text : text;
}

std::string in_base(std::uint64_t number, unsigned base, bool upper) {
  std::string digits;
  do {
    digits += (upper ? "0123456789ABCDEF" : "0123456789abcdef")[number % base];
    number /= base;
  } while (number > 0);
  return {digits.rbegin(), digits.rend()};
}

std::string integer(std::int64_t value, const Spec& spec, unsigned base, std::string_view prefix,
                    bool upper = false) {
  const bool negative = value < 0;
  auto digits =
      in_base(negative ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value),
              base, upper);
  const auto least = static_cast<std::size_t>(spec.precision.value_or(1));
  if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
  if (spec.precision == 0 && value == 0) digits.clear();
  digits.insert(0, prefix);
  if (negative) digits.insert(0, "-");
  return padded(with_sign(std::move(digits), spec), spec, spec.zero && !spec.precision);
}

/// C's printf has the same digits as Go for a given precision.
std::string by_c(double value, char verb, int precision, bool sharp) {
  std::array<char, 2000> buffer{};
  const std::string pattern = std::string(sharp ? "%#.*" : "%.*") + verb;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const auto size = std::snprintf(buffer.data(), buffer.size(), pattern.c_str(), precision, value);
#pragma GCC diagnostic pop
  return {buffer.data(), std::min(static_cast<std::size_t>(std::max(size, 0)), buffer.size() - 1)};
}

std::string floating(double value, const Spec& spec, char verb) {
  if (!std::isfinite(value))
    return padded(
        std::isnan(value) ? with_sign("NaN", spec) : with_sign(value > 0 ? "+Inf" : "-Inf", spec),
        spec);
  std::string text;
  if (verb == 'g' && !spec.precision && !spec.sharp)
    text = shortest(value);
  else if (verb == 'G' && !spec.precision && !spec.sharp) {
    text = shortest(value);
    for (auto& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  } else {
    text = by_c(value, verb == 'F' ? 'f' : verb, spec.precision.value_or(6), spec.sharp);
  }
  return padded(with_sign(std::move(text), spec), spec, spec.zero);
}

std::string hexadecimal(std::string_view text, bool upper, bool spaced) {
  std::string out;
  for (const char c : text) {
    if (spaced && !out.empty()) out += ' ';
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  if (upper)
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

std::string cut(std::string_view text, const Spec& spec) {
  if (!spec.precision) return std::string(text);
  std::string out;
  for (int i = 0; i < *spec.precision && !text.empty(); ++i)
    append_utf8(out, next_code_point(text));
  return out;
}

std::string character(std::int64_t code) {
  std::string out;
  append_utf8(out, code < 0 || code > 0x10FFFF ? U'\uFFFD' : static_cast<char32_t>(code));
  return out;
}

std::string plain(const Value& value, const Spec& spec);

std::string type_and_value(const Value& value) {
  return value.is_nil() ? "<nil>" : value.type_name() + "=" + value.text();
}
std::string unsuitable(const Spec& spec, const Value& value) {
  std::string verb;
  append_utf8(verb, spec.verb);
  if (value.is_nil()) return "%!" + verb + "(<nil>)";
  Spec as_value = spec;
  as_value.sharp = false;
  return "%!" + verb + "(" + value.type_name() + "=" + plain(value, as_value) + ")";
}

std::string whole_printed(std::int64_t whole, const Spec& spec, const Value& value) {
  switch (spec.verb) {
    case 'd':
      return integer(whole, spec, 10, "");
    case 'b':
      return integer(whole, spec, 2, spec.sharp ? "0b" : "");
    case 'o':
      return integer(whole, spec, 8, spec.sharp ? "0" : "");
    case 'O':
      return integer(whole, spec, 8, "0o");
    case 'x':
      return integer(whole, spec, 16, spec.sharp ? "0x" : "");
    case 'X':
      return integer(whole, spec, 16, spec.sharp ? "0X" : "", true);
    case 'c':
      return padded(character(whole), spec);
    case 'q':
      return padded("'" + character(whole) + "'", spec);
    case 'U':
      return padded(fmt::format("U+{:04X}", whole), spec);
    default:
      return unsuitable(spec, value);
  }
}

std::string text_printed(const std::string& text, const Spec& spec, const Value& value) {
  switch (spec.verb) {
    case 's':
      return padded(cut(text, spec), spec, spec.zero);
    case 'q':
      return padded(
          spec.sharp && !text.contains('`') ? "`" + cut(text, spec) + "`" : quote(cut(text, spec)),
          spec);
    case 'x':
    case 'X':
      return padded(hexadecimal(cut(text, spec), spec.verb == 'X', spec.space), spec);
    default:
      return unsuitable(spec, value);
  }
}

std::string go_syntax(const Value& value) {
  if (const auto* text = value.as<std::string>()) return quote(*text);
  return value.is_nil() ? "<nil>" : value.text();
}

std::string plain(const Value& value, const Spec& spec) {
  if (spec.sharp) return padded(go_syntax(value), spec);
  if (value.is_nil()) return padded("<nil>", spec);
  if (const auto* whole = value.as<std::int64_t>()) return integer(*whole, spec, 10, "");
  if (const auto* number = value.as<double>()) return floating(*number, spec, 'g');
  if (const auto* text = value.as<std::string>()) return padded(cut(*text, spec), spec, spec.zero);
  return padded(value.text(), spec);
}

std::string printed(const Value& value, const Spec& spec) {
  if (spec.verb == 'v') return plain(value, spec);
  if (spec.verb == 'T') return padded(value.is_nil() ? "<nil>" : value.type_name(), spec);
  if (value.is_nil()) return unsuitable(spec, value);
  if (const auto* flag = value.as<bool>())
    return spec.verb == 't' ? padded(*flag ? "true" : "false", spec) : unsuitable(spec, value);
  if (const auto* whole = value.as<std::int64_t>()) return whole_printed(*whole, spec, value);
  if (const auto* number = value.as<double>()) {
    const bool suits =
        spec.verb < 128 && std::string_view("eEfFgG").contains(static_cast<char>(spec.verb));
    return suits ? floating(*number, spec, static_cast<char>(spec.verb)) : unsuitable(spec, value);
  }
  if (const auto* text = value.as<std::string>()) return text_printed(*text, spec, value);
  if (const auto* length = value.as<Nanoseconds>();
      length != nullptr && spec.verb != 's' && spec.verb != 'q')
    return whole_printed(length->count, spec, value);
  if (spec.verb == 's' || spec.verb == 'q') return text_printed(value.text(), spec, value);
  return unsuitable(spec, value);
}

class Formatter {
 public:
  Formatter(std::string_view format, std::span<const Value> values)
      : rest_(format), values_(values) {}

  std::string run() {
    while (!rest_.empty() && out_.size() <= kMostText) {
      const auto percent = rest_.find('%');
      out_ += rest_.substr(0, percent);
      if (percent == std::string_view::npos) break;
      rest_.remove_prefix(percent + 1);
      verb();
    }
    if (!is_reordered_ && used_ < values_.size()) extra();
    return std::move(out_);
  }

 private:
  /// What stands before the verb, in Go's order: flags, [index]width, .[index]precision, [index].
  void verb() {
    Spec spec;
    is_good_index_ = true;
    flags(spec);
    bool after_index = index();
    const bool is_starred = rest_.starts_with('*');
    spec.width = number("%!(BADWIDTH)");
    if (spec.width && after_index && !is_starred) is_good_index_ = false;
    if (is_starred) after_index = false;
    if (spec.width && *spec.width < 0) {
      spec.minus = true;
      spec.width = -*spec.width;
    }
    if (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      if (after_index) is_good_index_ = false;
      after_index = index();
      if (rest_.starts_with('*')) after_index = false;
      spec.precision = number("%!(BADPREC)").value_or(0);
      if (*spec.precision < 0) spec.precision.reset();
    }
    if (!after_index) index();
    if (rest_.empty()) {
      out_ += "%!(NOVERB)";
      return;
    }
    spec.verb = next_code_point(rest_);
    if (spec.verb == '%') {
      out_ += '%';
    } else if (!is_good_index_) {
      refuse(spec.verb, "(BADINDEX)");
    } else if (used_ >= values_.size()) {
      refuse(spec.verb, "(MISSING)");
    } else {
      out_ += printed(values_[used_++], spec);
    }
  }

  void refuse(char32_t verb, std::string_view why) {
    out_ += "%!";
    append_utf8(out_, verb);
    out_ += why;
  }

  /// "[2]": the next value is the second. True when one was read, good or not. Source: Go's
  /// package fmt, "Explicit argument indexes".
  bool index() {
    if (!rest_.starts_with('[')) return false;
    is_reordered_ = true;
    const auto end = rest_.find(']');
    if (end == std::string_view::npos) {
      rest_.remove_prefix(1);
      is_good_index_ = false;
      return false;
    }
    const auto digits = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    std::size_t which = 0;
    const auto* last = digits.data() + digits.size();
    const auto [stopped, error] = std::from_chars(digits.data(), last, which);
    const bool is_number = error == std::errc{} && stopped == last;
    is_good_index_ = is_good_index_ && is_number && which >= 1 && which <= values_.size();
    if (is_number && which >= 1 && which <= values_.size()) used_ = which - 1;
    return is_number;
  }

  void flags(Spec& spec) {
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      switch (rest_.front()) {
        case '-':
          spec.minus = true;
          break;
        case '+':
          spec.plus = true;
          break;
        case '#':
          spec.sharp = true;
          break;
        case ' ':
          spec.space = true;
          break;
        case '0':
          spec.zero = true;
          break;
        default:
          return;
      }
    }
  }

  /// Digits, or `*` for the next value.
  std::optional<int> number(std::string_view bad) {
    if (rest_.starts_with('*')) {
      rest_.remove_prefix(1);
      const auto* whole = used_ < values_.size() ? values_[used_].as<std::int64_t>() : nullptr;
      used_ += used_ < values_.size() ? 1 : 0;
      if (whole != nullptr && std::abs(*whole) <= kWidestField) return static_cast<int>(*whole);
      out_ += bad;
      return std::nullopt;
    }
    std::optional<int> count;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1))
      count = std::min(count.value_or(0) * 10 + (rest_.front() - '0'), kWidestField);
    return count;
  }

  void extra() {
    out_ += "%!(EXTRA ";
    for (auto i = used_; i < values_.size() && out_.size() <= kMostText; ++i)
      out_ += (i > used_ ? ", " : "") + type_and_value(values_[i]);
    out_ += ")";
  }

  std::string_view rest_;
  std::span<const Value> values_;
  std::size_t used_ = 0;
  bool is_reordered_ = false;  ///< some index was given: values that are left over are meant so
  bool is_good_index_ = true;  ///< of the verb that is read
  std::string out_;
};

std::string shown(const Value& value) {
  return value.is_nil() ? "<nil>" : value.text();
}

}  // namespace

std::string print(std::span<const Value> values) {
  std::string out;
  const auto is_text = [&](std::size_t i) { return values[i].as<std::string>() != nullptr; };
  for (std::size_t i = 0; i < values.size() && out.size() <= kMostText; ++i) {
    if (i > 0 && !is_text(i) && !is_text(i - 1)) out += ' ';
    out += shown(values[i]);
  }
  return out;
}

std::string print_line(std::span<const Value> values) {
  std::string out;
  for (const auto& value : values) {
    if (out.size() > kMostText) break;
    out += (&value == values.data() ? "" : " ") + shown(value);
  }
  return out + "\n";
}

std::string print_format(std::string_view format, std::span<const Value> values) {
  return Formatter(format, values).run();
}

}  // namespace wellrun::health::templates
