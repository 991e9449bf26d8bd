#include "telemetry/store/series_reader.h"

#include <fmt/format.h>

namespace wellrun::telemetry::store {
namespace {

template <typename TimedSample>
void append_within(std::vector<TimedSample>& out, std::span<const TimedSample> samples,
                   TimeRange range) {
  const auto part = within(samples, range);
  out.insert(out.end(), part.begin(), part.end());
}

bool overlaps(std::int64_t first, std::int64_t last, TimeRange range) {
  return first <= last && first <= range.end_ms && last >= range.start_ms;
}

/// Whether only the database has some of what lies in the range.
bool is_on_disk(const Series& series, TimeRange range) {
  return overlaps(series.disk_first_ms, series.disk_last_ms, range) &&
         !series.is_recent(range.start_ms);
}

/// With the block locked.
void read_memory(const Series& series, TimeRange range, std::vector<Sample>& floats,
                 std::vector<HistogramSample>& histograms) {
  if (series.is_recent(range.start_ms)) append_within(floats, series.recent.samples(), range);
  append_within(floats, series.flushing.samples(), range);
  append_within(floats, series.floats.samples(), range);
  if (!series.histograms) return;
  append_within(histograms, std::span<const HistogramSample>(series.histograms->flushing), range);
  append_within(histograms, std::span<const HistogramSample>(series.histograms->samples), range);
}

/// Sorted by time, each time once, inside the range.
template <typename TimedSample>
void tidy(std::vector<TimedSample>& samples, TimeRange range) {
  const auto not_before = [](const TimedSample& a, const TimedSample& b) {
    return a.time_ms >= b.time_ms;
  };
  if (std::ranges::adjacent_find(samples, not_before) != samples.end()) {
    std::ranges::stable_sort(samples, {}, &TimedSample::time_ms);
    const auto again = std::ranges::unique(samples, {}, &TimedSample::time_ms);
    samples.erase(again.begin(), again.end());
  }
  const auto part = within(std::span<const TimedSample>(samples), range);
  if (part.size() == samples.size()) return;
  if (part.empty()) return samples.clear();
  const auto skipped = part.data() - samples.data();
  samples.resize(static_cast<std::size_t>(skipped) + part.size());
  samples.erase(samples.begin(), samples.begin() + skipped);
}

}  // namespace

Status check_limits(const ReadLimits& limits, std::size_t series, std::size_t samples) {
  if (limits.max_samples != 0 && samples > limits.max_samples)
    return fail(ErrorCode::kTooLarge,
                fmt::format("the query needs more than {} samples", limits.max_samples));
  if (limits.max_series != 0 && series > limits.max_series)
    return fail(ErrorCode::kTooLarge,
                fmt::format("the query needs more than {} series", limits.max_series));
  return {};
}

bool SeriesReader::needed_for(const Series& series, TimeRange range,
                              std::span<const Sample> in_memory, SamplesWanted wanted) {
  if (series.histograms || !series.flushing.empty()) return true;
  if (!overlaps(series.disk_first_ms, series.disk_last_ms, range)) return false;
  if (series.is_recent(range.start_ms))
    return !in_memory.empty() && in_memory.front().time_ms <= series.recent.back().time_ms;
  return wanted == SamplesWanted::kAll || in_memory.empty() ||
         in_memory.back().time_ms <= series.disk_last_ms;
}

Result<SeriesData*> SeriesReader::read(std::uint32_t ref) {
  auto& mutex = core_.head.block_of(ref).mutex;
  const auto& series = core_.head.at(ref);
  while (true) {
    const auto epoch = core_.checkpoint_epoch.load();
    data_.samples.clear();
    data_.histograms.clear();
    data_.sample_starts.clear();
    data_.histogram_starts.clear();
    bool on_disk = false;
    {
      const std::scoped_lock lock(mutex);
      on_disk = is_on_disk(series, range_);
    }
    if (on_disk) TRY_STATUS(read_disk(ref, epoch));
    {
      const std::scoped_lock lock(mutex);
      read_memory(series, range_, data_.samples, data_.histograms);
    }
    // A checkpoint in between may have moved samples from where we had not looked to where we had.
    if (core_.checkpoint_epoch.load() == epoch) break;
  }
  tidy(data_.samples, range_);
  tidy(data_.histograms, range_);
  TRY_STATUS(starts_.read(ref, range_, data_));
  return &data_;
}

Status SeriesReader::read_disk(std::uint32_t ref, std::uint64_t epoch) {
  if (!rows_ || epoch_ != epoch) {
    epoch_ = epoch;
    rows_ = core_.database->iterate(Family::kChunks);
    last_read_.reset();
  }
  const bool behind_smaller = last_read_ && *last_read_ < ref;
  last_read_ = ref;
  return core_.database->read_chunks(*rows_, ref, range_, &data_.samples, &data_.histograms,
                                     behind_smaller);
}

}  // namespace wellrun::telemetry::store
