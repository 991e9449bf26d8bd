#pragma once

// What the parts of the embedded store share: the state, and one function a part (recovery, ingest,
// checkpoint, reading, retention). Inside this folder only. Locks, in the order in which they may
// be taken: checkpoint, block, index.

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "platform/log/log.h"
#include "platform/runtime/task_thread.h"
#include "telemetry/change_log.h"
#include "telemetry/store/database.h"
#include "telemetry/store/descriptions.h"
#include "telemetry/store/embedded_store.h"
#include "telemetry/store/ended_series.h"
#include "telemetry/store/group_cache.h"
#include "telemetry/store/head.h"
#include "telemetry/store/kept_chunks.h"
#include "telemetry/store/read_pins.h"
#include "telemetry/store/retention.h"
#include "telemetry/store/retention_clock.h"
#include "telemetry/store/series_index.h"
#include "telemetry/store/signals.h"
#include "telemetry/store/start_times.h"
#include "telemetry/store/wal.h"

namespace wellrun::telemetry::store {

/// Of what is on disk of a series; nothing is when first > last.
struct DiskBounds {
  std::int64_t first_ms = INT64_MAX, last_ms = INT64_MIN;

  void include(std::int64_t first, std::int64_t last) {
    first_ms = std::min(first_ms, first);
    last_ms = std::max(last_ms, last);
  }
};

struct Core {
  Core(EmbeddedStoreOptions given, Runtime with)
      : options(std::move(given)),
        runtime(with),
        index(head, options.max_series),
        kept_chunks(std::make_unique<ChunkKeeper>(head, 2 * options.cache_bytes)),
        ended(head, *kept_chunks, pins),
        retention(options.retention) {}

  EmbeddedStoreOptions options;
  Runtime runtime;
  std::unique_ptr<Database> database;
  std::unique_ptr<Wal> wal;
  Head head;
  SeriesIndex index;
  GroupCache groups;
  std::unique_ptr<ChunkKeeper> kept_chunks;
  ReadPins pins;            ///< of whoever follows refs that the index gave out
  EndedSeries ended;        ///< under checkpoint_mutex
  std::uint64_t opens = 0;  ///< how often the folder was opened
  std::unique_ptr<Signals> signals;
  std::unique_ptr<StartTimes> starts;
  RetentionClock retention_clock;
  /// What the retention reckons as now; to be asked each second or so.
  Timestamp retention_now() {
    return retention_clock.now(runtime.clock.now(), runtime.clock.steady());
  }

  ChangeLog changes;
  std::atomic<std::int64_t> newest_ms = INT64_MIN;  ///< of all samples
  std::atomic<std::uint64_t> stuck_samples =
      0;  ///< being flushed, or left by a checkpoint that failed
  /// Counts changes of what the database holds of series, once they can be read (kept_chunks.h).
  std::atomic<std::uint64_t> checkpoint_epoch = 0;
  std::atomic<bool> stopped = false;

  std::mutex checkpoint_mutex;
  // Under checkpoint_mutex:
  std::uint32_t persisted_end = 0;  ///< series below are in the database
  std::int64_t oldest_flushed_ms =
      INT64_MAX;  ///< of samples moved to the database since retention took them into account
  std::uint64_t given_up_bytes =
      0;  ///< of chunks deleted or overwritten, which tables may hold yet

  RetentionState retention;

  Descriptions metadata;

  mutable std::mutex damage_mutex;
  std::vector<Damage> damage;
  void note_damage(Damage found) {
    constexpr std::size_t kMostKept = 1000;
    const std::scoped_lock lock(damage_mutex);
    if (damage.size() >= kMostKept || std::ranges::find(damage, found) != damage.end()) return;
    log(Level::kError, "telemetry/store", "damage", {{"where", found.where}, {"what", found.what}});
    damage.push_back(std::move(found));
  }

  std::atomic<bool> is_reclaiming = false, reclaiming_cancelled = false;
  std::chrono::nanoseconds next_mending{0};  ///< on the steady clock; of tick() alone
  std::mutex reclaimer_mutex;
  std::unique_ptr<TaskThread> reclaimer;  ///< from the first time on; ends before the rest does
  void reclaim_with(Task task) {
    const std::scoped_lock lock(reclaimer_mutex);
    if (!reclaimer) reclaimer = std::make_unique<TaskThread>("reclaim");
    reclaimer->post(std::move(task));
  }
};

Status recover(Core& core);
/// Of recover(): the segments still needed, ascending. Ends with every restored series in the
/// index.
Status replay_log(Core& core, const std::vector<std::uint64_t>& segments);
Result<WriteOutcome> ingest(Core& core, const SampleBatch& batch);
Status checkpoint(Core& core);
/// The same with checkpoint_mutex held.
Status checkpoint_alone(Core& core);
/// Gives back what series took that have ended, as far as nobody can be at it. Under
/// checkpoint_mutex.
void give_back_ended(Core& core);
/// Of series that match any of `sets`: what was stored before the call and lies in `range`.
Result<DeletedSamples> delete_samples(Core& core, const std::vector<std::vector<Matcher>>& sets,
                                      TimeRange range);
/// Gives the disk back what deleted and overwritten rows take.
Status compact_chunks(Core& core);
/// Has that done on a thread of its own once it is a good part of everything. Under
/// checkpoint_mutex.
Status reclaim(Core& core);
/// Takes what cannot be read out of the database, so that its tables can be rewritten again; a
/// no-op without damage. What memory knows of the database is written anew before, so that it is
/// not lost with the block that held it. Takes as long as reading everything.
Status mend(Core& core);
/// Has that done on a thread of its own when there is damage; the next time no sooner than ten
/// minutes later. From one thread at a time.
void mend_in_background(Core& core);
/// Stored samples in `range` are not what they were: whoever keeps results or iterators lets go of
/// them.
void touched(Core& core, TimeRange range);
Status backup(Core& core, const std::filesystem::path& to);
/// `within`: of these series alone; null: of all.
Cardinality cardinality_of(const Core& core, std::size_t limit, const Roaring* within);

/// Columns of samples that series have in the head, each a chunk-to-be.
std::size_t chunks_in_head(const Core& core);

Result<std::vector<SeriesData>> select_series(const Core& core,
                                              const std::vector<Matcher>& matchers, TimeRange range,
                                              const ReadLimits& limits);
Result<std::unique_ptr<SeriesScan>> scan_series(const Core& core,
                                                const std::vector<Matcher>& matchers,
                                                TimeRange range, SamplesWanted wanted,
                                                const ReadLimits& limits);
Result<Roaring> refs_in_range(const Core& core, const std::vector<std::vector<Matcher>>& sets,
                              TimeRange range, const ReadLimits& limits);

/// The key of the bounds of one block, and its value; under checkpoint_mutex. `instead`: of series
/// that are being changed.
std::string bounds_key(std::uint32_t block);
std::string bounds_value(const Core& core, std::uint32_t block,
                         const std::map<std::uint32_t, DiskBounds>& instead = {});

/// The value of kLateKey: of the samples since the last pass that ended. Under checkpoint_mutex.
std::string late_value(const Core& core);

/// The version of docs/formats/telemetry.md, and where it and `opens` are kept.
inline constexpr const char* kFormat = "2";
inline constexpr const char* kFormatKey = "format";
inline constexpr const char* kOpensKey = "opens";

/// The key of a metric family's descriptions.
std::string metadata_key(const std::string& family);

/// Where given_up_bytes is kept.
inline constexpr const char* kGivenUpKey = "given_up";
std::string given_up_value(std::uint64_t bytes);

}  // namespace wellrun::telemetry::store
