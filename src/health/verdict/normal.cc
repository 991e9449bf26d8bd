#include "health/verdict/normal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace wellrun::health {

double half_normal_ratio(double z) {
  // Mills' ratio: Phi(z) exp(z^2/2) -> 1 / (|z| sqrt(2 pi)) where both factors would leave the
  // range of double.
  constexpr double kFarLeft = -8, kFarRight = 37;
  if (z < kFarLeft) return 2 / (-z * std::sqrt(2 * std::numbers::pi)) * (1 - 1 / (z * z));
  z = std::min(z, kFarRight);
  return std::exp(z * z / 2) * std::erfc(-z / std::numbers::sqrt2);
}

double log_add(double a, double b) {
  const double high = std::max(a, b);
  if (high == -std::numeric_limits<double>::infinity()) return high;
  return high + std::log1p(std::exp(std::min(a, b) - high));
}

}  // namespace wellrun::health
