#include "telemetry/store/embedded_store.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <fmt/format.h>
#include <rocksdb/write_batch.h>
#include <set>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/core.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry {
namespace {

using store::Core;
using store::Family;
using store::kFormat;

constexpr Duration kPruneInterval = std::chrono::hours(1);
constexpr Duration kNotableGap = std::chrono::hours(24);
constexpr Duration kShortestTick{100};
constexpr Duration kLongestTick{1000};
constexpr std::uint64_t kWorthwhileSamples = 64;  ///< a series: shorter chunks pack badly

/// A database whose count is lost begins far above any that was reached, by the hour.
Result<std::uint64_t> count_open(Core& core) {
  auto& database = *core.database;
  TRY(const auto stored, database.get(Family::kDefault, store::kOpensKey));
  std::uint64_t opens = 0;
  if (!stored && !core.damage.empty())
    opens =
        (1U << 22) + static_cast<std::uint64_t>(to_unix_ms(core.runtime.clock.now())) / 3'600'000;
  if (stored && stored->size() == sizeof opens) std::memcpy(&opens, stored->data(), sizeof opens);
  ++opens;
  std::string value;
  store::put_fixed(value, opens);
  rocksdb::WriteBatch batch;
  batch.Put(database.family(Family::kDefault), store::kFormatKey, kFormat);
  batch.Put(database.family(Family::kDefault), store::kOpensKey, value);
  TRY_STATUS(database.write(batch));
  return opens;
}

constexpr const char* kRetentionKey = "retention";

Status put_retention_now(Core& core) {
  std::string value;
  store::put_fixed(value, to_unix_ms(core.retention_now()));
  rocksdb::WriteBatch batch;
  batch.Put(core.database->family(Family::kDefault), kRetentionKey, value);
  return core.database->write(batch);
}

/// Looks at both clocks, and tells once of a gap between them.
void look_at_clocks(Core& core, bool& told) {
  const auto wall = core.runtime.clock.now();
  const auto reckoned = core.retention_now();
  const bool is_wide = wall - reckoned > kNotableGap;
  if (is_wide && !told)
    log(Level::kWarning, "telemetry/store",
        "the clock is far ahead of the time that passed here: if it is right, what is older than "
        "the retention goes over the next days; if it is wrong, set it right",
        {{"clock", format_rfc3339(wall)}, {"reckoned", format_rfc3339(reckoned)}});
  told = is_wide;
}

/// Goes on from where the life before left it; without that, from the newest sample.
Status start_retention_clock(Core& core) {
  const auto wall = core.runtime.clock.now();
  TRY(const auto stored, core.database->get(Family::kDefault, kRetentionKey));
  auto last = core.newest_ms.load();
  if (stored && stored->size() == sizeof last) std::memcpy(&last, stored->data(), sizeof last);
  if (last == INT64_MIN) last = to_unix_ms(wall);
  const auto start = std::min(from_unix_ms(last), wall);
  core.retention_clock.start(start, core.runtime.clock.steady());
  return stored ? Status{} : put_retention_now(core);
}

/// Those for whom somebody was in the way before; not while others wait for the lock anyway.
void give_back_ended_of(Core& core) {
  if (core.ended.waiting() == 0) return;
  if (const std::unique_lock once(core.checkpoint_mutex, std::try_to_lock); once)
    give_back_ended(core);
}

/// Appends the starts of one series' samples, of which the batch then has `total` (unknown where
/// none are given).
void append_starts(std::vector<std::int64_t>& to, const std::vector<std::int64_t>& starts,
                   std::size_t total) {
  if (starts.empty() && to.empty()) return;
  to.resize(total - starts.size());
  to.insert(to.end(), starts.begin(), starts.end());
}

Status check_format(const store::Database& database) {
  TRY(const auto format, database.get(Family::kDefault, store::kFormatKey));
  // Format 1 had no start timestamps; it becomes the current one by being opened.
  if (!format || *format == "1" || *format == kFormat) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("the telemetry folder has format {}; this program reads formats 1 to {}: "
                          "use a newer one",
                          *format, kFormat));
}

}  // namespace

/// Shared with tasks that may outlive the store: they find it closed.
struct EmbeddedStore::Background {
  std::mutex mutex;
  std::condition_variable idle;
  bool closed = false;
  bool busy = false;
  std::unique_ptr<Timer> timer;
  bool is_pruning = false;
  std::chrono::nanoseconds next_checkpoint, next_prune;  ///< on the steady clock
  std::uint64_t samples_at_last_tick = 0;
  bool gap_told = false;
};

EmbeddedStore::EmbeddedStore(std::unique_ptr<Core> core)
    : core_(std::move(core)), background_(std::make_shared<Background>()) {}

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::open(EmbeddedStoreOptions options,
                                                           Runtime runtime) {
  std::error_code error;
  std::filesystem::create_directories(options.dir / "wal", error);
  if (error)
    return fail(ErrorCode::kIo, "making the telemetry folder failed: " + error.message(),
                options.dir.string());
  if (!options.free_bytes) {
    options.free_bytes = [dir = options.dir]() -> Result<std::uint64_t> {
      std::error_code failed;
      const auto space = std::filesystem::space(dir, failed);
      if (failed)
        return fail(ErrorCode::kIo, "asking for free disk space failed: " + failed.message(),
                    dir.string());
      return space.available;
    };
  }
  auto core = std::make_unique<Core>(std::move(options), runtime);
  TRY(core->database, store::Database::open(core->options.dir / "db", core->options.cache_bytes,
                                            [raw = core.get()](store::Damage found) {
                                              raw->note_damage(std::move(found));
                                            }));
  TRY_STATUS(check_format(*core->database));
  TRY(core->opens, count_open(*core));
  core->signals = std::make_unique<store::Signals>(*core->database, core->opens);
  core->starts = store::StartTimes::open(*core->database);
  TRY_STATUS(recover(*core));
  TRY_STATUS(start_retention_clock(*core));
  std::unique_ptr<EmbeddedStore> opened(new EmbeddedStore(std::move(core)));
  opened->background_->next_checkpoint =
      runtime.clock.steady() + opened->core_->options.checkpoint_interval;
  opened->background_->next_prune = runtime.clock.steady() + kPruneInterval;
  opened->tick();
  return opened;
}

EmbeddedStore::~EmbeddedStore() {
  if (stop()) return;  // a failure leaves everything in the log
}

/// Sets the next look at what is due. The work itself runs on the workers.
void EmbeddedStore::tick() {
  const auto every = std::clamp(core_->options.flush_interval, kShortestTick, kLongestTick);
  auto work = [this, background = background_] {
    {
      const std::scoped_lock lock(background->mutex);
      if (background->closed) return;
      background->busy = true;
    }
    const auto now = core_->runtime.clock.steady();
    look_at_clocks(*core_, background->gap_told);
    if (auto synced = core_->wal->sync(); !synced)
      core_->note_damage({"wal", to_string(synced.error())});
    if (auto synced = core_->starts->sync(); !synced)
      core_->note_damage({"start timestamps", to_string(synced.error())});
    const auto& options = core_->options;
    const auto samples = core_->head.sample_count.load();
    const bool full =
        samples > options.max_head_samples || core_->wal->size_bytes() > options.max_log_bytes;
    const bool quiet = samples == std::exchange(background->samples_at_last_tick, samples);
    const bool idle = quiet && samples >= std::max(options.min_idle_samples,
                                                   kWorthwhileSamples * core_->index.size());
    if (full || idle || now >= background->next_checkpoint) {
      background->next_checkpoint = now + options.checkpoint_interval;
      if (auto moved = checkpoint(); !moved)
        core_->note_damage({"checkpoint", to_string(moved.error())});
    }
    if (background->is_pruning || now >= background->next_prune) prune_a_slice(now);
    mend_in_background(*core_);
    give_back_ended_of(*core_);
    tick();
    const std::scoped_lock lock(background->mutex);
    background->busy = false;
    background->idle.notify_all();
  };
  auto& runtime = core_->runtime;
  runtime.strand.post([background = background_, runtime, every, work = std::move(work)]() mutable {
    const std::scoped_lock lock(background->mutex);
    if (background->closed) return;
    background->timer = runtime.strand.after(every, [runtime, work = std::move(work)]() mutable {
      runtime.workers.run(std::move(work));
    });
  });
}

Status EmbeddedStore::stop() {
  if (core_->stopped.exchange(true)) return {};
  core_->reclaiming_cancelled = true;
  std::unique_ptr<Timer> timer;  // let go of outside the lock: its task owns the background
  {
    std::unique_lock lock(background_->mutex);
    background_->closed = true;
    timer = std::move(background_->timer);
    background_->idle.wait(lock, [&] { return !background_->busy; });
  }
  timer.reset();
  const auto noted = put_retention_now(*core_);
  TRY_STATUS(checkpoint());
  return noted;
}

Status EmbeddedStore::checkpoint() {
  return store::checkpoint(*core_);
}

Status EmbeddedStore::prune() {
  TRY_STATUS(put_retention_now(*core_));
  auto start = store::RetentionStart::kAnew;
  for (bool done = false; !done; start = store::RetentionStart::kGoOn) {
    TRY(done, advance_retention(*core_, start));
  }
  return prune_signals();
}

void EmbeddedStore::prune_a_slice(std::chrono::nanoseconds now) {
  if (!background_->is_pruning) {
    background_->next_prune = now + kPruneInterval;
    if (auto noted = put_retention_now(*core_); !noted)
      core_->note_damage({"retention", to_string(noted.error())});
  }
  const auto done = advance_retention(*core_);
  background_->is_pruning = done && !*done;
  const auto pruned = !done   ? Status(std::unexpected(done.error()))
                      : *done ? prune_signals()
                              : Status{};
  if (!pruned) core_->note_damage({"retention", to_string(pruned.error())});
}

Status EmbeddedStore::prune_signals() {
  return core_->signals->prune(to_unix_ms(core_->retention_now()) -
                               core_->options.retention.count());
}

Status EmbeddedStore::set_retention(std::vector<RetentionRule> rules) {
  TRY(auto made, RetentionRules::make(std::move(rules), core_->options.retention));
  core_->retention.set_rules(std::move(made));
  return {};
}

Result<std::vector<RetentionShare>> EmbeddedStore::retention_of(
    const std::vector<Matcher>& matchers) const {
  const auto pin = core_->pins.pin();
  TRY(auto refs, core_->index.match(matchers));
  TRY(const auto classes, retention_classes(*core_, *core_->retention.rules(), std::move(refs)));
  std::vector<RetentionShare> shares;
  for (const auto& one : classes) {
    if (one.refs.isEmpty()) continue;
    shares.push_back({one.kept, one.refs.cardinality(),
                      store::labels_from_bytes(core_->head.at(one.refs.minimum()).label_bytes())});
  }
  return shares;
}

Status EmbeddedStore::backup(const std::filesystem::path& dir) {
  return store::backup(*core_, dir);
}

Timestamp EmbeddedStore::newest_sample() const {
  const auto newest = core_->newest_ms.load();
  return newest == INT64_MIN ? Timestamp{} : from_unix_ms(newest);
}

const ChangeLog& EmbeddedStore::changes() const {
  return core_->changes;
}

Result<DeletedSamples> EmbeddedStore::delete_samples(const std::vector<std::vector<Matcher>>& sets,
                                                     TimeRange range) {
  return store::delete_samples(*core_, sets, range);
}

Status EmbeddedStore::compact() {
  return compact_chunks(*core_);
}

StoreStatistics EmbeddedStore::statistics() const {
  StoreStatistics statistics;
  statistics.series = core_->index.size();
  statistics.head_samples = core_->head.sample_count + core_->stuck_samples;
  statistics.log_bytes = core_->wal->size_bytes();
  statistics.series_held = core_->head.blocks_held() * store::SeriesBlock::kSize;
  statistics.label_pairs_held = core_->index.pairs_held();
  statistics.ended_series = core_->ended.waiting();
  const std::scoped_lock lock(core_->damage_mutex);
  statistics.damage = core_->damage;
  return statistics;
}

Result<std::vector<SeriesData>> EmbeddedStore::select(const std::vector<Matcher>& matchers,
                                                      TimeRange range,
                                                      const ReadLimits& limits) const {
  return select_series(*core_, matchers, range, limits);
}

Result<std::unique_ptr<SeriesScan>> EmbeddedStore::scan(const std::vector<Matcher>& matchers,
                                                        TimeRange range, SamplesWanted wanted,
                                                        const ReadLimits& limits) const {
  return scan_series(*core_, matchers, range, wanted, limits);
}

Result<std::vector<Labels>> EmbeddedStore::series(const std::vector<std::vector<Matcher>>& sets,
                                                  TimeRange range, const ReadLimits& limits) const {
  const auto pin = core_->pins.pin();
  TRY(const auto refs, refs_in_range(*core_, sets, range, limits));
  if (limits.max_series != 0 && refs.cardinality() > limits.max_series)
    return fail(ErrorCode::kTooLarge, fmt::format("{} series match; the limit is {}",
                                                  refs.cardinality(), limits.max_series));
  std::vector<Labels> found;
  found.reserve(refs.cardinality());
  for (const auto ref : refs)
    found.push_back(store::labels_from_bytes(core_->head.at(ref).label_bytes()));
  std::ranges::sort(found);
  return found;
}

Result<std::vector<std::string>> EmbeddedStore::label_names(
    const std::vector<std::vector<Matcher>>& sets, TimeRange range,
    const ReadLimits& limits) const {
  const auto pin = core_->pins.pin();
  TRY(const auto refs, refs_in_range(*core_, sets, range, limits));
  std::vector<std::string> names;
  core_->index.each_name([&](std::string_view name, const Roaring& with) {
    if (refs.intersect(with)) names.emplace_back(name);
  });
  std::ranges::sort(names);
  return names;
}

Result<std::vector<std::string>> EmbeddedStore::label_values(
    const std::string& name, const std::vector<std::vector<Matcher>>& sets, TimeRange range,
    const ReadLimits& limits) const {
  const auto pin = core_->pins.pin();
  TRY(const auto refs, refs_in_range(*core_, sets, range, limits));
  std::vector<std::string> values;
  core_->index.each_value(name, [&](std::string_view value, const Roaring& with) {
    if (refs.intersect(with)) values.emplace_back(value);
  });
  std::ranges::sort(values);
  return values;
}

std::vector<Metadata> EmbeddedStore::metadata() const {
  return core_->metadata.all();
}

Cardinality EmbeddedStore::cardinality(std::size_t limit) const {
  return store::cardinality_of(*core_, limit, nullptr);
}

std::size_t EmbeddedStore::head_chunks() const {
  return store::chunks_in_head(*core_);
}

Cardinality EmbeddedStore::cardinality_of(const OwnerUsage& owner, std::size_t limit) const {
  const auto refs = core_->index.refs_of(owner.workload, owner.job);
  return store::cardinality_of(*core_, limit, &refs);
}

Result<Cardinality> EmbeddedStore::cardinality_of(const std::vector<Matcher>& matchers,
                                                  std::size_t limit) const {
  TRY(const auto refs, core_->index.match(matchers));
  return store::cardinality_of(*core_, limit, &refs);
}

void EmbeddedStore::set_owners(OwnerRules rules) {
  core_->index.set_owners(std::move(rules));
}

std::vector<OwnerUsage> EmbeddedStore::owners() const {
  return core_->index.owners();
}

Result<WriteOutcome> EmbeddedStore::write(std::vector<SeriesWrite> series) {
  SampleBatch batch;
  std::vector<std::string> labels;
  labels.reserve(series.size());
  for (auto& one : series) {
    SampleBatch::Series entry;
    entry.labels = labels.emplace_back(store::label_bytes(one.labels));
    entry.sample_count = static_cast<std::uint32_t>(one.samples.size());
    entry.histogram_count = static_cast<std::uint32_t>(one.histograms.size());
    batch.series.push_back(entry);
    batch.samples.insert(batch.samples.end(), one.samples.begin(), one.samples.end());
    batch.histograms.insert(batch.histograms.end(), one.histograms.begin(), one.histograms.end());
    append_starts(batch.sample_starts, one.sample_starts, batch.samples.size());
    append_starts(batch.histogram_starts, one.histogram_starts, batch.histograms.size());
  }
  return ingest(*core_, batch);
}

Result<WriteOutcome> EmbeddedStore::write_batch(const SampleBatch& batch) {
  return ingest(*core_, batch);
}

void EmbeddedStore::put_metadata(std::vector<Metadata> metadata) {
  rocksdb::WriteBatch batch;
  auto* const rows = core_->database->family(Family::kDefault);
  for (const auto& family :
       core_->metadata.note(std::move(metadata), core_->runtime.clock.steady())) {
    const auto row = core_->metadata.row_of(family);
    if (row.empty())
      batch.Delete(rows, store::metadata_key(family));
    else
      batch.Put(rows, store::metadata_key(family), row);
  }
  if (batch.Count() == 0) return;
  if (auto written = core_->database->write(batch); !written)
    core_->note_damage({"metadata", to_string(written.error())});
}

Status EmbeddedStore::put_logs(std::vector<LogRecord> records) {
  if (core_->stopped) return fail(ErrorCode::kUnavailable, "the telemetry store has been stopped");
  TRY(const auto free, core_->options.free_bytes());
  if (free < core_->options.min_free_bytes)
    return fail(ErrorCode::kNoSpace,
                "the disk is nearly full: logs are refused until there is space");
  return core_->signals->put_logs(records);
}

Status EmbeddedStore::put_spans(std::vector<SpanRecord> records) {
  if (core_->stopped) return fail(ErrorCode::kUnavailable, "the telemetry store has been stopped");
  TRY(const auto free, core_->options.free_bytes());
  if (free < core_->options.min_free_bytes)
    return fail(ErrorCode::kNoSpace,
                "the disk is nearly full: spans are refused until there is space");
  return core_->signals->put_spans(records);
}

Result<std::vector<LogRecord>> EmbeddedStore::logs(const LogQuery& query) const {
  return core_->signals->logs(query);
}
Result<std::vector<SpanRecord>> EmbeddedStore::spans(const SpanQuery& query) const {
  return core_->signals->spans(query);
}

}  // namespace wellrun::telemetry
