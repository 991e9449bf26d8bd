#pragma once

// How coarse the readings of a metric are: whole numbers, whole per cents, a pool that is resized
// now and then. Such readings are mostly equal to the one before, so their scatter says nothing
// about how exact they are: a true level may wander by most of a step before one of them moves, and
// one that moves does so by a whole step, for as long as it pleases.
//
// Readings that never repeat (latencies, shares with decimals) are not coarse at all: everything
// here is then exactly zero. Pure; not thread-safe.

#include <span>

namespace wellrun::health {

class Coarseness {
 public:
  /// Readings of one group in one block, in order of time, on the scale of the comparison.
  void add(std::span<const double> values);

  /// Blocks to come count for more than those before.
  void age();

  /// Until a reading has moved: the last decimal in which it is written, on the same scale.
  void set_resolution(double resolution) { resolution_ = resolution; }

  /// By how much a reading usually moves when it does; 0: they never repeat.
  double step() const;
  /// Share of the readings that equal the one before, in [0, 1].
  double held() const;

  /// Whether readings mostly stay as they are, and are not independent: independent counts of rare
  /// events repeat as well, but scatter by about their step. `scatter` as variance() takes it.
  bool is_coarse(double scatter) const;

  /// Of a group's mean within a block, beyond what the scatter of its values says; `scatter` is the
  /// variance of single values. Rounding is harmless once values scatter by half a step: what is
  /// left of it falls like a Gaussian's first harmonic (Widrow's theory of quantisation).
  double variance(double scatter) const;

 private:
  double equal_ = 0, moved_ = 0;
  double log_steps_ = 0;  ///< sum over those that moved
  double resolution_ = 0;
};

/// The largest of 1, 0.1, … 1e-6 of which `value` is a multiple; 0: of none of them.
double decimal_resolution(double value);

}  // namespace wellrun::health
