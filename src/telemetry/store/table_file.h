#pragma once

// RocksDB's table files (block-based, format version 5) as far as mending one needs them: RocksDB
// says which block is not what was written and what its checksum would be, and here a block without
// rows, or a table of the blocks that are found, takes the place of what cannot be read, at its
// size. Sources: RocksDB's wiki, "Rocksdb BlockBasedTable Format"; its own readers check every byte
// written here. Inside this folder only. Thread-safe for files that are not the same.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <rocksdb/options.h>
#include <rocksdb/table_properties.h>
#include <string>

#include "core/result.h"
#include "telemetry/store/table_blocks.h"

namespace wellrun::telemetry::store {

/// A block whose checksum is wrong.
struct BadBlock {
  std::uint64_t offset = 0, size = 0;  ///< in the file; without the five bytes behind it
  std::uint32_t computed = 0;          ///< its checksum, as it is to be stored
};

/// What RocksDB complains of; nothing when that is no block's checksum.
std::optional<BadBlock> bad_block(const rocksdb::Status& status);

/// Reads every block from the disk, past all caches, and holds it against its checksum: the first
/// complaint.
rocksdb::Status verify_table(const rocksdb::Options& options, const std::filesystem::path& table);

/// Whether the block holds rows; false: index, properties and the like, or the footer cannot be
/// read.
bool holds_rows(const std::filesystem::path& table, const BadBlock& block);

/// Overwrites a block that verify_table() complained of with one that has no rows, in place: who
/// has the file open sees it, too. Durable when it returns. A crash meanwhile leaves a damaged
/// block. kIo; kCorrupt when the block cannot be mended.
Status empty_block(const rocksdb::Options& options, const std::filesystem::path& table,
                   const BadBlock& block);

/// What is made before it takes a table's place is called so; left by a crash, it is of no use.
inline constexpr std::string_view kMadeSuffix = ".made";

/// As the manifest has it.
struct KnownTable {
  std::filesystem::path path;
  std::uint64_t size = 0;
  std::string largest;  ///< key of a row
  TableFamily family;
};

/// Where an index that verify_table() complained of was, puts one of its size for the blocks that
/// are found, in place: who has the file open sees it, too. `properties`: the table's. Durable when
/// it returns. A crash meanwhile leaves a damaged index. Returns the bytes of the blocks; nothing,
/// and the table is as it was: what is damaged is no index, or none of that size can be made. kIo.
Result<std::optional<std::uint64_t>> mend_index(const rocksdb::Options& options,
                                                const KnownTable& table, const BadBlock& block,
                                                const rocksdb::TableProperties& properties);

/// Puts a table there, of the size that the manifest knows, that has those blocks of rows that can
/// be found in what is there, if anything is, and a new index for them (table_blocks.h): what was
/// there is another file afterwards, for those who have it open. Returns the bytes of the blocks.
/// Atomic and durable. kIo when the disk fails or the file cannot be opened, kNoSpace; kCorrupt for
/// a size that no table has.
Result<std::uint64_t> rebuild_table(const rocksdb::Options& options, const KnownTable& table);

}  // namespace wellrun::telemetry::store
