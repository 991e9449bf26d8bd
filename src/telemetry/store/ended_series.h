#pragma once

// Gives back the memory of series that have ended, while readers and writers go on. A ref is never
// used again, so nobody can meet another series under it; what is given back is the label bytes of
// each, and the objects of a block of 64 once all of them have ended. Inside this folder only;
// under checkpoint_mutex.
//
// Two waits, each for those who were at work (read_pins.h) when it began:
// 1. After a series has left the index: for those who got its ref from there. From then on only a
//    guess (Series::successor) leads to it.
// 2. After its labels and its block were taken out of the head: for those who had followed such a
//    guess. A later one finds nothing there.

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "telemetry/store/head.h"
#include "telemetry/store/kept_chunks.h"
#include "telemetry/store/read_pins.h"

namespace wellrun::telemetry::store {

class EndedSeries {
 public:
  EndedSeries(Head& head, ChunkKeeper& kept_chunks, ReadPins& pins)
      : head_(head), kept_chunks_(kept_chunks), pins_(pins) {}

  /// Series that are in no index any more, and nowhere in the database.
  void add(std::vector<std::uint32_t> refs);

  /// Takes each as far as it can go now, but for those that the log has not heard of yet, from
  /// `logged_end` on. Cost: linear in the series that get further.
  void advance(std::uint32_t logged_end);

  /// Series whose memory was not given back yet. Thread-safe.
  std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  struct Left {
    std::uint64_t moment = 0;
    std::vector<std::uint32_t> refs;
  };
  struct Taken {
    std::uint64_t moment = 0;
    std::size_t count = 0;
    Head::Remains remains;
  };
  void take(std::vector<std::uint32_t> refs, std::uint32_t logged_end);

  Head& head_;
  ChunkKeeper& kept_chunks_;
  ReadPins& pins_;
  std::deque<Left> left_;    ///< the index; oldest first
  std::deque<Taken> taken_;  ///< out of the head; oldest first
  std::atomic<std::size_t> waiting_ = 0;
};

}  // namespace wellrun::telemetry::store
