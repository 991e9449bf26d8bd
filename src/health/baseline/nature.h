#pragma once

// What a series is, told from its values alone: a counter is watched by its rate, a ratio's band
// stays within 0..1, a count's or a latency's above 0. Not thread-safe.

#include <cstdint>

namespace wellrun::health::baseline {

enum class Nature : std::uint8_t {
  kGauge,        ///< anything else
  kNonNegative,  ///< never below zero: counts, sizes, latencies
  kRatio,        ///< always within 0..1
  kCounter,      ///< only rises, except where it restarts near zero
};

const char* name_of(Nature nature);

class NatureFinder {
 public:
  /// `value` finite. Constant memory; the answer may change as long as the series lives, and does
  /// at most once to and once from kCounter.
  void observe(double value);

  [[nodiscard]] Nature nature() const;

  struct State {
    std::int64_t count = 0;
    std::int64_t rises = 0;
    std::int64_t restarts = 0;
    bool counter = false;  ///< it was told to be one, and is until it falls
    bool fell = false;     ///< otherwise than a counter does: never one again
    double last = 0;
    double lowest = 0;
    double highest = 0;
  };
  [[nodiscard]] const State& state() const { return state_; }
  /// `state.counter` may be missing where the other numbers tell it.
  void restore(const State& state);

 private:
  void decide_whether_a_counter();

  State state_;
};

/// Whether a counter that showed `before` and now shows `now` restarted in between.
bool is_restart(double before, double now);

}  // namespace wellrun::health::baseline
