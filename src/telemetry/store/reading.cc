// Reading: matchers to refs, refs to series with their labels.

#include <algorithm>

#include "telemetry/store/core.h"
#include "telemetry/store/label_bytes.h"
#include "telemetry/store/series_reader.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kCancelEvery = 256;  ///< series between two looks at `cancelled`

bool has_samples_in(const Series& series, TimeRange range) {
  if (series.has_disk() && series.disk_first_ms <= range.end_ms &&
      series.disk_last_ms >= range.start_ms)
    return true;
  if (!within(series.floats.samples(), range).empty() ||
      !within(series.flushing.samples(), range).empty())
    return true;
  if (!series.histograms) return false;
  return !within(std::span<const HistogramSample>(series.histograms->samples), range).empty() ||
         !within(std::span<const HistogramSample>(series.histograms->flushing), range).empty();
}

struct Found {
  std::uint32_t ref;
  SeriesData data;
};

}  // namespace

Result<std::vector<SeriesData>> select_series(const Core& core,
                                              const std::vector<Matcher>& matchers, TimeRange range,
                                              const ReadLimits& limits) {
  TRY(const auto refs, core.index.match(matchers));
  SeriesReader reader(core, range);
  std::vector<Found> found;
  std::size_t seen = 0, samples = 0;
  for (const auto ref : refs) {
    if (seen++ % kCancelEvery == 0 && limits.cancelled && limits.cancelled())
      return fail(ErrorCode::kCancelled, "the read was cancelled");
    TRY(SeriesData* const data, reader.read(ref));
    if (data->samples.empty() && data->histograms.empty()) continue;
    samples += data->samples.size() + data->histograms.size();
    TRY_STATUS(check_limits(limits, found.size() + 1, samples));
    found.push_back(Found{ref, std::move(*data)});
  }
  const auto bytes_of = [&](const Found& one) { return core.head.at(one.ref).label_bytes(); };
  std::ranges::sort(found, [&](const Found& a, const Found& b) {
    return compare_label_bytes(bytes_of(a), bytes_of(b)) < 0;
  });
  std::vector<SeriesData> result;
  result.reserve(found.size());
  for (auto& one : found) {
    one.data.labels = labels_from_bytes(bytes_of(one));
    result.push_back(std::move(one.data));
  }
  return result;
}

Result<Roaring> refs_in_range(const Core& core, const std::vector<std::vector<Matcher>>& sets,
                              TimeRange range) {
  Roaring candidates;
  if (sets.empty()) {
    TRY(candidates, core.index.match({}));
  }
  for (const auto& set : sets) {
    TRY(const auto refs, core.index.match(set));
    candidates |= refs;
  }
  Roaring kept;
  for (const auto ref : candidates) {
    const std::scoped_lock lock(core.head.block_of(ref).mutex);
    if (has_samples_in(core.head.at(ref), range)) kept.add(ref);
  }
  return kept;
}

}  // namespace wellrun::telemetry::store
