#include "health/alert_template.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/text.h"

namespace wellrun::health {
namespace {

constexpr std::size_t kMaxBytes = 16 * 1024;

using Value = std::variant<std::string, double>;

/// As Go prints a float64 with %v: shortest digits, an exponent below 1e-4 and from 1e21 on.
std::string plain(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == 0) return "0";
  const bool fixed = std::abs(value) >= 1e-4 && std::abs(value) < 1e21;
  std::array<char, 400> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific);
  return {buffer.data(), end.ptr};
}

std::string text_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return plain(std::get<double>(value));
}

Result<double> number_of(const Value& value, std::string_view function) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  const auto& text = std::get<std::string>(value);
  double number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || end.ec != std::errc{} || end.ptr != text.data() + text.size()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{} wants a number and got {}", function, quote(text)));
  }
  return number;
}

/// %.4g, also of what is not finite.
std::string short_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{:.4g}", value);
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

bool is_ordinary(double value) {
  return value != 0 && std::isfinite(value);
}

// ---- words of an action ----

struct Word {
  enum class Kind { kName, kText, kNumber, kPipe, kOpen, kClose };
  Kind kind = Kind::kName;
  std::string text;
};

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '$';
}

Result<Word> read_text(std::string_view action, std::size_t& at) {
  const char delimiter = action[at];
  Word word{Word::Kind::kText, {}};
  for (++at; at < action.size() && action[at] != delimiter; ++at) {
    char c = action[at];
    if (c == '\\' && delimiter == '"' && at + 1 < action.size()) {
      c = action[++at];
      if (c == 'n') c = '\n';
      if (c == 't') c = '\t';
    }
    word.text += c;
  }
  if (at >= action.size()) return fail(ErrorCode::kInvalid, "a text is not closed");
  ++at;
  return word;
}

Result<std::vector<Word>> read_words(std::string_view action) {
  std::vector<Word> words;
  std::size_t at = 0;
  while (at < action.size()) {
    const char c = action[at];
    if (c == ' ' || c == '\t' || c == '\n') {
      ++at;
    } else if (c == '|' || c == '(' || c == ')') {
      words.push_back({c == '|'   ? Word::Kind::kPipe
                       : c == '(' ? Word::Kind::kOpen
                                  : Word::Kind::kClose,
                       std::string(1, c)});
      ++at;
    } else if (c == '"' || c == '`') {
      TRY(auto word, read_text(action, at));
      words.push_back(std::move(word));
    } else if (is_name_character(c) || c == '-' || c == '+') {
      const auto begin = at++;
      while (at < action.size() && is_name_character(action[at])) ++at;
      const auto text = std::string(action.substr(begin, at - begin));
      const bool number = std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+';
      words.push_back({number ? Word::Kind::kNumber : Word::Kind::kName, text});
    } else {
      return fail(ErrorCode::kInvalid, fmt::format("unexpected character '{}'", c));
    }
  }
  return words;
}

// ---- functions ----

/// Printf with the verbs that annotations use: %s %v %q %f %e %g %d %%, width and precision.
Result<Value> print_formatted(const std::vector<Value>& arguments) {
  if (arguments.empty()) return fail(ErrorCode::kInvalid, "printf wants a format");
  const auto format = text_of(arguments.front());
  std::string out;
  std::size_t used = 1;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    std::size_t end = i + 1;
    while (end < format.size() && std::string_view("0123456789.-+ #").contains(format[end])) ++end;
    if (end >= format.size() || end - i > 8) {
      return fail(ErrorCode::kInvalid, fmt::format("printf: bad verb in {}", quote(format)));
    }
    const char verb = format[end];
    auto options = format.substr(i + 1, end - i - 1);
    i = end;
    if (verb == '%') {
      out += '%';
      continue;
    }
    if (used >= arguments.size()) {
      return fail(ErrorCode::kInvalid, fmt::format("printf: {} wants more than the {} values given",
                                                   quote(format), arguments.size() - 1));
    }
    const auto& argument = arguments[used++];
    std::array<char, 600> buffer{};
    if (verb == 's' || verb == 'v') {
      out += text_of(argument);
    } else if (verb == 'q') {
      out += quote(text_of(argument));
    } else if (std::string_view("feEgGd").contains(verb)) {
      TRY(const auto number, number_of(argument, "printf"));
      if (verb == 'd' && !options.contains('.')) options += ".0";
      if (options.size() > 6) return fail(ErrorCode::kInvalid, "printf: width too large");
      const auto pattern = "%" + options + (verb == 'd' ? 'f' : verb);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
      const auto size = std::snprintf(buffer.data(), buffer.size(), pattern.c_str(), number);
#pragma GCC diagnostic pop
      if (size < 0) return fail(ErrorCode::kInvalid, "printf: cannot print that number");
      out.append(buffer.data(), std::min(static_cast<std::size_t>(size), buffer.size() - 1));
    } else {
      return fail(ErrorCode::kInvalid, fmt::format("printf: unknown verb %{}", verb));
    }
  }
  return Value(out);
}

std::string cased(std::string text, int (*change)(int)) {
  for (auto& c : text) c = static_cast<char>(change(static_cast<unsigned char>(c)));
  return text;
}

std::string titled(std::string text) {
  bool begin = true;
  for (auto& c : text) {
    if (begin) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    begin = c == ' ';
  }
  return text;
}

const std::vector<std::string> kFunctions = {
    "humanize", "humanize1024", "humanizeDuration", "humanizePercentage",
    "printf",   "title",        "toLower",          "toUpper"};

Result<Value> call(const std::string& name, const std::vector<Value>& arguments) {
  if (name == "printf") return print_formatted(arguments);
  if (arguments.size() != 1) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{} wants one value and got {}", name, arguments.size()));
  }
  const auto& argument = arguments.front();
  if (name == "toUpper") return Value(cased(text_of(argument), std::toupper));
  if (name == "toLower") return Value(cased(text_of(argument), std::tolower));
  if (name == "title") return Value(titled(text_of(argument)));
  TRY(const auto number, number_of(argument, name));
  if (name == "humanize") return Value(humanize(number));
  if (name == "humanize1024") return Value(humanize_1024(number));
  if (name == "humanizeDuration") return Value(humanize_duration(number));
  return Value(humanize_percentage(number));
}

Result<Value> variable(const std::string& name, const TemplateData& data) {
  const auto after = [&](std::string_view prefix) -> std::optional<std::string> {
    if (name.starts_with(prefix)) return name.substr(prefix.size());
    return std::nullopt;
  };
  if (name == "$value" || name == ".Value") return Value(data.value);
  if (name == "$externalURL" || name == ".ExternalURL") return Value(data.external_url);
  for (const auto* prefix : {"$labels.", ".Labels."}) {
    if (const auto label = after(prefix)) return Value(std::string(data.labels.get(*label)));
  }
  for (const auto* prefix : {"$externalLabels.", ".ExternalLabels."}) {
    if (const auto label = after(prefix)) {
      const auto found = data.external_labels.find(*label);
      return Value(found == data.external_labels.end() ? std::string() : found->second);
    }
  }
  static const std::vector<std::string> known = {"$labels.", "$value", "$externalLabels.",
                                                 "$externalURL"};
  return fail(ErrorCode::kInvalid,
              fmt::format("{} is not known{}", quote(name), did_you_mean(name, known)));
}

/// pipeline = command { "|" command }; command = function {operand} | operand; operand = "("
/// pipeline ")" | value.
class Action {
 public:
  Action(std::vector<Word> words, const TemplateData& data)
      : words_(std::move(words)), data_(data) {}

  Result<Value> run() {
    TRY(auto value, pipeline(0));
    if (at_ < words_.size()) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} is not expected here", quote(words_[at_].text)));
    }
    return value;
  }

 private:
  bool at_kind(Word::Kind kind) const { return at_ < words_.size() && words_[at_].kind == kind; }

  Result<Value> pipeline(int depth) {
    if (depth > 16) return fail(ErrorCode::kInvalid, "parentheses nest deeper than 16");
    std::optional<Value> value;
    while (true) {
      TRY(value, command(std::move(value), depth));
      if (!at_kind(Word::Kind::kPipe)) return std::move(*value);
      ++at_;
    }
  }

  Result<std::optional<Value>> command(std::optional<Value> piped, int depth) {
    std::string function;
    if (at_kind(Word::Kind::kName) && words_[at_].text.front() != '$' &&
        words_[at_].text.front() != '.') {
      function = words_[at_++].text;
      if (std::ranges::find(kFunctions, function) == kFunctions.end()) {
        return fail(ErrorCode::kInvalid, fmt::format("function {} is not known{}", quote(function),
                                                     did_you_mean(function, kFunctions)));
      }
    }
    std::vector<Value> values;
    while (at_ < words_.size() && !at_kind(Word::Kind::kPipe) && !at_kind(Word::Kind::kClose)) {
      TRY(auto value, operand(depth));
      values.push_back(std::move(value));
    }
    if (function.empty()) {
      if (values.size() != 1 || piped) {
        return fail(ErrorCode::kInvalid, "one value, or a function with its values, is expected");
      }
      return values.front();
    }
    if (piped) values.push_back(std::move(*piped));
    TRY(auto value, call(function, values));
    return value;
  }

  Result<Value> operand(int depth) {
    const auto& word = words_[at_++];
    switch (word.kind) {
      case Word::Kind::kText:
        return Value(word.text);
      case Word::Kind::kNumber: {
        TRY(const auto number, number_of(Value(word.text), "a template"));
        return Value(number);
      }
      case Word::Kind::kOpen: {
        TRY(auto value, pipeline(depth + 1));
        if (!at_kind(Word::Kind::kClose)) return fail(ErrorCode::kInvalid, "a ( is not closed");
        ++at_;
        return value;
      }
      default:
        return variable(word.text, data_);
    }
  }

  std::vector<Word> words_;
  const TemplateData& data_;
  std::size_t at_ = 0;
};

Result<std::string> run_action(std::string_view action, const TemplateData& data) {
  if (action.starts_with("/*") && action.ends_with("*/")) return std::string();
  auto words = read_words(action);
  auto value = words ? Action(std::move(*words), data).run() : std::unexpected(words.error());
  if (!value) {
    return fail(ErrorCode::kInvalid,
                fmt::format("in {{{{ {} }}}}: {}; known are $labels, $value, "
                            "$externalLabels, $externalURL and the functions {}",
                            action, value.error().message, join_words(kFunctions)));
  }
  return text_of(*value);
}

void trim_end(std::string& text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.pop_back();
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

Result<std::string> expand_template(std::string_view text, const TemplateData& data) {
  if (text.size() > kMaxBytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("a template of {} bytes; at most {} are read", text.size(), kMaxBytes));
  }
  std::string out;
  bool trim_begin = false;
  while (!text.empty()) {
    const auto open = text.find("{{");
    auto before = text.substr(0, open);
    if (trim_begin) {
      while (!before.empty() && std::isspace(static_cast<unsigned char>(before.front())) != 0)
        before.remove_prefix(1);
    }
    out += before;
    if (open == std::string_view::npos) break;
    text.remove_prefix(open + 2);
    const auto close = text.find("}}");
    if (close == std::string_view::npos) {
      return fail(ErrorCode::kInvalid, "{{ is not closed by }}");
    }
    auto action = text.substr(0, close);
    text.remove_prefix(close + 2);
    if (action.starts_with("- ")) {
      trim_end(out);
      action.remove_prefix(2);
    }
    trim_begin = action.ends_with(" -");
    if (trim_begin) action.remove_suffix(2);
    TRY(const auto value, run_action(trimmed(action), data));
    out += value;
    if (out.size() > kMaxBytes)
      return fail(ErrorCode::kTooLarge, "an expanded template beyond 16 KiB");
  }
  return out;
}

Status check_template(std::string_view text) {
  auto expanded = expand_template(text, {});
  // A label that is empty here may hold a number when it is used.
  if (!expanded && expanded.error().message.contains("wants a number")) return {};
  if (!expanded) return std::unexpected(expanded.error());
  return {};
}

}  // namespace wellrun::health
