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
    while (!bytes.empty()) {
      const auto put = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at));
      TRY_STATUS(check(put > 0, "writing to a table"));
      bytes.remove_prefix(static_cast<std::size_t>(put));
      at += static_cast<std::uint64_t>(put);
    }
    return {};
  }
  Result<std::uint64_t> size() const {
    const auto end = ::lseek(file_, 0, SEEK_END);
    TRY_STATUS(check(end >= 0, "opening a table"));
    return static_cast<std::uint64_t>(end);
  }
  Status sync() const { return check(::fsync(file_) == 0, "making a table durable"); }

 private:
  Status check(bool done, std::string_view what) const {
    if (done) return {};
    return fail(errno == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo,
                fmt::format("{} failed: {}", what, std::strerror(errno)), path_.string());
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

/// Where the index begins, and the rows end; nothing when the footer cannot be read, or contradicts
/// itself: what names everything else stands behind the index.
std::optional<std::uint64_t> index_offset(const fs::path& table) {
  const File file(table, O_RDONLY);
  const auto size = file.size();
  std::string footer(kTableFooterBytes, '\0');
  if (!size || *size < footer.size() || !file.read(*size - footer.size(), footer))
    return std::nullopt;
  ByteReader reader(footer);
  reader.byte();  // of checksums
  const auto directory = reader.varint();
  reader.varint();
  const auto index = reader.varint();
  if (reader.failed() || directory < index) return std::nullopt;
  return index;
}

/// The first `most` bytes; zeros where the disk does not give them. Empty when there is no such
/// file.
Result<std::string> contents(const fs::path& table, std::uint64_t most) {
  std::error_code error;
  if (!fs::exists(table, error) && !error) return std::string();
  const File file(table, O_RDONLY);
  TRY(const auto size, file.size());
  std::string bytes(std::min(size, most), '\0');
  constexpr std::size_t kPiece = 64 << 10;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    std::string piece(std::min(kPiece, bytes.size() - at), '\0');
    if (file.read(at, piece)) bytes.replace(at, piece.size(), piece);
  }
  return bytes;
}

std::uint64_t bytes_of(const std::vector<RowBlock>& blocks) {
  std::uint64_t bytes = 0;
  for (const auto& block : blocks) bytes += block.size + kBlockTrailerBytes;
  return bytes;
}

/// As many of the blocks as leave room for their index.
Status make_table(const fs::path& made, std::string_view bytes, std::vector<RowBlock>& blocks,
                  const KnownTable& table) {
  auto tail = table_tail(blocks, table.family, table.size);
  for (; !tail && !blocks.empty(); tail = table_tail(blocks, table.family, table.size))
    blocks.pop_back();
  if (!tail)
    return fail(ErrorCode::kCorrupt, "a table is too small to be mended", table.path.string());
  const auto end = table.size - tail->size();
  const File file(made, O_RDWR | O_CREAT | O_TRUNC);
  TRY_STATUS(file.write(0, bytes.substr(0, end)));
  TRY_STATUS(file.write(end, *tail));
  return file.sync();
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
  const auto index = index_offset(table);
  return index && block.offset + block.size + kBlockTrailerBytes <= *index;
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

Result<std::optional<std::uint64_t>> mend_index(const rocksdb::Options& options,
                                                const KnownTable& table, const BadBlock& block,
                                                const rocksdb::TableProperties& properties) {
  if (index_offset(table.path) != block.offset || properties.index_value_is_delta_encoded == 0)
    return std::nullopt;
  TRY(const auto bytes, contents(table.path, block.offset));
  const auto blocks = find_row_blocks(bytes, table.largest);
  const auto index = index_of_size(blocks, properties.index_key_is_user_key == 0, block.size);
  if (!index) return std::nullopt;
  const File file(table.path, O_RDWR);
  std::string before(index->size(), '\0');
  TRY_STATUS(file.read(block.offset, before));
  TRY_STATUS(file.write(block.offset, *index));
  if (const auto now = bad_block(verify_table(options, table.path));
      now && now->offset == block.offset) {
    TRY_STATUS(file.write(block.offset, before));
    return std::nullopt;
  }
  TRY_STATUS(file.sync());
  return bytes_of(blocks);
}

Result<std::uint64_t> rebuild_table(const rocksdb::Options& options, const KnownTable& table) {
  TRY(const auto bytes, contents(table.path, table.size));
  const auto made = fs::path(table.path.string() + std::string(kMadeSuffix));
  auto blocks = find_row_blocks(bytes, table.largest);
  TRY_STATUS(make_table(made, bytes, blocks, table));
  if (!verify_table(options, made).ok()) {  // then it is no better than what it is to replace
    blocks.clear();
    TRY_STATUS(make_table(made, bytes, blocks, table));
  }
  std::error_code error;
  fs::rename(made, table.path, error);
  if (error)
    return fail(ErrorCode::kIo, "replacing a damaged table failed: " + error.message(),
                table.path.string());
  TRY_STATUS(File(table.path.parent_path(), O_RDONLY | O_DIRECTORY).sync());
  return bytes_of(blocks);
}

}  // namespace wellrun::telemetry::store
