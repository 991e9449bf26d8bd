#include "telemetry/store/kept_chunks.h"

#include "telemetry/store/chunk.h"

namespace wellrun::telemetry::store {

bool KeptChunks::add(std::int64_t first_ms, std::string_view chunk) {
  if (bytes_.size() + chunk.size() > kMostBytes) return false;
  bytes_ += chunk;
  places_.push_back({first_ms, bytes_.size()});
  return true;
}

bool ChunkKeeper::takes(TimeRange range, std::int64_t disk_last_ms) {
  const auto last_window = chunk_window(disk_last_ms);
  return range.end_ms >= last_window && chunk_window(range.start_ms) >= last_window - kChunkSpanMs;
}

void ChunkKeeper::keep(std::uint32_t ref, std::shared_ptr<const KeptChunks> chunks) {
  auto& block = head_.block_of(ref);
  auto& kept = block.series[ref % SeriesBlock::kSize].kept;
  if (chunks) {
    make_room(chunks->size_bytes());
    size_bytes_ += chunks->size_bytes();
  }
  {
    const std::scoped_lock lock(block.mutex);
    kept.swap(chunks);
  }
  if (chunks) size_bytes_ -= chunks->size_bytes();
}

/// A little more than needed, so that not every reader has to. Who finds another at it leaves it to
/// that one.
void ChunkKeeper::make_room(std::size_t bytes) {
  if (size_bytes() + bytes <= max_bytes_) return;
  const std::unique_lock turn(turn_mutex_, std::try_to_lock);
  if (!turn) return;
  const auto blocks = head_.block_count();
  for (std::uint32_t seen = 0; seen < 2 * blocks && size_bytes() + bytes > max_bytes_ / 8 * 7;
       ++seen) {
    next_block_ = (next_block_ + 1) % blocks;
    if (auto* block = head_.block(next_block_)) size_bytes_ -= drop_unused(*block);
  }
}

std::size_t ChunkKeeper::drop_unused(SeriesBlock& block) {
  std::vector<std::shared_ptr<const KeptChunks>> dropped;  // given back without the lock
  {
    const std::scoped_lock lock(block.mutex);
    for (auto& series : block.series)
      if (series.kept && !series.kept->used.exchange(false, std::memory_order_relaxed))
        dropped.push_back(std::move(series.kept));
  }
  std::size_t bytes = 0;
  for (const auto& one : dropped) bytes += one->size_bytes();
  return bytes;
}

}  // namespace wellrun::telemetry::store
