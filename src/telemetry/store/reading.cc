// Reading: matchers to refs, refs to samples of the head and of the database. The head is read
// first: a checkpoint in between may show a sample twice, never hide it.

#include <algorithm>
#include <fmt/format.h>

#include "telemetry/store/core.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kCancelEvery = 256;  ///< series between two looks at `cancelled`

template <typename TimedSample>
std::span<const TimedSample> within(std::span<const TimedSample> samples, TimeRange range) {
  const auto first = std::ranges::lower_bound(samples, range.start_ms, {}, &TimedSample::time_ms);
  const auto last = std::ranges::upper_bound(samples, range.end_ms, {}, &TimedSample::time_ms);
  return first < last ? std::span(first, last) : std::span<const TimedSample>();
}

template <typename TimedSample>
void append_within(std::vector<TimedSample>& out, std::span<const TimedSample> samples,
                   TimeRange range) {
  const auto part = within(samples, range);
  out.insert(out.end(), part.begin(), part.end());
}

bool overlaps(std::int64_t first, std::int64_t last, TimeRange range) {
  return first <= last && first <= range.end_ms && last >= range.start_ms;
}

/// With the block locked.
void read_memory(const Series& series, TimeRange range, SeriesData& out) {
  append_within(out.samples, series.flushing.samples(), range);
  append_within(out.samples, series.floats.samples(), range);
  if (!series.histograms) return;
  append_within(out.histograms, std::span<const HistogramSample>(series.histograms->flushing),
                range);
  append_within(out.histograms, std::span<const HistogramSample>(series.histograms->samples),
                range);
}

/// Sorted by time, each time once, inside the range.
template <typename TimedSample>
void tidy(std::vector<TimedSample>& samples, TimeRange range) {
  if (!std::ranges::is_sorted(samples, std::ranges::less_equal{}, &TimedSample::time_ms))
    std::ranges::stable_sort(samples, {}, &TimedSample::time_ms);
  const auto again = std::ranges::unique(samples, {}, &TimedSample::time_ms);
  samples.erase(again.begin(), again.end());
  const auto part = within(std::span<const TimedSample>(samples), range);
  if (part.size() == samples.size()) return;
  if (part.empty()) return samples.clear();
  const auto skipped = part.data() - samples.data();
  samples.resize(static_cast<std::size_t>(skipped) + part.size());
  samples.erase(samples.begin(), samples.begin() + skipped);
}

bool has_samples_in(const Series& series, TimeRange range) {
  if (overlaps(series.disk_first_ms, series.disk_last_ms, range)) return true;
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

class Select {
 public:
  Select(const Core& core, TimeRange range, const ReadLimits& limits)
      : core_(core), range_(range), limits_(limits) {}

  Result<std::vector<SeriesData>> run(const Roaring& refs) {
    std::size_t seen = 0;
    for (const auto ref : refs) {
      if (seen++ % kCancelEvery == 0 && limits_.cancelled && limits_.cancelled())
        return fail(ErrorCode::kCancelled, "the read was cancelled");
      TRY_STATUS(read(ref));
    }
    return sorted();
  }

 private:
  Status read(std::uint32_t ref) {
    SeriesData data;
    bool on_disk = false;
    const auto& series = core_.head.at(ref);
    {
      const std::scoped_lock lock(core_.head.block_of(ref).mutex);
      read_memory(series, range_, data);
      on_disk = overlaps(series.disk_first_ms, series.disk_last_ms, range_);
    }
    if (on_disk) {
      if (!rows_ || epoch_ != core_.checkpoint_epoch.load()) {
        epoch_ = core_.checkpoint_epoch.load();
        rows_ = core_.database->iterate(Family::kChunks);
      }
      std::vector<Sample> from_head;
      from_head.swap(data.samples);
      TRY_STATUS(core_.database->read_chunks(*rows_, ref, range_, &data.samples, &data.histograms));
      data.samples.insert(data.samples.end(), from_head.begin(), from_head.end());
    }
    tidy(data.samples, range_);
    tidy(data.histograms, range_);
    const auto count = data.samples.size() + data.histograms.size();
    if (count == 0) return {};
    samples_ += count;
    if (limits_.max_samples != 0 && samples_ > limits_.max_samples)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("the query needs more than {} samples", limits_.max_samples));
    if (limits_.max_series != 0 && found_.size() >= limits_.max_series)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("the query needs more than {} series", limits_.max_series));
    found_.push_back(Found{ref, std::move(data)});
    return {};
  }

  std::vector<SeriesData> sorted() {
    std::ranges::sort(found_, [&](const Found& a, const Found& b) {
      return compare_label_bytes(core_.head.at(a.ref).label_bytes(),
                                 core_.head.at(b.ref).label_bytes()) < 0;
    });
    std::vector<SeriesData> result;
    result.reserve(found_.size());
    for (auto& [ref, data] : found_) {
      data.labels = labels_from_bytes(core_.head.at(ref).label_bytes());
      result.push_back(std::move(data));
    }
    return result;
  }

  const Core& core_;
  const TimeRange range_;
  const ReadLimits& limits_;
  std::unique_ptr<rocksdb::Iterator> rows_;
  std::uint64_t epoch_ = 0;
  std::vector<Found> found_;
  std::size_t samples_ = 0;
};

}  // namespace

Result<std::vector<SeriesData>> select_series(const Core& core,
                                              const std::vector<Matcher>& matchers, TimeRange range,
                                              const ReadLimits& limits) {
  TRY(const auto refs, core.index.match(matchers));
  return Select(core, range, limits).run(refs);
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
