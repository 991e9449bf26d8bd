// Who creates series: by metric, by label, by pair. Walks the index; linear in the pairs.

#include <algorithm>

#include "telemetry/store/core.h"

namespace wellrun::telemetry::store {
namespace {

using Count = Cardinality::Count;

/// The `limit` largest, largest first; equal ones by name.
void keep_largest(std::vector<Count>& counts, std::size_t limit) {
  const auto larger = [](const Count& a, const Count& b) {
    return a.value != b.value ? a.value > b.value : a.name < b.name;
  };
  const auto kept = counts.begin() + static_cast<std::ptrdiff_t>(std::min(limit, counts.size()));
  std::ranges::partial_sort(counts, kept, larger);
  counts.erase(kept, counts.end());
}

/// Of all samples, wherever they are; INT64_MAX when there are none.
std::int64_t oldest_sample(const Core& core) {
  auto oldest = INT64_MAX;
  core.head.each_series([&](const SeriesBlock& block, const Series& series) {
    const std::scoped_lock lock(block.mutex);
    if (series.has_disk()) oldest = std::min(oldest, series.disk_first_ms);
    for (const auto* floats : {&series.floats, &series.flushing})
      if (!floats->empty()) oldest = std::min(oldest, floats->front().time_ms);
    if (!series.histograms) return;
    for (const auto* histograms : {&series.histograms->samples, &series.histograms->flushing})
      if (!histograms->empty()) oldest = std::min(oldest, histograms->front().time_ms);
  });
  return oldest;
}

}  // namespace

std::size_t chunks_in_head(const Core& core) {
  const auto pin = core.pins.pin();
  std::size_t count = 0;
  core.head.each_series([&](const SeriesBlock& block, const Series& series) {
    const std::scoped_lock lock(block.mutex);
    for (const auto* floats : {&series.floats, &series.flushing}) count += floats->empty() ? 0 : 1;
    if (!series.histograms) return;
    for (const auto* histograms : {&series.histograms->samples, &series.histograms->flushing})
      count += histograms->empty() ? 0 : 1;
  });
  return count;
}

Cardinality cardinality_of(const Core& core, std::size_t limit, const Roaring* within) {
  const auto pin = core.pins.pin();
  Cardinality found;
  found.series = within == nullptr ? core.index.size() : within->cardinality();
  found.head_samples = core.head.sample_count.load();
  if (within == nullptr && core.newest_ms.load() != INT64_MIN) {
    found.max_time_ms = core.newest_ms.load();
    found.min_time_ms = std::min(oldest_sample(core), found.max_time_ms);
  }
  for (const auto& name : core.index.names()) {
    Count values{name, 0};
    Count bytes{name, 0};
    core.index.each_value(name, [&](std::string_view value, const Roaring& refs) {
      const auto series = within == nullptr ? refs.cardinality() : refs.and_cardinality(*within);
      if (series == 0) return;
      ++values.value;
      bytes.value += value.size();
      if (name == kMetricNameLabel) found.series_by_metric.push_back({std::string(value), series});
      // The list must not grow with the pairs: only what may be among the largest stays in it.
      found.series_by_pair.push_back({name + "=" + std::string(value), series});
      if (found.series_by_pair.size() > 1000 + 2 * limit) keep_largest(found.series_by_pair, limit);
    });
    if (values.value == 0) continue;
    found.label_pairs += values.value;
    found.values_by_label.push_back(std::move(values));
    found.bytes_by_label.push_back(std::move(bytes));
  }
  for (auto* counts : {&found.series_by_metric, &found.values_by_label, &found.bytes_by_label,
                       &found.series_by_pair})
    keep_largest(*counts, limit);
  return found;
}

}  // namespace wellrun::telemetry::store
