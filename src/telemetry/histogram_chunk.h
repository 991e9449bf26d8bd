#pragma once

// Native histograms as Prometheus' float histogram chunks, for remote read. Pure. Source:
// Prometheus, tsdb/docs/format/chunks.md ("Float histogram chunk data").

#include <span>
#include <string>

#include "telemetry/model.h"

namespace wellrun::telemetry {

/// How many of the first of `samples` (at least one, sorted by time) make one chunk of at most
/// `limit`: those of one layout of buckets, without a counter reset among them. A stale marker
/// stands alone.
std::size_t histogram_chunk_length(std::span<const HistogramSample> samples, std::size_t limit);

/// `samples`: what histogram_chunk_length() allows.
std::string histogram_chunk(std::span<const HistogramSample> samples);

}  // namespace wellrun::telemetry
