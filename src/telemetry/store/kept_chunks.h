#pragma once

// Chunks that a query has read, kept beside their series as the database has them: the next query
// needs no search there, and a sample takes a byte or two. Only the latest chunks of a series are
// kept, as most queries ask for them. Inside this folder only.
//
// Whatever changes rows of the database raises Core::checkpoint_epoch once they can be read, before
// memory lets go of what it had instead; so chunks that were read from an iterator of an epoch are
// the database's for as long as that epoch lasts.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/model.h"
#include "telemetry/storage.h"
#include "telemetry/store/head.h"

namespace wellrun::telemetry::store {

/// All chunks of one series from `from_ms` on, one after another.
class KeptChunks {
 public:
  static constexpr std::size_t kMostBytes = 64U << 10;  ///< of one series; beyond, none are kept

  KeptChunks(std::uint64_t epoch, std::int64_t from_ms) : epoch_(epoch), from_ms_(from_ms) {}

  /// False, and nothing was added, when it would be too much.
  bool add(std::int64_t first_ms, std::string_view chunk);

  /// Whether these are what the database holds from `from_ms` on.
  bool serve(std::uint64_t epoch, std::int64_t from_ms) const {
    return epoch == epoch_ && from_ms >= from_ms_;
  }

  /// Calls `each(first_ms, chunk)` in the order of time for those that begin at or before `until`.
  template <typename Each>
  void each(std::int64_t until, Each each) const {
    std::size_t start = 0;
    for (const auto& place : places_) {
      if (place.first_ms > until) return;
      each(place.first_ms, std::string_view(bytes_).substr(start, place.end - start));
      start = place.end;
    }
  }

  std::size_t size_bytes() const {
    constexpr std::size_t kAllocations = 64;  // what three of them take besides, roughly
    return sizeof *this + kAllocations + bytes_.capacity() + places_.capacity() * sizeof(Place);
  }

  mutable std::atomic<bool> used = true;  ///< since ChunkKeeper looked last

 private:
  struct Place {
    std::int64_t first_ms = 0;
    std::size_t end = 0;  ///< in `bytes_`
  };
  const std::uint64_t epoch_;
  const std::int64_t from_ms_;
  std::string bytes_;
  std::vector<Place> places_;
};

/// Bounds what is kept of all series together: those go that no query asked for since their turn
/// came last. Thread-safe.
class ChunkKeeper {
 public:
  ChunkKeeper(Head& head, std::size_t max_bytes) : head_(head), max_bytes_(max_bytes) {}

  /// Whether a read of this range is one whose chunks are worth keeping: it begins in one of the
  /// latest windows of the series and goes on to its end.
  static bool takes(TimeRange range, std::int64_t disk_last_ms);

  /// Null: nothing is kept of it from now on.
  void keep(std::uint32_t ref, std::shared_ptr<const KeptChunks> chunks);
  std::size_t size_bytes() const { return size_bytes_.load(std::memory_order_relaxed); }

 private:
  void make_room(std::size_t bytes);
  std::size_t drop_unused(SeriesBlock& block);

  Head& head_;
  const std::size_t max_bytes_;
  std::atomic<std::size_t> size_bytes_ = 0;
  std::mutex turn_mutex_;
  std::uint32_t next_block_ = 0;  ///< whose turn it is
};

}  // namespace wellrun::telemetry::store
