// Opening: series and bounds from the database, then whatever the log holds.

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/write_batch.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/core.h"
#include "telemetry/store/wal_records.h"

namespace wellrun::telemetry::store {
namespace {

/// A file in memory, read-only.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info{};
    if (file >= 0 && ::fstat(file, &info) == 0 && info.st_size > 0) {
      size_ = static_cast<std::size_t>(info.st_size);
      void* at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
      if (at != MAP_FAILED) at_ = static_cast<const char*>(at);
    }
    is_read_ = file >= 0 && (info.st_size == 0 || at_ != nullptr);
    if (file >= 0) ::close(file);
  }
  ~MappedFile() {
    if (at_ != nullptr) ::munmap(const_cast<char*>(at_), size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  bool is_read() const { return is_read_; }
  std::string_view bytes() const { return {at_, at_ == nullptr ? 0 : size_}; }

 private:
  const char* at_ = nullptr;
  std::size_t size_ = 0;
  bool is_read_ = false;
};

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
  for (std::uint32_t ref = 0; ref < core.head.end_ref(); ++ref)
    if (core.head.has(ref)) newest = std::max(newest, core.head.at(ref).disk_last_ms);
  core.newest_ms = newest;
}

void read_metadata(Core& core) {
  const auto rows = core.database->iterate(Family::kDefault);
  for (rows->Seek("m"); rows->Valid() && rows->key()[0] == 'm'; rows->Next()) {
    Metadata metadata;
    metadata.family = rows->key().ToString().substr(1);
    ByteReader reader({rows->value().data(), rows->value().size()});
    metadata.type = reader.text();
    metadata.help = reader.text();
    metadata.unit = reader.text();
    if (!reader.failed()) core.metadata.emplace(metadata.family, std::move(metadata));
  }
}

struct Replay {
  Core& core;
  std::int64_t newest = INT64_MIN;
  std::uint64_t samples = 0, without_series = 0;

  template <typename TimedSample>
  void add(std::uint32_t ref, const TimedSample& sample) {
    if (!core.head.has(ref)) {
      ++without_series;
      return;
    }
    auto& series = core.head.at(ref);
    auto done = append(series, sample, true);
    if (done == Appended::kNeedsDisk) done = insert_checked(series, sample);
    samples += done == Appended::kNew ? 1 : 0;
    newest = std::max(newest, sample.time_ms);
  }

  bool apply(std::string_view payload) {
    if (payload.empty()) return false;
    switch (static_cast<WalRecord>(payload.front())) {
      case WalRecord::kSeries:
        return read_series_record(payload, [&](std::uint32_t ref, std::string_view labels) {
          core.index.restore(ref, labels);
        });
      case WalRecord::kFloats:
        return read_float_record(payload,
                                 [&](std::uint32_t ref, Sample sample) { add(ref, sample); });
      case WalRecord::kHistograms:
        return read_histogram_record(
            payload, [&](std::uint32_t ref, const HistogramSample& sample) { add(ref, sample); });
    }
    return false;
  }
};

Status replay_segment(Core& core, std::uint64_t segment, bool is_last) {
  const auto path = wal_segment_path(core.options.dir / "wal", segment);
  const MappedFile file(path);
  if (!file.is_read())
    return fail(ErrorCode::kIo,
                fmt::format("reading a log segment failed: {}", std::strerror(errno)),
                path.string());
  const auto name = "wal/" + path.filename().string();
  WalReader reader(file.bytes(), name);
  Replay replay{core};
  for (std::string_view payload; reader.next(payload);)
    if (!replay.apply(payload))
      core.note_damage({fmt::format("{} at byte {}", name, reader.payload_offset()),
                        "a record cannot be read although its checksum is right"});
  for (const auto& found : reader.damage()) core.note_damage(found);
  if (replay.without_series > 0)
    core.note_damage({name, fmt::format("{} samples belong to series whose record is lost",
                                        replay.without_series)});
  if (reader.has_torn_tail() && !is_last)
    core.note_damage({fmt::format("{} at byte {}", name, reader.tail_offset()),
                      "the segment ends in the middle of a record"});
  if (reader.has_torn_tail() && is_last &&
      ::truncate(path.c_str(),
                 static_cast<off_t>(std::max<std::size_t>(16, reader.tail_offset()))) != 0)
    return fail(ErrorCode::kIo,
                fmt::format("cutting off an unfinished record failed: {}", std::strerror(errno)),
                path.string());
  core.head.sample_count += replay.samples;
  core.newest_ms = std::max(core.newest_ms.load(), replay.newest);
  return {};
}

}  // namespace

Status recover(Core& core) {
  const auto log = core.options.dir / "wal";
  TRY(const auto stored, core.database->get(Family::kDefault, "wal"));
  std::uint64_t first_segment = 1;
  if (stored && stored->size() == sizeof first_segment)
    std::memcpy(&first_segment, stored->data(), sizeof first_segment);
  read_series(core);
  core.persisted_end = core.head.end_ref();
  read_bounds(core);
  read_metadata(core);
  auto segments = wal_segments(log);
  std::erase_if(segments, [&](std::uint64_t segment) {
    if (segment >= first_segment) return false;
    ::unlink(wal_segment_path(log, segment).c_str());
    return true;
  });
  for (const auto segment : segments)
    TRY_STATUS(replay_segment(core, segment, segment == segments.back()));
  core.index.index_restored();
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
