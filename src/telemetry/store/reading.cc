// Reading: matchers to refs, refs to series with their labels.

#include <algorithm>

#include "platform/runtime/parallel.h"
#include "telemetry/sample_weight.h"
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

/// What all parts of one read have come to.
struct ReadSoFar {
  std::atomic<std::size_t> series = 0, samples = 0;
};

/// One part of a read.
struct Part {
  std::span<const std::uint32_t> refs;
  std::vector<Found> found;
  Status status;
};

Status read_part(const Core& core, TimeRange range, const ReadLimits& limits, ReadSoFar& so_far,
                 Part& part) {
  SeriesReader reader(core, range);
  std::size_t seen = 0;
  for (const auto ref : part.refs) {
    if (seen++ % kCancelEvery == 0 && limits.cancelled && limits.cancelled())
      return fail(ErrorCode::kCancelled, "the read was cancelled");
    TRY(SeriesData* const data, reader.read(ref));
    const auto samples = data->samples.size() + weight_of(data->histograms);
    if (samples == 0) continue;
    TRY_STATUS(check_limits(limits, ++so_far.series, so_far.samples += samples));
    part.found.push_back(Found{ref, std::move(*data)});
  }
  return {};
}

/// So many that idle workers can help, when there is enough to decode for it to pay.
std::vector<Part> parts_of(std::span<const std::uint32_t> refs, TimeRange range) {
  constexpr std::size_t kFixedCost = 4;  // of a series, in minutes of samples
  constexpr std::size_t kWorthHelp = 4'000, kMostParts = 4;
  const auto minutes = static_cast<std::size_t>(
      std::clamp<std::int64_t>(range.end_ms / 60'000 - range.start_ms / 60'000, 0, 1'000'000));
  const bool is_shared = refs.size() * (kFixedCost + minutes) > kWorthHelp;
  const auto count = is_shared ? std::min(kMostParts, refs.size()) : 1;
  std::vector<Part> parts(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto first = refs.size() * i / count;
    parts[i].refs = refs.subspan(first, refs.size() * (i + 1) / count - first);
  }
  return parts;
}

}  // namespace

Result<std::vector<SeriesData>> select_series(const Core& core,
                                              const std::vector<Matcher>& matchers, TimeRange range,
                                              const ReadLimits& limits) {
  const auto pin = core.pins.pin();
  TRY(const auto matched, core.index.match(matchers));
  std::vector<std::uint32_t> refs(matched.cardinality());
  matched.toUint32Array(refs.data());
  auto parts = parts_of(refs, range);
  ReadSoFar so_far;
  auto* const helpers = core.options.readers ? core.options.readers : &core.runtime.workers;
  in_parallel(helpers, parts.size(), [&](std::size_t i) {
    parts[i].status = read_part(core, range, limits, so_far, parts[i]);
  });
  std::vector<Found> found;
  for (auto& part : parts) {
    TRY_STATUS(std::move(part.status));
    std::ranges::move(part.found, std::back_inserter(found));
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
                              TimeRange range, const ReadLimits& limits) {
  constexpr std::uint64_t kBetweenLooks = 1024;
  const auto go_on = [&]() -> Status {
    if (!limits.cancelled || !limits.cancelled()) return {};
    return fail(ErrorCode::kCancelled, "the read was given up");
  };
  Roaring candidates;
  if (sets.empty()) {
    TRY(candidates, core.index.match({}));
  }
  for (const auto& set : sets) {
    TRY_STATUS(go_on());
    TRY(const auto refs, core.index.match(set));
    candidates |= refs;
  }
  Roaring kept;
  std::uint64_t seen = 0;
  for (const auto ref : candidates) {
    if (seen++ % kBetweenLooks == 0) TRY_STATUS(go_on());
    const std::scoped_lock lock(core.head.block_of(ref).mutex);
    if (has_samples_in(core.head.at(ref), range)) kept.add(ref);
  }
  return kept;
}

}  // namespace wellrun::telemetry::store
