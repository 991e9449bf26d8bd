#include "telemetry/store/retention.h"

#include <algorithm>

#include "telemetry/downsample.h"
#include "telemetry/store/chunk_windows.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kSliceBytes = 16U << 20;
constexpr std::size_t kSeriesCost = 64;    ///< of looking whether there is something to do
constexpr std::size_t kSearchCost = 1024;  ///< of looking in the database

/// What is due of one class.
struct Due {
  std::int64_t cutoff_ms = 0;
  std::vector<ThinnedRange> thinned;
};

/// Of each resolution: to when windows are to be thinned to it now.
std::vector<std::int64_t> due_until(const KeptAs& kept, std::int64_t now_ms) {
  std::vector<std::int64_t> until;
  for (const auto& step : kept.downsampling)
    until.push_back(chunk_window(now_ms - step.after.count()));
  return until;
}

/// Windows that were thinned already are looked at again where samples came since.
Due due_of(const RetentionPass& pass, const KeptAs& kept,
           const std::vector<std::int64_t>* thinned_until) {
  Due due{.cutoff_ms = pass.now_ms - kept.keep.count(), .thinned = {}};
  const auto dirty_from =
      pass.oldest_flushed_ms == INT64_MAX ? INT64_MAX : chunk_window(pass.oldest_flushed_ms);
  const auto until = due_until(kept, pass.now_ms);
  for (std::size_t i = 0; i < until.size(); ++i) {
    const bool is_known = thinned_until != nullptr && i < thinned_until->size();
    const auto done = is_known ? (*thinned_until)[i] : INT64_MIN;
    auto from = std::min(done, dirty_from);
    if (i + 1 < until.size()) from = std::max(from, until[i + 1]);  // a coarser one is due there
    // What is given up in the same turn is not to be written again.
    from = std::max(from, chunk_window(due.cutoff_ms) + kChunkSpanMs);
    if (from < until[i])
      due.thinned.push_back({from, until[i], kept.downsampling[i].resolution.count()});
  }
  return due;
}

/// One slice of a pass. Under checkpoint_mutex.
class Slice {
 public:
  explicit Slice(Core& core)
      : core_(core),
        pass_(*core.retention.pass),
        windows_(core),
        rows_(core.database->iterate(Family::kChunks)),
        changes_(core) {}

  /// True: the pass is done.
  Result<bool> run() {
    while (pass_.at_class < pass_.classes.size()) {
      auto& one = pass_.classes[pass_.at_class];
      auto& thinned = core_.retention.thinned.until;
      const auto known = thinned.find(one.kept.rules);
      const auto due = due_of(pass_, one.kept, known == thinned.end() ? nullptr : &known->second);
      TRY(const bool done, work_on(one, due));
      if (!done) {
        TRY_STATUS(write());
        return false;
      }
      if (!one.kept.downsampling.empty())
        thinned[one.kept.rules] = due_until(one.kept, pass_.now_ms);
      ++pass_.at_class;
      pass_.next_ref = 0;
    }
    TRY_STATUS(write());
    return true;
  }

 private:
  Result<bool> work_on(const RetentionClass& one, const Due& due) {
    auto at = one.refs.begin();
    for (at.equalorlarger(pass_.next_ref); at != one.refs.end(); ++at) {
      if (cost_ > kSliceBytes) return false;
      TRY_STATUS(work_on(*at, due));
      pass_.next_ref = *at + 1;
      if (changes_.is_large()) TRY_STATUS(write());
    }
    return true;
  }

  Status work_on(std::uint32_t ref, const Due& due) {
    cost_ += kSeriesCost;
    if (!core_.head.has(ref)) return {};  // ended since the pass began, and was given back
    const auto& series = core_.head.at(ref);
    if (series.gone) return {};
    TRY_STATUS(drop(ref, due.cutoff_ms));
    for (const auto& range : due.thinned) {
      if (series.disk_first_ms >= range.until_ms || series.disk_last_ms < range.from_ms) continue;
      TRY_STATUS(thin(ref, range));
    }
    return {};
  }

  /// Takes the chunks away that end before `cutoff`. A series without samples ends here too.
  Status drop(std::uint32_t ref, std::int64_t cutoff) {
    const auto& series = core_.head.at(ref);
    if (!series.has_disk() && is_empty(ref)) changes_.set_bounds(ref, {});
    if (series.disk_first_ms >= cutoff) return {};
    DiskBounds left{INT64_MAX, series.disk_last_ms};
    auto& rows = *rows_;
    bool dropped = false;
    cost_ += kSearchCost;
    for (rows.Seek(chunk_key(ref, INT64_MIN)); rows.Valid() && rows.key().size() == 12;
         rows.Next()) {
      if (read_key32(rows.key().data()) != ref) break;
      const auto first = read_key_time(rows.key().data() + 4);
      const auto header = read_chunk_header({rows.value().data(), rows.value().size()});
      const auto last = header ? header->last_ms : chunk_window(first) + kChunkSpanMs - 1;
      left.first_ms = first;
      if (last >= cutoff) break;
      left.first_ms = INT64_MAX;
      changes_.remove_chunk(rows.key().ToString(), rows.value().size());
      given_up_before_ = std::max(given_up_before_, last + 1);
      cost_ += rows.value().size();
      dropped = true;
    }
    if (!rows.status().ok()) return note_or_fail(ref, rows.status());
    if (left.first_ms == INT64_MAX) left = {};
    if (dropped || left.first_ms > left.last_ms) changes_.set_bounds(ref, left);
    return {};
  }

  bool is_empty(std::uint32_t ref) const {
    const std::scoped_lock lock(core_.head.block_of(ref).mutex);
    const auto& series = core_.head.at(ref);
    return series.floats.empty() && series.flushing.empty() &&
           (!series.histograms ||
            (series.histograms->samples.empty() && series.histograms->flushing.empty()));
  }

  Status note_or_fail(std::uint32_t ref, const rocksdb::Status& status) {
    auto error = core_.database->error_of(status, fmt::format("retention of series {}", ref));
    if (error.code == ErrorCode::kCorrupt) return {};  // reported: the next pass finds it mended
    return std::unexpected(std::move(error));
  }

  Status thin(std::uint32_t ref, const ThinnedRange& range) {
    const auto falls = falls_of(name_of(ref));
    std::uint64_t erased = 0;
    DiskBounds kept;
    cost_ += kSearchCost;
    const auto each = [&](const ChunkWindow& window) -> Status {
      cost_ += window.size_bytes();
      const auto gone =
          windows_.rewrite(ref, window, Thin{range.resolution_ms, falls}, changes_, kept);
      erased += gone;
      if (gone > 0) given_up_before_ = std::max(given_up_before_, window.start_ms + kChunkSpanMs);
      return {};
    };
    auto done = windows_.each_of(ref, each, range.from_ms, range.until_ms);
    if (!done && done.error().code == ErrorCode::kCorrupt) {  // reported
      // The next pass looks again at what lies from here on: it is mended then.
      core_.oldest_flushed_ms = std::min(core_.oldest_flushed_ms, range.from_ms);
      done = {};
    }
    if (erased > 0) changes_.set_bounds(ref, bounds_after(ref));
    return done;
  }

  struct Thin {
    std::int64_t resolution_ms;
    Falls falls;
    void operator()(std::vector<Sample>& samples) const {
      downsample(samples, resolution_ms, falls);
    }
    void operator()(std::vector<HistogramSample>& samples) const {
      downsample(samples, resolution_ms);
    }
  };

  /// The last sample stays, and bounds that begin too early harm nobody.
  DiskBounds bounds_after(std::uint32_t ref) const {
    const auto& series = core_.head.at(ref);
    return changes_.bounds_of(ref).value_or(DiskBounds{series.disk_first_ms, series.disk_last_ms});
  }

  std::string_view name_of(std::uint32_t ref) const {
    LabelView label;
    for (LabelWalk walk(core_.head.at(ref).label_bytes()); walk.next(label);)
      if (label.name == "__name__") return label.value;
    return {};
  }

  /// Whatever comes of it, those who keep results hear of it: some may be gone.
  Status write() {
    auto written = changes_.write();
    if (given_up_before_ != INT64_MIN) core_.changes.gave_up_before(given_up_before_);
    given_up_before_ = INT64_MIN;
    return written;
  }

  Core& core_;
  RetentionPass& pass_;
  ChunkWindows windows_;
  std::unique_ptr<rocksdb::Iterator> rows_;
  DiskChanges changes_;
  std::size_t cost_ = 0;
  std::int64_t given_up_before_ = INT64_MIN;
};

/// Samples that a checkpoint moved before now are in this pass; later ones are in the next.
Status begin_pass(Core& core) {
  auto& state = core.retention;
  RetentionPass pass;
  pass.rules = state.rules();
  pass.now_ms = to_unix_ms(core.retention_now());
  if (auto rules = rules_bytes(*pass.rules); state.thinned.rules != rules)
    state.thinned = {.rules = std::move(rules), .until = {}};
  TRY(auto all, core.index.match({}));
  TRY(pass.classes, retention_classes(core, *pass.rules, std::move(all)));
  pass.oldest_flushed_ms = std::exchange(core.oldest_flushed_ms, INT64_MAX);
  state.pass = std::move(pass);
  return {};
}

/// What a restart goes on from.
Status put_progress(Core& core) {
  rocksdb::WriteBatch batch;
  auto* const family = core.database->family(Family::kDefault);
  batch.Put(family, kThinnedKey, progress_bytes(core.retention.thinned));
  batch.Put(family, kLateKey, late_value(core));
  return core.database->write(batch);
}

Status end_pass(Core& core) {
  const auto longest = core.retention.pass->rules->longest();
  const auto now = core.retention.pass->now_ms;
  core.retention.pass.reset();
  TRY_STATUS(put_progress(core));
  TRY_STATUS(core.starts->prune(now - longest.count(), [&](std::uint32_t ref) {
    return !core.head.has(ref) || core.head.at(ref).gone;
  }));
  return reclaim(core);
}

/// The next one looks at everything again: what was thinned may not have been written. What is in
/// the database of an earlier pass holds.
void abandon_pass(Core& core) {
  core.oldest_flushed_ms = std::min(core.oldest_flushed_ms, core.retention.pass->oldest_flushed_ms);
  core.retention.thinned.until.clear();
  core.retention.pass.reset();
}

}  // namespace

Result<std::vector<RetentionClass>> retention_classes(const Core& core, const RetentionRules& rules,
                                                      Roaring within) {
  std::vector<RetentionClass> classes;
  for (const auto& rule : rules.all()) {
    Roaring matched;
    for (const auto& matchers : rule.matching) {
      TRY(const auto refs, core.index.match(matchers));
      matched |= refs;
    }
    const auto known = classes.size();
    for (std::size_t i = 0; i < known; ++i) {
      auto both = classes[i].refs & matched;
      if (both.isEmpty()) continue;
      classes[i].refs -= both;
      auto kept = rules.with(classes[i].kept, rule);
      classes.push_back({std::move(both), std::move(kept)});
    }
    auto first_met = within & matched;
    within -= first_met;
    if (!first_met.isEmpty())
      classes.push_back({std::move(first_met), rules.with(rules.without_rules(), rule)});
    std::erase_if(classes, [](const RetentionClass& one) { return one.refs.isEmpty(); });
  }
  classes.push_back({std::move(within), rules.without_rules()});
  return classes;
}

Result<bool> advance_retention(Core& core, RetentionStart start) {
  const std::scoped_lock once(core.checkpoint_mutex);
  // What a checkpoint that failed left is written again: not over what this writes.
  if (core.stuck_samples > 0) TRY_STATUS(checkpoint_alone(core));
  auto& pass = core.retention.pass;
  const bool is_outdated = pass && pass->rules != core.retention.rules();
  if (is_outdated || (pass && start == RetentionStart::kAnew)) abandon_pass(core);
  if (!pass) {
    TRY_STATUS(begin_pass(core));
    core.changes.dropping_before(pass->now_ms - core.options.retention.count());
  }
  auto done = Slice(core).run();
  if (!done) abandon_pass(core);
  if (done && *done) TRY_STATUS(end_pass(core));
  give_back_ended(core);
  return done;
}

}  // namespace wellrun::telemetry::store
