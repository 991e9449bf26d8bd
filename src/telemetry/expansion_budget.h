#pragma once

// What a request or an answer may become in memory, taken element by element while it is decoded:
// two bytes of a body may stand for an object of two hundred, and one name may be used a thousand
// times. One for each body; not thread-safe.

#include <cstddef>

#include "core/result.h"

namespace wellrun::telemetry {

class ExpansionBudget {
 public:
  static constexpr const char* kRequest =
      "the request would take too much memory once decoded; send smaller batches";

  /// `complaint`: what to say, and what to do about it, when no more can be taken; it must outlive
  /// this.
  explicit ExpansionBudget(std::size_t bytes, const char* complaint = kRequest)
      : left_(bytes), complaint_(complaint) {}

  /// For one element of so many bytes, and what holding it costs beside them. kTooLarge: no longer
  /// within the budget.
  Status take(std::size_t bytes) {
    constexpr std::size_t kOverhead = 64;
    if (left_ < kOverhead || bytes > left_ - kOverhead) return used_up();
    left_ -= bytes + kOverhead;
    return {};
  }

 private:
  Status used_up() const;

  std::size_t left_;
  const char* complaint_;
};

}  // namespace wellrun::telemetry
