#include "telemetry/store/group_cache.h"

#include <absl/container/flat_hash_map.h>
#include <algorithm>
#include <array>
#include <atomic>

#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::uint32_t kUnknown = ~0U;
constexpr std::uint32_t kPageRefs = 1024;
constexpr std::size_t kGroupBytes = 256;  ///< what a group's labels and keys take, roughly

using Page = std::array<std::uint32_t, kPageRefs>;

}  // namespace

/// The groups of one `by` or `without`.
class GroupCache::Table {
 public:
  explicit Table(GroupBy by) : asked_(std::move(by)), listed_(asked_.labels) {
    if (asked_.without) listed_.insert(listed_.end(), {"__name__", "__type__", "__unit__"});
    std::ranges::sort(listed_);
  }

  bool is_for(const GroupBy& by) const {
    return by.without == asked_.without && by.labels == asked_.labels;
  }
  std::size_t size_bytes() const { return bytes_.load(std::memory_order_relaxed); }

  SeriesGroups of(const Head& head, std::span<const std::uint32_t> refs) {
    const std::scoped_lock lock(mutex_);
    SeriesGroups out;
    out.group_of.reserve(refs.size());
    absl::flat_hash_map<std::uint32_t, std::uint32_t> number_of;
    auto last = kUnknown;
    std::uint32_t last_number = 0;
    for (const auto ref : refs) {
      const auto group = group_of(head, ref);
      if (group != last) {
        const auto next = static_cast<std::uint32_t>(out.labels.size());
        const auto [at, is_new] = number_of.try_emplace(group, next);
        if (is_new) out.labels.push_back(labels_[group]);
        last = group;
        last_number = at->second;
      }
      out.group_of.push_back(last_number);
    }
    return out;
  }

 private:
  std::uint32_t group_of(const Head& head, std::uint32_t ref) {
    auto& known = page_of(ref)[ref % kPageRefs];
    if (known == kUnknown) known = find(head.at(ref).label_bytes());
    return known;
  }

  Page& page_of(std::uint32_t ref) {
    const auto index = ref / kPageRefs;
    if (index >= pages_.size()) pages_.resize(index + 1);
    auto& page = pages_[index];
    if (!page) {
      page = std::make_unique<Page>();
      page->fill(kUnknown);
      bytes_ += sizeof(Page);
    }
    return *page;
  }

  /// The kept pairs of canonical bytes are the canonical bytes of the group.
  std::uint32_t find(std::string_view label_bytes) {
    key_.clear();
    LabelView label;
    auto wanted = listed_.begin();
    for (LabelWalk walk(label_bytes); walk.next(label);) {
      while (wanted != listed_.end() && *wanted < label.name) ++wanted;
      const bool is_listed = wanted != listed_.end() && *wanted == label.name;
      if (is_listed != asked_.without) key_ += label.pair;
    }
    const auto next = static_cast<std::uint32_t>(labels_.size());
    const auto [at, is_new] = by_key_.try_emplace(key_, next);
    if (is_new) {
      labels_.push_back(labels_from_bytes(key_));
      bytes_ += kGroupBytes;
    }
    return at->second;
  }

  const GroupBy asked_;
  std::vector<std::string> listed_;  ///< sorted; with what `without` always leaves out
  std::mutex mutex_;
  std::vector<std::unique_ptr<Page>> pages_;  ///< by ref
  absl::flat_hash_map<std::string, std::uint32_t> by_key_;
  std::vector<Labels> labels_;
  std::string key_;
  std::atomic<std::size_t> bytes_ = sizeof(Table);
};

GroupCache::~GroupCache() = default;

SeriesGroups GroupCache::of(const Head& head, const GroupBy& by,
                            std::span<const std::uint32_t> refs) const {
  auto groups = table_for(by)->of(head, refs);
  make_room();
  return groups;
}

std::size_t GroupCache::size_bytes() const {
  const std::scoped_lock lock(mutex_);
  std::size_t bytes = 0;
  for (const auto& table : tables_) bytes += table->size_bytes();
  return bytes;
}

std::shared_ptr<GroupCache::Table> GroupCache::table_for(const GroupBy& by) const {
  const std::scoped_lock lock(mutex_);
  const auto found =
      std::ranges::find_if(tables_, [&](const auto& table) { return table->is_for(by); });
  if (found == tables_.end()) return tables_.emplace_front(std::make_shared<Table>(by));
  tables_.splice(tables_.begin(), tables_, found);
  return tables_.front();
}

void GroupCache::make_room() const {
  std::size_t bytes = size_bytes();
  const std::scoped_lock lock(mutex_);
  for (; bytes > max_bytes_ && !tables_.empty(); tables_.pop_back())
    bytes -= std::min(bytes, tables_.back()->size_bytes());
}

}  // namespace wellrun::telemetry::store
