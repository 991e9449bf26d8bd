#pragma once

// OpenTelemetry's exponential histograms as Prometheus' native ones. Pure functions; thread-safe.
// Source: OpenTelemetry specification, compatibility/prometheus_and_openmetrics.md, "Exponential
// Histograms".

#include <cstdint>
#include <vector>

#include "core/result.h"
#include "telemetry/model.h"

namespace wellrun::telemetry::otlp {

/// One side of an exponential histogram: counts[i] is of the bucket with index offset + i, which
/// covers (base^index, base^(index+1)], base = 2^(2^-scale).
struct ExponentialBuckets {
  std::int32_t offset = 0;
  std::vector<std::uint64_t> counts;
};

struct ExponentialPoint {
  std::int32_t scale = 0;
  std::uint64_t count = 0, zero_count = 0;
  double sum = 0, zero_threshold = 0;
  ExponentialBuckets positive, negative;
};

/// Scale above 8 is reduced to 8 by merging neighbours; below -4 is kUnsupported. kInvalid when the
/// buckets do not add up to `count`, or an index does not fit. A zero threshold of 0 becomes
/// 1e-128, as in Prometheus. Buckets that lie wholly within the zero threshold are counted in the
/// zero bucket.
Result<Histogram> to_native_histogram(const ExponentialPoint& point);

/// Bucket by bucket, at the coarser schema and the wider zero bucket, which takes in what it covers
/// of the other's, and grows to the end of a bucket that it would cut; both exponential.
Histogram add_histograms(const Histogram& a, const Histogram& b);

}  // namespace wellrun::telemetry::otlp
