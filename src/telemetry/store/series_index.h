#pragma once

// Which series there are: by their label bytes, and by matchers through posting lists (roaring
// bitmaps of refs). Thread-safe: look-ups share a lock, making a series takes it alone. No I/O
// happens under it.

#include <absl/container/flat_hash_map.h>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <roaring/roaring.hh>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "telemetry/storage.h"
#include "telemetry/store/head.h"
#include "telemetry/store/wal.h"

namespace wellrun::telemetry::store {

class SeriesIndex {
 public:
  SeriesIndex(Head& head, std::size_t max_series) : head_(head), max_series_(max_series) {}

  std::optional<std::uint32_t> find(std::string_view canonical) const;

  /// kExhausted beyond the limit of series.
  Result<std::uint32_t> find_or_make(std::string_view canonical);

  /// With a ref known from the log or the database, at open.
  void restore(std::uint32_t ref, std::string_view canonical);

  /// Puts the series made since the last call into the log. A writer calls it before it enqueues
  /// samples: whatever series it found is in the log before them.
  void log_new(Wal& wal);

  /// Everything below is in the log.
  std::uint32_t logged_end() const { return logged_end_.load(std::memory_order_acquire); }
  void all_logged() { logged_end_.store(next_ref_, std::memory_order_release); }

  /// Out of every list; the series' samples are gone already.
  void remove(std::uint32_t ref);

  /// Refs that match all; kInvalid for a regex that RE2 refuses.
  Result<Roaring> match(const std::vector<Matcher>& matchers) const;

  std::vector<std::string> names() const;  ///< sorted
  /// Values of a name with the series that have it, in no order.
  void each_value(std::string_view name,
                  const std::function<void(std::string_view, const Roaring&)>& each) const;
  void each_name(const std::function<void(std::string_view, const Roaring&)>& each) const;
  std::size_t size() const;

 private:
  struct Name;
  struct Posting {
    std::string_view pair, value;
    Name* name = nullptr;
    Roaring refs;
  };
  struct Name {
    std::string_view name;
    std::vector<Posting*> values;
    Roaring refs;
  };

  void add(std::uint32_t ref);
  Posting& posting_of(std::string_view pair, std::string_view name, std::string_view value);
  Result<Roaring> match_one(const Matcher& matcher) const;

  Head& head_;
  const std::size_t max_series_;
  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<std::string_view, std::uint32_t> by_labels_;
  absl::flat_hash_map<std::string_view, Posting*> by_pair_;
  absl::flat_hash_map<std::string_view, std::unique_ptr<Name>> by_name_;
  std::deque<Posting> postings_;
  std::vector<Posting*>
      before_;  ///< the postings of the series made last: the next one shares most of them
  Roaring all_;
  std::uint32_t next_ref_ = 0;
  std::atomic<std::uint32_t> made_end_ = 0, logged_end_ = 0;
};

/// The alternatives of a regex that is nothing but literals joined by `|`; std::nullopt for any
/// other.
std::optional<std::vector<std::string>> literal_alternatives(std::string_view regex);

}  // namespace wellrun::telemetry::store
