// Rows of a table whose index is lost are found again, held against RocksDB's own reading and
// writing.

#include "telemetry/store/table_blocks.h"

#include <fstream>
#include <map>
#include <random>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <set>

#include "telemetry/store/damage_test_support.h"
#include "telemetry/store/table_file.h"

namespace wellrun::telemetry::store {
namespace {

using Rows = std::map<std::string, std::string>;

rocksdb::Options options() {
  rocksdb::Options options;
  options.compression = rocksdb::kZSTD;
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.block_size = 4 << 10;
  table.index_block_restart_interval = 16;
  table.checksum = rocksdb::kCRC32c;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

/// Some blocks are worth compressing, some are not.
Rows random_rows(std::mt19937& random, std::size_t count) {
  Rows rows;
  for (std::size_t i = 0; i < count; ++i) {
    std::string key(1 + random() % 30, '\0'), value(random() % 200, 'x');
    for (auto& c : key) c = static_cast<char>(random() % 256);
    if (random() % 8 < i * 8 / count)
      for (auto& c : value) c = static_cast<char>(random());
    rows[key] = value;
  }
  return rows;
}

void write_table(const fs::path& path, const Rows& rows) {
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options());
  ASSERT_TRUE(writer.Open(path.string()).ok());
  for (const auto& [key, value] : rows) ASSERT_TRUE(writer.Put(key, value).ok());
  ASSERT_TRUE(writer.Finish().ok());
}

Rows read_table(const fs::path& path) {
  Rows rows;
  rocksdb::SstFileReader reader(options());
  EXPECT_TRUE(reader.Open(path.string()).ok());
  EXPECT_TRUE(reader.VerifyChecksum().ok());
  const std::unique_ptr<rocksdb::Iterator> at(reader.NewIterator(rocksdb::ReadOptions()));
  for (at->SeekToFirst(); at->Valid(); at->Next())
    rows[at->key().ToString()] = at->value().ToString();
  EXPECT_TRUE(at->status().ok()) << at->status().ToString();
  // An index is for finding: each row by itself, too.
  for (const auto& [key, value] : rows) {
    at->Seek(key);
    EXPECT_TRUE(at->Valid() && at->key() == key && at->value() == value);
  }
  return rows;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// All of them, but for those in the blocks that `is_lost` says.
template <typename IsLost>
Rows without(const Rows& rows, const std::vector<RowBlock>& blocks, IsLost is_lost) {
  Rows left;
  for (const auto& block : blocks) {
    if (is_lost(block)) continue;
    const auto first = block.first_key.substr(0, block.first_key.size() - 8);
    const auto last = block.last_key.substr(0, block.last_key.size() - 8);
    left.insert(rows.lower_bound(first), rows.upper_bound(last));
  }
  return left;
}

KnownTable known(const fs::path& path, std::uint64_t size, const std::string& largest) {
  return {.path = path, .size = size, .largest = largest, .family = {0, "default"}};
}

struct Table {
  explicit Table(std::uint32_t seed) : random(seed) {
    rows = random_rows(random, 20 + random() % 2000);
    write_table(path, rows);
    bytes = bytes_of(path);
    largest = rows.rbegin()->first;
    blocks = find_row_blocks(bytes, largest);
  }

  Rows rebuilt() const {
    const auto found = rebuild_table(options(), known(path, bytes.size(), largest));
    EXPECT_TRUE(found) << to_string(found.error());
    EXPECT_EQ(fs::file_size(path), bytes.size());
    return read_table(path);
  }

  Folder folder;
  const fs::path path = folder / "table.sst";
  std::mt19937 random;
  Rows rows;
  std::string bytes, largest;
  std::vector<RowBlock> blocks;
};

class TableBlocks : public testing::TestWithParam<std::uint32_t> {};

TEST_P(TableBlocks, HoldEveryRowOnceAndEndBeforeTheIndex) {
  const Table table(GetParam());
  ASSERT_FALSE(table.blocks.empty());
  EXPECT_EQ(table.blocks.front().offset, 0U);
  for (std::size_t i = 1; i < table.blocks.size(); ++i)
    EXPECT_EQ(table.blocks[i].offset, table.blocks[i - 1].end());
  const auto last = table.blocks.back().last_key;
  EXPECT_EQ(last.substr(0, last.size() - 8), table.largest);
  EXPECT_EQ(without(table.rows, table.blocks, [](const RowBlock&) { return false; }), table.rows);
}

TEST_P(TableBlocks, AreAllReadAfterWhateverIsBehindThemWasLost) {
  Table table(GetParam());
  const auto behind = table.blocks.back().end();
  flip_byte(table.path, behind + table.random() % (table.bytes.size() - behind));
  EXPECT_EQ(table.rebuilt(), table.rows);
}

TEST_P(TableBlocks, AreReadAroundThoseThatAreDamagedWithTheIndex) {
  Table table(GetParam());
  std::vector<std::uint64_t> hurt{table.blocks.back().end()};
  for (int i = 0; i < 3; ++i) hurt.push_back(table.random() % table.blocks.back().end());
  for (const auto at : std::set(hurt.begin(), hurt.end())) flip_byte(table.path, at);
  const auto expected = without(table.rows, table.blocks, [&](const RowBlock& block) {
    return std::ranges::any_of(hurt,
                               [&](auto at) { return at >= block.offset && at < block.end(); });
  });
  EXPECT_EQ(table.rebuilt(), expected);
}

TEST_P(TableBlocks, AreReadAsFarAsTheFileGoes) {
  Table table(GetParam());
  const auto left = table.random() % table.bytes.size();
  fs::resize_file(table.path, left);
  const auto expected =
      without(table.rows, table.blocks, [&](const RowBlock& block) { return block.end() > left; });
  EXPECT_EQ(table.rebuilt(), expected);
}

INSTANTIATE_TEST_SUITE_P(Seeds, TableBlocks, testing::Range(1U, 33U));

TEST(TableBlocksOf, NoTableIsATableWithoutRows) {
  const Folder folder;
  const auto path = folder / "none.sst";
  ASSERT_TRUE(rebuild_table(options(), known(path, 5000, "z")));
  EXPECT_EQ(read_table(path), Rows{});
  EXPECT_FALSE(rebuild_table(options(), known(path, 60, "z")))
      << "too small for what every table has";
}

TEST(TableBlocksOf, AFileThatCannotBeOpenedIsLeftAsItIs) {
  const Folder folder;
  const auto path = folder / "folder.sst";
  fs::create_directory(path);
  EXPECT_FALSE(rebuild_table(options(), known(path, 5000, "z")));
  EXPECT_TRUE(fs::is_directory(path));
}

/// Then what it points to is not what was written there, which is no reason to overwrite it.
TEST(TableBlocksOf, AFlippedBitOfTheFooterSaysNothingAboutRows) {
  const Table table(5);
  constexpr std::size_t kFooterBits = kTableFooterBytes * 8;
  std::size_t misled = 0;
  for (std::size_t bit = 0; bit < kFooterBits; ++bit) {
    auto bytes = table.bytes;
    bytes[bytes.size() - 1 - bit / 8] ^= static_cast<char>(1U << bit % 8);
    std::ofstream(table.path, std::ios::binary) << bytes;
    const auto status = verify_table(options(), table.path);
    const auto block = bad_block(status);
    misled += block ? 1 : 0;
    EXPECT_FALSE(block && holds_rows(table.path, *block)) << bit << ": " << status.ToString();
  }
  EXPECT_GT(misled, 0U) << "some bit leads to a place that holds no block";
}

/// Versions of one row over many blocks, kept by snapshots, and rows that are deleted: RocksDB
/// finds what it found before.
TEST(TableBlocksOf, VersionsAndDeletionsKeepTheirOrder) {
  const Folder folder;
  const auto dir = (folder / "db").string();
  auto opened = options();
  opened.create_if_missing = true;
  opened.disable_auto_compactions = true;
  opened.verify_sst_unique_id_in_manifest = false;
  rocksdb::DB* made = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(opened, dir, &made).ok());
  std::unique_ptr<rocksdb::DB> db(made);
  constexpr int kVersions = 2000;
  std::vector<const rocksdb::Snapshot*> snapshots;
  const auto put = [&](const std::string& key, const std::string& value) {
    ASSERT_TRUE(db->Put({}, key, value).ok());
    snapshots.push_back(db->GetSnapshot());
  };
  for (int i = 0; i < kVersions; ++i) put("k", "version " + std::to_string(i));
  put("deleted", "still there");
  ASSERT_TRUE(db->Delete({}, "deleted").ok());
  put("z", "last");
  ASSERT_TRUE(db->Flush({}).ok());
  for (const auto* snapshot : snapshots) db->ReleaseSnapshot(snapshot);
  db.reset();
  const auto path = files_below(dir, ".sst").front();
  const auto bytes = bytes_of(path);
  const auto blocks = find_row_blocks(bytes, "z");
  ASSERT_GT(blocks.size(), 5U) << "one row is to be split";
  flip_byte(path, blocks.back().end() + 1);
  ASSERT_TRUE(rebuild_table(options(), known(path, bytes.size(), "z")));
  {
    rocksdb::SstFileReader reader(options());
    ASSERT_TRUE(reader.Open(path.string()).ok());
    EXPECT_EQ(reader.GetTableProperties()->index_key_is_user_key, 0U)
        << "its blocks are told apart by versions alone";
  }
  ASSERT_TRUE(rocksdb::DB::Open(opened, dir, &made).ok());
  db.reset(made);
  std::string value;
  EXPECT_TRUE(db->Get({}, "k", &value).ok());
  EXPECT_EQ(value, "version " + std::to_string(kVersions - 1));
  EXPECT_TRUE(db->Get({}, "deleted", &value).IsNotFound());
  EXPECT_TRUE(db->Get({}, "z", &value).ok());
  EXPECT_EQ(value, "last");
}

TEST(TableBlocksOf, GarbageAreNone) {
  std::mt19937 random(1);
  std::string bytes(300'000, '\0');
  for (auto& c : bytes) c = static_cast<char>(random() % 4 == 0 ? 0 : random());
  EXPECT_TRUE(find_row_blocks(bytes, "\xff").empty());
  EXPECT_TRUE(find_row_blocks(std::string(300'000, '\0'), "\xff").empty());
  EXPECT_TRUE(find_row_blocks("", "\xff").empty());
}

}  // namespace
}  // namespace wellrun::telemetry::store
