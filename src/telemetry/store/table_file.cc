#include "telemetry/store/table_file.h"

#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>
#include <unistd.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/table_blocks.h"

namespace wellrun::telemetry::store {
namespace {

namespace fs = std::filesystem;

/// Of a block or a file; RAII around a descriptor.
class File {
 public:
  File(fs::path path, int flags)
      : path_(std::move(path)), file_(::open(path_.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~File() {
    if (file_ >= 0) ::close(file_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  Status read(std::uint64_t at, std::string& bytes) const {
    const auto got = ::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    return check(got == static_cast<ssize_t>(bytes.size()), "reading a table");
  }
  Status write(std::uint64_t at, std::string_view bytes) const {
    const auto put = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    return check(put == static_cast<ssize_t>(bytes.size()), "writing to a table");
  }
  Status resize(std::uint64_t size) const {
    return check(::ftruncate(file_, static_cast<off_t>(size)) == 0, "sizing a table");
  }
  Status sync() const { return check(::fsync(file_) == 0, "making a table durable"); }

 private:
  Status check(bool done, std::string_view what) const {
    if (done) return {};
    return fail(ErrorCode::kIo, fmt::format("{} failed: {}", what, std::strerror(errno)),
                path_.string());
  }

  const fs::path path_;
  const int file_;
};

/// The number behind `name` in RocksDB's words.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view name) {
  const auto at = text.rfind(name);
  if (at == std::string_view::npos) return std::nullopt;
  const auto* const first = text.data() + at + name.size();
  std::uint64_t number = 0;
  const auto read = std::from_chars(first, text.data() + text.size(), number);
  return read.ec == std::errc() ? std::optional(number) : std::nullopt;
}

/// RocksDB shows a CRC without the mask that it is stored with.
std::uint32_t as_stored(std::uint64_t type, std::uint32_t checksum) {
  constexpr std::uint64_t kCrc32c = 1;
  return type == kCrc32c ? stored_checksum(checksum) : checksum;
}

/// The block and the byte that says that it is not compressed. Its end, four zero bytes, means that
/// it has no entries; what stands before them is for people.
std::string rowless_block(std::uint64_t size) {
  constexpr std::string_view kNote = "wellrun: this block was damaged, and its rows are lost";
  std::string bytes(size + 1, '\0');
  const auto room = size - sizeof(std::uint32_t);
  bytes.replace(0, std::min<std::size_t>(kNote.size(), room), kNote.substr(0, room));
  return bytes;
}

std::uint64_t index_offset_of(std::string_view footer) {
  ByteReader reader(footer);
  reader.byte();  // of checksums
  reader.varint();
  reader.varint();  // the index of what is neither rows nor their index
  const auto offset = reader.varint();
  return reader.failed() ? 0 : offset;
}

/// As far as it can be read; nothing of what is missing.
std::string contents(const fs::path& table) {
  std::error_code error;
  const auto size = fs::file_size(table, error);
  std::string bytes(error ? 0 : size, '\0');
  if (!File(table, O_RDONLY).read(0, bytes)) bytes.clear();
  return bytes;
}

}  // namespace

std::optional<BadBlock> bad_block(const rocksdb::Status& status) {
  const auto text = status.ToString();
  if (!status.IsCorruption() || !text.contains("block checksum mismatch")) return std::nullopt;
  const auto offset = number_after(text, " offset ");
  const auto size = number_after(text, " size ");
  const auto computed = number_after(text, "computed = ");
  const auto type = number_after(text, "type = ");
  if (!offset || !size || !computed || !type) return std::nullopt;
  return BadBlock{*offset, *size, as_stored(*type, static_cast<std::uint32_t>(*computed))};
}

rocksdb::Status verify_table(const rocksdb::Options& options, const fs::path& table) {
  rocksdb::BlockBasedTableOptions uncached;
  uncached.no_block_cache = true;
  auto fresh = options;
  fresh.table_factory.reset(rocksdb::NewBlockBasedTableFactory(uncached));
  rocksdb::SstFileReader reader(fresh);
  auto status = reader.Open(table.string());
  if (status.ok()) status = reader.VerifyChecksum();
  return status;
}

bool holds_rows(const fs::path& table, const BadBlock& block) {
  std::error_code error;
  const auto size = fs::file_size(table, error);
  if (error || size < kTableFooterBytes) return false;
  std::string footer(kTableFooterBytes, '\0');
  const File file(table, O_RDONLY);
  if (!file.read(size - kTableFooterBytes, footer)) return false;
  return block.offset + block.size + kBlockTrailerBytes <= index_offset_of(footer);
}

Status empty_block(const rocksdb::Options& options, const fs::path& table, const BadBlock& block) {
  if (block.size < kLeastBlockBytes)
    return fail(ErrorCode::kCorrupt, "a damaged block is too small to be mended", table.string());
  const File file(table, O_RDWR);
  const auto rowless = rowless_block(block.size);
  TRY_STATUS(file.write(block.offset, rowless));
  // RocksDB computes the checksum of what stands there now, whichever kind the table has.
  const auto now = bad_block(verify_table(options, table));
  if (!now || now->offset != block.offset)
    return fail(ErrorCode::kCorrupt, "RocksDB does not say what the checksum of a block is to be",
                fmt::format("{} at byte {}", table.string(), block.offset));
  std::string checksum;
  put_fixed(checksum, now->computed);
  TRY_STATUS(file.write(block.offset + rowless.size(), checksum));
  return file.sync();
}

Result<std::uint64_t> rebuild_table(const fs::path& table, std::uint64_t size,
                                    std::string_view largest) {
  const auto bytes = contents(table);
  auto blocks = find_row_blocks(std::string_view(bytes).substr(0, size), largest);
  auto tail = table_tail(blocks, size);
  for (; !tail && !blocks.empty(); tail = table_tail(blocks, size)) blocks.pop_back();
  if (!tail) return fail(ErrorCode::kCorrupt, "a table is too small to be mended", table.string());
  const auto end = size - tail->size();
  const auto made = fs::path(table.string() + ".made");
  {
    const File file(made, O_RDWR | O_CREAT | O_TRUNC);
    TRY_STATUS(file.write(0, std::string_view(bytes).substr(0, end)));
    TRY_STATUS(file.write(end, *tail));
    TRY_STATUS(file.sync());
  }
  std::error_code error;
  fs::rename(made, table, error);
  if (error)
    return fail(ErrorCode::kIo, "replacing a damaged table failed: " + error.message(),
                table.string());
  TRY_STATUS(File(table.parent_path(), O_RDONLY | O_DIRECTORY).sync());
  std::uint64_t found = 0;
  for (const auto& block : blocks) found += block.size;
  return found;
}

}  // namespace wellrun::telemetry::store
