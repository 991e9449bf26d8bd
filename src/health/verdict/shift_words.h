#pragma once

// What the shift judge says, in words. Pure.

#include <string>

#include "health/verdict/shift_judge.h"

namespace wellrun::health {

std::string shift_test_words(bool logarithmic);
std::string shift_threshold_words(const ShiftQuestion& question, double decides_at);

/// Counts, size and windows of a verdict whose numbers are filled in: "42 steps of 2h before …".
/// `is_weighed`: there was enough to weigh. `level_known`: nothing stood before.
std::string shift_reason(const ShiftQuestion& question, const ShiftVerdict& verdict,
                         bool is_weighed, bool level_known);

}  // namespace wellrun::health
