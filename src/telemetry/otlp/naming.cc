#include "telemetry/otlp/naming.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/labels.h"
#include "core/text.h"

namespace wellrun::telemetry::otlp {
namespace {

using Word = std::pair<std::string_view, std::string_view>;

constexpr std::array kUnits = std::to_array<Word>({
    {"d", "days"},          {"h", "hours"},
    {"min", "minutes"},     {"s", "seconds"},
    {"ms", "milliseconds"}, {"us", "microseconds"},
    {"ns", "nanoseconds"},  {"By", "bytes"},
    {"KiBy", "kibibytes"},  {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"},  {"TiBy", "tibibytes"},
    {"kBy", "kilobytes"},   {"KBy", "kilobytes"},
    {"MBy", "megabytes"},   {"GBy", "gigabytes"},
    {"TBy", "terabytes"},   {"m", "meters"},
    {"V", "volts"},         {"A", "amperes"},
    {"J", "joules"},        {"W", "watts"},
    {"g", "grams"},         {"Cel", "celsius"},
    {"Hz", "hertz"},        {"1", ""},
    {"%", "percent"},
});

constexpr std::array kPerUnits = std::to_array<Word>({
    {"s", "second"},
    {"m", "minute"},
    {"min", "minute"},
    {"h", "hour"},
    {"d", "day"},
    {"w", "week"},
    {"mo", "month"},
    {"y", "year"},
});

template <std::size_t N>
std::string_view word_of(const std::array<Word, N>& words, std::string_view unit) {
  const auto* found = std::ranges::find(words, unit, &Word::first);
  return found == words.end() ? unit : found->second;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::vector<std::string> tokens(std::string_view text, bool colon_is_valid) {
  std::vector<std::string> out;
  bool open = false;
  for (char c : text) {
    if (!is_alphanumeric(c) && !(colon_is_valid && c == ':')) {
      open = false;
      continue;
    }
    if (!open) out.emplace_back();
    open = true;
    out.back().push_back(c);
  }
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) {
    if (!out.empty()) out += '_';
    out += word;
  }
  return out;
}

struct UnitWords {
  std::string main, per;
};

std::string words_of_unit(std::string_view unit, bool per) {
  unit = trimmed(unit);
  if (unit.empty() || unit.find_first_of("{}") != std::string_view::npos) return {};
  return joined(tokens(per ? word_of(kPerUnits, unit) : word_of(kUnits, unit), false));
}

UnitWords unit_words(std::string_view unit) {
  const auto slash = unit.find('/');
  UnitWords out{words_of_unit(unit.substr(0, slash), false), {}};
  if (slash != std::string_view::npos) out.per = words_of_unit(unit.substr(slash + 1), true);
  return out;
}

void move_to_end(std::vector<std::string>& words, const char* word) {
  std::erase(words, word);
  words.emplace_back(word);
}

}  // namespace

std::string prometheus_unit(std::string_view unit) {
  auto words = unit_words(unit);
  if (words.per.empty()) return words.main;
  return words.main.empty() ? "per_" + words.per : words.main + "_per_" + words.per;
}

std::string prometheus_metric_name(std::string_view name, std::string_view unit, NameKind kind) {
  auto words = tokens(name, true);
  if (words.empty()) return {};
  const auto suffix = unit_words(unit);
  const auto has = [&](const std::string& word) {
    return std::ranges::find(words, word) != words.end();
  };
  const bool add_main = !suffix.main.empty() && !has(suffix.main);
  const bool add_per = !suffix.per.empty() && !has(suffix.per);
  if (add_main) words.push_back(suffix.main);
  if (add_per) words.push_back("per_" + suffix.per);
  if (kind == NameKind::kCounter) move_to_end(words, "total");
  if (kind == NameKind::kGauge && trimmed(unit) == "1") move_to_end(words, "ratio");
  auto out = joined(words);
  if (is_digit(out.front())) out.insert(0, "_");
  return out;
}

std::string prometheus_label_name(std::string_view key) {
  std::string out;
  for (char c : key) {
    const bool inside_character = (c & 0xC0) == 0x80;
    if (!inside_character) out.push_back(is_alphanumeric(c) ? c : '_');
  }
  if (out.empty()) return out;
  if (is_digit(out.front())) out.insert(0, "key_");
  const bool is_reserved = out.starts_with("__");
  if ((out.front() == '_' && !is_reserved) || out == kMetricNameLabel) out.insert(0, "key");
  return out;
}

}  // namespace wellrun::telemetry::otlp
