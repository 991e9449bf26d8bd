// A write: every sample goes to the head, what was accepted to the log, and then it is
// acknowledged.

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <utility>

#include "core/text.h"
#include "platform/runtime/yield.h"
#include "telemetry/store/core.h"
#include "telemetry/store/histogram_codec.h"
#include "telemetry/store/label_bytes.h"
#include "telemetry/store/wal_records.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::size_t kFirstRun = 16;  ///< series looked at for new ones at a time, at first
constexpr std::int64_t kInOrderSlackMs = 3'600'000;  ///< as Prometheus: half a head chunk range

/// Which times are taken. Fixed for one write. A newest sample in the future came while the clock
/// was wrong: it must not make those of today look old.
struct Gate {
  std::int64_t oldest_kept, newest_allowed;  ///< retention; too far in the future
  std::int64_t oldest_in_order,
      oldest_inserted;  ///< for a sample after, and before, its series' last

  explicit Gate(const Core& core) {
    const auto now = to_unix_ms(core.runtime.clock.now());
    const auto window = core.options.out_of_order_window.count();
    const auto newest = std::min(core.newest_ms.load(std::memory_order_relaxed), now);
    oldest_kept = now - core.options.retention.count();
    newest_allowed = now + core.options.max_future.count();
    oldest_in_order = newest == INT64_MIN ? INT64_MIN : newest - std::max(window, kInOrderSlackMs);
    oldest_inserted = window == 0 ? INT64_MAX : newest == INT64_MIN ? INT64_MIN : newest - window;
  }
  /// Whether `time` may go in before `last`, the newest of its series.
  bool inserts(std::int64_t time, std::int64_t last) const {
    return time >= oldest_inserted || last > newest_allowed;
  }
  bool admits(std::int64_t time) const { return time >= oldest_kept && is_in_time(time); }
  /// But for the retention.
  bool is_in_time(std::int64_t time) const {
    return time >= oldest_in_order && time <= newest_allowed;
  }
};

/// A sample whose time lies among stored ones.
template <typename TimedSample>
struct Unchecked {
  std::uint32_t ref;
  std::size_t series_index;  ///< in the batch
  std::int64_t start_ms;
  TimedSample sample;
};

/// One write on its way; made anew for each, on one thread.
class Ingest {
 public:
  Ingest(Core& core, const SampleBatch& batch)
      : core_(core),
        batch_(batch),
        gate_(core),
        starts_(*core.starts),
        floats_(batch.samples.size()) {}

  Result<WriteOutcome> run() {
    const auto bound = reservation();
    TRY_STATUS(core_.wal->reserve(bound));
    place_all();
    tell_refusals();
    check_in_database();
    core_.head.sample_count.fetch_add(new_count_, std::memory_order_relaxed);
    raise_newest();
    const auto put = starts_.put(!batch_.sample_starts.empty() || !batch_.histogram_starts.empty());
    // Whatever becomes of this write from here on, its samples can be read.
    if (new_count_ > 0) core_.changes.changed(oldest_new_);
    if (!put) {
      core_.wal->release(bound);
      return std::unexpected(put.error());
    }
    core_.index.log_new(*core_.wal);
    if (!floats_.empty()) core_.wal->enqueue(floats_.payload());
    if (!histograms_.empty()) core_.wal->enqueue(histograms_);
    TRY_STATUS(core_.wal->commit(bound));
    return std::move(outcome_);
  }

 private:
  /// What the log may need at most.
  std::size_t reservation() const {
    std::size_t bytes = 256 + batch_.samples.size() * FloatRecordWriter::kMaxEntryBytes;
    for (const auto& series : batch_.series)
      bytes += series.labels.size() + series.labels.size() / 6 + 16;
    for (const auto& sample : batch_.histograms) {
      const auto& h = *sample.histogram;
      bytes += 128 + 16 * (h.positive_spans.size() + h.negative_spans.size()) +
               10 * (h.positive_counts.size() + h.negative_counts.size() + h.custom_bounds.size());
    }
    return bytes;
  }

  void place_all() {
    std::size_t sample = 0;
    std::size_t histogram = 0;
    std::uint32_t before = kNoSeries;
    std::unique_lock<std::mutex> lock;
    for (std::size_t i = 0; i < batch_.series.size(); ++i) {
      const auto& series = batch_.series[i];
      const std::span samples(batch_.samples.data() + sample, series.sample_count);
      const std::span histograms(batch_.histograms.data() + histogram, series.histogram_count);
      const auto sample_starts = starts_of(batch_.sample_starts, sample, series.sample_count);
      const auto histogram_starts =
          starts_of(batch_.histogram_starts, histogram, series.histogram_count);
      sample += series.sample_count;
      histogram += series.histogram_count;
      if (samples.empty() && histograms.empty()) continue;
      series_index_ = i;
      const auto ref = locate(i, before, lock);
      if (!ref) {
        if (ref.error().code != ErrorCode::kExhausted)
          reject(ref.error().message, samples.size() + histograms.size());
        for (const auto& one : samples) outcome_.rejections.push_back({i, one.time_ms});
        for (const auto& one : histograms) outcome_.rejections.push_back({i, one.time_ms});
        continue;
      }
      before = *ref;
      auto& target = core_.head.at(*ref);
      place_all_of(*ref, target, samples, sample_starts);
      place_all_of(*ref, target, histograms, histogram_starts);
    }
  }

  static std::span<const std::int64_t> starts_of(const std::vector<std::int64_t>& starts,
                                                 std::size_t first, std::size_t count) {
    return starts.empty() ? std::span<const std::int64_t>()
                          : std::span(starts).subspan(first, count);
  }

  template <typename TimedSample>
  void place_all_of(std::uint32_t ref, Series& series, std::span<const TimedSample> samples,
                    std::span<const std::int64_t> starts) {
    if (starts.empty() && !core_.starts->knows(ref)) [[likely]] {
      start_ms_ = 0;
      for (const auto& one : samples) place(ref, series, one);
      return;
    }
    for (std::size_t i = 0; i < samples.size(); ++i)
      place_with_start(ref, series, samples[i], starts.empty() ? 0 : starts[i]);
  }

  template <typename TimedSample>
  void place_with_start(std::uint32_t ref, Series& series, const TimedSample& sample,
                        std::int64_t start_ms) {
    const bool newest = sample.time_ms > series.last_ms;
    const auto known_before = new_count_;
    start_ms_ = start_ms;
    place(ref, series, sample);
    if (new_count_ > known_before) starts_.note(ref, sample.time_ms, start_ms, newest);
  }

  /// The batch's series `index`, with its block locked in `lock`. kExhausted: it is new, and there
  /// is no room; refuse() has noted it.
  Result<std::uint32_t> locate(std::size_t index, std::uint32_t before,
                               std::unique_lock<std::mutex>& lock) {
    const auto labels = batch_.series[index].labels;
    if (before != kNoSeries) {
      const auto guess = core_.head.at(before).successor.load(std::memory_order_relaxed);
      // It may have ended long ago, and been given back.
      auto* const block = guess == kNoSeries ? nullptr : core_.head.block_holding(guess);
      const auto* const series =
          block == nullptr ? nullptr : &block->series[guess % SeriesBlock::kSize];
      if (series != nullptr && series->label_bytes() == labels) {
        hold(*block, lock);
        if (!series->gone) return guess;
      }
    }
    for (auto found = made_in_run(index); true; found.reset()) {
      if (!found) {
        // What follows waits for the index, and for others.
        if (lock.owns_lock()) lock.unlock();
        lock = {};
        TRY(found, look_up(index));
      }
      hold(core_.head.block_of(*found), lock);
      if (core_.head.at(*found).gone) continue;
      if (before != kNoSeries)
        core_.head.at(before).successor.store(*found, std::memory_order_relaxed);
      return *found;
    }
  }

  /// Once: a series that has gone meanwhile is looked for, and made, anew.
  std::optional<std::uint32_t> made_in_run(std::size_t index) {
    if (index >= run_until_) return std::nullopt;
    return std::exchange(run_[index - run_from_].ref, {});
  }

  static void hold(SeriesBlock& block, std::unique_lock<std::mutex>& lock) {
    auto& mutex = block.mutex;
    if (lock.owns_lock() && lock.mutex() == &mutex) return;
    if (lock.owns_lock()) lock.unlock();
    lock = std::unique_lock(mutex);
  }

  Result<std::uint32_t> look_up(std::size_t index) {
    const auto labels = batch_.series[index].labels;
    if (index >= run_until_) {
      if (const auto known = core_.index.find(labels)) return *known;
      make_run(index);
      if (const auto made = made_in_run(index)) return *made;
    }
    if (const auto refused = std::exchange(run_[index - run_from_].refused, {})) {
      refuse(refused, batch_.series[index], labels);
      return std::unexpected(Error{ErrorCode::kExhausted, {}, {}});
    }
    if (const auto known = core_.index.find(labels)) return *known;
    std::string canonical;
    if (labels.size() > core_.options.max_label_bytes || !is_canonical_label_bytes(labels)) {
      TRY(canonical, canonical_label_bytes(labels, core_.options.max_label_bytes));
    }
    const auto bytes = canonical.empty() ? labels : canonical;
    const auto made = core_.index.find_or_make(bytes);
    if (made.ref) return *made.ref;
    refuse(made.refused, batch_.series[index], bytes);
    return std::unexpected(Error{ErrorCode::kExhausted, {}, {}});
  }

  /// A flood of series is refused here: nothing is formatted for each.
  void refuse(std::optional<AccountId> account, const SampleBatch::Series& series,
              std::string_view canonical) {
    auto& refused = refused_[account];
    if (refused.samples == 0) refused.first = canonical;
    refused.samples += series.sample_count + series.histogram_count;
  }

  void tell_refusals() {
    for (const auto& [account, refused] : refused_) {
      auto why = core_.index.refusal(account, refused.samples, refused.first,
                                     to_unix_ms(core_.runtime.clock.now()));
      reject(std::move(why), refused.samples);
    }
  }

  /// New series come in runs, as when a target is scraped for the first time: one lock makes many,
  /// until the next that is known. Those that are not canonical as sent are left to look_up().
  /// Between runs whoever waits gets a turn: a flood of series keeps queries waiting for one run,
  /// and not for a request full of them.
  void make_run(std::size_t first) {
    if (run_until_ > 0) let_others_run();
    const auto end = std::min(batch_.series.size(), first + run_size_);
    NewSeriesReader reader;
    std::vector<NewSeries> fresh;
    std::vector<std::size_t> places;
    fresh.reserve(end - first);
    places.reserve(end - first);
    for (auto i = first; i < end; ++i) {
      const auto labels = batch_.series[i].labels;
      if (labels.size() > core_.options.max_label_bytes) continue;
      const auto series = reader.read(labels);
      if (!series) continue;
      fresh.push_back(*series);
      places.push_back(i);
    }
    const auto made = core_.index.make_run(fresh);
    const bool is_cut = made.size() < fresh.size();
    run_from_ = first;
    run_until_ = is_cut ? places[made.size()] : end;
    run_.assign(run_until_ - first, {});
    for (std::size_t k = 0; k < made.size(); ++k) run_[places[k] - first] = made[k];
    // What is read behind a known one is read in vain.
    run_size_ = is_cut ? kFirstRun : std::min(2 * run_size_, SeriesIndex::kMostMadeAtOnce);
  }

  template <typename TimedSample>
  void place(std::uint32_t ref, Series& series, const TimedSample& sample) {
    if (!gate_.admits(sample.time_ms) && !is_kept_longer(series, sample.time_ms)) [[unlikely]] {
      // A sender that repeats what was taken long ago has done nothing wrong.
      const bool may_be_known = sample.time_ms <= series.last_ms;
      if (may_be_known && append(series, sample, false) == Appended::kSame)
        return accept(ref, sample, Appended::kSame);
      return reject_time(series, sample.time_ms);
    }
    const auto done = append(series, sample, gate_.inserts(sample.time_ms, series.last_ms));
    if (done == Appended::kNew) [[likely]]
      return accept(ref, sample, done);
    if (done == Appended::kNeedsDisk)
      to_check(sample, ref);
    else
      settle(ref, series, sample, done);
  }

  /// Older than the store's retention, and yet kept: a rule says so.
  bool is_kept_longer(const Series& series, std::int64_t time) {
    if (!gate_.is_in_time(time)) return false;
    if (!rules_) rules_ = core_.retention.rules();
    const auto keeps = [&](Duration keep) {
      return time >= gate_.oldest_kept + core_.options.retention.count() - keep.count();
    };
    return keeps(rules_->longest()) &&
           keeps(rules_->of(labels_from_bytes(series.label_bytes())).keep);
  }

  void to_check(const Sample& sample, std::uint32_t ref) {
    unchecked_floats_.push_back({ref, series_index_, start_ms_, sample});
  }
  void to_check(const HistogramSample& sample, std::uint32_t ref) {
    unchecked_histograms_.push_back({ref, series_index_, start_ms_, sample});
  }

  template <typename TimedSample>
  void settle(std::uint32_t ref, const Series& series, const TimedSample& sample, Appended done) {
    switch (done) {
      case Appended::kNew:
      case Appended::kSame:
        return accept(ref, sample, done);
      case Appended::kConflict:
        return reject_one(
            sample.time_ms,
            fmt::format("duplicate sample for timestamp {} with another value, in series {}",
                        sample.time_ms, name_of(series)));
      case Appended::kTooOld:
      case Appended::kNeedsDisk:
        return reject_one(
            sample.time_ms,
            fmt::format("out of order sample: {} ms is before the newest of its series ({} ms) and "
                        "outside the out-of-order "
                        "window of {}, in series {}",
                        sample.time_ms, series.last_ms,
                        format_duration(core_.options.out_of_order_window), name_of(series)));
    }
  }

  /// A sample known already is logged again: the write that brought it first may not be in the log
  /// yet.
  void accept(std::uint32_t ref, const Sample& sample, Appended done) {
    floats_.append(ref, sample);
    count(sample.time_ms, done);
    ++outcome_.samples_written;
  }
  void accept(std::uint32_t ref, const HistogramSample& sample, Appended done) {
    append_histogram_entry(histograms_, ref, sample);
    count(sample.time_ms, done);
    ++outcome_.histograms_written;
  }
  void count(std::int64_t time, Appended done) {
    newest_ = std::max(newest_, time);
    if (done != Appended::kNew) return;
    ++new_count_;
    oldest_new_ = std::min(oldest_new_, time);
  }

  /// Where they stand is noted beside it.
  void reject(std::string why, std::size_t count) {
    if (outcome_.rejected == 0) outcome_.first_rejection = std::move(why);
    outcome_.rejected += count;
  }
  /// Of the series that is being placed.
  void reject_one(std::int64_t time, std::string why) {
    reject(std::move(why), 1);
    outcome_.rejections.push_back({series_index_, time});
  }
  void reject_time(const Series& series, std::int64_t time) {
    std::string_view why = "it is older than what the newest sample allows";
    if (time < gate_.oldest_kept) why = "it is older than the retention";
    if (time > gate_.newest_allowed) why = "it is too far in the future";
    reject_one(time, fmt::format("out of bounds: timestamp {} ms is refused: {}, in series {}",
                                 time, why, name_of(series)));
  }
  static std::string name_of(const Series& series) {
    return to_string(labels_from_bytes(series.label_bytes()));
  }

  /// Samples whose time lies among stored ones: look there without a lock, and look again when a
  /// checkpoint came between.
  void check_in_database() {
    if (unchecked_floats_.empty() && unchecked_histograms_.empty()) return;
    check_each(unchecked_floats_);
    check_each(unchecked_histograms_);
  }

  /// More may be added meanwhile: those of a series that had to be made anew.
  template <typename TimedSample>
  void check_each(std::vector<Unchecked<TimedSample>>& unchecked) {
    for (std::size_t i = 0; i < unchecked.size(); ++i) {
      const auto one = unchecked[i];
      series_index_ = one.series_index;
      check(one.ref, one.start_ms, one.sample);
    }
  }

  template <typename TimedSample>
  void check(std::uint32_t ref, std::int64_t start_ms, const TimedSample& sample) {
    auto& series = core_.head.at(ref);
    while (true) {
      const auto epoch = core_.checkpoint_epoch.load();
      const auto stored = stored_at(ref, sample);
      const std::scoped_lock lock(core_.head.block_of(ref).mutex);
      if (series.gone) break;
      if (core_.checkpoint_epoch.load() != epoch) continue;
      if (!stored) return reject_one(sample.time_ms, to_string(stored.error()));
      const auto done = *stored == Appended::kNew ? insert_checked(series, sample) : *stored;
      if (done == Appended::kNew) starts_.note(ref, sample.time_ms, start_ms, false);
      return settle(ref, series, sample, done);
    }
    place_anew(series.label_bytes(), start_ms, sample);
  }

  /// Its series ended, by a deletion or the retention, since the sample was looked at first.
  template <typename TimedSample>
  void place_anew(std::string_view labels, std::int64_t start_ms, const TimedSample& sample) {
    while (true) {
      const auto made = core_.index.find_or_make(labels);
      if (!made.ref) {
        reject_one(sample.time_ms, core_.index.refusal(made.refused, 1, labels,
                                                       to_unix_ms(core_.runtime.clock.now())));
        return;
      }
      const std::scoped_lock lock(core_.head.block_of(*made.ref).mutex);
      auto& series = core_.head.at(*made.ref);
      if (series.gone) continue;
      return place_with_start(*made.ref, series, sample, start_ms);
    }
  }

  Result<Appended> stored_at(std::uint32_t ref, const Sample& sample) {
    TRY(const auto found, stored_samples(ref, sample.time_ms));
    for (const auto& one : found.samples)
      if (one.time_ms == sample.time_ms)
        return std::bit_cast<std::uint64_t>(one.value) == std::bit_cast<std::uint64_t>(sample.value)
                   ? Appended::kSame
                   : Appended::kConflict;
    for (const auto& one : found.histograms)
      if (one.time_ms == sample.time_ms) return Appended::kConflict;
    return Appended::kNew;
  }
  Result<Appended> stored_at(std::uint32_t ref, const HistogramSample& sample) {
    TRY(const auto found, stored_samples(ref, sample.time_ms));
    for (const auto& one : found.histograms)
      if (one.time_ms == sample.time_ms)
        return same_histogram(*one.histogram, *sample.histogram) ? Appended::kSame
                                                                 : Appended::kConflict;
    for (const auto& one : found.samples)
      if (one.time_ms == sample.time_ms) return Appended::kConflict;
    return Appended::kNew;
  }
  Result<SeriesData> stored_samples(std::uint32_t ref, std::int64_t time) {
    SeriesData found;
    const auto rows = core_.database->iterate(Family::kChunks);
    TRY_STATUS(core_.database->read_chunks(*rows, ref, TimeRange{time, time}, &found.samples,
                                           &found.histograms));
    return found;
  }

  void raise_newest() {
    auto known = core_.newest_ms.load(std::memory_order_relaxed);
    while (known < newest_ && !core_.newest_ms.compare_exchange_weak(known, newest_)) {
    }
  }

  Core& core_;
  const SampleBatch& batch_;
  const Gate gate_;
  StartTimes::Write starts_;
  WriteOutcome outcome_;
  FloatRecordWriter floats_;
  std::string histograms_;
  /// Of the sample that is being placed: its start, and its series in the batch.
  std::int64_t start_ms_ = 0;
  std::size_t series_index_ = 0;
  std::vector<Unchecked<Sample>> unchecked_floats_;
  std::vector<Unchecked<HistogramSample>> unchecked_histograms_;
  struct Refused {
    std::uint64_t samples = 0;
    std::string first;  ///< label bytes of the first series
  };
  std::shared_ptr<const RetentionRules> rules_;          ///< once they were needed
  std::map<std::optional<AccountId>, Refused> refused_;  ///< new series, by whose limit it was
  /// What make_run() made of the batch's series run_from_ … run_until_ - 1; nothing where it was
  /// left to look_up().
  std::vector<SeriesIndex::Made> run_;
  std::size_t run_from_ = 0, run_until_ = 0;
  std::size_t run_size_ = kFirstRun;  ///< of the next one
  std::uint64_t new_count_ = 0;
  std::int64_t newest_ = INT64_MIN, oldest_new_ = INT64_MAX;
};

}  // namespace

Result<WriteOutcome> ingest(Core& core, const SampleBatch& batch) {
  if (core.stopped.load())
    return fail(ErrorCode::kUnavailable, "the telemetry store has been stopped");
  const auto waiting = core.head.sample_count.load() + core.stuck_samples.load();
  if (waiting > 2 * core.options.max_head_samples) {
    if (auto moved = checkpoint(core); !moved) return std::unexpected(std::move(moved).error());
  }
  const auto pin = core.pins.pin();
  return Ingest(core, batch).run();
}

}  // namespace wellrun::telemetry::store
