#pragma once

// Every constant of the baseline in one place: none is set per series, metric or data set. The
// figures in docs/detection.md say how little the outcome depends on each.

namespace wellrun::health::baseline {

struct Tuning {
  // What counts as history.
  double memory_rows = 8000;      ///< old observations fade with this many rows
  int learning_rows = 60;         ///< nothing is said before
  double level_days = 1;          ///< a level that holds for a day is the new normal
  double scale_days = 2;          ///< of the typical deviation
  double long_scale_days = 28;    ///< of its floor: a quiet week does not make a burst unheard of
  double value_days = 3;          ///< of the level without season
  double profile_days = 6;        ///< of the daily profile
  double profile_weeks = 3;       ///< of the weekly one
  double hour_share = 0.7;        ///< how far an hour of the day has a scale of its own
  double next_step = 0.3;         ///< weight of the newest value in "about as just now"
  double long_scale_share = 0.5;  ///< the floor of the scale, in long-run scales
  double long_jump_scale_share = 0.8;  ///< and of the scale of jumps

  // Windows for shifts, in rows or as a share of a day, whichever is longer.
  double short_rows = 4;
  double short_days = 0.04;
  double long_rows = 24;
  double long_days = 0.1;
  double activity_rows = 24;
  double activity_limit = 10;  ///< one movement counts at most this many usual ones
  double deviation_limit = 8;  ///< one value counts at most this many scales towards a shift

  // The tail beyond the history.
  double tail_share = 0.01;  ///< the top of the history that the tail is fitted to
  double tail_prior = 0.6;   ///< mean excess expected before seeing any, in half octaves
  double tail_prior_weight = 5;
  double tail_reach = 8;  ///< the fit is trusted for this many powers of ten

  double plain_slack = 0.5;  ///< the plain value may be three times as rare as in its own units

  // What came before.
  double notable = 4.5;          ///< the parts' surprise from which a row's course is remembered
  double same_course = 0.1;      ///< two courses this near, in deviations, are the same
  int calm_rows = 32;            ///< that end a stretch of notable rows
  double recurring_share = 0.7;  ///< what is left of the surprise of a course that came before

  // From parts to one score.
  double norm = 1.7;              ///< 1 would add the parts' surprises, infinity take the largest
  double deviation_share = 0.83;  ///< the deviation overlaps with the jump and the value
  double flat_share = 0.8;        ///< a flat line is taken at this much of its surprise
  double alarm = 6.5;  ///< log10 of the return period in half minutes; from here the rows of an
                       ///< episode share one count in the history
  double clearly_worse = 0.6;  ///< an episode alarms again when it is four times as rare as then
  double calm_per_day = 3;     ///< how fast the bar falls back to `alarm` after one
  double still_unusual = 1;    ///< below `alarm` by this much a row still belongs to the episode
  double fresh_row = 0.92;     ///< how much of an alarm is left after each row
  double far_off = 5;          ///< a value this many usual deviations out is a warning when it is
                               ///< as rare as what still belongs to an episode
  double warning = 0.9;        ///< how fresh it is, an alarm being 1
  double half_score = 6;       ///< distance (log10) over which a score covers half its range
};

inline constexpr Tuning kTuning{};

}  // namespace wellrun::health::baseline
