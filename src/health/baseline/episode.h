#pragma once

// From surprise to a score a person can be woken by. A score of 0.5 or more is an alarm: the start
// of an episode, or a worse turn of one. Other rows stay below 0.5 and keep their order, so that
// the course of an episode can be drawn; what is nearly an alarm and far off besides is a warning,
// just below. Not thread-safe.

namespace wellrun::health::baseline {

class Episode {
 public:
  /// Of each row, before its score: whether it goes on unusual for the history. `surprise`: log10
  /// of the return period in half minutes, >= 0.
  void count(double surprise);
  /// `surprise`: the same, as far as it is to be said; `deviations`: how many usual ones the value
  /// is off, >= 0 (an alarm does not need it, a warning does). Result in 0..1.
  double score(double surprise, double rows_per_day, double deviations = 0);

  /// The weight this row has in the history: 1, or less and less while an episode goes on, so
  /// that one incident is not learned as many.
  [[nodiscard]] double weight_in_history() const { return weight_; }

  /// Alarms must be at least this surprising now.
  [[nodiscard]] double bar() const;

  struct State {
    double peak = 0;   ///< the last alarm's surprise, fading
    double rows = 0;   ///< surprising rows in a row, fading
    double fresh = 0;  ///< 1 at an alarm, a little less at a warning, fading
  };
  [[nodiscard]] const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  [[nodiscard]] bool warns(double surprise, double deviations) const;
  [[nodiscard]] double score_within(double surprise) const;

  State state_;
  double weight_ = 1;
};

}  // namespace wellrun::health::baseline
