#pragma once

// The chunks of one series in the database, a window (kChunkSpanMs) at a time, and writing a window
// anew: for deletion and downsampling. No chunk crosses a window, so each can be changed by itself.
// Inside this folder only; under checkpoint_mutex.

#include <algorithm>
#include <fmt/format.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/disk_changes.h"

namespace wellrun::telemetry::store {

struct ChunkWindow {
  std::int64_t start_ms = 0;
  std::vector<std::string> keys, values;  ///< of its chunks, by first time

  std::size_t size_bytes() const {
    std::size_t bytes = 0;
    for (const auto& value : values) bytes += value.size();
    return bytes;
  }
};

class ChunkWindows {
 public:
  /// Sees the database as it is now: to be made anew after a checkpoint.
  explicit ChunkWindows(Core& core) : core_(core), rows_(core.database->iterate(Family::kChunks)) {}

  /// Calls `each(ChunkWindow)`, which returns a Status, for every window of the series that begins
  /// in [`from_ms`, `until_ms`), in order of time. `from_ms`: the beginning of a window, or
  /// INT64_MIN.
  template <typename Each>
  Status each_of(std::uint32_t ref, Each each, std::int64_t from_ms = INT64_MIN,
                 std::int64_t until_ms = INT64_MAX) {
    for (rows_->Seek(chunk_key(ref, from_ms));
         at_chunk(ref) && chunk_window(first_ms()) < until_ms;)
      TRY_STATUS(each(read(ref)));
    if (rows_->status().ok()) return {};
    return std::unexpected(
        core_.database->error_of(rows_->status(), fmt::format("chunks of series {}", ref)));
  }

  /// Puts the window into `changes` as `erase` leaves it: called with its floats and with its
  /// histograms, each sorted by time and unique. A chunk that cannot be read is named as damage and
  /// stays as it is. Returns how many samples went; where none did, nothing is changed. `bounds`
  /// comes to include what stays.
  template <typename Erase>
  std::uint64_t rewrite(std::uint32_t ref, const ChunkWindow& window, Erase erase,
                        DiskChanges& changes, DiskBounds& bounds) {
    std::vector<Sample> floats;
    std::vector<HistogramSample> histograms;
    std::vector<std::size_t> read;
    for (std::size_t i = 0; i < window.keys.size(); ++i) {
      if (const auto done = decode(window.values[i], floats, histograms); done) {
        read.push_back(i);
        continue;
      } else {
        core_.note_damage(
            {fmt::format("chunk of series {} in the window from {} ms", ref, window.start_ms),
             to_string(done.error())});
      }
      if (const auto header = read_chunk_header(window.values[i]))
        bounds.include(header->first_ms, header->last_ms);
    }
    const auto erased = erase_from(floats, erase) + erase_from(histograms, erase);
    include(floats, bounds);
    include(histograms, bounds);
    if (erased == 0) return 0;
    for (const auto i : read) changes.remove_chunk(window.keys[i], window.values[i].size());
    put(ref, floats, encode_floats, changes);
    put(ref, histograms, encode_histograms, changes);
    return erased;
  }

 private:
  bool at_chunk(std::uint32_t ref) const {
    return rows_->Valid() && rows_->key().size() == 12 && read_key32(rows_->key().data()) == ref;
  }
  std::int64_t first_ms() const { return read_key_time(rows_->key().data() + 4); }

  ChunkWindow read(std::uint32_t ref) {
    ChunkWindow window{.start_ms = chunk_window(first_ms()), .keys = {}, .values = {}};
    for (; at_chunk(ref) && chunk_window(first_ms()) == window.start_ms; rows_->Next()) {
      window.keys.push_back(rows_->key().ToString());
      window.values.push_back(rows_->value().ToString());
    }
    return window;
  }

  static Status decode(std::string_view chunk, std::vector<Sample>& floats,
                       std::vector<HistogramSample>& histograms) {
    TRY(const auto header, read_chunk_header(chunk));
    return header.kind == ChunkKind::kFloats ? decode_floats(chunk, floats)
                                             : decode_histograms(chunk, histograms);
  }

  template <typename TimedSample, typename Erase>
  static std::uint64_t erase_from(std::vector<TimedSample>& samples, Erase& erase) {
    std::ranges::stable_sort(samples, {}, &TimedSample::time_ms);
    const auto again = std::ranges::unique(samples, {}, &TimedSample::time_ms);
    samples.erase(again.begin(), again.end());
    const auto before = samples.size();
    erase(samples);
    return before - samples.size();
  }

  template <typename TimedSample>
  static void include(const std::vector<TimedSample>& samples, DiskBounds& bounds) {
    if (!samples.empty()) bounds.include(samples.front().time_ms, samples.back().time_ms);
  }

  template <typename TimedSample, typename Encode>
  static void put(std::uint32_t ref, std::span<const TimedSample> left, Encode encode,
                  DiskChanges& changes) {
    while (!left.empty()) {
      const auto length = chunk_length(left);
      changes.put_chunk(chunk_key(ref, left.front().time_ms), encode(left.first(length)));
      left = left.subspan(length);
    }
  }
  template <typename TimedSample, typename Encode>
  static void put(std::uint32_t ref, const std::vector<TimedSample>& samples, Encode encode,
                  DiskChanges& changes) {
    put(ref, std::span<const TimedSample>(samples), encode, changes);
  }

  Core& core_;
  std::unique_ptr<rocksdb::Iterator> rows_;
};

}  // namespace wellrun::telemetry::store
