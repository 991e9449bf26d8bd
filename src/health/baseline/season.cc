#include "health/baseline/season.h"

#include <algorithm>
#include <cmath>

#include "health/baseline/tuning.h"

namespace wellrun::health::baseline {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kWeekMs = 7 * kDayMs;

std::size_t slot_of(std::int64_t local_ms, std::int64_t period_ms, std::size_t slots) {
  std::int64_t phase = local_ms % period_ms;
  if (phase < 0) phase += period_ms;
  return static_cast<std::size_t>(phase / (period_ms / static_cast<std::int64_t>(slots)));
}

std::size_t day_slot_of(const LocalMoment& moment) {
  return slot_of(moment.ms, kDayMs, Season::kDaySlots);
}
std::size_t week_slot_of(const LocalMoment& moment) {
  return slot_of(moment.ms, kWeekMs, Season::kWeekSlots);
}
std::size_t hour_of(const LocalMoment& moment) {
  return slot_of(moment.ms, kDayMs, 24);
}
/// The same hour of another day of the week, counted from Thursday, when the epoch was.
std::size_t week_slot_on(std::size_t weekday, const LocalMoment& moment) {
  return 24 * weekday + hour_of(moment);
}
constexpr std::size_t kSunday = 3, kMonday = 4;

double clamped(double value, double limit) {
  return std::clamp(value, -limit, limit);
}

}  // namespace

template <std::size_t kSlots>
void Profile<kSlots>::learn(std::size_t slot, double value, double slowest, double prior_count) {
  constexpr std::uint8_t kSaturated = 255;
  if (count[slot] < kSaturated) ++count[slot];
  const double speed = std::max(1 / (count[slot] + prior_count), slowest);
  mean[slot] += static_cast<float>(speed * (value - mean[slot]));
}
template struct Profile<24>;
template struct Profile<Season::kDaySlots>;
template struct Profile<Season::kWeekSlots>;

double Season::trusted(std::size_t day_slot, std::size_t week_slot) const {
  const double daily = state_.day.at(day_slot);
  return trust_.daily * daily + trust_.weekly * (daily + state_.week.at(week_slot));
}

double Season::sunday_at(const LocalMoment& moment) const {
  return trusted(day_slot_of(moment), week_slot_on(kSunday, moment));
}

Season::Range Season::at(const LocalMoment& moment) const {
  const double ordinary = trusted(day_slot_of(moment), week_slot_of(moment));
  if (moment.day == DayKind::kOrdinary) return {ordinary, ordinary, ordinary};
  if (moment.day == DayKind::kAfterHoliday) {
    const double monday = trusted(day_slot_of(moment), week_slot_on(kMonday, moment));
    return {ordinary, std::min(ordinary, monday), std::max(ordinary, monday)};
  }
  const double sunday = sunday_at(moment);
  const double learned = is_known() ? sunday + state_.holiday.at(hour_of(moment)) : sunday;
  const auto [low, high] = std::minmax({ordinary, sunday, learned});
  return {learned, low, high};
}

void Season::judge(double rows_per_day) {
  if (state_.predictions <= 0.5 * rows_per_day) return;
  // Trust falls with the fourth power of the error: twice as wrong is sixteen times less trusted.
  const double floor = 1e-12 + 0.02 * state_.error.none;
  const auto weight = [floor](double error) {
    const double square = (error + floor) * (error + floor);
    return 1 / std::max(square * square, 1e-300);
  };
  const Trust raw{weight(state_.error.none), weight(state_.error.daily),
                  weight(state_.error.weekly)};
  const double sum = raw.none + raw.daily + raw.weekly;
  if (!std::isfinite(sum)) return;
  trust_ = {raw.none / sum, raw.daily / sum, raw.weekly / sum};
}

void Season::learn_errors(std::size_t day_slot, std::size_t week_slot, const Learning& learning) {
  if (!state_.day.knows(day_slot)) return;
  const double daily = learning.deviation - state_.day.at(day_slot);
  const double weekly = state_.week.knows(week_slot) ? daily - state_.week.at(week_slot) : daily;
  const double speed =
      std::max(1 / (state_.predictions + 1), 1 / (kTuning.profile_days * learning.rows_per_day));
  const auto follow = [&](double& error, double now) {
    error += speed * (std::min(std::fabs(now), learning.error_limit) - error);
  };
  follow(state_.error.none, learning.deviation);
  follow(state_.error.daily, daily);
  follow(state_.error.weekly, weekly);
  ++state_.predictions;
  judge(learning.rows_per_day);
}

void Season::learn(const LocalMoment& moment, const Learning& learning) {
  const auto day_slot = day_slot_of(moment);
  const auto week_slot = week_slot_of(moment);
  learn_errors(day_slot, week_slot, learning);

  const double daily = learning.deviation - state_.day.at(day_slot);
  const double weekly = daily - state_.week.at(week_slot);
  const auto limited = [&](double step, double count, double rows_per_slot) {
    return count >= 2 * rows_per_slot ? clamped(step, learning.step_limit) : step;
  };
  const double per_day_slot = std::max(1.0, learning.rows_per_day / kDaySlots);
  const double per_hour = std::max(1.0, learning.rows_per_day / 24);
  state_.day.learn(
      day_slot, state_.day.at(day_slot) + limited(daily, state_.day.count[day_slot], per_day_slot),
      1 / (kTuning.profile_days * per_day_slot));
  state_.week.learn(
      week_slot,
      state_.week.at(week_slot) + limited(weekly, state_.week.count[week_slot], per_hour),
      1 / (kTuning.profile_weeks * per_hour), 0.5 * per_hour);
}

/// An hour's weight of doubt: within the hour a value hardly changes what is expected of the next.
void Season::learn_holiday(const LocalMoment& moment, const Learning& learning) {
  constexpr double kHolidays = 5;  // remembered, about
  const double per_hour = std::max(1.0, learning.rows_per_day / 24);
  const std::size_t hour = hour_of(moment);
  const double known = state_.holiday.at(hour);
  const double step = learning.deviation - sunday_at(moment) - known;
  const bool limited = state_.holiday.count[hour] >= 2 * per_hour;
  state_.holiday.learn(hour, known + (limited ? clamped(step, learning.step_limit) : step),
                       1 / (kHolidays * per_hour), per_hour);
}

void Season::restore(const State& state, double rows_per_day) {
  state_ = state;
  trust_ = {};
  judge(rows_per_day);
}

}  // namespace wellrun::health::baseline
