#include "telemetry/store/disk_changes.h"

#include <algorithm>

#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kBatchBytes = 1U << 20;
constexpr std::size_t kBatchSeries = 4096;

std::int64_t last_in_memory(const Series& series) {
  auto last = INT64_MIN;
  for (const auto* floats : {&series.floats, &series.flushing})
    if (!floats->empty()) last = std::max(last, floats->back().time_ms);
  if (!series.histograms) return last;
  for (const auto* histograms : {&series.histograms->samples, &series.histograms->flushing})
    if (!histograms->empty()) last = std::max(last, histograms->back().time_ms);
  return last;
}

}  // namespace

void DiskChanges::remove_chunk(const std::string& key, std::size_t size_bytes) {
  batch_.Delete(core_.database->family(Family::kChunks), key);
  removed_bytes_ += size_bytes;
}

void DiskChanges::put_chunk(const std::string& key, const std::string& chunk) {
  batch_.Put(core_.database->family(Family::kChunks), key, chunk);
  put_bytes_ += chunk.size();
}

bool DiskChanges::is_large() const {
  return batch_.GetDataSize() > kBatchBytes || bounds_.size() > kBatchSeries;
}

Status DiskChanges::write() {
  if (bounds_.empty() && batch_.Count() == 0) return {};
  put_bounds();
  const auto given_up = removed_bytes_ - std::min(removed_bytes_, put_bytes_);
  batch_.Put(core_.database->family(Family::kDefault), kGivenUpKey,
             given_up_value(core_.given_up_bytes + given_up));
  TRY_STATUS(core_.database->write(batch_, true));
  core_.given_up_bytes += given_up;
  removed_bytes_ = put_bytes_ = 0;
  batch_.Clear();
  core_.checkpoint_epoch.fetch_add(1);  // iterators and chunks from before are let go of
  auto ended = settle();
  const auto removed = remove_rows(ended);
  core_.ended.add(std::move(ended));
  return removed;
}

void DiskChanges::put_bounds() {
  std::optional<std::uint32_t> done;
  for (const auto& [ref, bounds] : bounds_) {
    const auto block = ref / SeriesBlock::kSize;
    if (done == block) continue;
    done = block;
    auto* const family = core_.database->family(Family::kDefault);
    if (const auto value = bounds_value(core_, block, bounds_); value.empty())
      batch_.Delete(family, bounds_key(block));
    else
      batch_.Put(family, bounds_key(block), value);
  }
}

std::vector<std::uint32_t> DiskChanges::settle() {
  std::vector<std::uint32_t> ended;
  for (const auto& [ref, bounds] : bounds_)
    if (settle(ref, bounds)) ended.push_back(ref);
  bounds_.clear();
  return ended;
}

bool DiskChanges::settle(std::uint32_t ref, DiskBounds bounds) {
  auto& series = core_.head.at(ref);
  const std::scoped_lock lock(core_.head.block_of(ref).mutex);
  series.recent = {};  // some of them may be gone
  series.disk_first_ms = bounds.first_ms;
  series.disk_last_ms = bounds.last_ms;
  const auto last = last_in_memory(series);
  series.last_ms = std::max(bounds.last_ms, last);
  if (series.has_disk() || last != INT64_MIN || series.gone) return false;
  series.gone = true;
  core_.index.remove(ref);
  return true;
}

/// After the series is in no list: a sample that came before would have needed its row. A crash in
/// between leaves a series without samples, which the next open leaves out when it has been made
/// anew, and retention ends otherwise.
Status DiskChanges::remove_rows(const std::vector<std::uint32_t>& ended) {
  if (ended.empty()) return {};
  for (const auto ref : ended) {
    std::string key;
    put_key32(key, ref);
    batch_.Delete(core_.database->family(Family::kSeries), key);
  }
  TRY_STATUS(core_.database->write(batch_));
  batch_.Clear();
  return {};
}

}  // namespace wellrun::telemetry::store
