#pragma once

// How rare a departure is in the series' own units, with no scale in between. Parts are measured in
// scales that follow the series; where that scale sinks between two bursts, the second is further
// out in scales although it is no higher. This history knows better: what came back is no news.
// Not thread-safe.

#include "health/baseline/rarity.h"

namespace wellrun::health::baseline {

class PlainRarity {
 public:
  /// As Rarity, of values in the units of the series; 0 and 0.3 or so with an empty history.
  [[nodiscard]] Surprise surprise(double value) const;

  /// `scale` > 0: about how far the series usually departs. It only chooses the range that is told
  /// apart (an eighth to 500 times of it, at least) and may change as it likes.
  void add(double value, double weight, double scale);

  [[nodiscard]] double unit() const { return unit_; }
  [[nodiscard]] const Rarity& rarity() const { return rarity_; }
  [[nodiscard]] Rarity& rarity() { return rarity_; }
  /// `unit`: 0 with an empty history, or what unit() was.
  void restore(double unit) { unit_ = unit; }

 private:
  void follow(double scale);

  double unit_ = 0;  ///< a power of two; 0 with an empty history
  Rarity rarity_;    ///< of multiples of the unit
};

}  // namespace wellrun::health::baseline
