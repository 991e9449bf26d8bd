// Any numbers as a history: what is foretold is finite, ordered and on time, the same in other
// units, and, where the history is short enough for it, what the slow reference says.

#include <cmath>
#include <cstring>
#include <span>

#include "core/assert.h"
#include "health/forecast/forecast_reference.h"
#include "health/forecast/outlook.h"

namespace {

using namespace wellrun;
using namespace wellrun::health::forecast;

/// Eight bytes a value, or one: small whole numbers are often equal, and some are missing.
std::vector<double> values_of(std::span<const std::uint8_t> bytes, bool is_whole) {
  std::vector<double> values;
  if (is_whole) {
    for (const auto byte : bytes) values.push_back(byte == 255 ? NAN : byte - 100.0);
    return values;
  }
  for (; bytes.size() >= sizeof(double); bytes = bytes.subspan(sizeof(double)))
    std::memcpy(&values.emplace_back(), bytes.data(), sizeof(double));
  return values;
}

void check_course(const History& history, const Forecast& seen) {
  WELLRUN_ASSERT(!seen.points.empty() && 3 * seen.points.size() <= history.values.size(),
                 "no further than a third of the history");
  WELLRUN_ASSERT(seen.tries > 0 && std::isfinite(seen.error) && seen.error <= seen.stays_error,
                 "the best of what was tried");
  for (std::size_t i = 0; i < seen.points.size(); ++i) {
    const auto& point = seen.points[i];
    WELLRUN_ASSERT(std::isfinite(point.lower) && std::isfinite(point.upper) &&
                       point.lower <= point.expected && point.expected <= point.upper,
                   "a finite band about what is expected");
    WELLRUN_ASSERT(point.time == history.time_of(history.values.size() + i), "a point a step");
  }
}

/// Twice the values: twice the course, to the last bit (powers of two do not round).
void check_other_unit(const History& history, Duration horizon, const Forecast& seen) {
  auto twice = history;
  for (auto& value : twice.values) {
    const double size = std::fabs(value);
    // Where a ratio would not be one any more, a value is cut, or digits are lost, it may differ.
    if (std::isfinite(value) && (value > 0.5 && value <= 1)) return;
    if (std::isfinite(value) && size > 0 && (size > 1e29 || size < 1e-200)) return;
    value *= 2;
  }
  const auto other = forecast(twice, horizon);
  WELLRUN_ASSERT(other && other->method == seen.method && other->error == 2 * seen.error,
                 "another unit, the same method");
  const bool is_ratio = std::ranges::none_of(
      history.values, [](double v) { return std::isfinite(v) && (v < 0 || v > 1); });
  for (std::size_t i = 0; i < seen.points.size() && !is_ratio; ++i)
    WELLRUN_ASSERT(other->points[i].upper == 2 * seen.points[i].upper, "another unit, one course");
}

void check_outlook(const History& history, std::uint8_t chosen) {
  double bound = -10;
  if (!history.values.empty() && chosen % 3 != 0) bound = history.values.back();
  const auto now = history.time_of(history.values.size());
  const Subject subject{.key = "a/b",
                        .kind = chosen % 2 == 0 ? "kpi" : "disk",
                        .what = "it",
                        .bound = bound,
                        .falling = chosen % 5 < 3,
                        .warn_within = std::chrono::hours(24)};
  const auto outlook = outlook_of(subject, history, now);
  WELLRUN_ASSERT(!outlook.text.empty(), "an outlook has words");
  if (!outlook.warns) return;
  WELLRUN_ASSERT(!outlook.is_beyond && outlook.forecast && outlook.crossing.expected,
                 "a warning has a forecast");
  WELLRUN_ASSERT(outlook.forecast->method != Method::kStays, "what stays as it is crosses nothing");
  WELLRUN_ASSERT(*outlook.crossing.earliest <= *outlook.crossing.expected,
                 "not expected before the earliest");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::int64_t, 8> kStepMinutes{60, 10, 360, 420, 720, 1440, 0, -60};
  if (size < 3) return 0;
  const History history{.start = from_unix_ms(1'767'225'600'000),
                        .step = std::chrono::minutes(kStepMinutes[data[0] % 8]),
                        .values = values_of({data + 3, size - 3}, data[0] % 2 == 0)};
  const Duration horizon = std::chrono::hours(data[1]);
  const auto seen = forecast(history, horizon);
  if (seen) {
    check_course(history, *seen);
    check_other_unit(history, horizon, *seen);
  }
  if (history.values.size() <= testing::kMostReferenceValues) {
    const auto difference = testing::difference(history, horizon, seen);
    WELLRUN_ASSERT(difference.empty(), difference);
  }
  check_outlook(history, data[2]);
  return 0;
}
