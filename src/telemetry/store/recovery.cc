// Opening: series, bounds and metadata from the database; the log is replay.cc's.

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/core.h"

namespace wellrun::telemetry::store {
namespace {

/// A damaged block ends an iterator: go on behind it, one ref at a time until a readable block.
void read_series(Core& core) {
  const auto rows = core.database->iterate(Family::kSeries);
  std::uint32_t next = 0;
  rows->SeekToFirst();
  for (std::uint32_t tries = 0; tries < 4096;) {
    for (; rows->Valid(); rows->Next()) {
      if (rows->key().size() != 4) continue;
      next = read_key32(rows->key().data());
      core.index.restore(next, {rows->value().data(), rows->value().size()});
    }
    if (rows->status().ok()) return;
    if (tries++ == 0)
      core.database->report(
          {fmt::format("database, series after {}", next), rows->status().ToString()});
    std::string key;
    put_key32(key, ++next);
    rows->Seek(key);
  }
}

void include_bounds(Series& series, std::int64_t first, std::int64_t last) {
  series.disk_first_ms = std::min(series.disk_first_ms, first);
  series.disk_last_ms = std::max(series.disk_last_ms, last);
  series.last_ms = std::max(series.last_ms, last);
}

/// Where bounds were lost: every chunk's header. A damaged block costs the bounds of its chunks,
/// unless others of their series tell.
void rebuild_bounds(Core& core) {
  const auto rows = core.database->iterate(Family::kChunks);
  std::uint32_t ref = 0;
  for (rows->SeekToFirst(); ref < core.head.end_ref();) {
    for (; rows->Valid() && rows->key().size() == 12; rows->Next()) {
      ref = read_key32(rows->key().data());
      const auto header = read_chunk_header({rows->value().data(), rows->value().size()});
      if (header && core.head.has(ref))
        include_bounds(core.head.at(ref), header->first_ms, header->last_ms);
    }
    if (rows->status().ok()) return;
    rows->Seek(chunk_key(++ref, INT64_MIN));
  }
}

void read_bounds(Core& core) {
  const auto rows = core.database->iterate(Family::kDefault);
  for (rows->Seek("b"); rows->Valid() && rows->key().size() == 5 && rows->key()[0] == 'b';
       rows->Next()) {
    const auto first_ref = read_key32(rows->key().data() + 1) * SeriesBlock::kSize;
    ByteReader reader({rows->value().data(), rows->value().size()});
    while (!reader.at_end()) {
      const auto ref = first_ref + reader.byte() % SeriesBlock::kSize;
      const auto first = reader.zigzag();
      const auto last = wrapping_add(first, static_cast<std::int64_t>(reader.varint()));
      if (reader.failed() || !core.head.has(ref)) continue;
      include_bounds(core.head.at(ref), first, last);
    }
  }
  if (!rows->status().ok()) {
    core.database->report({"database, bounds of series", rows->status().ToString()});
    rebuild_bounds(core);
  }
  auto newest = INT64_MIN;
  core.head.each_series([&](const SeriesBlock&, const Series& series) {
    newest = std::max(newest, series.disk_last_ms);
  });
  core.newest_ms = newest;
}

void read_metadata(Core& core) {
  const auto rows = core.database->iterate(Family::kDefault);
  for (rows->Seek("m"); rows->Valid() && rows->key()[0] == 'm'; rows->Next()) {
    core.metadata.restore(rows->key().ToString().substr(1),
                          {rows->value().data(), rows->value().size()},
                          core.runtime.clock.steady());
  }
}

/// Without either row everything is looked at again.
Status read_thinning(Core& core) {
  TRY(const auto thinned, core.database->get(Family::kDefault, kThinnedKey));
  TRY(const auto late, core.database->get(Family::kDefault, kLateKey));
  if (!thinned || !late || late->size() != sizeof core.oldest_flushed_ms) return {};
  auto progress = read_progress(*thinned);
  if (!progress) return {};
  core.retention.thinned = std::move(*progress);
  std::memcpy(&core.oldest_flushed_ms, late->data(), sizeof core.oldest_flushed_ms);
  return {};
}

}  // namespace

Status recover(Core& core) {
  const auto log = core.options.dir / "wal";
  TRY(const auto stored, core.database->get(Family::kDefault, "wal"));
  std::uint64_t first_segment = 1;
  if (stored && stored->size() == sizeof first_segment)
    std::memcpy(&first_segment, stored->data(), sizeof first_segment);
  TRY(const auto given_up, core.database->get(Family::kDefault, kGivenUpKey));
  if (given_up && given_up->size() == sizeof core.given_up_bytes)
    std::memcpy(&core.given_up_bytes, given_up->data(), sizeof core.given_up_bytes);
  read_series(core);
  core.persisted_end = core.head.end_ref();
  read_bounds(core);
  read_metadata(core);
  TRY_STATUS(read_thinning(core));
  auto segments = wal_segments(log);
  std::erase_if(segments, [&](std::uint64_t segment) {
    if (segment >= first_segment) return false;
    ::unlink(wal_segment_path(log, segment).c_str());
    return true;
  });
  TRY_STATUS(replay_log(core, segments));
  core.index.begin_at_least_at(core.database->end_of_refs());
  core.index.all_logged();
  WalOptions options;
  options.dir = log;
  options.sync_every_commit = core.options.flush_interval == Duration::zero();
  options.min_free_bytes = core.options.min_free_bytes;
  options.free_bytes = core.options.free_bytes;
  TRY(core.wal,
      Wal::open(std::move(options),
                segments.empty() ? first_segment : std::max(first_segment, segments.back() + 1)));
  return {};
}

}  // namespace wellrun::telemetry::store
