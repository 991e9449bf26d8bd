#pragma once

// Honesty about small numbers, for a series that counts events: whole numbers, never negative,
// mostly few. One purchase after a quiet day, or two failures where there were never two in one
// row, is rare in the series' own history and yet says next to nothing: that many are not unlikely
// of events that come independently at the rate seen so far. Not thread-safe; constant memory.

#include "health/baseline/rarity.h"

namespace wellrun::health::baseline {

class FewEvents {
 public:
  /// The next row's value; finite.
  void observe(double value);

  enum class Side : bool { kFewer, kMore };
  /// The most that so many events (or so few) in the last row, or the last few, may be called
  /// surprising. Infinite where that says nothing: not a count of events, more than 30 of them, or
  /// a count that varies less than independent events do (replicas, open connections).
  /// Source: the tail of a Poisson count whose rate is known from the rows before (a gamma, so that
  /// the count is negative binomial), the first event ever counting as if one had been seen.
  [[nodiscard]] Surprise most(Side side) const;

  /// That the row is history now. Older rows fade.
  void learn(double value);

  struct State {
    bool counts = true;  ///< every value so far was a whole number from 0 to a million
    double rows = 0;     ///< of history, fading
    double events = 0;   ///< in them
    double squares = 0;  ///< sum of the values' squares in them
    double last = 0;     ///< events in the last row,
    double lately = 0;   ///< in the last four, fading,
    double of_late = 0;  ///< and in the last 24
  };
  [[nodiscard]] const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  [[nodiscard]] Surprise of(double events, double rows, Side side) const;

  State state_;
};

}  // namespace wellrun::health::baseline
