#pragma once

// Chance for the tests of this folder: platform's seeded Random, as normal and Poisson draws.

#include <cmath>
#include <cstdint>
#include <numbers>

#include "platform/runtime/virtual_runtime.h"

namespace wellrun::health {

class TestChance {
 public:
  explicit TestChance(std::uint64_t seed) : runtime_(seed) {}

  /// In (0, 1).
  double uniform() {
    return (static_cast<double>(runtime_.runtime().random.next() >> 11) + 0.5) * 0x1p-53;
  }
  double normal() {
    return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
  }
  /// Small means only: counted out.
  double poisson(double mean) {
    int count = 0;
    for (double left = uniform(); left > std::exp(-mean); left *= uniform()) ++count;
    return count;
  }

 private:
  VirtualRuntime runtime_;
};

}  // namespace wellrun::health
