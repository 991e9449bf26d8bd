#pragma once

// Which series there are: by their label bytes, and by matchers through posting lists (roaring
// bitmaps of refs). Thread-safe: look-ups share a lock, making a series takes it alone. No I/O
// happens under it.

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <roaring/roaring.hh>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "telemetry/storage.h"
#include "telemetry/store/head.h"
#include "telemetry/store/label_bytes.h"
#include "telemetry/store/new_series.h"
#include "telemetry/store/regex_cache.h"
#include "telemetry/store/series_accounts.h"
#include "telemetry/store/wal.h"
#include "telemetry/store/wal_records.h"

namespace wellrun::telemetry::store {

class SeriesIndex {
 public:
  SeriesIndex(Head& head, std::size_t max_series) : head_(head), max_series_(max_series) {}

  std::optional<std::uint32_t> find(std::string_view canonical) const;

  struct Made {
    std::optional<std::uint32_t> ref;
    std::optional<AccountId> refused;  ///< whose limit it was; neither: the store's own
  };
  Made find_or_make(std::string_view canonical);

  /// The same for many, under one lock, as far as the first that is known: of as many as are
  /// answered, and of one at least unless `run` is empty. Whoever reads waits for all of them: at
  /// most kMostMadeAtOnce.
  std::vector<Made> make_run(std::span<const NewSeries> run);
  static constexpr std::size_t kMostMadeAtOnce = 256;

  /// Whose series are whose from now on. Those known are counted anew, in slices: writers and
  /// readers wait for one slice at most.
  void set_owners(OwnerRules rules);
  std::vector<OwnerUsage> owners() const;
  /// Of a workload, or of a job that is none's; both empty: of those without a job.
  Roaring refs_of(std::string_view workload, std::string_view job) const;
  /// What the sender of a refused series is told: `refused` is find_or_make()'s. Counted.
  std::string refusal(std::optional<AccountId> refused, std::uint64_t samples,
                      std::string_view canonical, std::int64_t now_ms);

  /// With a ref known from the log or the database, at open. Found by look-ups only after
  /// index_restored().
  void restore(std::uint32_t ref, std::string_view canonical);
  void index_restored();
  /// No new series gets a ref below `end`. At open, before all_logged().
  void begin_at_least_at(std::uint32_t end);

  /// Puts the series made since the last call into the log. A writer calls it before it enqueues
  /// samples: whatever series it found is in the log before them.
  void log_new(Wal& wal);

  /// Everything below is in the log.
  std::uint32_t logged_end() const { return logged_end_.load(std::memory_order_acquire); }
  void all_logged() { logged_end_.store(made_end_, std::memory_order_release); }

  /// Out of every list; the series' samples are gone already.
  void remove(std::uint32_t ref);
  /// Gives back what only series had that were removed: label pairs and names. In slices that keep
  /// nobody waiting; a no-op until half of a name's values are without series.
  void forget_unused();
  /// Label pairs that take memory, those without series included.
  std::size_t pairs_held() const;

  /// Refs that match all; kInvalid for a regex that RE2 refuses.
  Result<Roaring> match(const std::vector<Matcher>& matchers) const;

  /// Whether one of the series has the label.
  bool any_has(std::string_view name, std::span<const std::uint32_t> refs) const;

  std::vector<std::string> names() const;  ///< sorted
  /// Values of a name with the series that have it, in no order.
  void each_value(std::string_view name,
                  const std::function<void(std::string_view, const Roaring&)>& each) const;
  void each_name(const std::function<void(std::string_view, const Roaring&)>& each) const;
  std::size_t size() const;

 private:
  struct Name;
  /// Owns its text: the series that had the pair first may end before others.
  struct Posting {
    std::string pair;
    std::string_view value;  ///< in `pair`
    Name* name = nullptr;
    Roaring refs;
  };
  struct Name {
    std::string name;
    std::vector<Posting*> values;
    std::uint64_t arrangement = 0;  ///< of `values`: another number when they are moved
    std::size_t emptied = 0;        ///< values that lost their last series since the last sweep
    std::size_t sweep_at = 0;       ///< values from here on have been swept
    bool is_swept = false;          ///< it is in to_sweep_
    Roaring refs;
  };

  /// Consecutive series share most labels: the series since `…_since` are not in the lists of this
  /// posting and of its name yet.
  struct Run {
    Posting* posting;
    std::uint32_t posting_since, name_since;
  };

  /// A series by the hash of its label bytes; the bytes themselves stand in the head. In eight
  /// bytes: making series is waiting for memory.
  class Slot {
   public:
    Slot(std::size_t hash, std::uint32_t ref) : both_(std::uint64_t{hash} << kRefBits | ref) {}
    std::uint32_t ref() const { return static_cast<std::uint32_t>(both_ % Head::kMaxSeries); }
    std::size_t hash() const { return both_ >> kRefBits; }
    static std::size_t kept_of(std::size_t hash) { return Slot(hash, 0).hash(); }

   private:
    static constexpr unsigned kRefBits = 28;
    static_assert(Head::kMaxSeries == 1U << kRefBits);
    std::uint64_t both_;
  };
  struct Key {
    std::size_t hash;
    std::string_view bytes;
  };
  struct SlotHash {
    using is_transparent = void;
    std::size_t operator()(const Slot& slot) const { return slot.hash(); }
    std::size_t operator()(const Key& key) const { return key.hash; }
  };
  struct SlotEqual {
    using is_transparent = void;
    const Head* head;
    bool operator()(const Slot& a, const Slot& b) const { return a.ref() == b.ref(); }
    bool operator()(const Slot& a, const Key& b) const {
      return a.hash() == b.hash && head->at(a.ref()).label_bytes() == b.bytes;
    }
    bool operator()(const Key& a, const Slot& b) const { return (*this)(b, a); }
  };
  static Key key_of(const NewSeries& series) { return {Slot::kept_of(series.hash), series.labels}; }
  static Key key_of(std::string_view canonical) {
    return {Slot::kept_of(hash_of_labels(canonical)), canonical};
  }

  std::vector<std::size_t> unknown_of(std::span<const NewSeries> run,
                                      std::vector<Made>& made) const;
  Made make(const Key& key, AccountId account, Head::LabelCopy labels);
  /// With the lock held, shared or alone.
  std::optional<std::uint32_t> ref_of(const Key& key) const;
  bool is_full() const;
  void add(std::uint32_t first, std::uint32_t end);
  bool change_runs(const SharedPairs& shared, std::string_view labels, std::uint32_t ref);
  Run begin_run(const LabelView& label, std::uint32_t ref);
  static void end_posting(const Run& run, std::uint32_t end);
  static void end_run(const Run& run, std::uint32_t end);
  Posting& posting_of(const LabelView& label);
  struct Choice;
  Result<Choice> choice_of(const Matcher& matcher) const;
  void note_emptied(Name& name);
  bool sweep_slice();

  Head& head_;
  const std::size_t max_series_;
  RegexCache regexes_;
  mutable std::shared_mutex mutex_;
  absl::flat_hash_set<Slot, SlotHash, SlotEqual> by_labels_{0, SlotHash{}, SlotEqual{&head_}};
  absl::flat_hash_map<std::string_view, std::unique_ptr<Posting>> by_pair_;
  absl::flat_hash_map<std::string_view, std::unique_ptr<Name>> by_name_;
  std::vector<Name*> to_sweep_;
  std::uint64_t last_arrangement_ = 0;
  SeriesAccounts accounts_;
  std::vector<Run> runs_;                ///< of the labels of one series, in their order
  std::vector<Run> begun_;               ///< of change_runs()
  std::vector<std::uint32_t> restored_;  ///< not indexed yet
  Roaring all_;
  std::atomic<std::uint32_t> made_end_ = 0, logged_end_ = 0;
  std::mutex log_mutex_;           ///< series go to the log in the order of their refs
  SeriesRecordWriter log_record_;  ///< under log_mutex_
};

/// The alternatives of a regex that is nothing but literals joined by `|`; std::nullopt for any
/// other.
std::optional<std::vector<std::string>> literal_alternatives(std::string_view regex);

}  // namespace wellrun::telemetry::store
