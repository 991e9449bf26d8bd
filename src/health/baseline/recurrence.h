#pragma once

// Courses that were notable before: the same burst for the tenth time is no news, however rare its
// height is. Keeps the last few rows of each notable one, compared in the series' own units, so
// that only what is the same counts, not what is as high. Not thread-safe; constant memory.

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/time.h"

namespace wellrun::health::baseline {

class Recurrence {
 public:
  static constexpr std::size_t kRows = 5;   ///< of a course, the notable row included
  static constexpr std::size_t kMost = 10;  ///< courses kept; the one longest not seen goes first
  using Course = std::array<float, kRows>;  ///< the newest row last

  /// The next value, notable or not; finite, within a float's range.
  void observe(double value);

  /// After a gap: what came before it is not the course of what follows.
  void forget_course() { rows_ = 0; }

  /// That the row just observed is notable: when the same course was last seen, if it was in an
  /// earlier stretch of notable rows (some calm rows lie between). `size`: how far the value is
  /// off; the courses are the same when their distance is a small share of it. Remembers the
  /// course. Nothing for the first rows.
  std::optional<Timestamp> recall(Timestamp now, double size);

  struct Kept {
    Course course{};
    std::int64_t seen_ms = 0;  ///< last
  };
  struct State {
    std::vector<Kept> kept;  ///< at most kMost
    std::int64_t calm_rows = 0;
    std::int64_t stretch_from_ms = INT64_MIN;  ///< what was seen since belongs to this stretch
  };
  [[nodiscard]] const State& state() const { return state_; }
  /// The rows before are not stored: a course begins with the next row.
  void restore(State state) { state_ = std::move(state); }

 private:
  [[nodiscard]] Kept* nearest(double within);
  void remember(std::int64_t now_ms);

  Course course_{};
  std::size_t rows_ = 0;  ///< that course_ holds
  State state_;
};

}  // namespace wellrun::health::baseline
