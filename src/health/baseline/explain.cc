#include <cmath>
#include <fmt/format.h>

#include "health/baseline/baseline.h"

namespace wellrun::health::baseline {
namespace {

/// "40 d", "6 h", "20 min": one unit is enough for how rare something is.
std::string rounded_period(double seconds) {
  struct Unit {
    double seconds;
    const char* name;
  };
  for (const Unit& unit : {Unit{365 * 86400.0, "a"}, {86400.0, "d"}, {3600.0, "h"}, {60.0, "min"}})
    if (seconds >= 2 * unit.seconds)
      return fmt::format("{:.0f} {}", seconds / unit.seconds, unit.name);
  return "2 min";
}

/// Nothing is claimed that the history could not have shown.
std::string rarity_in_words(const Observation& seen) {
  const double rows = std::pow(10, seen.part_surprise);
  if (rows > seen.history_rows)
    return "not once before in " + rounded_period(seen.history_rows * seen.row_seconds);
  return "about once in " + rounded_period(rows * seen.row_seconds);
}

std::string recurrence_in_words(const Observation& seen) {
  if (!seen.seen_before) return "";
  return "; the same as at " + format_rfc3339(*seen.seen_before);
}

const char* what_departed(Part part) {
  switch (part) {
    case Part::kJump:
      return "a jump from the value before";
    case Part::kDeviation:
      return "the value against level and season";
    case Part::kShortShift:
      return "the mean of the last half hour";
    case Part::kLongShift:
      return "the mean of the last hours";
    case Part::kActivity:
      return "how much the value moves";
    case Part::kValue:
      return "the value itself";
    case Part::kFlat:
      return "the same value for long";
  }
  return "the value";
}

}  // namespace

const char* name_of(Part part) {
  switch (part) {
    case Part::kJump:
      return "jump";
    case Part::kDeviation:
      return "deviation";
    case Part::kShortShift:
      return "short_shift";
    case Part::kLongShift:
      return "long_shift";
    case Part::kActivity:
      return "activity";
    case Part::kValue:
      return "value";
    case Part::kFlat:
      return "flat";
  }
  return "value";
}

std::string explain(const Observation& seen, const Expectation& expectation, double value,
                    std::string_view day) {
  if (seen.phase == Phase::kLearning) return "learning";
  if (seen.phase == Phase::kMissing) return "no value";
  if (!seen.since) return std::string(day);
  const char* high = seen.part == Part::kActivity ? "more than usual" : "high";
  const char* low = seen.part == Part::kActivity ? "less than usual" : "low";
  const char* direction = seen.part == Part::kFlat ? "at" : seen.above ? high : low;
  return fmt::format("{} {}: {:.4g} where {:.4g}..{:.4g} is expected; {}{}; since {}{}{}",
                     what_departed(seen.part), direction, value, expectation.lower,
                     expectation.upper, rarity_in_words(seen), recurrence_in_words(seen),
                     format_rfc3339(*seen.since), day.empty() ? "" : "; ", day);
}

}  // namespace wellrun::health::baseline
