#pragma once

// Which samples stay when older ones are thinned to a resolution (docs/retention.md says what that
// means for queries). Pure; thinning what was thinned changes nothing.

#include <string_view>
#include <vector>

#include "telemetry/model.h"

namespace wellrun::telemetry {

/// What a series' falling values mean.
enum class Falls { kAreValues, kAreResets };

/// By the conventions of Prometheus: a name that ends in _total, _count, _sum or _bucket.
Falls falls_of(std::string_view metric_name);

/// Of each interval [k·resolution, (k+1)·resolution) of Unix time the last sample stays; where that
/// is a stale marker, the last before it too. Where falls are resets, the samples on both sides of
/// each stay as well, and the first of all, so that what a counter grew by between two samples that
/// stay is what it was. `samples`: sorted by time, times unique; `resolution_ms` > 0.
void downsample(std::vector<Sample>& samples, std::int64_t resolution_ms, Falls falls);
/// The same; a histogram says itself whether it is a gauge.
void downsample(std::vector<HistogramSample>& samples, std::int64_t resolution_ms);

}  // namespace wellrun::telemetry
