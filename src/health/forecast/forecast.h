#pragma once

// Where an evenly spaced series is going: a robust trend, with or without the pattern of a day or a
// week, chosen by back-test, with a band made of the back-test's own errors. Pure.
// docs/forecasts.md.

#include <optional>
#include <string>
#include <vector>

#include "core/time.h"

namespace wellrun::health::forecast {

/// Values at `start`, `start + step`, …; NaN where there is none.
struct History {
  Timestamp start{};
  Duration step{3'600'000};
  std::vector<double> values;

  Timestamp time_of(std::size_t index) const {
    return start + step * static_cast<std::int64_t>(index);
  }
};

enum class Method : std::uint8_t {
  kStays,        ///< the median of the last day, for ever
  kTrend,        ///< a straight line
  kRecentTrend,  ///< the line of the last quarter
  kDay,          ///< the level, and the pattern of a day
  kTrendAndDay,  ///< a line, and the pattern of a day
  kTrendAndWeek  ///< a line, and the pattern of a week
};
const char* name_of(Method method);

struct ForecastPoint {
  Timestamp time{};
  double expected = 0;
  double lower = 0;  ///< nine of ten values of the back-test fell between
  double upper = 0;
};

struct Forecast {
  Method method = Method::kStays;
  std::vector<ForecastPoint> points;  ///< from one step after the last value on
  double error = 0;                   ///< mean absolute error of the back-test, in the values' unit
  double stays_error = 0;             ///< of "it stays as it is", over the same tries
  int tries = 0;                      ///< how many times the past was forecast
};

/// `horizon` is cut to a third of the history: nothing is foretold that could not be tried on the
/// past, several times. std::nullopt with fewer than 24 values, when more than half are missing, or
/// with a step that is not positive. Magnitudes above 1e30 count as 1e30.
/// Cost: about 6 methods x 8 tries x the length of the history.
/// Sources: Theil (1950) and Sen (1968) for the slope; rolling-origin evaluation as in Hyndman and
/// Athanasopoulos, "Forecasting: principles and practice", 5.10; bands as split conformal
/// prediction makes them.
std::optional<Forecast> forecast(const History& history, Duration horizon);

/// When a bound is crossed: by the expected course, at the earliest and at the latest as the band
/// has it.
struct Crossing {
  std::optional<Timestamp> expected;
  std::optional<Timestamp> earliest;
  std::optional<Timestamp> latest;  ///< nothing: perhaps not before the forecast's end
};

/// `falling`: the bound is crossed when the value is below it, else above.
Crossing crossing(const Forecast& forecast, double bound, bool falling);

/// Whether a crossing is worth saying: it is expected, and the method has foretold the past better
/// than "it stays as it is" by a tenth; that itself (a constant beyond its bound) foretells
/// nothing.
bool is_credible(const Forecast& forecast, const Crossing& crossing);

}  // namespace wellrun::health::forecast
