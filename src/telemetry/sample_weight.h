#pragma once

// What a stored sample takes of a query's limit of samples: a float one, a native histogram as many
// as would take its room. So a limit of samples is one of memory, too: about 16 bytes each. Pure.

#include <cstddef>
#include <memory>
#include <span>

#include "telemetry/model.h"

namespace wellrun::telemetry {

/// As Prometheus reckons it (HPoint.size in promql/value.go): 168 bytes, 8 for each span and count
/// of a bucket, and 8 for the time.
inline std::size_t weight_of(const Histogram& histogram) {
  const auto words = histogram.positive_spans.size() + histogram.negative_spans.size() +
                     histogram.positive_counts.size() + histogram.negative_counts.size() +
                     histogram.custom_bounds.size();
  return (168 + 8 * words + 8) / 16;
}

inline std::size_t weight_of(std::span<const HistogramSample> samples) {
  std::size_t weight = 0;
  for (const auto& one : samples) weight += weight_of(*one.histogram);
  return weight;
}

/// Null where there is none.
inline std::size_t weight_of(std::span<const std::shared_ptr<const Histogram>> histograms) {
  std::size_t weight = 0;
  for (const auto& one : histograms)
    if (one) weight += weight_of(*one);
  return weight;
}

}  // namespace wellrun::telemetry
