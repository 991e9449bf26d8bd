#pragma once

// The daily and weekly season of one series, found by itself: profiles of the deviation from the
// level by time of day and by hour of the week, trusted in the measure in which they have predicted
// better than no season at all. What the calendar calls special is expected between two days: a
// holiday between its own weekday and a Sunday (or what holidays have been, once there were some),
// the day after between its own weekday and a Monday. Not thread-safe.

#include <array>
#include <cstdint>

#include "health/baseline/calendar.h"

namespace wellrun::health::baseline {

/// Means of what was seen in each of `kSlots` slots; a slot that was never seen says nothing.
template <std::size_t kSlots>
struct Profile {
  std::array<float, kSlots> mean{};
  std::array<std::uint8_t, kSlots> count{};  ///< saturates

  [[nodiscard]] bool knows(std::size_t slot) const { return count[slot] > 0; }
  [[nodiscard]] double at(std::size_t slot) const { return knows(slot) ? mean[slot] : 0; }
  /// Moves the slot's mean towards `value`: the plain average at first, then with `slowest`.
  void learn(std::size_t slot, double value, double slowest, double prior_count = 0);
};

class Season {
 public:
  static constexpr std::size_t kDaySlots = 96;
  static constexpr std::size_t kWeekSlots = 168;

  /// What the season adds to the level; all 0 until half a day was predicted. On an ordinary day
  /// the three are the same.
  struct Range {
    double expected = 0;
    double low = 0;
    double high = 0;
  };
  [[nodiscard]] Range at(const LocalMoment& moment) const;

  struct Learning {
    double deviation = 0;     ///< the value less the level
    double step_limit = 0;    ///< a single value moves a known slot as if at most this far off
    double error_limit = 0;   ///< and counts at most this much as a prediction error
    double rows_per_day = 0;  ///< for the speed of learning
  };
  void learn(const LocalMoment& moment, const Learning& learning);
  /// The same on a holiday, which teaches nothing about ordinary days.
  void learn_holiday(const LocalMoment& moment, const Learning& learning);
  /// Whether half a day was predicted; before, any day is like another.
  [[nodiscard]] bool is_known() const { return trust_.none < 1; }

  /// Shares of the three predictions: no season, daily, daily and weekly. Sum 1.
  struct Trust {
    double none = 1;
    double daily = 0;
    double weekly = 0;
  };
  [[nodiscard]] const Trust& trust() const { return trust_; }

  struct State {
    Profile<kDaySlots> day;
    Profile<kWeekSlots> week;
    Trust error{0, 0, 0};  ///< mean absolute error of each prediction
    double predictions = 0;
    Profile<24> holiday;  ///< what holidays had beyond a Sunday
  };
  [[nodiscard]] const State& state() const { return state_; }
  void restore(const State& state, double rows_per_day);

 private:
  [[nodiscard]] double trusted(std::size_t day_slot, std::size_t week_slot) const;
  [[nodiscard]] double sunday_at(const LocalMoment& moment) const;
  void judge(double rows_per_day);
  void learn_errors(std::size_t day_slot, std::size_t week_slot, const Learning& learning);

  State state_;
  Trust trust_;
};

}  // namespace wellrun::health::baseline
