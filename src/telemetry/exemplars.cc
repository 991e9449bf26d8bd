#include "telemetry/exemplars.h"

#include <algorithm>
#include <bit>
#include <map>

namespace wellrun::telemetry {
namespace {

constexpr std::size_t kMaxCharacters = 128;  ///< OpenMetrics: of all names and values

std::size_t characters_of(const Labels& labels) {
  std::size_t count = 0;
  for (const auto& label : labels)
    for (const auto* text : {&label.name, &label.value})
      count += static_cast<std::size_t>(
          std::ranges::count_if(*text, [](char c) { return (c & 0xC0) != 0x80; }));
  return count;
}

std::size_t bytes_of(const Labels& labels) {
  std::size_t bytes = 0;
  for (const auto& label : labels) bytes += sizeof(Label) + label.name.size() + label.value.size();
  return bytes;
}

bool same(const Exemplar& a, const Exemplar& b) {
  return a.time_ms == b.time_ms && a.labels == b.labels &&
         std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
}

}  // namespace

struct ExemplarStore::Series {
  Labels labels;
  std::uint64_t hash = 0;
  std::size_t count = 0;  ///< slots that are its own
  Exemplar newest;
};

ExemplarStore::ExemplarStore(ExemplarLimits limits) : limits_(limits) {}
ExemplarStore::~ExemplarStore() = default;

ExemplarStore::Added ExemplarStore::add(const Labels& series, Exemplar exemplar) {
  if (characters_of(exemplar.labels) > kMaxCharacters) return Added::kTooLong;
  const auto hash = stable_hash(series);
  const std::scoped_lock lock(mutex_);
  auto& bucket = series_[hash];
  auto found = std::ranges::find(bucket, series, [](const auto& one) { return one->labels; });
  if (found == bucket.end()) {
    bucket.push_back(std::make_unique<Series>(Series{series, hash, 0, {}}));
    found = bucket.end() - 1;
    bytes_ += sizeof(Series) + bytes_of(series);
  }
  Series& owner = **found;
  if (owner.count > 0 && same(owner.newest, exemplar)) return Added::kSame;
  if (owner.count > 0 && exemplar.time_ms < owner.newest.time_ms) return Added::kOutOfOrder;
  owner.newest = exemplar;
  ++owner.count;
  const auto bytes = sizeof(Slot) + bytes_of(exemplar.labels);
  bytes_ += bytes;
  slots_.push_back({&owner, std::move(exemplar), bytes});
  while (slots_.size() > limits_.max_count || (bytes_ > limits_.max_bytes && slots_.size() > 1))
    drop_oldest();
  return Added::kNew;
}

void ExemplarStore::drop_oldest() {
  Series* const owner = slots_.front().series;
  bytes_ -= slots_.front().bytes;
  slots_.pop_front();
  if (--owner->count > 0) return;
  bytes_ -= sizeof(Series) + bytes_of(owner->labels);
  const auto bucket = series_.find(owner->hash);
  std::erase_if(bucket->second, [&](const auto& one) { return one.get() == owner; });
  if (bucket->second.empty()) series_.erase(bucket);
}

std::vector<SeriesExemplars> ExemplarStore::select(const std::vector<MatcherSet>& sets,
                                                   TimeRange range) const {
  const std::scoped_lock lock(mutex_);
  std::map<Labels, std::vector<Exemplar>> found;
  absl::flat_hash_map<const Series*, bool> matched;
  for (const auto& slot : slots_) {
    if (slot.exemplar.time_ms < range.start_ms || slot.exemplar.time_ms > range.end_ms) continue;
    const auto [known, fresh] = matched.try_emplace(slot.series, false);
    if (fresh) known->second = matches_any(sets, slot.series->labels);
    if (known->second) found[slot.series->labels].push_back(slot.exemplar);
  }
  std::vector<SeriesExemplars> out;
  for (auto& [labels, exemplars] : found) out.push_back({labels, std::move(exemplars)});
  return out;
}

std::size_t ExemplarStore::size() const {
  const std::scoped_lock lock(mutex_);
  return slots_.size();
}

}  // namespace wellrun::telemetry
