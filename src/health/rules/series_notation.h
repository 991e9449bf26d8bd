#pragma once

// The expanding notation of promtool's unit tests: `1+2x3 _ stale {{schema:0 count:4 sum:5
// buckets:[1 2 1]}}x2`. Pure.
//
// Source: Prometheus' documentation of unit testing for rules.

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "telemetry/model.h"

namespace wellrun::health::rules {

/// One place in a sequence: nothing, a number (a stale marker among them) or a histogram.
struct SequenceValue {
  std::optional<double> number;
  std::shared_ptr<const telemetry::Histogram> histogram;
  bool is_absent() const { return !number && histogram == nullptr; }
};

inline constexpr std::size_t kMaxSequence = 200'000;

/// kInvalid shows where it does not read on; kTooLarge beyond kMaxSequence values.
Result<std::vector<SequenceValue>> parse_sequence(std::string_view text);

/// A decimal number without a sign, `Inf` and `NaN` among them; std::nullopt for what is none, or
/// is too large. What is too small is zero, as in Go's ParseFloat.
std::optional<double> decimal(std::string_view text);

/// A series as in `input_series`: `up{job="a"}` or `{job="a"}`. Equality matchers only.
Result<Labels> parse_series_labels(std::string_view text);

/// The same notation back, `{{schema:0 count:4 sum:5}}`: one contiguous run of buckets a side,
/// empty ones at its ends left out, so that equal histograms give equal texts.
std::string to_notation(const telemetry::Histogram& histogram);

}  // namespace wellrun::health::rules
