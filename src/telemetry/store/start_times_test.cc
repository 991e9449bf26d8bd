#include "telemetry/store/start_times.h"

#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>
#include <unistd.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::telemetry {
namespace {

constexpr TimeRange kAlways{INT64_MIN / 2, INT64_MAX / 2};

/// A store in a folder of its own.
struct World {
  VirtualRuntime runtime;
  EmbeddedStoreOptions options;
  std::unique_ptr<EmbeddedStore> store;

  World() {
    std::string name = (std::filesystem::temp_directory_path() / "wellrun-starts-XXXXXX").string();
    options.dir = ::mkdtemp(name.data());
    options.min_free_bytes = 0;
    options.out_of_order_window = std::chrono::years(100);
    options.retention = std::chrono::years(100);
    open();
  }
  ~World() {
    store.reset();
    std::filesystem::remove_all(options.dir);
  }
  void open() {
    store.reset();
    auto opened = EmbeddedStore::open(options, runtime.runtime());
    ASSERT_TRUE(opened) << to_string(opened.error());
    store = std::move(*opened);
  }
  /// The files below the folder, in order.
  std::set<std::string> files() const {
    std::set<std::string> names;
    std::error_code gone;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(options.dir, gone))
      names.insert(entry.path());
    return names;
  }
  /// As after kill -9: what the destructor would do does not happen. The database drops old files
  /// when it likes: a copy counts when none came or went meanwhile.
  void crash() {
    const auto copy = options.dir.string() + ".copy";
    std::error_code failed;
    std::set<std::string> before;
    do {
      std::filesystem::remove_all(copy);
      before = files();
      std::filesystem::copy(options.dir, copy, std::filesystem::copy_options::recursive, failed);
    } while (failed || files() != before);
    store.reset();
    std::filesystem::remove_all(options.dir);
    std::filesystem::rename(copy, options.dir);
    open();
  }
  void write(std::vector<Sample> samples, std::vector<std::int64_t> starts,
             std::string name = "m") {
    std::vector<SeriesWrite> series(1);
    series[0].labels = Labels{{"__name__", std::move(name)}};
    series[0].samples = std::move(samples);
    series[0].sample_starts = std::move(starts);
    const auto outcome = store->write(std::move(series));
    ASSERT_TRUE(outcome) << to_string(outcome.error());
    EXPECT_EQ(outcome->rejected, 0U) << outcome->first_rejection;
  }
  SeriesData read(TimeRange range = kAlways, std::string name = "m") {
    auto found = store->select({{Matcher::Kind::kEqual, "__name__", std::move(name)}}, range, {});
    EXPECT_TRUE(found) << to_string(found.error());
    return found && !found->empty() ? std::move(found->front()) : SeriesData{};
  }
};

using Starts = std::vector<std::int64_t>;

TEST(StartTimes, ComeBackWithTheirSamplesFromMemoryLogAndChunks) {
  World world;
  world.write({{1000, 1}, {2000, 2}}, {500, 500});
  world.write({{3000, 0}}, {2500});
  const Starts wanted{500, 500, 2500};
  EXPECT_EQ(world.read().sample_starts, wanted);
  world.crash();
  EXPECT_EQ(world.read().sample_starts, wanted);
  ASSERT_TRUE(world.store->checkpoint());
  EXPECT_EQ(world.read().sample_starts, wanted);
  world.open();
  EXPECT_EQ(world.read().sample_starts, wanted);
  EXPECT_EQ(world.read({1500, 2500}).sample_starts, Starts{500});
}

TEST(StartTimes, ASeriesWithoutThemHasNone) {
  World world;
  world.write({{1000, 1}}, {}, "plain");
  world.write({{1000, 1}}, {500});
  EXPECT_TRUE(world.read(kAlways, "plain").sample_starts.empty());
  EXPECT_EQ(world.read().sample_starts, Starts{500});
}

TEST(StartTimes, OfHistogramsAreKeptToo) {
  World world;
  auto histogram = std::make_shared<Histogram>();
  histogram->count = 1;
  std::vector<SeriesWrite> series(1);
  series[0].labels = Labels{{"__name__", "m"}};
  series[0].histograms = {{1000, histogram}};
  series[0].histogram_starts = {700};
  ASSERT_TRUE(world.store->write(std::move(series)));
  EXPECT_EQ(world.read().histogram_starts, Starts{700});
}

/// Random writes, in and out of order, with and without starts, against a map.
TEST(StartTimes, AgreeWithAModel) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    World world;
    std::map<std::int64_t, std::int64_t> model;
    for (int step = 0; step < 60; ++step) {
      const std::int64_t time = 1000 * (1 + static_cast<std::int64_t>(random() % 200));
      const std::int64_t start =
          random() % 3 == 0 ? 0 : 100 * (1 + static_cast<std::int64_t>(random() % 4));
      if (model.emplace(time, start).second)
        world.write({{time, 1}}, start == 0 ? Starts{} : Starts{start});
      if (random() % 20 == 0) ASSERT_TRUE(world.store->checkpoint());
      if (random() % 30 == 0) world.crash();
      const std::int64_t from = 1000 * static_cast<std::int64_t>(random() % 200);
      const TimeRange range{from, from + 50'000};
      const auto read = world.read(range);
      for (std::size_t i = 0; i < read.samples.size(); ++i) {
        const auto got = read.sample_starts.empty() ? 0 : read.sample_starts[i];
        ASSERT_EQ(got, model.at(read.samples[i].time_ms))
            << "of the sample at " << read.samples[i].time_ms;
      }
    }
  }
}

TEST(StartTimes, RetentionKeepsWhatLaterSamplesNeed) {
  const World world;
  auto opened = store::Database::open(world.options.dir / "other", 1U << 20, [](store::Damage) {});
  ASSERT_TRUE(opened);
  auto starts = store::StartTimes::open(**opened);
  {
    store::StartTimes::Write write(*starts);
    for (std::int64_t i = 1; i <= 10; ++i) write.note(7, i * 1000, i * 10, true);
    write.note(8, 1000, 10, true);
    ASSERT_TRUE(write.put(true));
  }
  ASSERT_TRUE(starts->prune(5500, [](std::uint32_t ref) { return ref == 8; }));
  EXPECT_FALSE(starts->knows(8));
  SeriesData data;
  data.samples = {{3000, 1}, {5500, 1}, {6000, 1}};
  store::StartTimes::Reader(*starts).read(7, {0, 10'000}, data);
  EXPECT_EQ(data.sample_starts, (Starts{0, 50, 60}));
}

TEST(StartTimes, ADamagedRowCostsItselfAndNotTheServer) {
  World world;
  world.write({{1000, 1}, {2000, 2}}, {10, 20});
  world.write({{1000, 1}}, {30}, "other");
  world.store.reset();
  {
    auto database = store::Database::open(world.options.dir / "db", 1U << 20, [](store::Damage) {});
    ASSERT_TRUE(database);
    rocksdb::WriteBatch batch;
    auto* const family = (*database)->family(store::Family::kStarts);
    batch.Put(family, store::chunk_key(0, 2000), "\x07");  // a kind that there is not
    batch.Put(family, "short", "");
    batch.Put(family, store::chunk_key(9999, 5), "");
    ASSERT_TRUE((*database)->write(batch));
  }
  world.open();
  ASSERT_TRUE(world.store);
  EXPECT_EQ(world.store->statistics().damage.size(), 3U);
  EXPECT_EQ(world.read().samples.size(), 2U);
  EXPECT_EQ(world.read().sample_starts, (Starts{10, 10})) << "what is known goes on";
  EXPECT_EQ(world.read(kAlways, "other").sample_starts, (Starts{30}));
  world.write({{3000, 3}}, {20});
  EXPECT_EQ(world.read().sample_starts, (Starts{10, 10, 20}));
  ASSERT_TRUE(world.store->prune());
}

/// A block of the file that holds the rows of some series of many.
TEST(StartTimes, ADamagedBlockCostsTheStartsOfItsSeriesAlone) {
  const World world;
  const auto dir = world.options.dir / "other";
  constexpr std::uint32_t kSeries = 5000;
  {
    auto database = store::Database::open(dir, 1U << 20, [](store::Damage) {});
    ASSERT_TRUE(database);
    auto starts = store::StartTimes::open(**database);
    store::StartTimes::Write write(*starts);
    for (std::uint32_t ref = 0; ref < kSeries; ++ref) write.note(ref, 1000, ref + 1, true);
    ASSERT_TRUE(write.put(true));
    ASSERT_TRUE((*database)->db().Flush({}, (*database)->family(store::Family::kStarts)).ok());
  }
  std::filesystem::path largest;
  for (const auto& entry : std::filesystem::directory_iterator(dir))
    if (entry.path().extension() == ".sst" &&
        (largest.empty() || entry.file_size() > std::filesystem::file_size(largest)))
      largest = entry.path();
  {
    std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(largest) / 3));
    file << "damage";
  }
  std::vector<store::Damage> damage;
  auto database = store::Database::open(
      dir, 1U << 20, [&](store::Damage found) { damage.push_back(std::move(found)); });
  ASSERT_TRUE(database);
  auto starts = store::StartTimes::open(**database);
  EXPECT_FALSE(damage.empty());
  store::StartTimes::Reader reader(*starts);
  std::size_t right = 0;
  for (std::uint32_t ref = 0; ref < kSeries; ++ref) {
    SeriesData data;
    data.samples = {{1000, 1}};
    reader.read(ref, {0, 10'000}, data);
    const auto start = data.sample_starts.empty() ? 0 : data.sample_starts[0];
    right += start == ref + 1 ? 1 : 0;
    ASSERT_TRUE(start == ref + 1 || start == 0) << "no wrong ones";
  }
  EXPECT_GT(right, kSeries / 2);
  EXPECT_LT(right, kSeries);
}

/// A folder of format 1 is one without the column family of starts.
void back_to_format_one(const std::filesystem::path& dir) {
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, dir.string(), &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open({}, dir.string(), families, &handles, &raw).ok());
  const std::unique_ptr<rocksdb::DB> db(raw);
  for (auto* handle : handles) {
    if (handle->GetName() == "starts") {
      ASSERT_TRUE(db->DropColumnFamily(handle).ok());
    }
    if (handle->GetName() == "default") {
      ASSERT_TRUE(db->Put({}, handle, "format", "1").ok());
    }
    ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
  }
  ASSERT_TRUE(db->Close().ok());
}

TEST(StartTimes, AFolderOfFormatOneIsOpenedAndBecomesTheNewOne) {
  World world;
  world.write({{1000, 1}}, {});
  ASSERT_TRUE(world.store->stop());
  world.store.reset();
  back_to_format_one(world.options.dir / "db");
  world.open();
  ASSERT_EQ(world.read().samples.size(), 1U);
  EXPECT_TRUE(world.read().sample_starts.empty());
  world.write({{2000, 1}}, {1500});
  world.open();
  EXPECT_EQ(world.read().sample_starts, (Starts{0, 1500}));
}

}  // namespace
}  // namespace wellrun::telemetry
