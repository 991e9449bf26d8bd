#pragma once

// What a request may become in memory, taken element by element while it is decoded: two bytes of a
// body may stand for an object of two hundred, and one name may be used a thousand times. One a
// request; not thread-safe.

#include <cstddef>

#include "core/result.h"

namespace wellrun::telemetry {

class ExpansionBudget {
 public:
  explicit ExpansionBudget(std::size_t bytes) : left_(bytes) {}

  /// For one element of so many bytes, and what holding it costs beside them. kTooLarge: no longer
  /// within the budget.
  Status take(std::size_t bytes) {
    constexpr std::size_t kOverhead = 64;
    if (left_ < kOverhead || bytes > left_ - kOverhead) return used_up();
    left_ -= bytes + kOverhead;
    return {};
  }

 private:
  static Status used_up();

  std::size_t left_;
};

}  // namespace wellrun::telemetry
