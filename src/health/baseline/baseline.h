#pragma once

// What is normal for one series, learned as its samples arrive: level, daily and weekly season,
// typical deviation, and how rare each kind of departure has been. Knows nothing of the series but
// its samples; one pass; no look-ahead. Called by `wellrun detect`, one object a series.
// Not thread-safe. Memory is constant (see state.h for its stored form).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"
#include "health/baseline/calendar.h"
#include "health/baseline/episode.h"
#include "health/baseline/few_events.h"
#include "health/baseline/nature.h"
#include "health/baseline/plain_rarity.h"
#include "health/baseline/rarity.h"
#include "health/baseline/recurrence.h"
#include "health/baseline/season.h"

namespace wellrun::health::baseline {

/// What may depart from normal. Each has a history of its own (Rarity).
enum class Part : std::uint8_t {
  kJump,        ///< the value against the one just before
  kDeviation,   ///< the value against level and season
  kShortShift,  ///< the mean deviation of the last half hour or so
  kLongShift,   ///< the mean deviation of the last third of a day or so
  kActivity,    ///< how much the value moves from row to row
  kValue,       ///< the plain value, season or not
  kFlat,        ///< the same value, row after row
};
inline constexpr std::size_t kParts = 7;
const char* name_of(Part part);

enum class Phase : std::uint8_t {
  kLearning,  ///< too little is known; the score is 0
  kWatching,
  kMissing,  ///< the value was no finite number; nothing was learned, the score is 0
};

/// Where the next value is expected. With nothing known: all three are the last value, or 0.
struct Expectation {
  double expected = 0;
  double lower = 0;  ///< one value in a thousand is expected below,
  double upper = 0;  ///< and one above
};

struct Observation {
  Phase phase = Phase::kLearning;
  double score = 0;            ///< 0..1; 0.5 and more: an alarm
  double surprise = 0;         ///< all parts together: log10 of the return period in half minutes
  Part part = Part::kJump;     ///< the part that departed most
  Surprise part_surprise = 0;  ///< how rare that alone was, in rows of history
  double history_rows = 0;     ///< how many rows it was judged by
  double row_seconds = 0;      ///< the typical distance of rows
  bool above = true;           ///< the direction of that part
  std::optional<Timestamp> since;        ///< since when the series has been unusual, while it is
  std::optional<Timestamp> seen_before;  ///< when the same course was last seen, if it was
};

class Baseline {
 public:
  /// The next sample. Times should not go back; one that does counts as "at the same time as the
  /// last". A gap forgets what was just going on, never what is normal. Any value is allowed.
  /// `calendar`: whose time of day; always that of the same time zone.
  Observation observe(Timestamp time, double value, const Calendar& calendar = Calendar::utc());

  /// Where a value at `time` is expected, from what was observed so far. Counters: in units per
  /// second.
  [[nodiscard]] Expectation expect(Timestamp time,
                                   const Calendar& calendar = Calendar::utc()) const;

  [[nodiscard]] Nature nature() const { return nature_.nature(); }
  [[nodiscard]] const Season& season() const { return season_; }
  /// When the level last changed for good (a day on one side of the band).
  [[nodiscard]] std::optional<Timestamp> level_changed_at() const;

 private:
  friend class StateCodec;

  /// Everything that is a plain number. Order is the stored order (state.cc).
  struct Numbers {
    std::int64_t last_ms = 0;
    std::int64_t unusual_since_ms = kNever;
    std::int64_t level_changed_ms = kNever;
    std::int64_t rows = 0;
    bool constant = true;  ///< every value so far was the same
    double step_s = 0;     ///< typical distance of rows; 0: unknown
    double raw = 0;        ///< the last value as it came (counters)
    double last = 0;       ///< the last value as it was watched
    double level = 0;
    double near = 0;  ///< the level of the last few rows, season taken out
    double scale = 0;
    double long_scale = 0;
    double jump_scale = 0;
    double long_jump_scale = 0;
    double short_shift = 0;
    double long_shift = 0;
    double activity = 0;
    double usual_activity = 0;
    double value_level = 0;
    double value_scale = 0;
    double flat_rows = 1;     ///< rows in a row with the last value
    double outside_rows = 0;  ///< rows in a row beyond 3 scales, negative: below
  };
  static constexpr std::int64_t kNever = INT64_MIN;

  /// What one value is measured by.
  struct Measure {
    double season = 0;
    double floor = 0;  ///< the least that counts as a deviation
    double scale = 0;
    double deviation = 0;
    double jump = 0;
    double moved = 0;                   ///< distance from the last value
    double plain = 0;                   ///< the plain value, from its own level
    std::array<double, kParts> part{};  ///< each part's statistic, signed
    double ended_flat_rows = 0;         ///< the length of the run that this value ended
  };

  [[nodiscard]] double row_seconds() const;
  [[nodiscard]] double rows_per_day() const;
  bool advance(Timestamp time);
  std::optional<double> watched_value(double value, double elapsed_s);
  void start_anew(double value);
  void forget_what_is_going_on();
  Observation end_of_constant(Timestamp time, double value);
  [[nodiscard]] double floor_of_scale() const;
  [[nodiscard]] double scale_at(const LocalMoment& moment) const;
  Measure measure(const LocalMoment& moment, double value);
  [[nodiscard]] Surprise surprise_of(std::size_t part, const Measure& measure) const;
  Surprise weigh(const Measure& measure, Observation& seen) const;
  [[nodiscard]] Surprise limited_by_events(Surprise surprise, const Observation& seen) const;
  [[nodiscard]] double in_time(Surprise surprise) const;
  void judge_events(Timestamp time, Observation& seen);
  void judge(Timestamp time, const Measure& measure, Observation& seen);
  void learn(const LocalMoment& moment, double value, const Measure& measure);
  void learn_ordinary(const LocalMoment& moment, double value, const Measure& measure);
  void learn_rarity(const Measure& measure);
  void learn_scales(const LocalMoment& moment, double value, const Measure& measure);
  void adopt_new_level(const Measure& measure);
  void note_course(Timestamp time, Observation& seen);

  Numbers numbers_;
  Profile<24> hour_scale_;
  Season season_;
  std::array<Rarity, kParts> rarity_;
  PlainRarity plain_;  ///< of the plain value
  FewEvents few_;
  Recurrence recurrence_;
  Episode episode_;
  NatureFinder nature_;
};

/// In words, for people: "the value against level and season high: 31 where 12.3..18.9 is expected;
/// not once before in 40 d; since 2026-11-24T11:19:00Z; Christmas Day", and "the same as at ..." of
/// a course that came before. `day`: as
/// Calendar::day_in_words() has it, or empty; all there is when nothing is unusual.
std::string explain(const Observation& seen, const Expectation& expectation, double value,
                    std::string_view day = {});

}  // namespace wellrun::health::baseline
