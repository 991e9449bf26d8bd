#pragma once

// Comparing what a test of rules expects with what came out, in words. Pure.

#include <map>
#include <string>
#include <vector>

#include "core/labels.h"
#include "core/result.h"
#include "health/rules/unit_test_file.h"
#include "telemetry/query.h"

namespace wellrun::health::rules {

struct LabelledAlert {
  TextMap labels, annotations;
  auto operator<=>(const LabelledAlert&) const = default;
};

/// Empty when both hold the same; otherwise lines that show what is missing and what is too much.
std::string compare_alerts(std::vector<LabelledAlert> expected, std::vector<LabelledAlert> found);

struct ComparedSample {
  Labels labels;
  double value = 0;
  std::string histogram;  ///< in the notation of series_notation.h; empty: a number
};

Result<ComparedSample> expected_sample(const ExpectedSample& written);
std::vector<ComparedSample> samples_of(const telemetry::InstantResult& result);

/// As above. `fuzzy`: values that are neighbours among floating-point numbers are equal. NaN equals
/// nothing, as in promtool.
std::string compare_samples(std::vector<ComparedSample> expected, std::vector<ComparedSample> found,
                            bool fuzzy);

}  // namespace wellrun::health::rules
