#include "health/forecast/forecast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace wellrun::health::forecast {
namespace {

constexpr std::size_t kLeastValues = 24;
constexpr std::size_t kSlopePoints = 120;  ///< pairs among them: 7,140
constexpr std::size_t kLevelValues = 6;
constexpr int kTries = 8;
constexpr double kBandShare = 0.9;
constexpr double kSkill = 0.9;  ///< of the error of "stays": better than this is credible
constexpr std::size_t kLeadBins = 8;
/// Larger magnitudes are cut: slopes and sums of errors stay finite.
constexpr double kLargest = 1e30;
constexpr Duration kDay = std::chrono::hours(24);
constexpr Duration kWeek = std::chrono::hours(24 * 7);
constexpr std::size_t kDaysForDay = 3;    ///< of history, before a daily pattern is tried
constexpr std::size_t kWeeksForWeek = 2;  ///< likewise

constexpr std::array kMethods{Method::kStays, Method::kTrend,       Method::kRecentTrend,
                              Method::kDay,   Method::kTrendAndDay, Method::kTrendAndWeek};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto rank = std::ceil(share * static_cast<double>(values.size() + 1)) - 1;
  const auto index = std::clamp(rank, 0.0, static_cast<double>(values.size() - 1));
  return values[static_cast<std::size_t>(index)];
}

std::size_t steps_in(Duration length, Duration step) {
  return static_cast<std::size_t>(std::max<std::int64_t>(1, length / step));
}

/// A course by index: level + slope x index + the pattern's slot.
struct Fit {
  double level = 0;
  double slope = 0;
  std::vector<double> pattern;  ///< by (index + phase) modulo its size; empty: none
  double at(std::size_t index) const {
    const double line = level + slope * static_cast<double>(index);
    return pattern.empty() ? line : line + pattern[index % pattern.size()];
  }
};

/// The median slope over pairs of points that are at least a quarter of the history apart.
double slope_of(std::span<const double> values) {
  std::vector<std::size_t> chosen;
  const double stride =
      std::max(1.0, static_cast<double>(values.size()) / static_cast<double>(kSlopePoints));
  for (double at = 0; at < static_cast<double>(values.size()); at += stride)
    if (const auto index = static_cast<std::size_t>(at); std::isfinite(values[index]))
      chosen.push_back(index);
  std::vector<double> slopes;
  for (std::size_t a = 0; a < chosen.size(); ++a)
    for (std::size_t b = a + 1; b < chosen.size(); ++b)
      if (chosen[b] - chosen[a] >= values.size() / 4)
        slopes.push_back((values[chosen[b]] - values[chosen[a]]) /
                         static_cast<double>(chosen[b] - chosen[a]));
  return median(std::move(slopes));
}

/// The median of what is left of the line in each slot, centred.
std::vector<double> pattern_of(std::span<const double> values, const Fit& line, std::size_t size) {
  std::vector<std::vector<double>> slots(size);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i])) slots[i % size].push_back(values[i] - line.at(i));
  std::vector<double> pattern;
  for (auto& slot : slots) pattern.push_back(median(std::move(slot)));
  const double middle = median(pattern);
  for (auto& each : pattern) each -= middle;
  return pattern;
}

std::size_t pattern_size(Method method, Duration step) {
  switch (method) {
    case Method::kDay:
    case Method::kTrendAndDay:
      return steps_in(kDay, step);
    case Method::kTrendAndWeek:
      return steps_in(kWeek, step);
    default:
      return 0;
  }
}

bool can_be_tried(Method method, std::size_t count, Duration step) {
  const auto size = pattern_size(method, step);
  if (size == 0) return true;
  // A step that does not divide the day would let the pattern slip.
  if (kDay % step != Duration::zero() || size < 2) return false;
  return count >= size * (method == Method::kTrendAndWeek ? kWeeksForWeek : kDaysForDay);
}

bool has_trend(Method method) {
  return method != Method::kStays && method != Method::kDay;
}

/// The level that the end of the history speaks for: the last few values, so that a disk that was
/// cleaned is not full for another day; "it stays as it is" has no pattern and needs a whole day.
double level_at_end(Method method, std::span<const double> values, const Fit& fit, Duration step) {
  const auto wanted =
      method == Method::kStays ? std::max(steps_in(kDay, step), kLevelValues) : kLevelValues;
  const auto count = std::min(values.size(), wanted);
  std::vector<double> left;
  for (std::size_t i = values.size() - count; i < values.size(); ++i)
    if (std::isfinite(values[i])) left.push_back(values[i] - fit.at(i));
  return median(std::move(left));
}

Fit fit_of(Method method, std::span<const double> values, Duration step) {
  Fit fit;
  if (has_trend(method)) {
    const auto recent = std::max(values.size() / 4, std::min(values.size(), kLeastValues));
    fit.slope = slope_of(method == Method::kRecentTrend ? values.last(recent) : values);
  }
  std::vector<double> left;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i])) left.push_back(values[i] - fit.at(i));
  fit.level = median(std::move(left));
  if (const auto size = pattern_size(method, step); size > 0)
    fit.pattern = pattern_of(values, fit, size);
  fit.level += level_at_end(method, values, fit, step);
  return fit;
}

/// The errors of one method over all tries, by how far ahead they were.
struct Tried {
  std::array<std::vector<double>, kLeadBins> by_lead;
  double sum = 0;
  std::size_t count = 0;
  int tries = 0;

  double mean() const {
    return count == 0 ? std::numeric_limits<double>::infinity() : sum / static_cast<double>(count);
  }
};

Tried try_on_past(Method method, std::span<const double> values, Duration step,
                  std::size_t horizon) {
  Tried tried;
  const auto size = values.size();
  const auto first = size / 2;  // so much is always known
  const auto room = size - horizon - first;
  const int tries = static_cast<int>(std::min<std::size_t>(kTries, room + 1));
  for (int i = 0; i < tries; ++i) {
    const auto origin = first + (tries == 1 ? room
                                            : room * static_cast<std::size_t>(i) /
                                                  static_cast<std::size_t>(tries - 1));
    const auto fit = fit_of(method, values.first(origin), step);
    ++tried.tries;
    for (std::size_t lead = 0; lead < horizon; ++lead) {
      const double value = values[origin + lead];
      if (!std::isfinite(value)) continue;
      const double error = std::abs(value - fit.at(origin + lead));
      tried.by_lead[lead * kLeadBins / horizon].push_back(error);
      tried.sum += error;
      ++tried.count;
    }
  }
  return tried;
}

/// The band's half width at each lead bin: never narrower further ahead.
std::array<double, kLeadBins> widths_of(const Tried& tried) {
  std::array<double, kLeadBins> widths{};
  double widest = 0;
  for (std::size_t bin = 0; bin < kLeadBins; ++bin)
    widths[bin] = widest = std::max(widest, quantile(tried.by_lead[bin], kBandShare));
  return widths;
}

struct Range {
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -std::numeric_limits<double>::infinity();
};

Range range_of(std::span<const double> values) {
  Range range;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    range.lowest = std::min(range.lowest, value);
    range.highest = std::max(range.highest, value);
  }
  return range;
}

std::vector<double> cut(std::vector<double> values) {
  for (auto& value : values)
    if (std::isfinite(value)) value = std::clamp(value, -kLargest, kLargest);
  return values;
}

/// What was never negative stays so, what was always a ratio stays within 1.
double within(double value, const Range& range) {
  if (range.lowest >= 0) value = std::max(0.0, value);
  if (range.lowest >= 0 && range.highest <= 1) value = std::min(1.0, value);
  return value;
}

}  // namespace

const char* name_of(Method method) {
  switch (method) {
    case Method::kStays:
      return "stays as it is";
    case Method::kTrend:
      return "trend";
    case Method::kRecentTrend:
      return "recent trend";
    case Method::kDay:
      return "pattern of the day";
    case Method::kTrendAndDay:
      return "trend and pattern of the day";
    case Method::kTrendAndWeek:
      return "trend and pattern of the week";
  }
  return "stays as it is";
}

std::optional<Forecast> forecast(const History& history, Duration horizon) {
  const auto values = cut(history.values);
  const auto known = std::ranges::count_if(values, [](double v) { return std::isfinite(v); });
  const auto size = values.size();
  if (history.step <= Duration::zero()) return std::nullopt;
  if (static_cast<std::size_t>(known) < kLeastValues || static_cast<std::size_t>(known) < size / 2)
    return std::nullopt;
  const auto steps = std::min(steps_in(horizon, history.step), size / 3);

  Forecast result;
  Tried best;
  for (const auto method : kMethods) {
    // Tried with as little as half of the history: a pattern must fit into that.
    if (!can_be_tried(method, size / 2, history.step)) continue;
    auto tried = try_on_past(method, values, history.step, steps);
    if (method == Method::kStays) result.stays_error = tried.mean();
    if (method == Method::kStays || tried.mean() < best.mean()) {
      best = std::move(tried);
      result.method = method;
    }
  }
  if (best.count == 0) return std::nullopt;
  result.error = best.mean();
  result.tries = best.tries;
  const auto widths = widths_of(best);
  const auto fit = fit_of(result.method, values, history.step);
  const auto range = range_of(values);
  for (std::size_t lead = 0; lead < steps; ++lead) {
    const double expected = fit.at(size + lead);
    const double width = widths[lead * kLeadBins / steps];
    result.points.push_back({.time = history.time_of(size + lead),
                             .expected = within(expected, range),
                             .lower = within(expected - width, range),
                             .upper = within(expected + width, range)});
  }
  return result;
}

Crossing crossing(const Forecast& forecast, double bound, bool falling) {
  Crossing found;
  const auto crosses = [&](double value) { return falling ? value <= bound : value >= bound; };
  for (const auto& point : forecast.points) {
    const double worst = falling ? point.lower : point.upper;
    const double best = falling ? point.upper : point.lower;
    if (!found.earliest && crosses(worst)) found.earliest = point.time;
    if (!found.expected && crosses(point.expected)) found.expected = point.time;
    if (!found.latest && crosses(best)) found.latest = point.time;
  }
  return found;
}

bool is_credible(const Forecast& forecast, const Crossing& crossing) {
  return crossing.expected && forecast.error < kSkill * forecast.stays_error;
}

}  // namespace wellrun::health::forecast
