#include "health/rules/expectation.h"

#include <algorithm>
#include <cmath>
#include <limits>

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
    // YAML writes infinities and NaN with a point.
    auto text = written.value;
    if (const auto point = text.find(".i"); point != std::string::npos && point < 2)
      text.erase(point, 1);
    if (text.starts_with(".n") || text.starts_with(".N")) text.erase(0, 1);
    TRY(sample.value, templates::number_of(templates::Value(text)));
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
