// Damage is taken out of the database while it runs; then compaction goes on.

#include <atomic>
#include <thread>

#include "telemetry/store/damage_test_support.h"
#include "telemetry/store/store_test_support.h"
#include "telemetry/store/table_blocks.h"

namespace wellrun::telemetry {
namespace {

using Opened = std::unique_ptr<EmbeddedStore>;

Opened open_store(const fs::path& dir, VirtualRuntime& runtime) {
  auto store = EmbeddedStore::open(options_for(dir), runtime.runtime());
  EXPECT_TRUE(store) << to_string(store.error());
  return store ? std::move(*store) : nullptr;
}

/// Where what is behind the rows begins.
std::uint64_t index_of(const fs::path& table) {
  std::ifstream file(table, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  return store::find_row_blocks(bytes, std::string(20, '\xff')).back().end();
}

fs::path largest_table(const fs::path& dir) {
  const auto tables = files_below(dir / "db", ".sst");
  return *std::ranges::max_element(tables, {},
                                   [](const fs::path& path) { return fs::file_size(path); });
}

bool is_marked(const fs::path& dir) {
  return fs::exists(dir / "db.damaged");
}

/// Until the thread that mends has; virtual time brings about that it begins.
void let_mend(const fs::path& dir, VirtualRuntime& runtime) {
  for (int turns = 0; turns < 1'000'000 && is_marked(dir); ++turns) {
    runtime.run_for(std::chrono::minutes(1));
    std::this_thread::yield();
  }
}

/// Whatever could be read before still can be, with nothing left to complain of after a restart.
/// Returns how many samples that is.
std::size_t expect_mended_and_count(const fs::path& dir, Opened store, VirtualRuntime& runtime) {
  const auto before = read_all(*store);
  EXPECT_EQ(before.wrong, 0U);
  const auto compacted = store->compact();
  EXPECT_TRUE(compacted) << to_string(compacted.error());
  EXPECT_FALSE(is_marked(dir));
  const auto mended = read_all(*store);
  EXPECT_GE(mended.samples, before.samples);
  EXPECT_TRUE(store->stop());
  store.reset();
  store = open_store(dir, runtime);
  const auto after = read_all(*store);
  EXPECT_EQ(after.samples, mended.samples);
  EXPECT_EQ(after.wrong, 0U);
  EXPECT_TRUE(store->statistics().damage.empty()) << words(store->statistics().damage);
  return after.samples;
}

void expect_mended(const fs::path& dir, Opened store, VirtualRuntime& runtime) {
  (void)expect_mended_and_count(dir, std::move(store), runtime);
}

/// A byte of a table of chunks, and of one of settings: a block of rows, what stands behind them,
/// the footer.
struct Place {
  const char* name;
  std::uint64_t (*in)(std::uint64_t size, std::uint64_t index);
  bool is_behind_the_rows = true;
};

class MendedTable : public testing::TestWithParam<Place> {};

TEST_P(MendedTable, IsRewrittenFromWhatCanBeReadOfIt) {
  Folder made;
  fill_database(made / "made");
  auto tables = files_below(made / "made" / "db", ".sst");
  std::ranges::sort(tables, {}, [](const fs::path& path) { return fs::file_size(path); });
  for (const auto& table : {tables.front(), tables.back()}) {
    SCOPED_TRACE(table.filename().string());
    Folder folder;
    fs::copy(made / "made", folder / "hurt", fs::copy_options::recursive);
    const auto hurt = folder / "hurt" / "db" / table.filename();
    flip_byte(hurt, GetParam().in(fs::file_size(hurt), index_of(hurt)));
    VirtualRuntime runtime;
    const auto left =
        expect_mended_and_count(folder / "hurt", open_store(folder / "hurt", runtime), runtime);
    if (GetParam().is_behind_the_rows) EXPECT_EQ(left, kAllSamples);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Places, MendedTable,
    testing::Values(
        Place{"first", [](std::uint64_t, std::uint64_t) -> std::uint64_t { return 0; }, false},
        Place{"rows", [](std::uint64_t, std::uint64_t index) { return index / 3; }, false},
        Place{"index", [](std::uint64_t, std::uint64_t index) { return index + 2; }},
        Place{"properties", [](std::uint64_t size, std::uint64_t) { return size - 600; }},
        Place{"footer", [](std::uint64_t size, std::uint64_t) { return size - 5; }},
        Place{"handles", [](std::uint64_t size, std::uint64_t) { return size - 50; }}),
    [](const auto& info) { return std::string(info.param.name); });

/// A store that has read everything, and reads each index again each time; then the index of its
/// largest table is damaged.
struct OpenTable {
  OpenTable() {
    fill_database(dir);
    auto options = options_for(dir);
    options.cache_bytes = 0;
    auto opened = EmbeddedStore::open(options, runtime.runtime());
    EXPECT_TRUE(opened);
    store = std::move(*opened);
    EXPECT_EQ(read_all(*store).samples, kAllSamples);
    table = largest_table(dir);
    flip_byte(table, index_of(table) + 2);
  }

  Folder folder;
  const fs::path dir = folder / "made";
  VirtualRuntime runtime;
  Opened store;
  fs::path table;
};

TEST(Mending, AnIndexIsMendedUnderATableThatIsOpen) {
  OpenTable open;
  EXPECT_EQ(expect_mended_and_count(open.dir, std::move(open.store), open.runtime), kAllSamples);
}

/// RocksDB keeps the file open that it had: what took its place is read by those who look for
/// chunks around damage, and by RocksDB after the next start.
TEST(Mending, ATableThatIsReplacedWhileItIsOpenIsUsedAfterTheNextStart) {
  OpenTable open;
  constexpr std::uint64_t kInWhatNamesTheProperties = store::kTableFooterBytes + 10;
  flip_byte(open.table, fs::file_size(open.table) - kInWhatNamesTheProperties);
  (void)read_all(*open.store);
  EXPECT_TRUE(is_marked(open.dir));
  const auto compacted = open.store->compact();
  ASSERT_FALSE(compacted);
  EXPECT_EQ(compacted.error().code, ErrorCode::kConflict) << to_string(compacted.error());
  EXPECT_EQ(read_all(*open.store).samples, kAllSamples);
  EXPECT_TRUE(is_marked(open.dir));
  ASSERT_TRUE(open.store->stop());
  open.store.reset();
  auto again = open_store(open.dir, open.runtime);
  EXPECT_EQ(expect_mended_and_count(open.dir, std::move(again), open.runtime), kAllSamples);
}

/// RocksDB makes a new one from what the tables say of themselves.
TEST(Mending, ATableWithANewIndexOutlivesALostManifest) {
  Folder folder;
  const auto dir = folder / "made";
  fill_database(dir);
  for (const auto& table : files_below(dir / "db", ".sst"))
    flip_byte(table, fs::file_size(table) - 5);
  VirtualRuntime runtime;
  auto store = open_store(dir, runtime);
  (void)read_all(*store);
  let_mend(dir, runtime);
  ASSERT_FALSE(is_marked(dir));
  ASSERT_FALSE(files_below(dir / "lost", ".sst").empty());
  ASSERT_TRUE(store->stop());
  store.reset();
  fs::remove(dir / "db" / "CURRENT");
  store = open_store(dir, runtime);
  const auto read = read_all(*store);
  EXPECT_EQ(read.samples, kAllSamples) << words(store->statistics().damage);
  EXPECT_EQ(read.wrong, 0U);
}

TEST(Mending, EveryBlockMayBeDamagedAtOnce) {
  Folder folder;
  fill_database(folder / "made");
  VirtualRuntime runtime;
  for (const auto& table : files_below(folder / "made" / "db", ".sst"))
    for (std::uint64_t at = 100; at < fs::file_size(table); at += 5000) flip_byte(table, at);
  expect_mended(folder / "made", open_store(folder / "made", runtime), runtime);
}

TEST(Mending, AMissingTableIsNoReasonNotToCompact) {
  Folder folder;
  fill_database(folder / "made");
  fs::remove(largest_table(folder / "made"));
  VirtualRuntime runtime;
  expect_mended(folder / "made", open_store(folder / "made", runtime), runtime);
}

/// Damage that a query meets, twice; nobody asks for anything.
TEST(Mending, HappensByItselfWhileTheServerRuns) {
  Folder folder;
  fill_database(folder / "made");
  VirtualRuntime runtime;
  auto store = open_store(folder / "made", runtime);
  auto left = read_all(*store).samples;
  EXPECT_EQ(left, kAllSamples);
  for (std::size_t turn = 0; turn < 2; ++turn) {
    ASSERT_TRUE(store->stop());
    store.reset();
    const auto table = largest_table(folder / "made");
    flip_byte(table, fs::file_size(table) * (1 + turn) / 4);
    store = open_store(folder / "made", runtime);
    const auto read = read_all(*store);
    EXPECT_EQ(read.wrong, 0U);
    EXPECT_LT(read.samples, left);
    EXPECT_GE(read.samples, kAllSamples * 9 / 10);
    left = read.samples;
    EXPECT_TRUE(is_marked(folder / "made"));
    let_mend(folder / "made", runtime);
    EXPECT_FALSE(is_marked(folder / "made"));
    const auto mended = read_all(*store).samples;
    EXPECT_GE(mended, left) << "what lies around the block may be read better than before";
    left = mended;
    write(*store, kSeries, (kParts + turn) * kPerPart, kPerPart);
    left += kSeries * kPerPart;
    ASSERT_TRUE(store->checkpoint());
  }
  EXPECT_EQ(read_all(*store).samples, left);
}

/// Logs cannot be read over it while it is there: who asks is told, and it is taken out.
TEST(Mending, BeginsWhereLogsMeetDamage) {
  constexpr std::size_t kRecords = 2000;
  Folder folder;
  const auto dir = folder / "made";
  VirtualRuntime runtime;
  auto store = open_store(dir, runtime);
  std::vector<LogRecord> records(kRecords);
  for (std::size_t i = 0; i < kRecords; ++i) {
    records[i].time = from_unix_ms(static_cast<std::int64_t>(i) * kStep);
    for (std::size_t k = 0; k < 20; ++k)
      records[i].body += std::to_string(value_of(k, static_cast<std::int64_t>(i)));
  }
  ASSERT_TRUE(store->put_logs(records));
  for (int starts = 0; starts < 2; ++starts) {  // which move RocksDB's log into tables
    ASSERT_TRUE(store->stop());
    store.reset();
    if (starts == 1) flip_byte(largest_table(dir), fs::file_size(largest_table(dir)) / 2);
    store = open_store(dir, runtime);
  }
  LogQuery query;
  query.range = kAlways;
  query.limit = kRecords;
  const auto refused = store->logs(query);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(is_marked(dir));
  let_mend(dir, runtime);
  EXPECT_FALSE(is_marked(dir));
  const auto left = store->logs(query);
  ASSERT_TRUE(left) << to_string(left.error());
  EXPECT_LT(left->size(), kRecords);
  EXPECT_GT(left->size(), kRecords / 2);
}

/// Rows of series and bounds that a damaged block held are known as long as the store is open.
TEST(Mending, WhatMemoryKnowsIsNotLostWithItsBlock) {
  Folder folder;
  fill_database(folder / "made");
  VirtualRuntime runtime;
  std::ofstream((folder / "made") / "db.damaged") << "as if damage had been met before\n";
  auto store = open_store(folder / "made", runtime);
  ASSERT_EQ(read_all(*store).samples, kAllSamples);
  store->put_metadata({{"m0", "counter", "Help.", ""}});
  for (const auto& table : files_below(folder / "made" / "db", ".sst"))
    if (fs::file_size(table) < 200'000) flip_byte(table, 20);
  const auto compacted = store->compact();
  ASSERT_TRUE(compacted) << to_string(compacted.error());
  ASSERT_TRUE(store->stop());
  store.reset();
  store = open_store(folder / "made", runtime);
  EXPECT_EQ(read_all(*store).samples, kAllSamples) << words(store->statistics().damage);
  EXPECT_EQ(store->metadata().size(), 1U);
  EXPECT_TRUE(store->statistics().damage.empty()) << words(store->statistics().damage);
}

/// kill -9 at many moments of it: nothing that could be read before is lost, and the next start
/// goes on.
TEST(Mending, ACrashInTheMiddleLosesNothing) {
  Folder folder;
  const auto dir = folder / "made";
  fill_database(dir);
  for (const auto& table : files_below(dir / "db", ".sst"))
    for (std::uint64_t at = 100; at + 4000 < fs::file_size(table); at += 30'000)
      flip_byte(table, at);
  flip_byte(largest_table(dir), fs::file_size(largest_table(dir)) - 5);
  fs::copy(dir, folder / "twin", fs::copy_options::recursive);
  VirtualRuntime runtime;
  const auto could_be_read = read_all(*open_store(folder / "twin", runtime)).samples;
  ASSERT_LT(could_be_read, kAllSamples);
  auto store = open_store(dir, runtime);
  std::atomic<bool> done = false;
  std::thread mending([&] {
    EXPECT_TRUE(store->compact());
    done = true;
  });
  std::size_t crashes = 0;
  do {
    const auto copy = copy_of_a_moment(dir);
    VirtualRuntime own;
    auto crashed = open_store(copy, own);
    EXPECT_GE(read_all(*crashed).samples, could_be_read);
    expect_mended(copy, std::move(crashed), own);
    ++crashes;
  } while (!done);
  mending.join();
  RecordProperty("crashes", static_cast<int>(crashes));
}

/// The refs of series whose rows are lost are not given to others: their chunks are still there.
TEST(Mending, ANewSeriesHasNoSamplesOfALostOne) {
  Folder folder;
  fill_database(folder / "made");
  for (const auto& table : files_below(folder / "made" / "db", ".sst")) {
    if (fs::file_size(table) >= 200'000) continue;
    for (std::uint64_t at = 0; at + 4000 < fs::file_size(table); at += 500) flip_byte(table, at);
  }
  VirtualRuntime runtime;
  auto store = open_store(folder / "made", runtime);
  write(*store, kSeries, kParts * kPerPart, 1);
  ASSERT_TRUE(store->checkpoint());
  const auto read = read_all(*store);
  EXPECT_EQ(read.wrong, 0U);
  expect_mended(folder / "made", std::move(store), runtime);
}

}  // namespace
}  // namespace wellrun::telemetry
