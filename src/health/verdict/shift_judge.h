#pragma once

// Did a metric move as somebody said it would, when something was done? The verdict engine for
// what happens once: improvements, experiments and their guard rails (docs/proof.md). Values in,
// a named state with its reasons out. Pure; safe from any thread; time as shift_evidence.h says.

#include <span>
#include <string>

#include "core/time.h"
#include "health/verdict/shift_evidence.h"
#include "health/verdict/verdict.h"

namespace wellrun::health {

/// Steps before the change that are needed to compare with.
inline constexpr std::size_t kEnoughBefore = 12;

enum class Move { kLower, kHigher };

struct ShiftQuestion {
  Move move = Move::kLower;
  double smallest = 0.1;     ///< share of the level before that matters; above zero, lower: below 1
  bool in_factors = true;    ///< compare logarithms, where all values are above zero
  bool has_control = false;  ///< the values are ratios of the group to its control
  bool had_before = false;   ///< an earlier look found values before the change, kept or not
  double error_rate = 0.05;  ///< of a false "pass", and of a false "fail", in (0, 1)
  Timestamp changed_at{};    ///< when it was done
  Duration watch{};          ///< how long to look at what comes after: 2 h to 42 d
  Timestamp now{};           ///< nothing after is looked at
};

/// What is read for a question: steps of `step`, from `from` on, which lies before the change.
struct ShiftWindow {
  Timestamp from{}, until{};  ///< until: the end of the watch
  Duration step{};
};
ShiftWindow shift_window(Timestamp changed_at, Duration watch);

struct ShiftTally {
  std::size_t steps = 0;  ///< with a value
  double mean = 0;
};

struct ShiftVerdict {
  Finding finding = Finding::kNoData;  ///< pass: moved as said; fail: did not
  bool is_last = false;                ///< decided, or the watch is over
  std::string reason;                  ///< counts, size and windows in words
  std::string test, threshold;         ///< by what, and what decides
  ShiftTally before, after;
  double change = 0;                              ///< most plausible: -0.2 is 20 % less
  double standard_error = 0;                      ///< of the change
  double evidence_for = 1, evidence_against = 1;  ///< e-values; at most 1e12
  double decides_at = 20;                         ///< either is enough from here on
};

/// `values`: the mean of each step that has any, at its middle, in seconds since the epoch, sorted;
/// as shift_window() says. Values that are not finite are left out.
ShiftVerdict judge_shift(const ShiftQuestion& question, std::span<const ShiftReading> values);

}  // namespace wellrun::health
