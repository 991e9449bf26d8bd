#include "telemetry/store/series_reader.h"

#include <fmt/format.h>

namespace wellrun::telemetry::store {
namespace {

/// False when they do not come after those that are there.
template <typename TimedSample>
bool append_within(std::vector<TimedSample>& out, std::span<const TimedSample> samples,
                   TimeRange range) {
  const auto part = within(samples, range);
  const bool in_order = out.empty() || part.empty() || out.back().time_ms < part.front().time_ms;
  out.insert(out.end(), part.begin(), part.end());
  return in_order;
}

/// Whether each chunk ends before the next one begins.
bool are_in_order(const KeptChunks& chunks, std::int64_t until) {
  auto last_ms = INT64_MIN;
  bool in_order = true;
  chunks.each(until, [&](std::int64_t first_ms, std::string_view chunk) {
    const auto header = read_chunk_header(chunk);
    in_order &=
        header && first_ms == header->first_ms && (last_ms == INT64_MIN || first_ms > last_ms);
    if (header) last_ms = header->last_ms;
  });
  return in_order;
}

bool overlaps(std::int64_t first, std::int64_t last, TimeRange range) {
  return first <= last && first <= range.end_ms && last >= range.start_ms;
}

/// Whether only the database has some of what lies in the range.
bool is_on_disk(const Series& series, TimeRange range) {
  return overlaps(series.disk_first_ms, series.disk_last_ms, range) &&
         !series.is_recent(range.start_ms);
}

/// With the block locked. False when some floats do not come after those that were there.
bool read_memory(const Series& series, TimeRange range, std::vector<Sample>& floats,
                 std::vector<HistogramSample>& histograms) {
  bool in_order = true;
  if (series.is_recent(range.start_ms))
    in_order &= append_within(floats, series.recent.samples(), range);
  in_order &= append_within(floats, series.flushing.samples(), range);
  in_order &= append_within(floats, series.floats.samples(), range);
  if (!series.histograms) return in_order;
  append_within(histograms, std::span<const HistogramSample>(series.histograms->flushing), range);
  append_within(histograms, std::span<const HistogramSample>(series.histograms->samples), range);
  return in_order;
}

/// Sorted by time, each time once, inside the range.
template <typename TimedSample>
void tidy(std::vector<TimedSample>& samples, TimeRange range, bool in_order = false) {
  const auto not_before = [](const TimedSample& a, const TimedSample& b) {
    return a.time_ms >= b.time_ms;
  };
  if (!in_order && std::ranges::adjacent_find(samples, not_before) != samples.end()) {
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
  bool in_order = true;  // of the floats
  while (true) {
    const auto epoch = core_.checkpoint_epoch.load();
    data_.samples.clear();
    data_.histograms.clear();
    data_.sample_starts.clear();
    data_.histogram_starts.clear();
    OnDisk disk;
    {
      const std::scoped_lock lock(mutex);
      disk = look(series, epoch);
      // At once: a checkpoint lets go of what is in memory only after it raised the epoch.
      if (!disk.any) {
        in_order = read_memory(series, range_, data_.samples, data_.histograms);
        break;
      }
    }
    TRY_STATUS(read_disk(ref, epoch, disk));
    in_order = disk.kept && are_in_order(*disk.kept, range_.end_ms);
    {
      const std::scoped_lock lock(mutex);
      in_order &= read_memory(series, range_, data_.samples, data_.histograms);
    }
    // A checkpoint in between may have moved samples from where we had not looked to where we had.
    if (core_.checkpoint_epoch.load() == epoch) break;
  }
  tidy(data_.samples, range_, in_order);
  tidy(data_.histograms, range_);
  starts_.read(ref, range_, data_);
  return &data_;
}

/// With the block locked.
SeriesReader::OnDisk SeriesReader::look(const Series& series, std::uint64_t epoch) const {
  OnDisk disk{.any = is_on_disk(series, range_)};
  if (!disk.any) return disk;
  disk.worth_keeping = ChunkKeeper::takes(range_, series.disk_last_ms);
  if (series.kept && series.kept->serve(epoch, chunk_window(range_.start_ms))) {
    disk.kept = series.kept;
    series.kept->used.store(true, std::memory_order_relaxed);
  }
  return disk;
}

Status SeriesReader::read_disk(std::uint32_t ref, std::uint64_t epoch, OnDisk& disk) {
  const auto& database = *core_.database;
  if (!disk.kept) {
    if (!rows_ || epoch_ != epoch) {
      epoch_ = epoch;
      rows_ = database.iterate(Family::kChunks);
      last_read_.reset();
    }
    const bool behind_smaller = last_read_ && *last_read_ < ref;
    last_read_ = ref;
    if (disk.worth_keeping) disk.kept = copy(ref, behind_smaller);
    if (!disk.kept)
      return database.read_chunks(*rows_, ref, range_, &data_.samples, &data_.histograms,
                                  behind_smaller && !disk.worth_keeping);
  }
  database.read_chunks(*disk.kept, ref, range_, &data_.samples, &data_.histograms);
  return {};
}

/// Null when the chunks are not to be kept. The iterator may stand anywhere then.
std::shared_ptr<const KeptChunks> SeriesReader::copy(std::uint32_t ref, bool behind_smaller) {
  const auto start_ms = chunk_window(range_.start_ms);
  auto chunks = std::make_shared<KeptChunks>(epoch_, start_ms);
  if (!core_.database->copy_chunks(*rows_, ref, start_ms, behind_smaller, *chunks)) return nullptr;
  core_.kept_chunks->keep(ref, chunks);
  return chunks;
}

}  // namespace wellrun::telemetry::store
