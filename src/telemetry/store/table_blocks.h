#pragma once

// The blocks of rows in the bytes of a RocksDB table (block-based, format version 5, CRC-32C) whose
// index cannot be read, and an index for them: a block ends where what follows is its checksum.
// Sources: RocksDB's wiki, "Rocksdb BlockBasedTable Format"; RFC 8878 for Zstandard. Inside this
// folder only; no I/O.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wellrun::telemetry::store {

inline constexpr std::size_t kBlockTrailerBytes = 5;  ///< behind each block: compression, checksum
inline constexpr std::size_t kTableFooterBytes =
    53;  ///< checksum type, two handles in 40 bytes, version, magic
/// The shortest that RocksDB takes: no entries, no restarts.
inline constexpr std::size_t kLeastBlockBytes = 8;
/// Longer ones are not looked for without an index.
inline constexpr std::size_t kMostBlockBytes = 1 << 20;

struct RowBlock {
  std::uint64_t offset = 0, size = 0;  ///< in the file; without the trailer
  std::string first_key, last_key;     ///< with sequence number and type, as RocksDB stores them

  std::uint64_t end() const { return offset + size + kBlockTrailerBytes; }
};

/// In their order, those between damaged ones, too; none whose keys go beyond `largest`, the last
/// key of a row that the table has: what follows the rows has a checksum of its own. Empty blocks
/// are left out.
std::vector<RowBlock> find_row_blocks(std::string_view table, std::string_view largest);

/// A checksum as RocksDB stores it: masked, so that one over bytes that hold it differs.
std::uint32_t stored_checksum(std::uint32_t crc);

/// `block` as it is stored, with its trailer; compressed, if it may be, where that is of use.
std::string stored_block(std::string_view block, bool may_compress);

/// The index of `blocks` as it is stored, in `size` bytes and its trailer. `has_whole_keys`: with
/// sequence numbers. Nothing when none of that size can be made, or such an index cannot tell the
/// blocks apart.
std::optional<std::string> index_of_size(const std::vector<RowBlock>& blocks, bool has_whole_keys,
                                         std::uint64_t size);

/// Whose rows a table has: RocksDB asks a table for it when it has lost its manifest.
struct TableFamily {
  std::uint32_t id = 0;
  std::string name;
};

/// What is behind the rows of a table of `size` bytes: the index of `blocks`, what is to be known
/// to read it, the footer. Nothing when there is no room behind the last block.
std::optional<std::string> table_tail(const std::vector<RowBlock>& blocks,
                                      const TableFamily& family, std::uint64_t size);

}  // namespace wellrun::telemetry::store
