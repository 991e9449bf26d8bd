#pragma once

// The forecast of docs/forecasts.md once more, as slow and as plain as it can be written, in a
// wider number: what the tests and the fuzz target hold forecast.h against. Only for histories of
// at most 120 values, where all pairs are taken for a slope.

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "health/forecast/forecast.h"

namespace wellrun::health::forecast::testing {

using Number = long double;
using Numbers = std::vector<Number>;
inline constexpr std::size_t kMostReferenceValues = 120;

/// The upper one of an even number; 0 of none.
inline Number middle_of(Numbers values) {
  std::ranges::sort(values);
  return values.empty() ? 0 : values[values.size() / 2];
}

/// The least value that nine tenths of one more than there are do not exceed; else the largest.
inline Number nine_tenths_of(const Numbers& values) {
  Number found = values.empty() ? 0 : *std::ranges::max_element(values);
  for (const Number candidate : values) {
    const auto reached = std::ranges::count_if(values, [&](Number v) { return v <= candidate; });
    if (10 * reached >= 9 * (std::ssize(values) + 1)) found = std::min(found, candidate);
  }
  return found;
}

/// The first `known` values of a history and what one method makes of them.
struct ReferenceCourse {
  Number level = 0;
  Number slope = 0;
  Numbers pattern;
  Number at(std::size_t i) const {
    return level + slope * static_cast<Number>(i) +
           (pattern.empty() ? 0 : pattern[i % pattern.size()]);
  }
};

struct Reference {
  Numbers values;  ///< NaN: missing
  Duration step{};
  std::size_t steps = 0;  ///< ahead

  static std::size_t at_least_one(Duration length, Duration step) {
    return length < step ? 1 : static_cast<std::size_t>(length / step);
  }
  std::size_t day() const { return at_least_one(std::chrono::hours(24), step); }

  std::size_t slots(Method method) const {
    if (method == Method::kDay || method == Method::kTrendAndDay) return day();
    return method == Method::kTrendAndWeek ? at_least_one(std::chrono::hours(24 * 7), step) : 0;
  }
  bool is_tried(Method method) const {
    if (slots(method) == 0) return true;
    const std::size_t cycles = method == Method::kTrendAndWeek ? 2 : 3;
    return std::chrono::hours(24) % step == Duration::zero() && slots(method) >= 2 &&
           values.size() / 2 >= cycles * slots(method);
  }

  Number slope(std::size_t from, std::size_t to) const {
    Numbers slopes;
    for (std::size_t a = from; a < to; ++a)
      for (std::size_t b = a + 1; b < to; ++b)
        if (b - a >= (to - from) / 4 && !std::isnan(values[a]) && !std::isnan(values[b]))
          slopes.push_back((values[b] - values[a]) / static_cast<Number>(b - a));
    return middle_of(slopes);
  }

  /// What the course leaves of the values that `is_wanted`.
  Numbers left(const ReferenceCourse& course, std::size_t to,
               const std::function<bool(std::size_t)>& is_wanted) const {
    Numbers found;
    for (std::size_t i = 0; i < to; ++i)
      if (is_wanted(i) && !std::isnan(values[i])) found.push_back(values[i] - course.at(i));
    return found;
  }

  ReferenceCourse course(Method method, std::size_t known) const {
    ReferenceCourse made;
    const std::size_t quarter = std::max(known / 4, std::min<std::size_t>(known, 24));
    if (method == Method::kRecentTrend) made.slope = slope(known - quarter, known);
    if (method == Method::kTrend || method == Method::kTrendAndDay ||
        method == Method::kTrendAndWeek)
      made.slope = slope(0, known);
    made.level = middle_of(left(made, known, [](std::size_t) { return true; }));
    Numbers pattern;
    for (std::size_t slot = 0; slot < slots(method); ++slot)
      pattern.push_back(
          middle_of(left(made, known, [&](std::size_t i) { return i % slots(method) == slot; })));
    const Number centre = middle_of(pattern);
    for (auto& each : pattern) each -= centre;
    made.pattern = pattern;
    const std::size_t last = method == Method::kStays ? std::max<std::size_t>(day(), 6) : 6;
    made.level += middle_of(left(made, known, [&](std::size_t i) { return i + last >= known; }));
    return made;
  }

  struct Trial {
    Number error = 0;  ///< mean; nothing could be compared: infinite
    int tries = 0;
    std::vector<Numbers> by_lead = std::vector<Numbers>(8);
  };
  Trial trial(Method method) const {
    Trial made;
    const std::size_t first = values.size() / 2;
    const std::size_t last = values.size() - steps;
    made.tries = static_cast<int>(std::min<std::size_t>(8, last - first + 1));
    Numbers all;
    for (int i = 0; i < made.tries; ++i) {
      const std::size_t origin = made.tries == 1
                                     ? last
                                     : first + (last - first) * static_cast<std::size_t>(i) /
                                                   static_cast<std::size_t>(made.tries - 1);
      const auto foretold = course(method, origin);
      for (std::size_t lead = 0; lead < steps; ++lead) {
        if (std::isnan(values[origin + lead])) continue;
        const Number error = std::fabs(values[origin + lead] - foretold.at(origin + lead));
        made.by_lead[lead * 8 / steps].push_back(error);
        all.push_back(error);
      }
    }
    for (const Number error : all) made.error += error / static_cast<Number>(all.size());
    if (all.empty()) made.error = INFINITY;
    return made;
  }
};

/// Where `seen` is not what the definition gives, in words; empty: nowhere. The method may be
/// another one that was as good on the past, to a rounding.
inline std::string difference(const History& history, Duration horizon,
                              const std::optional<Forecast>& seen) {
  Reference reference{.values = {}, .step = history.step};
  Number lowest = INFINITY, highest = -INFINITY;
  for (const double value : history.values) {
    reference.values.push_back(std::isfinite(value) ? std::clamp(value, -1e30, 1e30) : NAN);
    if (!std::isfinite(value)) continue;
    lowest = std::min(lowest, reference.values.back());
    highest = std::max(highest, reference.values.back());
  }
  const auto size = reference.values.size();
  const auto known =
      std::ranges::count_if(reference.values, [](Number v) { return !std::isnan(v); });
  if (history.step <= Duration::zero() || known < 24 ||
      2 * known + 1 < std::ssize(reference.values))
    return seen ? "something is foretold from too little" : "";
  reference.steps = std::min(Reference::at_least_one(horizon, history.step), size / 3);
  const Number rounding = 1e-9L * std::max({std::fabs(lowest), std::fabs(highest), 1e-30L});
  const auto is_near = [&](Number a, double b) { return std::fabs(a - b) <= rounding; };

  const auto stays = reference.trial(Method::kStays);
  if (std::isinf(stays.error)) return seen ? "nothing could be tried, and yet it is foretold" : "";
  if (!seen) return "nothing is foretold";
  const auto used = reference.trial(seen->method);
  if (!reference.is_tried(seen->method)) return "a method that could not be tried";
  if (seen->tries != used.tries) return fmt::format("{} tries, not {}", seen->tries, used.tries);
  if (!is_near(used.error, seen->error) || !is_near(stays.error, seen->stays_error))
    return fmt::format("errors {} and {}, not {} and {}", seen->error, seen->stays_error,
                       static_cast<double>(used.error), static_cast<double>(stays.error));
  for (const auto method : {Method::kStays, Method::kTrend, Method::kRecentTrend, Method::kDay,
                            Method::kTrendAndDay, Method::kTrendAndWeek})
    if (reference.is_tried(method) && reference.trial(method).error < seen->error - rounding)
      return fmt::format("{} was better on the past", name_of(method));

  if (seen->points.size() != reference.steps)
    return fmt::format("{} points, not {}", seen->points.size(), reference.steps);
  const auto course = reference.course(seen->method, size);
  const auto within = [&](Number value) {
    if (lowest >= 0) value = std::max<Number>(value, 0);
    return lowest >= 0 && highest <= 1 ? std::min<Number>(value, 1) : value;
  };
  Number width = 0;
  for (std::size_t lead = 0; lead < reference.steps; ++lead) {
    width = std::max(width, nine_tenths_of(used.by_lead[lead * 8 / reference.steps]));
    const Number expected = course.at(size + lead);
    const auto& point = seen->points[lead];
    if (!is_near(within(expected), point.expected) ||
        !is_near(within(expected - width), point.lower) ||
        !is_near(within(expected + width), point.upper))
      return fmt::format("point {}: {} within {}..{}, not {} +- {}", lead, point.expected,
                         point.lower, point.upper, static_cast<double>(expected),
                         static_cast<double>(width));
  }
  return "";
}

}  // namespace wellrun::health::forecast::testing
