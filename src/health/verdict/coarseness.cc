#include "health/verdict/coarseness.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace wellrun::health {
namespace {

constexpr double kMemory = 0.98;  // from block to block, as of scatter
constexpr double kLargestMove = 1e6;
constexpr double kMostDecimals = 6;
constexpr double kMostlyHeld = 0.5;
constexpr double kIndependent = 0.2;  // of the square of a step

}  // namespace

void Coarseness::add(std::span<const double> values) {
  for (std::size_t i = 1; i < values.size(); ++i) {
    const double move = std::min(std::abs(values[i] - values[i - 1]), kLargestMove);
    if (move == 0) {
      ++equal_;
    } else {
      ++moved_;
      log_steps_ += std::log(move);  // a single wild value must not look like a usual step
    }
  }
}

void Coarseness::age() {
  equal_ *= kMemory;
  moved_ *= kMemory;
  log_steps_ *= kMemory;
}

double Coarseness::step() const {
  if (equal_ == 0) return 0;
  // The resolution stands for one observed move.
  if (resolution_ <= 0) return moved_ > 0 ? std::exp(log_steps_ / moved_) : 0;
  return std::exp((log_steps_ + std::log(resolution_)) / (moved_ + 1));
}

double Coarseness::held() const {
  return equal_ > 0 ? equal_ / (equal_ + moved_) : 0;
}

bool Coarseness::is_coarse(double scatter) const {
  return held() > kMostlyHeld && scatter < kIndependent * step() * step();
}

double Coarseness::variance(double scatter) const {
  const double square = step() * step();
  if (square == 0) return 0;
  const double left = std::exp(-4 * std::numbers::pi * std::numbers::pi * scatter / square);
  return held() * left * square / 12;
}

double decimal_resolution(double value) {
  double unit = 1;
  for (int decimals = 0; decimals <= kMostDecimals; ++decimals, unit /= 10) {
    const double multiple = value / unit;
    if (std::abs(multiple - std::round(multiple)) <= 1e-9 * std::abs(multiple)) return unit;
  }
  return 0;
}

}  // namespace wellrun::health
