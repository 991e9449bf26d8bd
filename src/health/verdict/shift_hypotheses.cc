#include "health/verdict/shift_hypotheses.h"

#include <cmath>
#include <numbers>

namespace wellrun::health {
namespace {

constexpr double kDay_s = 86'400, kWeek_s = 7 * kDay_s;
/// How quickly a season turns, in periods: of the day by hours, of the week by days.
constexpr double kDayTurns = 0.5, kWeekTurns = 0.3;
/// The level before is as good as unknown.
constexpr double kLevelVariance = 100;

/// Seasons between slight and far above the noise; what strength it has exactly matters little.
/// That of the week often is the weaker one (a weekend is some tenths less, a night half): made as
/// strong as the day's, it has to leave so much unknown that a wander with memory explains the
/// weekends better, and such a wander hides effects.
struct Season {
  double weight, daily, weekly;
};
constexpr std::array<Season, 6> kSeasons{
    {{0.3, 0, 0}, {0.15, 1, 0}, {0.2, 30, 0}, {0.1, 1, 1}, {0.15, 30, 3}, {0.1, 30, 30}}};
constexpr std::array<double, 2> kWanders{0.3, 0.9};
constexpr double kNoWander = 0.2;  ///< weight; the rest is shared by all wanders
constexpr double kTrend = 0.2;     ///< weight of a trend
constexpr double kTrendVariance = 4, kTrendSteps = 100;

/// A smooth season (MacKay's periodic kernel; Rasmussen and Williams, equation 4.31) without its
/// mean, which belongs to the level, and with variance one.
class Periodic {
 public:
  Periodic(double period_s, double turns)
      : period_s_(period_s),
        sharpness_(1 / (turns * turns)),
        mean_(std::exp(-sharpness_) * std::cyl_bessel_i(0.0, sharpness_)) {}

  double operator()(double apart_s) const {
    const double sine = std::sin(std::numbers::pi * apart_s / period_s_);
    return (std::exp(-2 * sine * sine * sharpness_) - mean_) / (1 - mean_);
  }

 private:
  double period_s_, sharpness_, mean_;
};

void add_noises(std::vector<ShiftHypothesis>& all, ShiftHypothesis each) {
  const double weight = each.weight;
  each.weight = weight * kNoWander;
  all.push_back(each);
  for (const double wander : kWanders)
    for (std::size_t memory = 0; memory < kShiftMemories.size(); ++memory) {
      each.weight =
          weight * (1 - kNoWander) / static_cast<double>(kWanders.size() * kShiftMemories.size());
      each.wander = wander;
      each.memory = memory;
      all.push_back(each);
    }
}

std::vector<ShiftHypothesis> all_hypotheses() {
  std::vector<ShiftHypothesis> all;
  for (const auto& season : kSeasons)
    for (const bool trend : {false, true})
      add_noises(all, {.weight = season.weight * (trend ? kTrend : 1 - kTrend),
                       .daily = season.daily,
                       .weekly = season.weekly,
                       .trend = trend ? kTrendVariance : 0});
  return all;
}

}  // namespace

const std::vector<ShiftHypothesis>& shift_hypotheses() {
  static const std::vector<ShiftHypothesis> kAll = all_hypotheses();
  return kAll;
}

ShiftKernels::ShiftKernels(std::span<const ShiftReading> readings, const ShiftModel& model) {
  parts_.reserve(readings.size() * (readings.size() + 1) / 2);
  const Periodic day(kDay_s, kDayTurns), week(kWeek_s, kWeekTurns);
  const auto along = [&](const ShiftReading& each) {
    return (each.time_s - model.changed_s) / model.step_s / kTrendSteps;
  };
  for (std::size_t i = 0; i < readings.size(); ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      const double apart_s = readings[i].time_s - readings[j].time_s;
      auto& part = parts_.emplace_back();
      part.level = model.level_known ? 0 : kLevelVariance;
      part.daily = day(apart_s);
      part.weekly = week(apart_s) * (1 + part.daily) / 2;
      part.trend = along(readings[i]) * along(readings[j]);
      for (std::size_t k = 0; k < kShiftMemories.size(); ++k)
        part.wander[k] = std::exp(-apart_s / model.step_s / kShiftMemories[k]);
    }
}

}  // namespace wellrun::health
