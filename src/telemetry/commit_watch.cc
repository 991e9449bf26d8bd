#include "telemetry/commit_watch.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/labels.h"

namespace wellrun::telemetry {
namespace {

/// One length-delimited field with the given tag at the front of `rest`; it is removed.
std::optional<std::string_view> take_field(std::string_view& rest, char tag) {
  if (rest.size() < 2 || rest.front() != tag) return std::nullopt;
  std::size_t length = 0;
  std::size_t at = 1;
  for (int shift = 0; shift < 32; shift += 7) {
    if (at >= rest.size()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(rest[at++]);
    length |= static_cast<std::size_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) break;
  }
  if (length > rest.size() - at) return std::nullopt;
  const auto field = rest.substr(at, length);
  rest.remove_prefix(at + length);
  return field;
}

/// Eight bytes from `at` on, or what there is.
std::uint64_t eight_bytes(std::string_view text, std::size_t at) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, text.data() + at, std::min<std::size_t>(8, text.size() - at));
  return bytes;
}

}  // namespace

std::string_view metric_name_in(std::string_view labels) {
  constexpr char kLabel = 0x0A, kName = 0x0A, kValue = 0x12;
  while (auto label = take_field(labels, kLabel)) {
    const auto name = take_field(*label, kName);
    if (!name) return {};
    if (*name == kMetricNameLabel) return take_field(*label, kValue).value_or(std::string_view{});
  }
  return {};
}

/// Three pieces of the name are enough to tell most names apart, and cost less than all of it.
std::size_t CommitWatch::place_of(std::string_view name) {
  if (name.empty()) return 0;
  const auto last = name.size() > 8 ? name.size() - 8 : 0;
  auto mixed = eight_bytes(name, 0) * 0x9E3779B97F4A7C15ULL;
  mixed = (mixed ^ (mixed >> 32) ^ eight_bytes(name, last / 2)) * 0xC2B2AE3D27D4EB4FULL;
  mixed = (mixed ^ (mixed >> 32) ^ eight_bytes(name, last) ^ name.size()) * 0x9E3779B97F4A7C15ULL;
  return static_cast<std::size_t>(mixed >> 48) % kPlaces;
}

bool CommitWatch::mark(std::string_view name) {
  auto& place = marks_[place_of(name)];
  // Looked at before it is written: a place that many threads note would travel between them.
  return place.load(std::memory_order_relaxed) == kWatched &&
         place.exchange(kCommitted) == kWatched;
}

bool CommitWatch::mark_anything() {
  return anything_.load(std::memory_order_relaxed) == kWatched &&
         anything_.exchange(kCommitted) == kWatched;
}

void CommitWatch::announce() {
  if (announced_.exchange(true)) return;
  std::function<void()> notify;
  {
    const std::scoped_lock lock(mutex_);
    notify = notify_;
  }
  if (notify) notify();
}

void CommitWatch::watch(Interest interest, std::function<void()> notify) {
  const std::scoped_lock lock(mutex_);
  names_at_.clear();
  for (std::size_t i = 0; i < interest.names.size(); ++i)
    names_at_[place_of(interest.names[i])].push_back(i);
  for (std::size_t place = 0; place < kPlaces; ++place)
    set_watched(marks_[place], names_at_.contains(place));
  set_watched(anything_, interest.everything);
  notify_ = std::move(notify);
}

void CommitWatch::set_watched(std::atomic<std::uint8_t>& place, bool watched) {
  if (!watched) return place.store(kUnwatched);
  std::uint8_t expected = kUnwatched;
  place.compare_exchange_strong(expected, kWatched);
}

CommitWatch::Committed CommitWatch::take() {
  const std::scoped_lock lock(mutex_);
  // First: a commit from here on announces itself again, if it comes too late to be seen below.
  announced_.store(false);
  Committed committed;
  for (const auto& [place, names] : names_at_) {
    if (marks_[place].exchange(kWatched) == kCommitted)
      committed.names.insert(committed.names.end(), names.begin(), names.end());
  }
  std::ranges::sort(committed.names);
  if (anything_.load() != kUnwatched)
    committed.anything = anything_.exchange(kWatched) == kCommitted;
  return committed;
}

Result<WriteOutcome> CommitWatch::write(std::vector<SeriesWrite> series) {
  std::vector<std::string> names;
  for (const auto& each : series) {
    const auto name = each.labels.metric_name();
    if (names.empty() || names.back() != name) names.emplace_back(name);
  }
  auto outcome = store_.write(std::move(series));
  if (!outcome) return outcome;
  bool first = mark_anything();
  for (const auto& name : names) first |= mark(name);
  if (first) announce();
  return outcome;
}

Result<WriteOutcome> CommitWatch::write_batch(const SampleBatch& batch) {
  auto outcome = store_.write_batch(batch);
  if (!outcome) return outcome;
  bool first = mark_anything();
  std::string_view before;
  for (const auto& series : batch.series) {
    const auto name = metric_name_in(series.labels);
    if (name == before) continue;
    first |= mark(name);
    before = name;
  }
  if (first) announce();
  return outcome;
}

}  // namespace wellrun::telemetry
