#include "telemetry/store/start_times.h"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>
#include <optional>

#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {
namespace {

enum class Kind : std::uint8_t {
  kFrom = 0,  ///< samples from this time on, until the next row of this kind
  kOnly = 1   ///< the sample at this time alone: it came out of order
};

struct Row {
  std::uint32_t ref = 0;
  std::int64_t time_ms = 0;
  Kind kind = Kind::kFrom;
  std::int64_t start_ms = 0;
};

std::string row_value(Kind kind, std::int64_t time_ms, std::int64_t start_ms) {
  std::string value(1, static_cast<char>(kind));
  put_varint(value, start_ms == 0 ? 0 : 1);
  if (start_ms != 0) put_varint(value, zigzag(wrapping_sub(time_ms, start_ms)));
  return value;
}

/// The series of the row at `rows`; std::nullopt: its key is none of ours.
std::optional<std::uint32_t> ref_of(const rocksdb::Iterator& rows) {
  if (rows.key().size() != 12) return std::nullopt;
  return read_key32(rows.key().data());
}

std::string name_of(std::uint32_t ref) {
  return fmt::format("database, start timestamps of series {}", ref);
}

/// Damage costs the starts that it hit, never the samples or the server: it is told, and passed
/// over.
std::optional<Row> row_of(const rocksdb::Iterator& rows, const Database& database) {
  const auto ref = ref_of(rows);
  if (!ref) {
    database.report({"database, start timestamps", "a row has a key of the wrong size"});
    return std::nullopt;
  }
  Row row;
  row.ref = *ref;
  row.time_ms = read_key_time(rows.key().data() + 4);
  ByteReader reader({rows.value().data(), rows.value().size()});
  row.kind = static_cast<Kind>(reader.byte());
  if (reader.varint() != 0) row.start_ms = wrapping_sub(row.time_ms, reader.zigzag());
  if (!reader.failed() && row.kind <= Kind::kOnly) return row;
  database.report({name_of(*ref), fmt::format("the row at {} ms cannot be read", row.time_ms)});
  return std::nullopt;
}

/// False, after telling it: the rows cannot be read here.
bool is_readable(const rocksdb::Iterator& rows, std::uint32_t ref, const Database& database) {
  if (rows.status().ok()) return true;
  database.report({name_of(ref), rows.status().ToString()});
  return false;
}

/// To the row that says what holds at `time_ms`: the last of kind kFrom at or before it, or the
/// series' first row. False: the rows cannot be read.
bool seek(rocksdb::Iterator& rows, std::uint32_t ref, std::int64_t time_ms,
          const Database& database) {
  for (rows.SeekForPrev(chunk_key(ref, time_ms)); rows.Valid(); rows.Prev()) {
    if (ref_of(rows) != ref) break;
    const auto row = row_of(rows, database);
    if (row && row->kind == Kind::kFrom) return true;
  }
  if (!is_readable(rows, ref, database)) return false;
  rows.Seek(chunk_key(ref, INT64_MIN));
  return is_readable(rows, ref, database);
}

/// The start of the newest samples of `ref`; 0 where it is not known, so that the next one is
/// stored again.
std::int64_t latest_start(rocksdb::Iterator& rows, std::uint32_t ref, const Database& database) {
  if (!seek(rows, ref, INT64_MAX, database) || !rows.Valid()) return 0;
  const auto last = row_of(rows, database);
  return last && last->ref == ref && last->kind == Kind::kFrom ? last->start_ms : 0;
}

}  // namespace

std::unique_ptr<StartTimes> StartTimes::open(Database& database) {
  constexpr int kMostTries = 4096;  ///< to get behind damaged blocks, a series at a time
  std::unique_ptr<StartTimes> opened(new StartTimes(database));
  const auto rows = database.iterate(Family::kStarts);
  std::uint32_t ref = 0;
  rows->SeekToFirst();
  for (int tries = 0; tries < kMostTries; ++tries) {
    while (rows->Valid()) {
      const auto found = ref_of(*rows);
      if (!found) {
        (void)row_of(*rows, database);  // tells it
        rows->Next();
        continue;
      }
      ref = *found;
      opened->latest_[ref] = latest_start(*rows, ref, database);
      rows->Seek(chunk_key(ref + 1, INT64_MIN));
    }
    if (is_readable(*rows, ref, database)) break;
    rows->Seek(chunk_key(++ref, INT64_MIN));
  }
  opened->any_ = !opened->latest_.empty();
  return opened;
}

bool StartTimes::knows(std::uint32_t ref) const {
  if (!any()) return false;
  const std::shared_lock lock(mutex_);
  return latest_.contains(ref);
}

void StartTimes::Write::note(std::uint32_t ref, std::int64_t time_ms, std::int64_t start_ms,
                             bool newest) {
  {
    const std::scoped_lock lock(of_.mutex_);
    const auto known = of_.latest_.find(ref);
    if (known == of_.latest_.end() && start_ms == 0) return;
    if (newest && known != of_.latest_.end() && known->second == start_ms) return;
    if (known == of_.latest_.end())
      of_.latest_.emplace(ref, newest ? start_ms : 0);
    else if (newest)
      known->second = start_ms;
  }
  of_.any_ = true;
  batch_.Put(of_.database_.family(Family::kStarts), chunk_key(ref, time_ms),
             row_value(newest ? Kind::kFrom : Kind::kOnly, time_ms, start_ms));
}

Status StartTimes::Write::put(bool with_starts) {
  auto status = of_.any_waiting_ ? of_.put_waiting() : Status();
  if (batch_.Count() == 0) return with_starts ? status : Status();
  if (status) status = of_.database_.write(batch_);
  of_.unsynced_ = true;
  if (status) return {};
  const std::scoped_lock lock(of_.waiting_mutex_);
  of_.waiting_.push_back(std::move(batch_));
  of_.any_waiting_ = true;
  return status;
}

Status StartTimes::put_waiting() {
  const std::scoped_lock lock(waiting_mutex_);
  while (!waiting_.empty()) {
    TRY_STATUS(database_.write(waiting_.front()));
    waiting_.erase(waiting_.begin());
  }
  any_waiting_ = false;
  return {};
}

void StartTimes::Reader::read(std::uint32_t ref, TimeRange range, SeriesData& data) {
  if (!of_.knows(ref)) return;
  if (!rows_) rows_ = of_.database_.iterate(Family::kStarts);
  if (!seek(*rows_, ref, range.start_ms, of_.database_)) return;
  data.sample_starts.assign(data.samples.size(), 0);
  data.histogram_starts.assign(data.histograms.size(), 0);
  const auto set = [&](std::int64_t from_ms, std::int64_t to_ms, std::int64_t start_ms) {
    const auto fill = [&](const auto& samples, std::vector<std::int64_t>& starts) {
      const auto time = [](const auto& sample) { return sample.time_ms; };
      const auto first = std::ranges::lower_bound(samples, from_ms, {}, time) - samples.begin();
      const auto last = std::ranges::upper_bound(samples, to_ms, {}, time) - samples.begin();
      std::fill(starts.begin() + first, starts.begin() + std::max(first, last), start_ms);
    };
    fill(data.samples, data.sample_starts);
    fill(data.histograms, data.histogram_starts);
  };
  // Runs first, then the single samples that lie within them.
  std::vector<Row> only;
  std::optional<Row> run;
  const auto end_run = [&](std::int64_t before_ms) {
    if (run && run->start_ms != 0) set(run->time_ms, before_ms, run->start_ms);
  };
  for (; rows_->Valid(); rows_->Next()) {
    if (ref_of(*rows_) != ref) break;
    const auto row = row_of(*rows_, of_.database_);
    if (!row) continue;
    if (row->time_ms > range.end_ms) break;
    if (row->kind == Kind::kOnly) {
      only.push_back(*row);
      continue;
    }
    end_run(row->time_ms - 1);
    run = row;
  }
  (void)is_readable(*rows_, ref, of_.database_);
  end_run(range.end_ms);
  for (const auto& row : only) set(row.time_ms, row.time_ms, row.start_ms);
}

Status StartTimes::sync() {
  if (!unsynced_.exchange(false)) return {};
  const auto status = database_.db().SyncWAL();
  if (!status.ok())
    return std::unexpected(database_error(status, "syncing start timestamps to the disk"));
  return {};
}

Status StartTimes::prune(std::int64_t cutoff_ms,
                         const std::function<bool(std::uint32_t ref)>& is_gone) {
  std::vector<std::uint32_t> refs;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [ref, start] : latest_) refs.push_back(ref);
  }
  const auto rows = database_.iterate(Family::kStarts);
  rocksdb::WriteBatch batch;
  auto* const family = database_.family(Family::kStarts);
  for (const auto ref : refs) {
    if (is_gone(ref)) {
      batch.DeleteRange(family, chunk_key(ref, INT64_MIN), chunk_key(ref + 1, INT64_MIN));
      const std::scoped_lock lock(mutex_);
      latest_.erase(ref);
      continue;
    }
    if (!seek(*rows, ref, cutoff_ms, database_) || !rows->Valid()) continue;
    const auto needed = row_of(*rows, database_);
    if (!needed || needed->ref != ref || needed->time_ms > cutoff_ms) continue;
    batch.DeleteRange(family, chunk_key(ref, INT64_MIN), chunk_key(ref, needed->time_ms));
  }
  return batch.Count() == 0 ? Status{} : database_.write(batch);
}

}  // namespace wellrun::telemetry::store
