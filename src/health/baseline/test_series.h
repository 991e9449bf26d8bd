#pragma once

// Made-up series for tests: five-minute rows from a fixed Monday, with noise from a seed.

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "health/baseline/baseline.h"

namespace wellrun::health::baseline::testing {

inline constexpr int kRowsPerDay = 288;

inline Timestamp time_of(int row) {
  constexpr std::int64_t kMonday = 1'578'268'800'000;  // 2020-01-06
  return from_unix_ms(kMonday + std::int64_t{300'000} * row);
}

/// Repeatable noise (SplitMix64).
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : state_(seed) {}
  double uniform() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  std::uint64_t state_;
};

struct Scored {
  double value = 0;
  Expectation expected;
  Observation seen;
};

/// `rows` rows of `value_at(row)`, observed in order by a new baseline.
template <typename ValueAt>
std::vector<Scored> score(int rows, const ValueAt& value_at) {
  Baseline baseline;
  std::vector<Scored> scored;
  for (int row = 0; row < rows; ++row) {
    Scored each{value_at(row), baseline.expect(time_of(row)), {}};
    each.seen = baseline.observe(time_of(row), each.value);
    scored.push_back(each);
  }
  return scored;
}

}  // namespace wellrun::health::baseline::testing
