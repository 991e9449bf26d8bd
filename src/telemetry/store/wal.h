#pragma once

// The write-ahead log: what was acknowledged and is not in the database yet
// (docs/formats/telemetry.md). Thread-safe. Many writers share one write(2) (group commit): whoever
// comes first writes for all that wait. No lock is held over a write or a sync, so that a disk that
// takes seconds for one holds up nobody else.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "telemetry/store/damage.h"

namespace wellrun::telemetry::store {

struct WalOptions {
  std::filesystem::path dir;
  bool sync_every_commit = false;
  std::uint64_t min_free_bytes = 0;  ///< less free space than this counts as a full disk
  std::function<Result<std::uint64_t>()> free_bytes;  ///< of the file system that holds `dir`
  std::function<int(int)> sync_file = {};  ///< for tests of a slow disk; empty: fdatasync
};

class Wal {
 public:
  /// Starts a new segment with that number. The folder exists.
  static Result<std::unique_ptr<Wal>> open(WalOptions options, std::uint64_t segment);
  ~Wal();

  /// Makes sure that `bytes` more can be written: kNoSpace otherwise. Pass the same number to
  /// commit() or release().
  Status reserve(std::size_t bytes);
  void release(std::size_t bytes);

  /// Puts one record in line, without I/O. Records are stored in the order of these calls.
  void enqueue(std::string_view payload);

  /// Returns once everything enqueued so far has been given to write(2) (and synced, if so
  /// configured).
  Status commit(std::size_t reserved);

  /// fdatasync of what was written since the last one, in segments that have ended, too; nothing to
  /// do when there is none.
  Status sync();

  /// Ends the segment, begins the next, and syncs what was written; returns the new one's number.
  Result<std::uint64_t> rotate();

  /// Removes the segments below `segment`.
  void drop_before(std::uint64_t segment);

  /// In the current segment. Waits for nothing.
  std::uint64_t size_bytes() const { return file_bytes_.load(std::memory_order_relaxed); }

 private:
  explicit Wal(WalOptions options) : options_(std::move(options)) {}
  int sync_file(int file) const;
  Status start_segment(std::uint64_t segment);
  Status write_pending(std::unique_lock<std::mutex>& lock);

  WalOptions options_;
  std::mutex sync_mutex_;  ///< one sync at a time; taken before the other
  std::mutex mutex_;
  std::condition_variable written_changed_;
  int file_ = -1;
  std::uint64_t segment_ = 0;
  std::atomic<std::uint64_t> file_bytes_ = 0;  ///< of the current segment, as the next
  std::uint64_t allocated_bytes_ = 0;
  std::vector<int> ended_;       ///< files of segments that are to be synced and closed
  bool folder_changed_ = false;  ///< the current segment's name may not be on the disk yet
  std::size_t reserved_bytes_ = 0;
  std::uint64_t enqueued_total_ = 0, written_total_ = 0,
                synced_total_ = 0;  ///< over all segments, headers excluded
  std::string pending_, writing_;
  bool is_writing_ = false;
  bool needs_rotation_ = false;  ///< after a failed write: the tail of the segment may be torn
};

/// Bytes that a record with this payload takes.
constexpr std::size_t wal_record_bytes(std::size_t payload_bytes) {
  return payload_bytes + 16;
}

std::filesystem::path wal_segment_path(const std::filesystem::path& dir, std::uint64_t segment);

/// Numbers of the segments in `dir`, ascending.
std::vector<std::uint64_t> wal_segments(const std::filesystem::path& dir);

/// Walks the records of one segment's bytes. Damage is noted and stepped over.
class WalReader {
 public:
  WalReader(std::string_view bytes, std::string name);

  /// False at the end. `payload` points into the bytes given.
  bool next(std::string_view& payload);

  const std::vector<Damage>& damage() const { return damage_; }
  /// True when the bytes end in the middle of a record, as after a crash, or of the segment's
  /// header: then `tail_offset` is 0. Nothing but zeros is a header that was not written, too.
  bool has_torn_tail() const { return torn_tail_; }
  std::size_t tail_offset() const { return tail_offset_; }
  /// Where the payload returned last began.
  std::size_t payload_offset() const { return payload_offset_; }

 private:
  bool valid_header(std::size_t at) const;
  void skip_damage();
  void note(std::size_t at, std::string what);

  std::string_view bytes_;
  std::string name_;
  std::size_t at_ = 0;
  std::size_t payload_offset_ = 0;
  std::vector<Damage> damage_;
  bool torn_tail_ = false;
  std::size_t tail_offset_ = 0;
};

}  // namespace wellrun::telemetry::store
