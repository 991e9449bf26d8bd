#include "telemetry/store/table_blocks.h"

#include <algorithm>
#include <memory>
#include <rocksdb/comparator.h>
#include <utility>
#include <zstd.h>

#include "telemetry/store/byte_io.h"
#include "telemetry/store/crc32c.h"

namespace wellrun::telemetry::store {
namespace {

constexpr char kPlain = 0, kZstd = 7;  ///< as compressed
constexpr std::string_view kZstdBegins = "\x28\xb5\x2f\xfd";
constexpr std::size_t kMostUncompressedBytes = 64 << 20;
constexpr std::size_t kKeyTagBytes = 8;  ///< type of the row, and its sequence number
constexpr std::size_t kHandlesEnd = 41;  ///< in the footer
constexpr std::uint32_t kFormatVersion = 5;
constexpr std::uint64_t kMagic = 0x88e241b785f4cff7;
constexpr char kCrc32c = 1;
/// What begins like blocks without being any is read again and again: so often at most.
constexpr std::uint64_t kMostReads = 32;
constexpr int kCompressionLevel = 9;
constexpr std::size_t kRestartInterval = 16;

std::string_view user_key(std::string_view key) {
  return key.substr(0, key.size() - kKeyTagBytes);
}

std::uint64_t tag_of(std::string_view key) {
  return ByteReader(key.substr(key.size() - kKeyTagBytes)).fixed<std::uint64_t>();
}

/// A deletion, a value, or a deletion of one value.
bool is_key(std::string_view key) {
  if (key.size() < kKeyTagBytes) return false;
  const auto type = tag_of(key) & 0xff;
  return type == 0 || type == 1 || type == 7;
}

/// The newest version of a row comes first.
bool comes_before(std::string_view a, std::string_view b) {
  const auto order = user_key(a).compare(user_key(b));
  return order < 0 || (order == 0 && tag_of(a) > tag_of(b));
}

std::optional<std::string> uncompressed(std::string_view block) {
  ByteReader reader(block);
  const auto size = reader.varint();
  if (reader.failed() || size > kMostUncompressedBytes) return std::nullopt;
  std::string bytes(size, '\0');
  const auto frame = reader.rest();
  const auto got = ZSTD_decompress(bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(got) != 0 || got != size) return std::nullopt;
  return bytes;
}

std::string compressed(std::string_view block, int level) {
  std::string bytes;
  put_varint(bytes, block.size());
  const auto begin = bytes.size();
  bytes.resize(begin + ZSTD_compressBound(block.size()));
  const auto size =
      ZSTD_compress(bytes.data() + begin, bytes.size() - begin, block.data(), block.size(), level);
  if (ZSTD_isError(size) != 0) return {};
  bytes.resize(begin + size);
  return bytes;
}

/// Reads a block's rows; nothing when it holds something else. Both keys are empty without rows.
std::optional<RowBlock> rows_of(std::string_view block) {
  constexpr auto kNumber = sizeof(std::uint32_t);
  if (block.size() < kLeastBlockBytes) return std::nullopt;
  const auto restarts = ByteReader(block.substr(block.size() - kNumber)).fixed<std::uint32_t>();
  if (restarts == 0) return RowBlock{};
  if (restarts > block.size() / kNumber - 1) return std::nullopt;
  ByteReader reader(block.substr(0, block.size() - (restarts + 1) * kNumber));
  RowBlock rows;
  std::string key;
  while (!reader.at_end()) {
    const auto shared = reader.varint(), rest = reader.varint(), value = reader.varint();
    if (reader.failed() || shared > key.size()) return std::nullopt;
    auto next = key.substr(0, shared).append(reader.bytes(rest));
    (void)reader.bytes(value);
    if (reader.failed() || !is_key(next) || (!key.empty() && !comes_before(key, next)))
      return std::nullopt;
    key = std::move(next);
    if (rows.first_key.empty()) rows.first_key = key;
  }
  rows.last_key = std::move(key);
  return rows;
}

class Scan {
 public:
  Scan(std::string_view table, std::string_view largest) : table_(table), largest_(largest) {}

  std::vector<RowBlock> run() {
    for (std::size_t at = 0; at + kLeastBlockBytes + kBlockTrailerBytes <= table_.size();) {
      if (summed_ > kMostReads * (table_.size() + kMostBlockBytes)) break;
      auto block = may_begin(at) ? block_at(at) : std::nullopt;
      at = block ? block->end() : at + 1;
      if (block && !block->first_key.empty()) blocks_.push_back(std::move(*block));
    }
    return std::move(blocks_);
  }

 private:
  /// Where the block before ended; anywhere else only what looks like the first row of a block, or
  /// like Zstandard: every byte would be a beginning otherwise, and all behind it read.
  bool may_begin(std::size_t at) const {
    const auto end_before = blocks_.empty() ? 0 : blocks_.back().end();
    return at == end_before || begins_with_a_row(table_.substr(at)) ||
           begins_compressed(table_.substr(at, kMaxVarintBytes + kZstdBegins.size()));
  }

  bool begins_with_a_row(std::string_view bytes) const {
    if (bytes.front() != '\0') return false;  // the first key shares nothing
    ByteReader reader(bytes.substr(1));
    const auto size = reader.varint();
    (void)reader.varint();  // of the value
    const auto key = reader.bytes(size);
    return !reader.failed() && is_key(key) && user_key(key) <= largest_;
  }

  static bool begins_compressed(std::string_view bytes) {
    ByteReader reader(bytes);
    (void)reader.varint();  // of the uncompressed
    return !reader.failed() && reader.rest().starts_with(kZstdBegins);
  }

  std::optional<RowBlock> block_at(std::size_t at) {
    const auto room = table_.substr(at, kMostBlockBytes + kBlockTrailerBytes);
    std::uint32_t crc = 0;
    std::size_t summed = 0;
    for (auto size = kLeastBlockBytes; size + kBlockTrailerBytes <= room.size(); ++size) {
      if (room[size] != kPlain && room[size] != kZstd) continue;
      crc = crc32c(room.substr(summed, size + 1 - summed), crc);
      summed_ += size + 1 - std::exchange(summed, size + 1);
      if (ByteReader(room.substr(summed)).fixed<std::uint32_t>() != stored_checksum(crc)) continue;
      if (auto block = read(room.substr(0, size), room[size])) {
        block->offset = at;
        block->size = size;
        return block;
      }
    }
    return std::nullopt;
  }

  std::optional<RowBlock> read(std::string_view bytes, char compression) const {
    const auto plain = compression == kZstd ? uncompressed(bytes) : std::string(bytes);
    auto block = plain ? rows_of(*plain) : std::nullopt;
    if (!block || block->first_key.empty()) return block;
    const bool follows = blocks_.empty() || comes_before(blocks_.back().last_key, block->first_key);
    if (!follows || user_key(block->last_key) > largest_) return std::nullopt;
    return block;
  }

  const std::string_view table_, largest_;
  std::vector<RowBlock> blocks_;
  std::uint64_t summed_ = 0;  ///< bytes, in search of ends
};

/// Keys share what begins alike, but for those that a search may begin at.
class BlockBuilder {
 public:
  explicit BlockBuilder(std::size_t restart_interval) : restart_interval_(restart_interval) {}

  /// Writes how much of the key is shared, and the key; the value follows. Returns whether anything
  /// is shared.
  bool put_key(std::string_view key, bool may_share = true) {
    if (!may_share || since_restart_ == restart_interval_ || restarts_.empty()) {
      restarts_.push_back(static_cast<std::uint32_t>(bytes_.size()));
      since_restart_ = 0;
      last_.clear();
    }
    ++since_restart_;
    const auto shared =
        static_cast<std::size_t>(std::ranges::mismatch(last_, key).in1 - last_.begin());
    put_varint(bytes_, shared);
    put_varint(bytes_, key.size() - shared);
    pending_ = key.substr(shared);
    last_ = key;
    return shared != 0;
  }
  /// The length of a value is known, and not written.
  void put_value(std::string_view value) { bytes_.append(pending_).append(value); }
  void put_sized_value(std::string_view value) {
    put_varint(bytes_, value.size());
    put_value(value);
  }

  std::string finish() && {
    if (restarts_.empty()) return std::string(kLeastBlockBytes, '\0');
    for (const auto restart : restarts_) put_fixed(bytes_, restart);
    put_fixed(bytes_, static_cast<std::uint32_t>(restarts_.size()));
    return std::move(bytes_);
  }

 private:
  const std::size_t restart_interval_;
  std::size_t since_restart_ = 0;
  std::vector<std::uint32_t> restarts_;
  std::string bytes_, last_, pending_;
};

/// One version of a row may be the last of a block, and the next the first of another.
bool splits_a_row(const std::vector<RowBlock>& blocks) {
  return std::ranges::adjacent_find(blocks, [](const RowBlock& a, const RowBlock& b) {
           return user_key(a.last_key) == user_key(b.first_key);
         }) != blocks.end();
}

/// A key, as short as can be, that no row of this block is behind and all of the next are.
std::string separator(const RowBlock& block, const RowBlock* next) {
  std::string key(user_key(block.last_key));
  if (next != nullptr) {
    const auto limit = user_key(next->first_key);
    rocksdb::BytewiseComparator()->FindShortestSeparator(
        &key, rocksdb::Slice(limit.data(), limit.size()));
  }
  return key;
}

/// Where a block begins is not said where it follows the one before; sizes are differences there.
std::string index_block(const std::vector<RowBlock>& blocks, bool has_whole_keys) {
  BlockBuilder builder(kRestartInterval);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& block = blocks[i];
    const auto* next = i + 1 < blocks.size() ? &blocks[i + 1] : nullptr;
    const auto* before = i > 0 && blocks[i - 1].end() == block.offset ? &blocks[i - 1] : nullptr;
    std::string where;
    if (builder.put_key(has_whole_keys ? block.last_key : separator(block, next),
                        before != nullptr)) {
      put_varint(where, zigzag(wrapping_sub(static_cast<std::int64_t>(block.size),
                                            static_cast<std::int64_t>(before->size))));
    } else {
      put_varint(where, block.offset);
      put_varint(where, block.size);
    }
    builder.put_value(where);
  }
  return std::move(builder).finish();
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  put_varint(bytes, value);
  return bytes;
}

/// In the order of their names.
std::string properties_block(const TableFamily& family, bool has_whole_keys) {
  BlockBuilder builder(1);
  const std::pair<std::string_view, std::string> properties[] = {
      {"rocksdb.column.family.id", varint(family.id)},
      {"rocksdb.column.family.name", family.name},
      {"rocksdb.index.key.is.user.key", varint(has_whole_keys ? 0 : 1)},
      {"rocksdb.index.value.is.delta.encoded", varint(1)}};
  for (const auto& [name, value] : properties) {
    builder.put_key(name);
    builder.put_sized_value(value);
  }
  return std::move(builder).finish();
}

std::string with_trailer(std::string block, char compression) {
  block.push_back(compression);
  put_fixed(block, stored_checksum(crc32c(block)));
  return block;
}

/// Zstandard leaves out a frame that says so: number, length, and as many bytes.
std::optional<std::string> filled_up(std::string bytes, std::uint64_t size) {
  constexpr std::uint32_t kSkippable = 0x184d2a50;
  constexpr std::size_t kHead = 2 * sizeof kSkippable;
  if (bytes.size() == size) return bytes;
  if (bytes.empty() || bytes.size() + kHead > size) return std::nullopt;
  const auto left = static_cast<std::uint32_t>(size - bytes.size() - kHead);
  put_fixed(bytes, kSkippable);
  put_fixed(bytes, left);
  bytes.resize(size);
  return bytes;
}

/// Of the blocks behind the rows, each where the one before ends.
class Tail {
 public:
  explicit Tail(std::uint64_t begin) : begin_(begin) {}

  /// Its place in the file, as it is named in others.
  std::string put(std::string_view block, bool may_compress) {
    const auto stored = stored_block(block, may_compress);
    std::string handle;
    put_varint(handle, begin_ + bytes_.size());
    put_varint(handle, stored.size() - kBlockTrailerBytes);
    bytes_ += stored;
    return handle;
  }

  std::optional<std::string> finish(std::string_view handles, std::uint64_t size) && {
    if (begin_ + bytes_.size() + kTableFooterBytes > size) return std::nullopt;
    bytes_.resize(size - kTableFooterBytes - begin_);
    std::string footer(1, kCrc32c);
    footer += handles;
    footer.resize(kHandlesEnd);
    put_fixed(footer, kFormatVersion);
    put_fixed(footer, kMagic);
    return std::move(bytes_) + footer;
  }

 private:
  const std::uint64_t begin_;
  std::string bytes_;
};

}  // namespace

std::uint32_t stored_checksum(std::uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

std::vector<RowBlock> find_row_blocks(std::string_view table, std::string_view largest) {
  return Scan(table, largest).run();
}

std::string stored_block(std::string_view block, bool may_compress) {
  const auto smaller = may_compress ? compressed(block, kCompressionLevel) : std::string();
  const bool is_smaller = !smaller.empty() && smaller.size() < block.size();
  return is_smaller ? with_trailer(smaller, kZstd) : with_trailer(std::string(block), kPlain);
}

std::optional<std::string> index_of_size(const std::vector<RowBlock>& blocks, bool has_whole_keys,
                                         std::uint64_t size) {
  if (blocks.empty() || (!has_whole_keys && splits_a_row(blocks))) return std::nullopt;
  const auto block = index_block(blocks, has_whole_keys);
  if (block.size() == size) return with_trailer(block, kPlain);
  // One of the levels is what RocksDB took, so the size is the same if nothing is missing.
  for (int level = 1; level <= ZSTD_maxCLevel(); ++level)
    if (auto filled = filled_up(compressed(block, level), size))
      return with_trailer(std::move(*filled), kZstd);
  return std::nullopt;
}

std::optional<std::string> table_tail(const std::vector<RowBlock>& blocks,
                                      const TableFamily& family, std::uint64_t size) {
  const bool has_whole_keys = splits_a_row(blocks);
  Tail tail(blocks.empty() ? 0 : blocks.back().end());
  const auto index = tail.put(index_block(blocks, has_whole_keys), true);
  BlockBuilder directory(1);
  directory.put_key("rocksdb.properties");
  directory.put_sized_value(tail.put(properties_block(family, has_whole_keys), false));
  const auto where = tail.put(std::move(directory).finish(), false);
  return std::move(tail).finish(where + index, size);
}

}  // namespace wellrun::telemetry::store
