#include "telemetry/store/start_times.h"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>

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

Result<Row> row_of(const rocksdb::Iterator& rows) {
  if (rows.key().size() != 12)
    return fail(ErrorCode::kCorrupt, "a row of start timestamps has a key of the wrong size");
  Row row;
  row.ref = read_key32(rows.key().data());
  row.time_ms = read_key_time(rows.key().data() + 4);
  ByteReader reader({rows.value().data(), rows.value().size()});
  row.kind = static_cast<Kind>(reader.byte());
  if (reader.varint() != 0) row.start_ms = wrapping_sub(row.time_ms, reader.zigzag());
  if (reader.failed() || row.kind > Kind::kOnly)
    return fail(ErrorCode::kCorrupt, "a row of start timestamps cannot be read",
                fmt::format("series {} at {} ms", row.ref, row.time_ms));
  return row;
}

Status status_of(const rocksdb::Iterator& rows) {
  if (rows.status().ok()) return {};
  return std::unexpected(database_error(rows.status(), "reading start timestamps"));
}

/// To the row that says what holds at `time_ms`: the last of kind kFrom at or before it, or the
/// series' first row.
Status seek(rocksdb::Iterator& rows, std::uint32_t ref, std::int64_t time_ms) {
  for (rows.SeekForPrev(chunk_key(ref, time_ms)); rows.Valid(); rows.Prev()) {
    TRY(const auto row, row_of(rows));
    if (row.ref != ref) break;
    if (row.kind == Kind::kFrom) return {};
  }
  TRY_STATUS(status_of(rows));
  rows.Seek(chunk_key(ref, INT64_MIN));
  return status_of(rows);
}

}  // namespace

Result<std::unique_ptr<StartTimes>> StartTimes::open(Database& database) {
  std::unique_ptr<StartTimes> opened(new StartTimes(database));
  const auto rows = database.iterate(Family::kStarts);
  rows->SeekToFirst();
  while (rows->Valid()) {
    TRY(const auto first, row_of(*rows));
    TRY_STATUS(seek(*rows, first.ref, INT64_MAX));
    TRY(const auto last, row_of(*rows));
    opened->latest_[first.ref] = last.kind == Kind::kFrom ? last.start_ms : 0;
    rows->Seek(chunk_key(first.ref + 1, INT64_MIN));
  }
  TRY_STATUS(status_of(*rows));
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

Status StartTimes::Write::put() {
  if (batch_.Count() == 0) return {};
  TRY_STATUS(of_.database_.write(batch_));
  of_.unsynced_ = true;
  return {};
}

Status StartTimes::Reader::read(std::uint32_t ref, TimeRange range, SeriesData& data) {
  if (!of_.knows(ref)) return {};
  if (!rows_) rows_ = of_.database_.iterate(Family::kStarts);
  TRY_STATUS(seek(*rows_, ref, range.start_ms));
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
    TRY(const auto row, row_of(*rows_));
    if (row.ref != ref || row.time_ms > range.end_ms) break;
    if (row.kind == Kind::kOnly) {
      only.push_back(row);
      continue;
    }
    end_run(row.time_ms - 1);
    run = row;
  }
  TRY_STATUS(status_of(*rows_));
  end_run(range.end_ms);
  for (const auto& row : only) set(row.time_ms, row.time_ms, row.start_ms);
  return {};
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
    TRY_STATUS(seek(*rows, ref, cutoff_ms));
    if (!rows->Valid()) continue;
    TRY(const auto needed, row_of(*rows));
    if (needed.ref != ref || needed.time_ms > cutoff_ms) continue;
    batch.DeleteRange(family, chunk_key(ref, INT64_MIN), chunk_key(ref, needed.time_ms));
  }
  return batch.Count() == 0 ? Status{} : database_.write(batch);
}

}  // namespace wellrun::telemetry::store
