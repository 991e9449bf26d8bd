// Deleting samples: the head is moved to the database first, there chunks go, whole or rewritten
// without the range. Nothing marks what is deleted: after the answer it is nowhere, whatever
// crashes. Samples that arrive meanwhile stay.

#include <algorithm>
#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/core.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kBatchBytes = 1U << 20;

bool contains(TimeRange outer, std::int64_t first, std::int64_t last) {
  return outer.start_ms <= first && last <= outer.end_ms;
}

template <typename TimedSample>
void tidy(std::vector<TimedSample>& samples) {
  std::ranges::stable_sort(samples, {}, &TimedSample::time_ms);
  const auto again = std::ranges::unique(samples, {}, &TimedSample::time_ms);
  samples.erase(again.begin(), again.end());
}

/// Under checkpoint_mutex, with nothing older than the last checkpoint in memory.
class Deletion {
 public:
  Deletion(Core& core, TimeRange range)
      : core_(core), range_(range), rows_(core.database->iterate(Family::kChunks)) {}

  Result<DeletedSamples> run(const Roaring& refs) {
    std::optional<std::uint32_t> block;
    for (const auto ref : refs) {
      if (block && *block != ref / SeriesBlock::kSize) TRY_STATUS(end_block(*block));
      block = ref / SeriesBlock::kSize;
      TRY_STATUS(delete_from(ref));
    }
    if (block) TRY_STATUS(end_block(*block));
    TRY_STATUS(write());
    return deleted_;
  }

 private:
  /// What lies in one window of a series: no chunk crosses it, so it can be written anew by itself.
  struct Window {
    std::int64_t start_ms = 0;
    bool is_cut = false;  ///< the range takes a part of one of its chunks
    std::int64_t first_ms = INT64_MAX, last_ms = INT64_MIN;  ///< of what stays
    std::vector<std::string> keys, values;
  };

  Status delete_from(std::uint32_t ref) {
    auto& series = core_.head.at(ref);
    if (series.disk_first_ms > range_.end_ms || series.disk_last_ms < range_.start_ms) return {};
    std::int64_t first = INT64_MAX, last = INT64_MIN;
    const auto before = deleted_.samples;
    for (rows_->Seek(chunk_key(ref, INT64_MIN)); at_chunk(ref);) {
      TRY(const auto window, read_window(ref));
      TRY_STATUS(window.is_cut ? rewrite(ref, window, first, last)
                               : drop_or_keep(window, first, last));
    }
    if (!rows_->status().ok())
      return std::unexpected(
          database_error(rows_->status(), fmt::format("deleting samples of series {}", ref)));
    if (deleted_.samples == before) return {};
    ++deleted_.series;
    settle(ref, first, last);
    return {};
  }

  bool at_chunk(std::uint32_t ref) const {
    return rows_->Valid() && rows_->key().size() == 12 && read_key32(rows_->key().data()) == ref;
  }

  Result<Window> read_window(std::uint32_t ref) {
    Window window{.start_ms = chunk_window(read_key_time(rows_->key().data() + 4))};
    for (; at_chunk(ref) && chunk_window(read_key_time(rows_->key().data() + 4)) == window.start_ms;
         rows_->Next()) {
      const auto header = read_chunk_header({rows_->value().data(), rows_->value().size()});
      if (header && header->first_ms <= range_.end_ms && header->last_ms >= range_.start_ms &&
          !contains(range_, header->first_ms, header->last_ms))
        window.is_cut = true;
      window.keys.push_back(rows_->key().ToString());
      window.values.push_back(rows_->value().ToString());
    }
    return window;
  }

  /// Every chunk lies within the range or outside of it. One that cannot be read goes with its
  /// window when that lies within.
  Status drop_or_keep(const Window& window, std::int64_t& first, std::int64_t& last) {
    for (std::size_t i = 0; i < window.keys.size(); ++i) {
      const auto header = read_chunk_header(window.values[i]);
      const bool goes = header
                            ? contains(range_, header->first_ms, header->last_ms)
                            : contains(range_, window.start_ms, window.start_ms + kChunkSpanMs - 1);
      if (goes) {
        batch_.Delete(core_.database->family(Family::kChunks), window.keys[i]);
        deleted_.samples += header ? header->count : 1;
      } else if (header) {
        first = std::min(first, header->first_ms);
        last = std::max(last, header->last_ms);
      }
    }
    return {};
  }

  Status rewrite(std::uint32_t ref, const Window& window, std::int64_t& first, std::int64_t& last) {
    std::vector<Sample> floats;
    std::vector<HistogramSample> histograms;
    for (std::size_t i = 0; i < window.keys.size(); ++i) {
      const std::string_view chunk = window.values[i];
      auto header = read_chunk_header(chunk);
      Status read = header ? header->kind == ChunkKind::kFloats
                                 ? decode_floats(chunk, floats)
                                 : decode_histograms(chunk, histograms)
                           : Status(std::unexpected(header.error()));
      if (!read) {
        core_.note_damage(
            {fmt::format("chunk of series {} in the window from {} ms", ref, window.start_ms),
             to_string(read.error())});
        continue;  // stays as it is
      }
      batch_.Delete(core_.database->family(Family::kChunks), window.keys[i]);
    }
    put_kept(ref, floats, encode_floats, first, last);
    put_kept(ref, histograms, encode_histograms, first, last);
    return {};
  }

  template <typename TimedSample, typename Encode>
  void put_kept(std::uint32_t ref, std::vector<TimedSample>& samples, Encode encode,
                std::int64_t& first, std::int64_t& last) {
    tidy(samples);
    deleted_.samples += std::erase_if(samples, [&](const TimedSample& sample) {
      return contains(range_, sample.time_ms, sample.time_ms);
    });
    for (std::span<const TimedSample> left(samples); !left.empty();) {
      const auto length = chunk_length(left);
      batch_.Put(core_.database->family(Family::kChunks), chunk_key(ref, left.front().time_ms),
                 encode(left.first(length)));
      first = std::min(first, left.front().time_ms);
      last = std::max(last, left[length - 1].time_ms);
      left = left.subspan(length);
    }
  }

  /// What is on disk of the series now lies between `first` and `last`; a series with nothing left
  /// ends, and what comes of it later begins anew.
  void settle(std::uint32_t ref, std::int64_t first, std::int64_t last) {
    auto& series = core_.head.at(ref);
    const std::scoped_lock lock(core_.head.block_of(ref).mutex);
    series.recent = {};
    series.disk_first_ms = first;
    series.disk_last_ms = last;
    series.last_ms = last;
    if (!series.floats.empty())
      series.last_ms = std::max(series.last_ms, series.floats.back().time_ms);
    const bool has_histograms = series.histograms && !series.histograms->samples.empty();
    if (has_histograms)
      series.last_ms = std::max(series.last_ms, series.histograms->samples.back().time_ms);
    if (series.has_disk() || !series.floats.empty() || has_histograms) return;
    series.gone = true;
    core_.index.remove(ref);
    std::string key;
    put_key32(key, ref);
    batch_.Delete(core_.database->family(Family::kSeries), key);
  }

  Status end_block(std::uint32_t block) {
    const auto bounds = bounds_value(*core_.head.block(block));
    batch_.Put(core_.database->family(Family::kDefault), bounds_key(block), bounds);
    return batch_.GetDataSize() > kBatchBytes ? write() : Status{};
  }

  Status write() {
    if (batch_.Count() == 0) return {};
    TRY_STATUS(core_.database->write(batch_, true));
    batch_.Clear();
    return {};
  }

  Core& core_;
  const TimeRange range_;
  std::unique_ptr<rocksdb::Iterator> rows_;
  rocksdb::WriteBatch batch_;
  DeletedSamples deleted_;
};

}  // namespace

Result<DeletedSamples> delete_samples(Core& core, const std::vector<std::vector<Matcher>>& sets,
                                      TimeRange range) {
  Roaring refs;
  for (const auto& set : sets) {
    TRY(const auto matched, core.index.match(set));
    refs |= matched;
  }
  const std::scoped_lock once(core.checkpoint_mutex);
  TRY_STATUS(checkpoint_alone(core));
  auto deleted = Deletion(core, range).run(refs);
  // Also after a failure: some of it may be gone.
  touched(core, range);
  if (!deleted) return deleted;
  TRY_STATUS(core.starts->prune(
      INT64_MIN, [&](std::uint32_t ref) { return !core.head.has(ref) || core.head.at(ref).gone; }));
  // A write that was on its way may have logged samples of a series that is gone now.
  TRY_STATUS(checkpoint_alone(core));
  return deleted;
}

void touched(Core& core, TimeRange range) {
  core.checkpoint_epoch.fetch_add(1);  // iterators from before are let go of
  core.changes.changed(range.start_ms);
}

Status compact_chunks(Core& core) {
  const std::scoped_lock once(core.checkpoint_mutex);
  return core.database->compact_metrics();
}

}  // namespace wellrun::telemetry::store
