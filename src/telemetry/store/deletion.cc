// Deleting samples: the head is moved to the database first, there chunks go, whole or rewritten
// without the range. Nothing marks what is deleted: after the answer it is nowhere, whatever
// crashes. Samples that arrive meanwhile stay.

#include "telemetry/store/chunk_windows.h"

namespace wellrun::telemetry::store {
namespace {

bool contains(TimeRange outer, std::int64_t first, std::int64_t last) {
  return outer.start_ms <= first && last <= outer.end_ms;
}

/// Under checkpoint_mutex, with nothing older than the last checkpoint in memory.
class Deletion {
 public:
  Deletion(Core& core, TimeRange range)
      : core_(core), range_(range), windows_(core), changes_(core) {}

  Result<DeletedSamples> run(const Roaring& refs) {
    for (const auto ref : refs) {
      TRY_STATUS(delete_from(ref));
      if (changes_.is_large()) TRY_STATUS(changes_.write());
    }
    TRY_STATUS(changes_.write());
    return deleted_;
  }

 private:
  Status delete_from(std::uint32_t ref) {
    const auto& series = core_.head.at(ref);
    if (series.disk_first_ms > range_.end_ms || series.disk_last_ms < range_.start_ms) return {};
    DiskBounds left;
    const auto before = deleted_.samples;
    TRY_STATUS(windows_.each_of(ref, [&](const ChunkWindow& window) -> Status {
      const auto erase = [&](auto& samples) { erase_in_range(samples); };
      if (is_cut(window))
        deleted_.samples += windows_.rewrite(ref, window, erase, changes_, left);
      else
        drop_or_keep(window, left);
      return {};
    }));
    if (deleted_.samples == before) return {};
    ++deleted_.series;
    changes_.set_bounds(ref, left);
    return {};
  }

  template <typename TimedSample>
  void erase_in_range(std::vector<TimedSample>& samples) const {
    std::erase_if(samples, [&](const TimedSample& sample) {
      return contains(range_, sample.time_ms, sample.time_ms);
    });
  }

  /// The range takes a part of one of its chunks.
  bool is_cut(const ChunkWindow& window) const {
    return std::ranges::any_of(window.values, [&](const std::string& chunk) {
      const auto header = read_chunk_header(chunk);
      return header && header->first_ms <= range_.end_ms && header->last_ms >= range_.start_ms &&
             !contains(range_, header->first_ms, header->last_ms);
    });
  }

  /// Every chunk lies within the range or outside of it. One that cannot be read goes with its
  /// window when that lies within.
  void drop_or_keep(const ChunkWindow& window, DiskBounds& left) {
    const bool whole = contains(range_, window.start_ms, window.start_ms + kChunkSpanMs - 1);
    for (std::size_t i = 0; i < window.keys.size(); ++i) {
      const auto header = read_chunk_header(window.values[i]);
      if (header ? contains(range_, header->first_ms, header->last_ms) : whole) {
        changes_.remove_chunk(window.keys[i], window.values[i].size());
        deleted_.samples += header ? header->count : 1;
      } else if (header) {
        left.include(header->first_ms, header->last_ms);
      }
    }
  }

  Core& core_;
  const TimeRange range_;
  ChunkWindows windows_;
  DiskChanges changes_;
  DeletedSamples deleted_;
};

}  // namespace

Result<DeletedSamples> delete_samples(Core& core, const std::vector<std::vector<Matcher>>& sets,
                                      TimeRange range) {
  const auto pin = core.pins.pin();
  Roaring refs;
  for (const auto& set : sets) {
    TRY(const auto matched, core.index.match(set));
    refs |= matched;
  }
  const std::scoped_lock once(core.checkpoint_mutex);
  TRY_STATUS(checkpoint_alone(core));
  auto deleted = Deletion(core, range).run(refs);
  // Also after a failure: some of it may be gone.
  touched(core, range);
  if (!deleted) return deleted;
  TRY_STATUS(core.starts->prune(
      INT64_MIN, [&](std::uint32_t ref) { return !core.head.has(ref) || core.head.at(ref).gone; }));
  // A write that was on its way may have logged samples of a series that is gone now.
  TRY_STATUS(checkpoint_alone(core));
  TRY_STATUS(reclaim(core));
  return deleted;
}

void give_back_ended(Core& core) {
  core.index.forget_unused();
  core.ended.advance(core.index.logged_end());
}

void touched(Core& core, TimeRange range) {
  core.checkpoint_epoch.fetch_add(1);  // iterators from before are let go of
  core.changes.changed(range.start_ms);
}

namespace {

Status set_given_up(Core& core, std::uint64_t bytes) {
  rocksdb::WriteBatch batch;
  batch.Put(core.database->family(Family::kDefault), kGivenUpKey, given_up_value(bytes));
  TRY_STATUS(core.database->write(batch));
  core.given_up_bytes = bytes;
  return {};
}

Status rewrite_tables(Core& core) {
  const std::scoped_lock once(core.checkpoint_mutex);
  TRY_STATUS(core.database->compact_metrics());
  return set_given_up(core, 0);
}

}  // namespace

std::string given_up_value(std::uint64_t bytes) {
  std::string value;
  put_fixed(value, bytes);
  return value;
}

Status compact_chunks(Core& core) {
  TRY_STATUS(mend(core));
  auto done = rewrite_tables(core);
  if (done || !core.database->needs_mending()) return done;
  TRY_STATUS(mend(core));  // it met damage that nobody had met before
  return rewrite_tables(core);
}

Status reclaim(Core& core) {
  constexpr std::uint64_t kOneIn = 4;  // of the tables of chunks
  const auto given_up = core.given_up_bytes;
  if (given_up * kOneIn < core.database->chunk_table_bytes() || core.is_reclaiming ||
      core.database->is_damaged())
    return {};
  // What deletes stands in newer tables than what is deleted: both have to be in tables.
  TRY_STATUS(core.database->flush_metrics());
  core.is_reclaiming = true;
  core.reclaim_with([&core, given_up] {
    auto done = core.database->compact_chunks(core.reclaiming_cancelled);
    if (done) {
      const std::scoped_lock once(core.checkpoint_mutex);
      done = set_given_up(core, core.given_up_bytes - std::min(core.given_up_bytes, given_up));
    }
    core.is_reclaiming = false;
    if (done || core.reclaiming_cancelled) return;
    log(Level::kWarning, "telemetry/store", "the space of deleted samples was not given back",
        {{"error", to_string(done.error())}});
  });
  return {};
}

}  // namespace wellrun::telemetry::store
