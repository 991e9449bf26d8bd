// Reading the log at open: first the series that it names, then its samples, shared among threads
// by series, while the series enter the index.

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/runtime/parallel.h"
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

struct Segment {
  std::filesystem::path path;
  std::string name;  ///< as damage is told of it
  MappedFile file;
  bool is_last = false;

  Segment(const std::filesystem::path& log, std::uint64_t number, bool last)
      : path(wal_segment_path(log, number)),
        name("wal/" + path.filename().string()),
        file(path),
        is_last(last) {}

  std::string at(std::size_t offset) const { return fmt::format("{} at byte {}", name, offset); }
};

using Segments = std::vector<std::unique_ptr<Segment>>;

bool is_series(std::string_view payload) {
  return !payload.empty() && static_cast<WalRecord>(payload.front()) == WalRecord::kSeries;
}

void note_unreadable(Core& core, const Segment& segment, const WalReader& reader) {
  core.note_damage({segment.at(reader.payload_offset()),
                    "a record cannot be read although its checksum is right"});
}

void restore_series(Core& core, const Segment& segment, WalReader& reader) {
  for (std::string_view payload; reader.next(payload);) {
    if (!is_series(payload)) continue;
    const bool read = read_series_record(payload, [&](std::uint32_t ref, std::string_view labels) {
      core.index.restore(ref, labels);
    });
    if (!read) note_unreadable(core, segment, reader);
  }
}

constexpr std::uint32_t kShares = 2;

/// The samples of every kShares-th block of series: what one thread takes of a log.
struct Replay {
  Core& core;
  std::uint32_t share = 0;
  std::int64_t newest = INT64_MIN;
  std::uint64_t samples = 0, without_series = 0;

  template <typename TimedSample>
  void add(std::uint32_t ref, const TimedSample& sample) {
    if (ref / SeriesBlock::kSize % kShares != share) return;
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
    if (is_series(payload)) return true;  // restore_series() has read it
    if (payload.empty()) return false;
    switch (static_cast<WalRecord>(payload.front())) {
      case WalRecord::kSeries:
        return true;
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

void raise(std::atomic<std::int64_t>& known, std::int64_t value) {
  auto before = known.load();
  while (before < value && !known.compare_exchange_weak(before, value)) {
  }
}

void replay_samples(Core& core, const Segment& segment, std::uint32_t share) {
  WalReader reader(segment.file.bytes(), segment.name);
  Replay replay{core, share};
  for (std::string_view payload; reader.next(payload);)
    if (!replay.apply(payload)) note_unreadable(core, segment, reader);
  if (replay.without_series > 0)
    core.note_damage({segment.name, fmt::format("{} samples belong to series whose record is lost",
                                                replay.without_series)});
  core.head.sample_count += replay.samples;
  raise(core.newest_ms, replay.newest);
}

/// What restore_series() met besides records: damage is told of, the torn end of the last segment
/// cut off, and one that was never begun removed: the next start would find it to be none, and no
/// longer the last. Nobody may read the mapped segment afterwards.
Status settle_damage(Core& core, const Segment& segment, const WalReader& reader) {
  for (const auto& found : reader.damage()) core.note_damage(found);
  if (!reader.has_torn_tail()) return {};
  if (!segment.is_last) {
    core.note_damage(
        {segment.at(reader.tail_offset()), "the segment ends in the middle of a record"});
    return {};
  }
  const auto whole = static_cast<off_t>(reader.tail_offset());
  const auto* path = segment.path.c_str();
  if ((whole == 0 ? ::unlink(path) : ::truncate(path, whole)) == 0) return {};
  return fail(ErrorCode::kIo,
              fmt::format("cutting off an unfinished record failed: {}", std::strerror(errno)),
              segment.path.string());
}

}  // namespace

Status replay_log(Core& core, const std::vector<std::uint64_t>& numbers) {
  Segments segments;
  for (const auto number : numbers) {
    segments.push_back(
        std::make_unique<Segment>(core.options.dir / "wal", number, number == numbers.back()));
    if (!segments.back()->file.is_read())
      return fail(ErrorCode::kIo,
                  fmt::format("reading a log segment failed: {}", std::strerror(errno)),
                  segments.back()->path.string());
  }
  std::vector<WalReader> readers;
  for (const auto& segment : segments)
    restore_series(core, *segment, readers.emplace_back(segment->file.bytes(), segment->name));
  in_parallel(&core.runtime.workers, kShares + 1, [&](std::size_t part) {
    if (part == kShares) return core.index.index_restored();
    for (const auto& segment : segments)
      replay_samples(core, *segment, static_cast<std::uint32_t>(part));
  });
  for (std::size_t i = 0; i < segments.size(); ++i)
    TRY_STATUS(settle_damage(core, *segments[i], readers[i]));
  return {};
}

}  // namespace wellrun::telemetry::store
