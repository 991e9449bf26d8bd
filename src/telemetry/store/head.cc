#include "telemetry/store/head.h"

#include <algorithm>
#include <bit>
#include <set>

#include "telemetry/store/histogram_codec.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kBlockTableSize = Head::kMaxSeries / SeriesBlock::kSize;

bool same(const Sample& a, const Sample& b) {
  return std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
}
bool same(const HistogramSample& a, const HistogramSample& b) {
  return same_histogram(*a.histogram, *b.histogram);
}
bool same(const Sample&, const HistogramSample&) {
  return false;
}
bool same(const HistogramSample&, const Sample&) {
  return false;
}

template <typename Kept, typename Incoming>
void look(std::span<const Kept> samples, const Incoming& sample, Appended& found) {
  const auto place = std::ranges::lower_bound(samples, sample.time_ms, {}, &Kept::time_ms);
  if (place == samples.end() || place->time_ms != sample.time_ms) return;
  found = same(*place, sample) ? Appended::kSame : Appended::kConflict;
}

/// kSame or kConflict when the head knows the time; kTooOld otherwise.
template <typename Incoming>
Appended find_in_memory(const Series& series, const Incoming& sample) {
  auto found = Appended::kTooOld;
  look(series.floats.samples(), sample, found);
  look(series.flushing.samples(), sample, found);
  if (series.histograms) {
    look(std::span<const HistogramSample>(series.histograms->samples), sample, found);
    look(std::span<const HistogramSample>(series.histograms->flushing), sample, found);
  }
  return found;
}

void put(Series& series, Sample sample) {
  const auto samples = series.floats.samples();
  if (samples.empty() || samples.back().time_ms < sample.time_ms)
    return series.floats.push_back(sample);
  const auto place = std::ranges::lower_bound(samples, sample.time_ms, {}, &Sample::time_ms);
  series.floats.insert(static_cast<std::size_t>(place - samples.begin()), sample);
}

void put(Series& series, const HistogramSample& sample) {
  if (!series.histograms) series.histograms = std::make_unique<HistogramBuffers>();
  auto& samples = series.histograms->samples;
  const auto place =
      std::ranges::lower_bound(samples, sample.time_ms, {}, &HistogramSample::time_ms);
  samples.insert(place, sample);
}

template <typename Incoming>
Appended append_any(Series& series, const Incoming& sample, bool may_insert) {
  if (sample.time_ms > series.last_ms) {
    put(series, sample);
    series.last_ms = sample.time_ms;
    return Appended::kNew;
  }
  const auto found = find_in_memory(series, sample);
  if (found != Appended::kTooOld || !may_insert) return found;
  if (series.has_disk() && sample.time_ms >= series.disk_first_ms &&
      sample.time_ms <= series.disk_last_ms)
    return Appended::kNeedsDisk;
  put(series, sample);
  return Appended::kNew;
}

template <typename Incoming>
Appended insert_any(Series& series, const Incoming& sample) {
  const auto found = find_in_memory(series, sample);
  if (found != Appended::kTooOld) return found;
  put(series, sample);
  series.last_ms = std::max(series.last_ms, sample.time_ms);
  return Appended::kNew;
}

}  // namespace

Appended append(Series& series, Sample sample, bool may_insert) {
  if (sample.time_ms > series.last_ms) [[likely]] {
    series.floats.push_back(sample);
    series.last_ms = sample.time_ms;
    return Appended::kNew;
  }
  return append_any(series, sample, may_insert);
}

Appended append(Series& series, const HistogramSample& sample, bool may_insert) {
  return append_any(series, sample, may_insert);
}

Appended insert_checked(Series& series, Sample sample) {
  return insert_any(series, sample);
}
Appended insert_checked(Series& series, const HistogramSample& sample) {
  return insert_any(series, sample);
}

Head::Head()
    : blocks_(static_cast<std::atomic<SeriesBlock*>*>(
          std::calloc(kBlockTableSize, sizeof(std::atomic<SeriesBlock*>)))) {
  WELLRUN_ASSERT(blocks_ != nullptr, "memory for the table of series ran out");
}

Head::~Head() {
  for (std::uint32_t i = 0; i < block_count(); ++i) delete block(i);
}

Head::LabelCopy::LabelCopy(std::string_view labels)
    : bytes(new char[labels.size()]), size(static_cast<std::uint32_t>(labels.size())) {
  std::memcpy(bytes.get(), labels.data(), labels.size());
}

void Head::make(std::uint32_t ref, LabelCopy labels) {
  auto& slot = blocks_[ref / SeriesBlock::kSize];
  if (slot.load(std::memory_order_relaxed) == nullptr) {
    slot.store(new SeriesBlock, std::memory_order_release);
    blocks_held_.fetch_add(1, std::memory_order_relaxed);
  }
  auto& series = at(ref);
  series.labels_size = labels.size;
  series.labels.store(labels.bytes.release(), std::memory_order_release);
  if (ref >= end_ref_.load(std::memory_order_relaxed))
    end_ref_.store(ref + 1, std::memory_order_release);
}

Head::Remains Head::take_out(std::span<const std::uint32_t> refs, std::uint32_t made_end) {
  Remains remains;
  std::set<std::uint32_t> touched;
  for (const auto ref : refs) {
    remains.labels.emplace_back(at(ref).labels.exchange(nullptr, std::memory_order_acq_rel));
    touched.insert(ref / SeriesBlock::kSize);
  }
  const auto has_labels = [](const Series& series) {
    return series.labels.load(std::memory_order_relaxed) != nullptr;
  };
  for (const auto index : touched) {
    const bool gets_more = (index + 1) * SeriesBlock::kSize > made_end;
    if (gets_more || std::ranges::any_of(block(index)->series, has_labels)) continue;
    remains.blocks.emplace_back(blocks_[index].exchange(nullptr, std::memory_order_acq_rel));
    blocks_held_.fetch_sub(1, std::memory_order_relaxed);
  }
  return remains;
}

}  // namespace wellrun::telemetry::store
