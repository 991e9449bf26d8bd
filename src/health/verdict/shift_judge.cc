#include "health/verdict/shift_judge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "health/verdict/shift_words.h"

namespace wellrun::health {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::int64_t kMostSteps = 128;
constexpr std::array<Duration, 14> kSteps{
    minutes(1), minutes(2), minutes(5), minutes(10), minutes(15), minutes(30), hours(1),
    hours(2),   hours(3),   hours(4),   hours(6),    hours(8),    hours(12),   hours(24)};
constexpr Duration kDay = hours(24), kWeek = hours(7 * 24);

constexpr std::size_t kEnoughAfter = 6;
constexpr std::size_t kEnoughNonZero = 8;  ///< steps with anything in them, of either time
constexpr int kStaleSteps = 4;
constexpr int kFailFrom = 2;  ///< one part in so many of the watch: effects take their time
constexpr double kClip = 4;   ///< deviations from the neighbours' median
constexpr std::size_t kNeighbours = 3;   ///< to each side
constexpr double kLargest = 1e12;        ///< that is told of evidence and changes
constexpr double kLargestReading = 1e6;  ///< means before, or a logarithm far beyond all numbers

struct Sides {
  std::vector<ShiftReading> all;
  std::size_t before = 0;

  std::span<const ShiftReading> early() const { return std::span(all).first(before); }
  std::span<const ShiftReading> late() const { return std::span(all).subspan(before); }
};

ShiftTally tally_of(std::span<const ShiftReading> readings) {
  ShiftTally tally{.steps = readings.size()};
  for (const auto& each : readings) tally.mean += each.value / static_cast<double>(tally.steps);
  return tally;
}

std::size_t non_zero(std::span<const ShiftReading> readings) {
  return static_cast<std::size_t>(
      std::ranges::count_if(readings, [](const auto& each) { return each.value != 0; }));
}

Sides sides_of(const ShiftQuestion& question, std::span<const ShiftReading> values) {
  Sides sides;
  const auto window = shift_window(question.changed_at, question.watch);
  const double from = to_unix_seconds(window.from), changed = to_unix_seconds(question.changed_at);
  const double until = to_unix_seconds(std::min(question.now, window.until));
  for (const auto& each : values) {
    if (!std::isfinite(each.value) || each.time_s < from || each.time_s > until) continue;
    sides.all.push_back(each);
    if (each.time_s < changed) ++sides.before;
  }
  return sides;
}

double median_near(std::span<const ShiftReading> readings, std::size_t at) {
  const auto first = at - std::min(at, kNeighbours);
  const auto count = std::min(readings.size(), at + kNeighbours + 1) - first;
  std::vector<double> near;
  for (const auto& each : readings.subspan(first, count)) near.push_back(each.value);
  std::ranges::nth_element(near, near.begin() + static_cast<std::ptrdiff_t>(near.size() / 2));
  return near[near.size() / 2];
}

/// Single wild values are drawn in. 1.25 mean absolute deviations are one standard deviation of a
/// normal distribution; the mean, so that what is rare but regular still counts.
void clip(std::span<ShiftReading> readings) {
  std::vector<double> centres;
  double scatter = 0;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    centres.push_back(median_near(readings, i));
    scatter += std::abs(readings[i].value - centres[i]);
  }
  const double reach =
      kClip * 1.25 * scatter / static_cast<double>(std::max<std::size_t>(1, readings.size()));
  for (std::size_t i = 0; i < readings.size(); ++i)
    readings[i].value = std::clamp(readings[i].value, centres[i] - reach, centres[i] + reach);
}

bool is_positive(const Sides& sides) {
  return std::ranges::all_of(sides.all, [](const auto& each) { return each.value > 0; });
}

/// How values are compared: as logarithms, or in shares of the mean before.
struct Scale {
  bool logarithmic = false;
  double unit = 1, origin = 0;
  double sign = 1;

  double reading(double value) const {
    const double compared = logarithmic ? std::log(value) : (value - origin) / unit;
    return sign * std::clamp(compared, -kLargestReading, kLargestReading);
  }
  double smallest(double share) const {
    return logarithmic ? std::abs(std::log1p(sign * share)) : share;
  }
  double change(double size) const { return logarithmic ? std::expm1(sign * size) : sign * size; }
};

Scale scale_of(const ShiftQuestion& question, const Sides& sides, bool level_known) {
  Scale scale;
  scale.sign = question.move == Move::kHigher ? 1 : -1;
  scale.logarithmic = question.in_factors && is_positive(sides);
  if (scale.logarithmic) return scale;
  scale.unit = level_known ? 1 : std::abs(tally_of(sides.early()).mean);
  scale.origin = level_known ? 1 : 0;
  return scale;
}

/// Groups that began together have no time before, and never had: what is deleted while the watch
/// goes on, or is too short to compare with, does not make them alike.
bool knows_level(const ShiftQuestion& question, const Sides& sides) {
  return question.has_control && !question.had_before && sides.before == 0;
}

Finding doubt(const ShiftQuestion& question, const Sides& sides, bool level_known) {
  const auto step = shift_window(question.changed_at, question.watch).step;
  const bool young = question.now < question.changed_at + kStaleSteps * step;
  const bool comes_late = young && (level_known || sides.before > 0);
  if (sides.late().empty()) return comes_late ? Finding::kTooFew : Finding::kNoData;
  const double silent_s =
      to_unix_seconds(std::min(question.now, question.changed_at + question.watch)) -
      sides.all.back().time_s;
  if (silent_s > kStaleSteps * to_seconds(step)) return Finding::kStale;
  if (!level_known) {
    if (sides.before == 0) return Finding::kNoData;
    if (sides.before < kEnoughBefore) return Finding::kTooFew;
    if (tally_of(sides.early()).mean == 0) return Finding::kZeroBaseline;
    if (non_zero(sides.early()) < kEnoughNonZero) return Finding::kTooFew;
  }
  return sides.late().size() < kEnoughAfter ? Finding::kTooFew : Finding::kWatching;
}

/// Finite, so that a fact can hold it.
double bounded(double value) {
  return std::isnan(value) ? 0 : std::clamp(value, -kLargest, kLargest);
}

void weigh(const ShiftQuestion& question, Sides sides, bool level_known, ShiftVerdict& verdict) {
  const auto scale = scale_of(question, sides, level_known);
  for (auto& each : sides.all) each.value = scale.reading(each.value);
  if (level_known)
    sides.all.erase(sides.all.begin(), sides.all.begin() + static_cast<std::ptrdiff_t>(
                                                               std::exchange(sides.before, 0)));
  clip(std::span(sides.all).first(sides.before));
  clip(std::span(sides.all).subspan(sides.before));
  const double smallest = scale.smallest(question.smallest);
  const auto evidence =
      shift_evidence(sides.all,
                     {.changed_s = to_unix_seconds(question.changed_at),
                      .step_s = to_seconds(shift_window(question.changed_at, question.watch).step),
                      .smallest = smallest,
                      .level_known = level_known})
          .back();
  verdict.evidence_for = bounded(std::exp(evidence.log_for));
  verdict.evidence_against = bounded(std::exp(evidence.log_against));
  verdict.change = bounded(scale.change(evidence.size));
  verdict.standard_error =
      bounded(evidence.standard_error * (scale.logarithmic ? 1 + verdict.change : 1));
  const bool half_over = question.now >= question.changed_at + question.watch / kFailFrom;
  if (verdict.evidence_for >= verdict.decides_at && evidence.size >= smallest)
    verdict.finding = Finding::kPass;
  else if (verdict.evidence_against >= verdict.decides_at && half_over && evidence.size < smallest)
    verdict.finding = Finding::kFail;
}

}  // namespace

ShiftWindow shift_window(Timestamp changed_at, Duration watch) {
  const Duration season = watch < kDay ? kDay : kWeek;
  const Duration before = std::max(2 * watch, watch + season);
  Duration step = kSteps.back();
  for (const auto each : kSteps) {
    if ((before + watch) / each > kMostSteps) continue;
    step = each;
    break;
  }
  return {.from = changed_at - before, .until = changed_at + watch, .step = step};
}

ShiftVerdict judge_shift(const ShiftQuestion& question, std::span<const ShiftReading> values) {
  const auto sides = sides_of(question, values);
  const bool level_known = knows_level(question, sides);
  ShiftVerdict verdict;
  verdict.decides_at = 1 / question.error_rate;
  verdict.before = tally_of(sides.early());
  verdict.after = tally_of(sides.late());
  verdict.finding = doubt(question, sides, level_known);
  const bool is_weighed = verdict.finding == Finding::kWatching;
  if (is_weighed) weigh(question, sides, level_known, verdict);
  verdict.test = shift_test_words(scale_of(question, sides, level_known).logarithmic);
  verdict.threshold = shift_threshold_words(question, verdict.decides_at);
  verdict.reason = shift_reason(question, verdict, is_weighed, level_known);
  const bool over = question.now >= question.changed_at + question.watch;
  verdict.is_last = over || verdict.finding == Finding::kPass || verdict.finding == Finding::kFail;
  if (over && verdict.finding == Finding::kWatching) {
    verdict.finding = Finding::kTooFew;
    verdict.reason = "the watch is over and has shown neither: " + verdict.reason;
  }
  return verdict;
}

}  // namespace wellrun::health
