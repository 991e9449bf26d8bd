#include "health/baseline/plain_rarity.h"

#include <algorithm>
#include <cmath>

namespace wellrun::health::baseline {

Surprise PlainRarity::surprise(double value) const {
  return unit_ > 0 ? rarity_.surprise(value / unit_) : 0;
}

/// The unit follows in steps of whole octaves, so that the history is restated without loss.
void PlainRarity::follow(double scale) {
  constexpr int kFurthest = 3;
  const int now = std::ilogb(scale);
  const int octaves = unit_ > 0 ? now - std::ilogb(unit_) : 0;
  if (unit_ > 0 && std::abs(octaves) <= kFurthest) return;
  rarity_.restate(octaves);
  unit_ = std::ldexp(1.0, now);
}

void PlainRarity::add(double value, double weight, double scale) {
  follow(scale);
  rarity_.add(value / unit_, weight);
}

}  // namespace wellrun::health::baseline
