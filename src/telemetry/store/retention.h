#pragma once

// Giving up what is old: chunks beyond the retention, of all series or as rules say, and samples
// that downsampling leaves out. A pass over all series, done in slices beside everything else; each
// slice is durable by itself, and a pass that a crash ended begins anew, with what the pass before
// had come to. Inside this folder only.

#include <memory>
#include <mutex>
#include <optional>
#include <roaring/roaring.hh>

#include "telemetry/retention_rules.h"
#include "telemetry/store/thinning_progress.h"

namespace wellrun::telemetry::store {

struct Core;

/// Windows that begin in [from, until) are thinned to a resolution.
struct ThinnedRange {
  std::int64_t from_ms = 0, until_ms = 0, resolution_ms = 0;
};

/// Series for which the same rules hold.
struct RetentionClass {
  Roaring refs;
  KeptAs kept;
};

/// Every series of `within` in one class, by what holds for it; series without rules come last.
Result<std::vector<RetentionClass>> retention_classes(const Core& core, const RetentionRules& rules,
                                                      Roaring within);

struct RetentionPass {
  std::shared_ptr<const RetentionRules> rules;
  std::int64_t now_ms = 0, oldest_flushed_ms = INT64_MAX;
  std::vector<RetentionClass> classes;
  std::size_t at_class = 0;
  std::uint32_t next_ref = 0;  ///< of the class
};

class RetentionState {
 public:
  explicit RetentionState(Duration keep) : rules_(std::make_shared<const RetentionRules>(keep)) {}

  /// Thread-safe.
  std::shared_ptr<const RetentionRules> rules() const {
    const std::scoped_lock lock(mutex_);
    return rules_;
  }
  void set_rules(RetentionRules rules) {
    auto made = std::make_shared<const RetentionRules>(std::move(rules));
    const std::scoped_lock lock(mutex_);
    rules_ = std::move(made);
  }

  // Under checkpoint_mutex:
  std::optional<RetentionPass> pass;  ///< that is going on
  ThinningProgress thinned;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const RetentionRules> rules_;
};

enum class RetentionStart { kGoOn, kAnew };

/// Begins a pass or goes on with it, for about as long as reading 16 MiB takes. True: it is done,
/// until the next. An error ends the pass.
Result<bool> advance_retention(Core& core, RetentionStart start = RetentionStart::kGoOn);

}  // namespace wellrun::telemetry::store
