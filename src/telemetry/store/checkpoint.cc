// Moving the head to the database.

#include <algorithm>
#include <fmt/format.h>
#include <malloc.h>
#include <rocksdb/write_batch.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/core.h"
#include "telemetry/store/wal_records.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kBatchBytes = 1U << 20;

/// The samples of both, each time once: `newer` holds where they differ.
template <typename TimedSample>
std::vector<TimedSample> merged(std::span<const TimedSample> newer,
                                std::span<const TimedSample> older) {
  std::vector<TimedSample> all;
  all.reserve(newer.size() + older.size());
  std::ranges::merge(newer, older, std::back_inserter(all), {}, &TimedSample::time_ms,
                     &TimedSample::time_ms);
  const auto again = std::ranges::unique(all, {}, &TimedSample::time_ms);
  all.erase(again.begin(), again.end());
  return all;
}

Status decode(std::string_view chunk, std::vector<Sample>& floats) {
  return decode_floats(chunk, floats);
}
Status decode(std::string_view chunk, std::vector<HistogramSample>& histograms) {
  return decode_histograms(chunk, histograms);
}

template <typename TimedSample>
void merge_into(std::vector<TimedSample>& older, std::vector<TimedSample> newer) {
  std::vector<TimedSample> merged;
  std::ranges::merge(older, newer, std::back_inserter(merged), {}, &TimedSample::time_ms,
                     &TimedSample::time_ms);
  older = std::move(merged);
}

constexpr std::size_t kMostRecent = 32;  ///< of a series: eight minutes of scrapes
constexpr std::size_t kMostRecentOfAll = 2'000'000;

/// With the block locked, before `flushing` is let go of. Nothing is kept of a series whose latest
/// samples in the database are not known.
void keep_recent(Series& series, std::size_t most) {
  std::vector<Sample> latest;
  auto flushed = series.flushing.samples();
  if (series.recent.empty()) {
    const bool are_latest = !flushed.empty() && flushed.front().time_ms > series.disk_last_ms;
    if (are_latest) flushed = flushed.last(std::min(flushed.size(), most));
    if (are_latest) latest.assign(flushed.begin(), flushed.end());
  } else {
    const auto from =
        std::ranges::lower_bound(flushed, series.recent.front().time_ms, {}, &Sample::time_ms);
    std::ranges::merge(series.recent.samples(), std::span(from, flushed.end()),
                       std::back_inserter(latest), {}, &Sample::time_ms, &Sample::time_ms);
    const auto again = std::ranges::unique(latest, {}, &Sample::time_ms);
    latest.erase(again.begin(), again.end());
  }
  if (series.histograms) latest.clear();
  series.recent.assign(std::span(latest).last(std::min(latest.size(), most)));
}

/// Samples that a failed checkpoint left are joined by those that came since. With the block
/// locked.
std::uint64_t move_to_flushing(Series& series) {
  const auto moved =
      series.floats.size() + (series.histograms ? series.histograms->samples.size() : 0);
  if (series.flushing.empty()) {
    series.flushing.swap(series.floats);
  } else if (!series.floats.empty()) {
    SampleBuffer merged;
    auto left = series.flushing.samples();
    auto right = series.floats.samples();
    while (!left.empty() || !right.empty()) {
      auto& from = right.empty() || (!left.empty() && left.front().time_ms < right.front().time_ms)
                       ? left
                       : right;
      merged.push_back(from.front());
      from = from.subspan(1);
    }
    series.flushing = std::move(merged);
    series.floats = {};
  }
  if (series.histograms)
    merge_into(series.histograms->flushing, std::exchange(series.histograms->samples, {}));
  return moved;
}

bool is_flushing(const Series& series) {
  return !series.flushing.empty() || (series.histograms && !series.histograms->flushing.empty());
}

/// What is on disk, and what a checkpoint that failed may have put there.
DiskBounds with_flushing(const Series& series, DiskBounds bounds) {
  if (!series.flushing.empty())
    bounds.include(series.flushing.front().time_ms, series.flushing.back().time_ms);
  if (series.histograms && !series.histograms->flushing.empty())
    bounds.include(series.histograms->flushing.front().time_ms,
                   series.histograms->flushing.back().time_ms);
  return bounds;
}

DiskBounds with_flushing(const Series& series) {
  return with_flushing(series, {series.disk_first_ms, series.disk_last_ms});
}

/// Under checkpoint_mutex, which alone changes `flushing` and the bounds; so reading them here
/// needs no block lock.
class Checkpoint {
 public:
  explicit Checkpoint(Core& core) : core_(core) {}

  Status run() {
    TRY(const auto segment, core_.wal->rotate());
    const auto series_end = core_.head.end_ref();
    const auto blocks = core_.head.block_count();
    TRY_STATUS(put_series(series_end));
    for (std::uint32_t i = 0; i < blocks; ++i)
      if (auto* block = core_.head.block(i)) TRY_STATUS(put_block(i, *block));
    TRY_STATUS(write());
    TRY_STATUS(core_.database->flush_metrics());
    std::string number;
    put_fixed(number, segment);
    batch_.Put(core_.database->family(Family::kDefault), "wal", number);
    batch_.Put(core_.database->family(Family::kDefault), kLateKey, late_value(core_));
    TRY_STATUS(core_.database->write(batch_, true));
    core_.persisted_end = series_end;
    core_.checkpoint_epoch.fetch_add(1);
    const auto most_recent =
        std::min(kMostRecent, kMostRecentOfAll / std::max<std::size_t>(1, core_.index.size()));
    for (std::uint32_t i = 0; i < blocks; ++i)
      if (auto* block = core_.head.block(i)) settle(*block, most_recent);
    core_.stuck_samples = 0;
    core_.wal->drop_before(segment);
    give_back_ended(core_);
    ::malloc_trim(1U << 20);
    return {};
  }

 private:
  Status put_series(std::uint32_t end) {
    for (auto ref = core_.persisted_end; ref < end; ++ref) {
      if (!core_.head.has(ref) || core_.head.at(ref).gone) continue;
      std::string key;
      put_key32(key, ref);
      const auto labels = core_.head.at(ref).label_bytes();
      batch_.Put(core_.database->family(Family::kSeries), key,
                 rocksdb::Slice(labels.data(), labels.size()));
      if (batch_.GetDataSize() > kBatchBytes) TRY_STATUS(write());
    }
    return {};
  }

  Status put_block(std::uint32_t index, SeriesBlock& block) {
    std::uint64_t moved = 0;
    {
      const std::scoped_lock lock(block.mutex);
      for (auto& series : block.series) moved += move_to_flushing(series);
    }
    core_.head.sample_count.fetch_sub(moved);
    core_.stuck_samples.fetch_add(moved);
    bool changed = false;
    for (std::uint32_t i = 0; i < SeriesBlock::kSize; ++i) {
      const auto& series = block.series[i];
      if (is_flushing(series)) {
        changed = true;
        core_.oldest_flushed_ms =
            std::min(core_.oldest_flushed_ms, with_flushing(series, {}).first_ms);
        const auto ref = index * SeriesBlock::kSize + i;
        TRY_STATUS(put_chunks(ref, series, series.flushing.samples(), encode_floats));
        if (series.histograms)
          TRY_STATUS(put_chunks(ref, series,
                                std::span<const HistogramSample>(series.histograms->flushing),
                                encode_histograms));
      }
    }
    if (changed)
      batch_.Put(core_.database->family(Family::kDefault), bounds_key(index),
                 bounds_value(core_, index));
    if (batch_.GetDataSize() > kBatchBytes) return write();
    return {};
  }

  /// What begins no later than the database's last may begin where a chunk there does: a sender
  /// repeated a sample, and the log of it was read after a crash. Such a chunk is taken in.
  template <typename TimedSample, typename Encode>
  Status put_chunks(std::uint32_t ref, const Series& series, std::span<const TimedSample> samples,
                    Encode encode) {
    std::vector<TimedSample> joined;
    while (!samples.empty()) {
      const auto key = chunk_key(ref, samples.front().time_ms);
      if (samples.front().time_ms <= series.disk_last_ms) {
        TRY(auto older, stored_chunk<TimedSample>(key));
        if (!older.empty()) {
          joined = merged<TimedSample>(samples, older);
          samples = joined;
        }
      }
      const auto length = chunk_length(samples);
      batch_.Put(core_.database->family(Family::kChunks), key, encode(samples.first(length)));
      samples = samples.subspan(length);
    }
    return {};
  }

  /// Empty when there is none, or one that holds something else or cannot be read.
  template <typename TimedSample>
  Result<std::vector<TimedSample>> stored_chunk(const std::string& key) {
    TRY(const auto chunk, core_.database->get(Family::kChunks, key));
    std::vector<TimedSample> samples;
    if (!chunk) return samples;
    if (const auto read = decode(*chunk, samples); !read)
      core_.note_damage({fmt::format("chunk of series {} that begins at {} ms",
                                     read_key32(key.data()), read_key_time(key.data() + 4)),
                         to_string(read.error())});
    return samples;
  }

  Status write() {
    TRY_STATUS(core_.database->write_unlogged(batch_));
    batch_.Clear();
    return {};
  }

  static void settle(SeriesBlock& block, std::size_t most_recent) {
    const std::scoped_lock lock(block.mutex);
    for (auto& series : block.series) {
      if (!is_flushing(series)) continue;
      const auto bounds = with_flushing(series);
      keep_recent(series, most_recent);
      series.disk_first_ms = bounds.first_ms;
      series.disk_last_ms = bounds.last_ms;
      series.flushing = {};
      if (series.histograms) series.histograms->flushing = {};
    }
  }

  Core& core_;
  rocksdb::WriteBatch batch_;
};

}  // namespace

std::string bounds_key(std::uint32_t block) {
  std::string key = "b";
  put_key32(key, block);
  return key;
}

std::string bounds_value(const Core& core, std::uint32_t block,
                         const std::map<std::uint32_t, DiskBounds>& instead) {
  std::string value;
  const auto& all = core.head.block(block)->series;
  for (std::uint32_t i = 0; i < SeriesBlock::kSize; ++i) {
    const auto changed = instead.find(block * SeriesBlock::kSize + i);
    const auto [first, last] =
        changed == instead.end() ? with_flushing(all[i]) : with_flushing(all[i], changed->second);
    if (first > last) continue;
    value += static_cast<char>(i);
    put_varint(value, zigzag(first));
    put_varint(value, static_cast<std::uint64_t>(last - first));
  }
  return value;
}

std::string late_value(const Core& core) {
  auto oldest = core.oldest_flushed_ms;
  if (core.retention.pass) oldest = std::min(oldest, core.retention.pass->oldest_flushed_ms);
  std::string value;
  put_fixed(value, oldest);
  return value;
}

Status checkpoint(Core& core) {
  const std::scoped_lock once(core.checkpoint_mutex);
  return checkpoint_alone(core);
}

Status checkpoint_alone(Core& core) {
  return Checkpoint(core).run();
}

}  // namespace wellrun::telemetry::store
