#include "health/rules/expectation.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <re2/re2.h>

#include "core/text.h"
#include "health/rules/series_notation.h"
#include "health/template/value.h"

namespace wellrun::health::rules {
namespace {

std::string text_of(const TextMap& labels) {
  std::string text = "{";
  for (const auto& [name, value] : labels)
    text += fmt::format("{}{}={}", text.size() > 1 ? ", " : "", name, quote(value));
  return text + "}";
}

std::string line(std::string_view mark, const LabelledAlert& alert) {
  return fmt::format("      {} labels {} annotations {}\n", mark, text_of(alert.labels),
                     text_of(alert.annotations));
}

std::string line(std::string_view mark, const ComparedSample& sample) {
  return fmt::format(
      "      {} {} {}\n", mark, to_string(sample.labels),
      sample.histogram.empty() ? templates::shortest(sample.value) : sample.histogram);
}

/// What `expected` and `found`, both sorted, have not in common, in order.
template <typename Item, typename Order, typename Same>
std::string difference(const std::vector<Item>& expected, const std::vector<Item>& found,
                       Order before, Same same) {
  std::string text;
  std::size_t e = 0;
  std::size_t f = 0;
  while (e < expected.size() || f < found.size()) {
    if (e < expected.size() && f < found.size() && same(expected[e], found[f])) {
      ++e;
      ++f;
      continue;
    }
    const bool take_expected =
        f == found.size() || (e < expected.size() && !before(found[f], expected[e]));
    if (take_expected)
      text += line("- expected:", expected[e++]);
    else
      text += line("+ found:   ", found[f++]);
  }
  return text;
}

bool close(double a, double b, bool fuzzy) {
  constexpr auto kInfinity = std::numeric_limits<double>::infinity();
  return a == b ||
         (fuzzy && (std::nextafter(a, kInfinity) == b || std::nextafter(a, -kInfinity) == b));
}

bool is_one_of(std::string_view text, const std::array<std::string_view, 3>& words) {
  return std::ranges::find(words, text) != words.end();
}

/// "0x1", "0o7", "0b1" and "07" without their sign; std::nullopt for what is no whole number.
std::optional<double> whole_number(std::string_view digits) {
  int base = 10;
  for (const auto& [prefix, its] : {std::pair{"0x", 16}, {"0X", 16}, {"0o", 8}, {"0b", 2}}) {
    if (digits.starts_with(prefix)) base = its;
  }
  if (base != 10)
    digits.remove_prefix(2);
  else if (digits.size() > 1 && digits.starts_with('0'))
    base = 8;
  std::uint64_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return static_cast<double>(number);
}

/// A number as YAML 1.1 writes it, which is what promtool reads: infinities and NaN with a point.
/// Source: gopkg.in/yaml.v2, resolve.go.
Result<double> yaml_number(const std::string& text) {
  static const RE2 kFloat(R"((\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)");
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return std::nan("");
  auto digits = text;
  std::erase(digits, '_');
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.erase(0, 1);
  std::optional<double> number;
  if (is_one_of(digits, {".inf", ".Inf", ".INF"}))
    number = std::numeric_limits<double>::infinity();
  else if (number = whole_number(digits); !number && RE2::FullMatch(digits, kFloat))
    number = decimal(digits);
  if (!number) return fail(ErrorCode::kInvalid, fmt::format("{} is not a number", quote(text)));
  return negative ? -*number : *number;
}

}  // namespace

std::string compare_alerts(std::vector<LabelledAlert> expected, std::vector<LabelledAlert> found) {
  std::ranges::sort(expected);
  std::ranges::sort(found);
  return difference(expected, found, std::less<>(), std::equal_to<>());
}

Result<ComparedSample> expected_sample(const ExpectedSample& written) {
  ComparedSample sample;
  if (!written.labels.empty()) {
    TRY(sample.labels, parse_series_labels(written.labels));
  }
  if (!written.histogram.empty()) {
    TRY(const auto values, parse_sequence(written.histogram));
    if (values.size() != 1 || values.front().histogram == nullptr)
      return fail(ErrorCode::kInvalid, "exactly one histogram, as {{count:1}}, is expected");
    sample.histogram = to_notation(*values.front().histogram);
  } else if (!written.value.empty()) {
    TRY(sample.value, yaml_number(written.value));
  }
  return sample;
}

std::vector<ComparedSample> samples_of(const telemetry::InstantResult& result) {
  std::vector<ComparedSample> samples;
  for (const auto& each : result.series) samples.push_back({each.labels, each.value, {}});
  for (const auto& each : result.histograms)
    samples.push_back({each.labels, 0, to_notation(*each.histogram)});
  return samples;
}

std::string compare_samples(std::vector<ComparedSample> expected, std::vector<ComparedSample> found,
                            bool fuzzy) {
  std::ranges::stable_sort(expected, {}, &ComparedSample::labels);
  std::ranges::stable_sort(found, {}, &ComparedSample::labels);
  auto text = difference(
      expected, found, [](const auto& a, const auto& b) { return a.labels < b.labels; },
      [&](const auto& a, const auto& b) {
        return a.labels == b.labels && a.histogram == b.histogram && close(a.value, b.value, fuzzy);
      });
  const bool expects_nan =
      std::ranges::any_of(expected, [](const auto& each) { return std::isnan(each.value); });
  if (expects_nan) text += "      NaN equals nothing; test for it with an expression as `x != x`\n";
  return text;
}

}  // namespace wellrun::health::rules
