#include "telemetry/store/wal.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <tuple>
#include <unistd.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/crc32c.h"

namespace wellrun::telemetry::store {
namespace {

constexpr std::string_view kSegmentMagic("wellrun.wal\0", 12);
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kSegmentHeaderBytes = 16;
constexpr std::uint32_t kRecordMagic = 0x314c5257;
constexpr std::size_t kRecordHeaderBytes = 16;
constexpr std::uint32_t kMaxPayloadBytes = 256U << 20;
constexpr std::uint64_t kAllocationStep = 1U << 20;
constexpr std::size_t kKeepBufferBytes = 1U << 20;

std::unexpected<Error> io_error(std::string_view tried, int error,
                                const std::filesystem::path& path) {
  const auto code = error == ENOSPC || error == EDQUOT ? ErrorCode::kNoSpace : ErrorCode::kIo;
  return fail(code, fmt::format("{} failed: {}", tried, std::strerror(error)), path.string());
}

int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto wrote = ::write(file, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return 0;
}

/// So that a new segment is found after a power loss.
void sync_folder(const std::filesystem::path& dir) {
  const int folder = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

std::string record_header(std::string_view payload) {
  std::string header;
  put_fixed(header, kRecordMagic);
  put_fixed(header, static_cast<std::uint32_t>(payload.size()));
  put_fixed(header, crc32c(payload));
  put_fixed(header, crc32c(header));
  return header;
}

}  // namespace

std::filesystem::path wal_segment_path(const std::filesystem::path& dir, std::uint64_t segment) {
  return dir / fmt::format("{:08}.log", segment);
}

std::vector<std::uint64_t> wal_segments(const std::filesystem::path& dir) {
  std::vector<std::uint64_t> segments;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    const auto name = entry.path().filename().string();
    std::uint64_t number = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (bad == std::errc{} && std::string_view(end) == ".log") segments.push_back(number);
  }
  std::ranges::sort(segments);
  return segments;
}

Result<std::unique_ptr<Wal>> Wal::open(WalOptions options, std::uint64_t segment) {
  std::unique_ptr<Wal> wal(new Wal(std::move(options)));
  TRY_STATUS(wal->start_segment(segment));
  return wal;
}

Wal::~Wal() {
  for (const int file : ended_) ::close(file);
  if (file_ < 0) return;
  if (::ftruncate(file_, static_cast<off_t>(file_bytes_)) !=
      0) { /* only gives back preallocated blocks */
  }
  ::close(file_);
}

int Wal::sync_file(int file) const {
  return options_.sync_file ? options_.sync_file(file) : ::fdatasync(file);
}

/// Called with the lock held and no write under way. On failure the segment before stays in use.
/// Nothing here waits for the disk: sync() does that.
Status Wal::start_segment(std::uint64_t segment) {
  const auto path = wal_segment_path(options_.dir, segment);
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_APPEND, 0600);
  if (file < 0) return io_error("creating a log segment", errno, path);
  std::string header(kSegmentMagic);
  put_fixed(header, kVersion);
  auto give_up = [&](std::string_view tried, int error) {
    ::close(file);
    ::unlink(path.c_str());
    return io_error(tried, error, path);
  };
  if (reserved_bytes_ + pending_.size() > 0) {
    const auto wanted = kSegmentHeaderBytes + reserved_bytes_ + pending_.size();
    if (::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(wanted)) != 0 &&
        errno != EOPNOTSUPP)
      return give_up("reserving space for the log", errno);
    allocated_bytes_ = wanted;
  } else {
    allocated_bytes_ = kSegmentHeaderBytes;
  }
  if (const int error = write_all(file, header); error != 0)
    return give_up("writing a log segment", error);
  if (file_ >= 0) {
    if (::ftruncate(file_, static_cast<off_t>(file_bytes_)) != 0)
      return give_up("ending a log segment", errno);
    ended_.push_back(file_);
  }
  file_ = file;
  segment_ = segment;
  file_bytes_ = kSegmentHeaderBytes;
  folder_changed_ = true;
  needs_rotation_ = false;
  return {};
}

Status Wal::reserve(std::size_t bytes) {
  std::unique_lock lock(mutex_);
  if (needs_rotation_ && !is_writing_) TRY_STATUS(start_segment(segment_ + 1));
  const auto wanted = file_bytes_ + pending_.size() + writing_.size() + reserved_bytes_ + bytes;
  if (wanted > allocated_bytes_) {
    if (options_.free_bytes) {
      TRY(const auto free, options_.free_bytes());
      if (free < options_.min_free_bytes + bytes)
        return fail(ErrorCode::kNoSpace,
                    fmt::format("the disk has {} bytes left, and {} are kept free: samples are "
                                "refused until there is more",
                                free, options_.min_free_bytes),
                    options_.dir.string());
    }
    const auto target = (wanted + kAllocationStep - 1) / kAllocationStep * kAllocationStep;
    if (::fallocate(file_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(file_bytes_),
                    static_cast<off_t>(target - file_bytes_)) != 0 &&
        errno != EOPNOTSUPP)
      return io_error("reserving space for the log", errno,
                      wal_segment_path(options_.dir, segment_));
    allocated_bytes_ = target;
  }
  reserved_bytes_ += bytes;
  return {};
}

void Wal::release(std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  reserved_bytes_ -= bytes;
}

void Wal::enqueue(std::string_view payload) {
  const auto header = record_header(payload);
  const std::scoped_lock lock(mutex_);
  pending_.append(header).append(payload);
  enqueued_total_ += header.size() + payload.size();
}

/// With the lock held; gives it up while writing. What could not be written stays first in line.
Status Wal::write_pending(std::unique_lock<std::mutex>& lock) {
  is_writing_ = true;
  writing_.swap(pending_);
  const int file = file_;
  const bool with_folder = options_.sync_every_commit && folder_changed_;
  lock.unlock();
  int error = write_all(file, writing_);
  if (error == 0 && options_.sync_every_commit && sync_file(file) != 0) error = errno;
  if (with_folder && error == 0) sync_folder(options_.dir);
  lock.lock();
  is_writing_ = false;
  if (error != 0) {
    if (::ftruncate(file_, static_cast<off_t>(file_bytes_)) !=
        0) { /* the reader steps over a torn record */
    }
    needs_rotation_ = true;
    pending_.insert(0, writing_);
  } else {
    written_total_ += writing_.size();
    file_bytes_ += writing_.size();
    if (options_.sync_every_commit) synced_total_ = written_total_;
  }
  writing_.clear();
  if (writing_.capacity() > kKeepBufferBytes) writing_.shrink_to_fit();
  written_changed_.notify_all();
  if (error != 0)
    return io_error("writing to the log", error, wal_segment_path(options_.dir, segment_));
  return {};
}

Status Wal::commit(std::size_t reserved) {
  std::unique_lock lock(mutex_);
  reserved_bytes_ -= reserved;
  const auto target = enqueued_total_;
  while (written_total_ < target) {
    if (is_writing_) {
      written_changed_.wait(lock);
      continue;
    }
    if (needs_rotation_) TRY_STATUS(start_segment(segment_ + 1));
    TRY_STATUS(write_pending(lock));
  }
  return {};
}

Status Wal::sync() {
  const std::scoped_lock one(sync_mutex_);
  std::unique_lock lock(mutex_);
  if (synced_total_ == written_total_ && ended_.empty()) return {};
  const auto reached = written_total_;
  const auto path = wal_segment_path(options_.dir, segment_);
  auto files = ended_;
  files.push_back(file_);
  for (auto& file : files) file = ::dup(file);
  const bool with_folder = folder_changed_;
  lock.unlock();
  int error = 0;
  for (const int file : files)
    if (error == 0 && (file < 0 || sync_file(file) != 0)) error = errno;
  for (const int file : files)
    if (file >= 0) ::close(file);
  if (with_folder && error == 0) sync_folder(options_.dir);
  lock.lock();
  if (error != 0) return io_error("syncing the log", error, path);
  const auto ended = ended_.begin() + static_cast<std::ptrdiff_t>(files.size() - 1);
  std::for_each(ended_.begin(), ended, ::close);
  ended_.erase(ended_.begin(), ended);
  if (path == wal_segment_path(options_.dir, segment_)) folder_changed_ = false;
  synced_total_ = std::max(synced_total_, reached);
  return {};
}

Result<std::uint64_t> Wal::rotate() {
  std::unique_lock lock(mutex_);
  while (is_writing_ || !pending_.empty()) {
    if (is_writing_) {
      written_changed_.wait(lock);
    } else {
      if (needs_rotation_) TRY_STATUS(start_segment(segment_ + 1));
      TRY_STATUS(write_pending(lock));
    }
  }
  TRY_STATUS(start_segment(segment_ + 1));
  const auto begun = segment_;
  lock.unlock();
  TRY_STATUS(sync());
  return begun;
}

void Wal::drop_before(std::uint64_t segment) {
  for (const auto number : wal_segments(options_.dir))
    if (number < segment) ::unlink(wal_segment_path(options_.dir, number).c_str());
}

WalReader::WalReader(std::string_view bytes, std::string name)
    : bytes_(bytes), name_(std::move(name)) {
  if (bytes_.size() < kSegmentHeaderBytes ||
      bytes_.find_first_not_of('\0') == std::string_view::npos) {
    torn_tail_ = true;
    at_ = bytes_.size();
  } else if (bytes_.starts_with(kSegmentMagic) && bytes_[12] == kVersion &&
             bytes_.substr(13, 3) == std::string_view("\0\0\0", 3)) {
    at_ = kSegmentHeaderBytes;
  } else {
    note(0, "the segment header is not one of version 1");
    at_ = kSegmentHeaderBytes;
  }
}

void WalReader::note(std::size_t at, std::string what) {
  damage_.push_back(Damage{fmt::format("{} at byte {}", name_, at), std::move(what)});
}

bool WalReader::valid_header(std::size_t at) const {
  if (bytes_.size() - at < kRecordHeaderBytes) return false;
  ByteReader reader(bytes_.substr(at, kRecordHeaderBytes));
  const bool magic = reader.fixed<std::uint32_t>() == kRecordMagic;
  const bool length = reader.fixed<std::uint32_t>() <= kMaxPayloadBytes;
  reader.fixed<std::uint32_t>();
  return magic && length && reader.fixed<std::uint32_t>() == crc32c(bytes_.substr(at, 12));
}

/// At a header that is not valid: either the torn end, or damage; goes to the next valid header.
void WalReader::skip_damage() {
  const auto start = at_;
  static constexpr char kMagicBytes[] = {'W', 'R', 'L', '1'};
  for (auto found = bytes_.find(std::string_view(kMagicBytes, 4), start + 1);
       found != std::string_view::npos;
       found = bytes_.find(std::string_view(kMagicBytes, 4), found + 1)) {
    if (!valid_header(found)) continue;
    note(start, fmt::format("{} bytes are not a record", found - start));
    at_ = found;
    return;
  }
  at_ = bytes_.size();
  const auto rest = bytes_.substr(start);
  if (rest.size() < kRecordHeaderBytes || rest.find_first_not_of('\0') == std::string_view::npos)
    std::tie(torn_tail_, tail_offset_) = std::pair(true, start);
  else
    note(start, fmt::format("the last {} bytes are not a record", rest.size()));
}

bool WalReader::next(std::string_view& payload) {
  while (at_ < bytes_.size()) {
    if (!valid_header(at_)) {
      skip_damage();
      continue;
    }
    ByteReader header(bytes_.substr(at_ + 4, 8));
    const auto length = header.fixed<std::uint32_t>();
    const auto crc = header.fixed<std::uint32_t>();
    const auto start = at_ + kRecordHeaderBytes;
    if (bytes_.size() - start < length) {
      torn_tail_ = true;
      tail_offset_ = at_;
      at_ = bytes_.size();
      return false;
    }
    payload = bytes_.substr(start, length);
    payload_offset_ = start;
    if (crc32c(payload) == crc) {
      at_ = start + length;
      return true;
    }
    note(at_,
         fmt::format("a record of {} bytes has another checksum than it was written with", length));
    at_ = start + length;
  }
  return false;
}

}  // namespace wellrun::telemetry::store
