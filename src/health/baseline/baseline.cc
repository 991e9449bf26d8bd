#include "health/baseline/baseline.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "health/baseline/tuning.h"

namespace wellrun::health::baseline {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
constexpr std::int64_t kFirstRows = 30;   ///< until here every value counts in full
constexpr std::int64_t kRarityFrom = 20;  ///< statistics of the first rows are no history
constexpr double kDefaultStep = 300;
constexpr double kHalfMinutesPerDay = 2880;
/// Larger magnitudes are cut: everything computed from them stays finite, in a float too.
constexpr double kLargest = 1e30;

/// By the clock of `moment`.
std::size_t hour_of(const LocalMoment& moment) {
  return static_cast<std::size_t>(((moment.ms / 3'600'000) % 24 + 24) % 24);
}

double seconds_between(std::int64_t from_ms, std::int64_t to_ms) {
  return static_cast<double>(to_ms - from_ms) / 1000;
}

double clamped(double value, double limit) {
  return std::clamp(value, -limit, limit);
}

void follow(double& mean, double value, double speed) {
  mean += speed * (value - mean);
}

/// The typical distance follows each seen one by a small fixed step: a median, near enough.
double followed_step(double step, double seen, bool settling) {
  const double pace = settling ? 0.04 : 0.004;
  return step + step * (seen > step ? pace : seen < step ? -pace : 0);
}

}  // namespace

double Baseline::row_seconds() const {
  return numbers_.step_s > 0 ? numbers_.step_s : kDefaultStep;
}

double Baseline::rows_per_day() const {
  return std::clamp(86400 / row_seconds(), 24.0, 5000.0);
}

/// Moves the clock; true when a gap was crossed.
bool Baseline::advance(Timestamp time) {
  constexpr double kGapRows = 24;
  constexpr std::int64_t kSettledRows = 200;
  const std::int64_t now = to_unix_ms(time);
  if (numbers_.rows == 0) {
    numbers_.last_ms = now;
    return false;
  }
  if (now <= numbers_.last_ms) return false;
  const double elapsed = seconds_between(numbers_.last_ms, now);
  numbers_.last_ms = now;
  if (numbers_.step_s == 0) {
    numbers_.step_s = elapsed;
    return false;
  }
  const bool gap = elapsed > kGapRows * numbers_.step_s;
  numbers_.step_s = followed_step(numbers_.step_s, elapsed, numbers_.rows < kSettledRows);
  return gap;
}

/// The value as it is watched: as it is, or a counter's rate. Empty where there is no rate yet.
std::optional<double> Baseline::watched_value(double value, double elapsed_s) {
  const Nature before = nature_.nature();
  nature_.observe(value);
  const bool counter = nature_.nature() == Nature::kCounter;
  const double last = std::exchange(numbers_.raw, value);
  if (counter != (before == Nature::kCounter)) {
    start_anew(value);
    numbers_.rows = 0;
    numbers_.constant = true;
    episode_ = {};
    if (counter) return std::nullopt;
  }
  if (!counter) return value;
  if (elapsed_s <= 0 || is_restart(last, value)) return std::nullopt;
  return (value - last) / elapsed_s;
}

void Baseline::forget_what_is_going_on() {
  numbers_.short_shift = numbers_.long_shift = 0;
  numbers_.activity = numbers_.usual_activity;
  numbers_.near = numbers_.level;
  recurrence_.forget_course();
}

/// Learning begins again at `value`; the clock and what the series is are kept.
void Baseline::start_anew(double value) {
  const Numbers old = std::exchange(numbers_, {});
  few_ = {};
  season_ = {};
  hour_scale_ = {};
  rarity_ = {};
  plain_ = {};
  recurrence_ = {};
  numbers_.constant = false;
  numbers_.last_ms = old.last_ms;
  numbers_.step_s = old.step_s;
  numbers_.raw = old.raw;
  numbers_.rows = 1;
  numbers_.level = numbers_.near = numbers_.last = numbers_.value_level = value;
}

/// A constant has no distribution: that it ended is as rare as it was long, and learning begins.
Observation Baseline::end_of_constant(Timestamp time, double value) {
  Observation seen;
  seen.phase = Phase::kWatching;
  seen.part = Part::kFlat;
  seen.part_surprise = std::log10(static_cast<double>(numbers_.rows) + 1);
  seen.row_seconds = row_seconds();
  seen.history_rows = static_cast<double>(numbers_.rows);
  seen.above = value > numbers_.last;
  // Both a value and a movement that were never seen.
  const double twice = 2 * in_time(seen.part_surprise);
  few_.observe(value);
  const double as_events = seen.above ? in_time(few_.most(FewEvents::Side::kMore)) : twice;
  const FewEvents counted = few_;
  start_anew(numbers_.last);
  few_ = counted;
  few_.learn(value);
  numbers_.last = value;
  seen.surprise = std::min(twice, as_events);
  episode_.count(seen.surprise);
  seen.score = episode_.score(seen.surprise, rows_per_day());
  note_course(time, seen);
  return seen;
}

double Baseline::floor_of_scale() const {
  return 1e-9 + 1e-7 * std::fabs(numbers_.level) + 0.05 * numbers_.scale +
         kTuning.long_scale_share * numbers_.long_scale;
}

double Baseline::scale_at(const LocalMoment& moment) const {
  constexpr int kFewest = 8;
  constexpr double kEnough = 60;
  const double floor = floor_of_scale();
  const std::size_t hour = hour_of(moment);
  const int count = hour_scale_.count[hour];
  double scale = numbers_.scale;
  if (count >= kFewest) {
    const double share = std::min(1.0, count / kEnough) * kTuning.hour_share;
    scale = std::exp((1 - share) * std::log(numbers_.scale + floor) +
                     share * std::log(hour_scale_.at(hour) + floor));
  }
  return std::max(scale, floor);
}

/// Takes the statistics of all parts; moves the windows of the shifts and of the activity.
Baseline::Measure Baseline::measure(const LocalMoment& moment, double value) {
  auto& n = numbers_;
  const double per_day = rows_per_day();
  Measure m;
  // Of a special day anything between two days is as expected.
  const Season::Range season = season_.at(moment);
  m.season = std::clamp(value - n.level, season.low, season.high);
  m.floor = floor_of_scale();
  m.scale = scale_at(moment);
  m.deviation = value - n.level - m.season;
  m.jump = value - n.near - m.season;
  m.moved = std::fabs(value - n.last);
  if (m.moved > 0) m.ended_flat_rows = n.flat_rows;
  n.flat_rows = m.moved > 0 ? 1 : n.flat_rows + 1;

  const double standardised = m.deviation / m.scale;
  const double limited = clamped(standardised, kTuning.deviation_limit);
  follow(n.short_shift, limited, 1 / std::max(kTuning.short_rows, kTuning.short_days * per_day));
  follow(n.long_shift, limited, 1 / std::max(kTuning.long_rows, kTuning.long_days * per_day));
  constexpr std::int64_t kActivityFirstRows = 50;
  const double most =
      n.rows < kActivityFirstRows ? kUnbounded : kTuning.activity_limit * n.usual_activity;
  follow(n.activity, std::min(m.moved, most), 1 / kTuning.activity_rows);

  const double least = 1e-9 + 1e-7 * std::fabs(n.level);
  const double jump_scale = std::max(
      n.jump_scale + kTuning.long_jump_scale_share * n.long_jump_scale, least + 0.02 * n.scale);
  const double little = 1e-12 + 1e-3 * n.usual_activity;
  const double ratio = (n.activity + little) / (n.usual_activity + little);
  m.plain = value - n.value_level;
  m.part = {m.jump / jump_scale,
            standardised,
            n.short_shift,
            n.long_shift,
            std::log2(ratio),
            m.plain / std::max(n.value_scale, 1e-9 + 1e-7 * std::fabs(n.value_level)),
            n.flat_rows};
  return m;
}

/// The plain value is no rarer than it has been in its own units, give or take a little.
Surprise Baseline::surprise_of(std::size_t part, const Measure& measure) const {
  const Surprise surprise = rarity_[part].surprise(measure.part[part]);
  if (static_cast<Part>(part) != Part::kValue) return surprise;
  const bool knows = 2 * plain_.rarity().total() >= rarity_[part].total();
  return knows ? std::min(surprise, plain_.surprise(measure.plain) + kTuning.plain_slack)
               : surprise;
}

/// The parts' surprises as one: between their sum (as if independent) and the largest. A flat line
/// stands alone: whatever else is surprising then is surprising because of it.
Surprise Baseline::weigh(const Measure& measure, Observation& seen) const {
  const auto& runs = rarity_[static_cast<std::size_t>(Part::kFlat)];
  constexpr double kFewestRuns = 20;
  double sum = 0;
  double flat = 0;
  for (std::size_t i = 0; i < kParts; ++i) {
    const Surprise surprise = surprise_of(i, measure);
    if (static_cast<Part>(i) == Part::kFlat) {
      if (runs.total() < kFewestRuns) continue;
      flat = kTuning.flat_share * surprise;
    } else {
      const double share = static_cast<Part>(i) == Part::kDeviation ? kTuning.deviation_share : 1;
      sum += std::pow(share * surprise, kTuning.norm);
    }
    if (surprise <= seen.part_surprise) continue;
    seen.part = static_cast<Part>(i);
    seen.part_surprise = surprise;
    seen.above = measure.part[i] >= 0;
  }
  return std::max(std::pow(sum, 1 / kTuning.norm), flat);
}

/// Powers of ten of rows as powers of ten of half minutes: one strange minute is less than one
/// strange hour.
double Baseline::in_time(Surprise surprise) const {
  return std::max(0.0, surprise + std::log10(kHalfMinutesPerDay / rows_per_day()));
}

/// So many events, or so few, are no more surprising than as many independent ones would be.
Surprise Baseline::limited_by_events(Surprise surprise, const Observation& seen) const {
  constexpr Surprise kWorthwhile = 3;
  if (seen.part == Part::kFlat || surprise <= kWorthwhile) return surprise;
  return std::min(surprise,
                  few_.most(seen.above ? FewEvents::Side::kMore : FewEvents::Side::kFewer));
}

/// While learning begins again after a constant: how often there were events is known even so. One
/// after none for days is no alarm, but what goes on is (a flag that stays up).
void Baseline::judge_events(Timestamp time, Observation& seen) {
  const Surprise most = few_.most(FewEvents::Side::kMore);
  if (few_.state().rows <= kTuning.learning_rows || !std::isfinite(most)) return;
  seen.phase = Phase::kWatching;
  seen.part = Part::kValue;
  seen.part_surprise = most;
  seen.history_rows = few_.state().rows;
  seen.surprise = in_time(most);
  episode_.count(seen.surprise);
  seen.score = episode_.score(seen.surprise, rows_per_day());
  note_course(time, seen);
}

/// How surprising the row is, and whether that is news.
void Baseline::judge(Timestamp time, const Measure& measure, Observation& seen) {
  Surprise surprise = weigh(measure, seen);
  if (surprise >= kTuning.notable)
    seen.seen_before = recurrence_.recall(time, std::fabs(measure.deviation));
  if (seen.seen_before) surprise *= kTuning.recurring_share;
  // What few events hold back from an alarm is as unusual in the history as it ever was.
  episode_.count(in_time(surprise));
  seen.surprise = in_time(limited_by_events(surprise, seen));
  // A course that came before is no reason to warn.
  const double deviations =
      seen.seen_before ? 0 : std::fabs(measure.part[static_cast<std::size_t>(Part::kDeviation)]);
  seen.score = episode_.score(seen.surprise, rows_per_day(), deviations);
  note_course(time, seen);
}

void Baseline::learn_scales(const LocalMoment& moment, double value, const Measure& m) {
  auto& n = numbers_;
  const double per_day = rows_per_day();
  const double first = 1 / static_cast<double>(n.rows);
  const bool settled = n.rows >= kFirstRows;
  const auto limit = [&](double times, double of, double plus) {
    return settled ? times * of + plus : kUnbounded;
  };
  const double size = std::fabs(m.deviation);
  const double jump = std::fabs(m.jump);
  const double quick = std::max(first, 1 / (kTuning.scale_days * per_day));
  const double slow = std::max(first, 1 / (kTuning.long_scale_days * per_day));
  follow(n.long_scale, std::min(size, limit(50, n.long_scale, m.floor)), slow);
  follow(n.long_jump_scale, std::min(jump, limit(50, n.long_jump_scale, m.floor)), slow);
  follow(n.scale, std::min(size, limit(5, n.scale, m.floor)), quick);
  follow(n.jump_scale, std::min(jump, limit(5, n.jump_scale, m.floor)), quick);
  follow(n.usual_activity, std::min(m.moved, limit(5, n.usual_activity, m.floor)), quick);

  const double value_scale = std::max(n.value_scale, 1e-9 + 1e-7 * std::fabs(n.value_level));
  const double off = value - n.value_level;
  const double pace = std::max(first, 1 / (kTuning.value_days * per_day));
  n.value_level += pace * clamped(off, limit(6, value_scale, 0));
  follow(n.value_scale, std::min(std::fabs(off), limit(50, value_scale, 0)), pace);

  constexpr int kHourKnown = 8;
  constexpr double kHourDays = 14;
  const std::size_t hour = hour_of(moment);
  const double most =
      hour_scale_.count[hour] < kHourKnown ? kUnbounded : 5 * hour_scale_.at(hour) + m.floor;
  hour_scale_.learn(hour, std::min(size, most), 24 / (kHourDays * per_day));
}

void Baseline::learn_rarity(const Measure& m) {
  const double weight = episode_.weight_in_history();
  for (std::size_t i = 0; i < kParts; ++i) {
    const auto part = static_cast<Part>(i);
    if (part == Part::kFlat) continue;
    if (part == Part::kJump || numbers_.rows > kRarityFrom) rarity_[i].add(m.part[i], weight);
  }
  if (numbers_.rows > kRarityFrom)
    plain_.add(m.plain, weight, std::max(numbers_.long_scale, m.floor));
  // Only the length of a run that has ended is known.
  if (m.ended_flat_rows > 0)
    rarity_[static_cast<std::size_t>(Part::kFlat)].add(m.ended_flat_rows, 1);
}

void Baseline::learn(const LocalMoment& moment, double value, const Measure& m) {
  auto& n = numbers_;
  // What is special says little of other days: neither its level nor how rare anything is.
  const bool special = moment.day != DayKind::kOrdinary && season_.is_known();
  if (!special) learn_ordinary(moment, value, m);
  if (special && moment.day == DayKind::kHoliday)
    season_.learn_holiday(
        moment,
        {.deviation = value - n.level, .step_limit = 4 * m.scale, .rows_per_day = rows_per_day()});
  n.near += kTuning.next_step * m.jump;
  if (!special) adopt_new_level(m);
  n.last = value;
}

void Baseline::learn_ordinary(const LocalMoment& moment, double value, const Measure& m) {
  auto& n = numbers_;
  learn_rarity(m);
  few_.learn(value);
  const double per_day = rows_per_day();
  const double deviation = value - n.level;
  const double limit = n.rows < kFirstRows ? kUnbounded : 4 * m.scale;
  season_.learn(moment, {.deviation = deviation,
                         .step_limit = 4 * m.scale,
                         .error_limit = n.rows < kFirstRows
                                            ? kUnbounded
                                            : 6 * std::max(n.scale, m.floor) + std::fabs(m.season),
                         .rows_per_day = per_day});
  n.level += std::max(1 / static_cast<double>(n.rows), 1 / (kTuning.level_days * per_day)) *
             clamped(m.deviation, limit);
  learn_scales(moment, value, m);
}

/// A day on one side of the band is a change, not an anomaly: the level goes there at once. A day
/// that far off that the scale has not followed is another series (a change of unit, say).
void Baseline::adopt_new_level(const Measure& m) {
  constexpr double kOutside = 3;
  constexpr double kAnotherSeries = 20;
  auto& n = numbers_;
  const double off = m.deviation / m.scale;
  const double side = off > kOutside ? 1 : off < -kOutside ? -1 : 0;
  n.outside_rows = side * n.outside_rows > 0 ? n.outside_rows + side : side;
  if (std::fabs(n.outside_rows) < rows_per_day()) return;
  if (std::fabs(off) > kAnotherSeries) start_anew(n.near + m.season);
  n.level = n.near;
  n.short_shift = n.long_shift = n.outside_rows = 0;
  n.level_changed_ms = n.last_ms;
}

/// Since when the series has been unusual: from the first notable row to the first quiet hour.
void Baseline::note_course(Timestamp time, Observation& seen) {
  constexpr double kNotable = 5;
  constexpr double kQuiet = 4;
  if (seen.surprise >= kNotable && numbers_.unusual_since_ms == kNever)
    numbers_.unusual_since_ms = to_unix_ms(time);
  if (seen.surprise < kQuiet) numbers_.unusual_since_ms = kNever;
  if (numbers_.unusual_since_ms != kNever) seen.since = from_unix_ms(numbers_.unusual_since_ms);
}

Observation Baseline::observe(Timestamp time, double value, const Calendar& calendar) {
  Observation seen;
  if (!std::isfinite(value)) {
    seen.phase = Phase::kMissing;
    return seen;
  }
  const std::int64_t before_ms = numbers_.last_ms;
  const bool gap = advance(time);
  const auto watched =
      watched_value(clamped(value, kLargest), seconds_between(before_ms, numbers_.last_ms));
  if (!watched) return seen;
  if (numbers_.rows == 0) {
    start_anew(*watched);
    numbers_.constant = true;
    return seen;
  }
  if (numbers_.constant && *watched != numbers_.last) {
    numbers_.constant = false;
    if (numbers_.rows > kFirstRows) return end_of_constant(time, *watched);
  }
  if (gap) forget_what_is_going_on();
  ++numbers_.rows;
  seen.row_seconds = row_seconds();
  seen.history_rows = static_cast<double>(numbers_.rows);
  const LocalMoment moment = calendar.at(time);
  const Measure m = measure(moment, *watched);
  recurrence_.observe(*watched);
  few_.observe(*watched);
  if (numbers_.rows > kTuning.learning_rows) {
    seen.phase = Phase::kWatching;
    if (!numbers_.constant) judge(time, m, seen);
  } else if (!numbers_.constant) {
    judge_events(time, seen);
  }
  learn(moment, *watched, m);
  return seen;
}

Expectation Baseline::expect(Timestamp time, const Calendar& calendar) const {
  constexpr double kOneInAThousand = 1e-3;
  if (numbers_.rows == 0) return {};
  const LocalMoment moment = calendar.at(time);
  const Season::Range season = season_.at(moment);
  const double scale = scale_at(moment);
  const auto& history = rarity_[static_cast<std::size_t>(Part::kDeviation)];
  Expectation found{numbers_.level + season.expected,
                    numbers_.level + season.low + scale * history.lower(kOneInAThousand),
                    numbers_.level + season.high + scale * history.upper(kOneInAThousand)};
  const Nature nature = nature_.nature();
  if (nature != Nature::kGauge) {
    found.expected = std::max(0.0, found.expected);
    found.lower = std::max(0.0, found.lower);
    found.upper = std::max(0.0, found.upper);
  }
  if (nature == Nature::kRatio) {
    found.expected = std::min(1.0, found.expected);
    found.upper = std::min(1.0, found.upper);
  }
  return found;
}

std::optional<Timestamp> Baseline::level_changed_at() const {
  if (numbers_.level_changed_ms == kNever) return std::nullopt;
  return from_unix_ms(numbers_.level_changed_ms);
}

}  // namespace wellrun::health::baseline
