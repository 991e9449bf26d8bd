#pragma once

// Compensated summation, as Prometheus sums. Inline: it stands in the innermost loops.

#include <cmath>

namespace wellrun::telemetry::promql {

/// A sum with its running compensation (Kahan-Babuska-Neumaier). An infinite sum has none.
inline void kahan_add(double value, double& sum, double& compensation) {
  const double total = sum + value;
  const double from_large = (sum - total) + value, from_small = (value - total) + sum;
  const double lost = std::abs(sum) >= std::abs(value) ? from_large : from_small;
  compensation = std::isinf(total) ? 0 : compensation + lost;
  sum = total;
}

}  // namespace wellrun::telemetry::promql
