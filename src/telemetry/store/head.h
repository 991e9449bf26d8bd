#pragma once

// The head: every series known, with the samples that are not in the database yet, as plain
// columns. Series live in blocks of 64 with one mutex a block: a request walks series in the
// sender's order, so it takes one lock for many samples. Thread-safe as stated at each function.
// What an ended series takes is given back by EndedSeries alone, once nobody can be at it
// (read_pins.h): who follows refs holds a pin.

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "core/assert.h"
#include "telemetry/model.h"

namespace wellrun::telemetry::store {

/// A vector of samples that grows by a quarter (100,000 of them half empty would be the largest
/// part of our memory).
class SampleBuffer {
 public:
  SampleBuffer() = default;
  SampleBuffer(SampleBuffer&& other) noexcept { swap(other); }
  SampleBuffer& operator=(SampleBuffer&& other) noexcept {
    SampleBuffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~SampleBuffer() { std::free(data_); }

  void swap(SampleBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    std::swap(capacity_, other.capacity_);
  }
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  const Sample& front() const { return data_[0]; }
  const Sample& back() const { return data_[count_ - 1]; }
  std::span<const Sample> samples() const { return {data_, count_}; }

  void push_back(Sample sample) {
    if (count_ == capacity_) grow();
    data_[count_++] = sample;
  }
  /// Exactly these, without room to grow.
  void assign(std::span<const Sample> samples) {
    SampleBuffer made;
    if (!samples.empty()) {
      made.count_ = made.capacity_ = static_cast<std::uint32_t>(samples.size());
      made.data_ = static_cast<Sample*>(std::malloc(samples.size_bytes()));
      WELLRUN_ASSERT(made.data_ != nullptr, "memory for samples ran out");
      std::memcpy(made.data_, samples.data(), samples.size_bytes());
    }
    swap(made);
  }
  void insert(std::size_t index, Sample sample) {
    if (count_ == capacity_) grow();
    std::memmove(data_ + index + 1, data_ + index, (count_ - index) * sizeof(Sample));
    data_[index] = sample;
    ++count_;
  }

 private:
  void grow() {
    capacity_ += capacity_ < 16 ? 4 : capacity_ / 4;
    data_ = static_cast<Sample*>(std::realloc(data_, capacity_ * sizeof(Sample)));
    WELLRUN_ASSERT(data_ != nullptr, "memory for samples ran out");
  }

  Sample* data_ = nullptr;
  std::uint32_t count_ = 0, capacity_ = 0;
};

inline constexpr std::uint32_t kNoSeries = ~0U;

/// Histograms are rare: a series without them carries one pointer.
struct HistogramBuffers {
  std::vector<HistogramSample> samples;   ///< sorted by time
  std::vector<HistogramSample> flushing;  ///< as Series::flushing
};

class KeptChunks;

struct Series {
  Series() = default;
  ~Series() { delete[] labels.load(std::memory_order_relaxed); }
  Series(const Series&) = delete;
  Series& operator=(const Series&) = delete;

  /// Canonical bytes, owned; they never change once the series is visible, and are null before and
  /// once they were given back.
  std::atomic<const char*> labels = nullptr;
  std::uint32_t labels_size = 0;
  std::atomic<std::uint32_t> successor =
      kNoSeries;          ///< whom a sender sent after this one last time: a guess
  SampleBuffer floats;    ///< sorted by time
  SampleBuffer flushing;  ///< being written to the database; immutable meanwhile
  /// The latest of those in the database, all from the first of these on: most queries ask for
  /// nothing older, and need not look there.
  SampleBuffer recent;
  std::shared_ptr<const KeptChunks> kept;  ///< shared with who reads them
  std::unique_ptr<HistogramBuffers> histograms;
  std::int64_t last_ms = INT64_MIN;  ///< of all samples, wherever they are
  std::int64_t disk_first_ms = INT64_MAX, disk_last_ms = INT64_MIN;
  bool gone = false;          ///< its last sample went; it is in no index any more
  std::uint16_t account = 0;  ///< whose it is (series_accounts.h); guarded by the index's lock

  std::string_view label_bytes() const {
    const char* const at = labels.load(std::memory_order_acquire);
    return {at, at == nullptr ? 0 : labels_size};
  }
  bool has_disk() const { return disk_first_ms <= disk_last_ms; }
  /// Whether what the database holds from `start_ms` on lies in `recent` or before it.
  bool is_recent(std::int64_t start_ms) const {
    return !recent.empty() && recent.front().time_ms <= start_ms;
  }
};

enum class Appended {
  kNew,        ///< kept
  kSame,       ///< known already
  kConflict,   ///< another value at that time is known
  kTooOld,     ///< not known, and inserting was not allowed
  kNeedsDisk,  ///< its time lies among those in the database: look there, then call insert_…
};

/// With the block's lock held. `may_insert`: a time before the series' last may be added.
Appended append(Series& series, Sample sample, bool may_insert);
Appended append(Series& series, const HistogramSample& sample, bool may_insert);

/// The same after the database was found not to hold the time.
Appended insert_checked(Series& series, Sample sample);
Appended insert_checked(Series& series, const HistogramSample& sample);

struct SeriesBlock {
  static constexpr std::uint32_t kSize = 64;
  mutable std::mutex mutex;
  std::array<Series, kSize> series;
};

class Head {
 public:
  /// Ever, of one folder: a ref is not used again.
  static constexpr std::uint32_t kMaxSeries = 1U << 28;

  Head();
  ~Head();
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;

  /// Of labels that a series is to have.
  struct LabelCopy {
    explicit LabelCopy(std::string_view labels);

    std::unique_ptr<char[]> bytes;
    std::uint32_t size;
  };
  /// Makes the series with this ref (each ref once). The caller serialises calls; readers may go
  /// on.
  void make(std::uint32_t ref, LabelCopy labels);
  void make(std::uint32_t ref, std::string_view labels) { make(ref, LabelCopy(labels)); }

  /// Thread-safe. Of a ref that was made, and is held by a pin or in the index.
  Series& at(std::uint32_t ref) { return block_of(ref).series[ref % SeriesBlock::kSize]; }
  const Series& at(std::uint32_t ref) const {
    return block_of(ref).series[ref % SeriesBlock::kSize];
  }
  SeriesBlock& block_of(std::uint32_t ref) {
    return *blocks_[ref / SeriesBlock::kSize].load(std::memory_order_acquire);
  }
  const SeriesBlock& block_of(std::uint32_t ref) const {
    return *blocks_[ref / SeriesBlock::kSize].load(std::memory_order_acquire);
  }

  /// Thread-safe. Null where no ref of the block was made, or all were given back; what is not null
  /// is there for as long as a pin that was taken before.
  SeriesBlock* block(std::uint32_t block_index) const {
    return blocks_[block_index].load(std::memory_order_acquire);
  }
  SeriesBlock* block_holding(std::uint32_t ref) const { return block(ref / SeriesBlock::kSize); }
  std::uint32_t block_count() const {
    return (end_ref() + SeriesBlock::kSize - 1) / SeriesBlock::kSize;
  }
  bool has(std::uint32_t ref) const {
    if (ref >= end_ref()) return false;
    const auto* const of = block(ref / SeriesBlock::kSize);
    return of != nullptr &&
           of->series[ref % SeriesBlock::kSize].labels.load(std::memory_order_acquire) != nullptr;
  }

  /// Calls `each(block, series)` for every series that has its labels, by ref. Thread-safe, with a
  /// pin.
  template <typename Each>
  void each_series(Each each) const {
    for (std::uint32_t i = 0; i < block_count(); ++i) {
      const auto* const of = block(i);
      if (of == nullptr) continue;
      for (const auto& series : of->series)
        if (series.labels.load(std::memory_order_acquire) != nullptr) each(*of, series);
    }
  }

  /// What was taken out of the head and may still be read by those who found it before.
  struct Remains {
    std::vector<std::unique_ptr<const char[]>> labels;
    std::vector<std::unique_ptr<SeriesBlock>> blocks;
  };
  /// Takes out the labels of these, and each block that has none left and gets no more: those below
  /// `made_end`. One caller at a time.
  Remains take_out(std::span<const std::uint32_t> refs, std::uint32_t made_end);
  /// Blocks of series that take memory.
  std::size_t blocks_held() const { return blocks_held_.load(std::memory_order_relaxed); }

  /// Thread-safe: one more than the largest ref made.
  std::uint32_t end_ref() const { return end_ref_.load(std::memory_order_acquire); }

  /// Samples held that are not being flushed.
  std::atomic<std::uint64_t> sample_count = 0;

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::atomic<SeriesBlock*>[], Free> blocks_;  ///< pages not touched take nothing
  std::atomic<std::uint32_t> end_ref_ = 0;
  std::atomic<std::size_t> blocks_held_ = 0;
};

}  // namespace wellrun::telemetry::store
