// What storage may do to us: flipped and missing bytes, a disk that is full, a copy taken while
// samples arrive.

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>
#include <sys/mount.h>
#include <thread>

#include "telemetry/store/damage_test_support.h"

namespace wellrun::telemetry {
namespace {

/// One byte of one file is not what was written: the store opens, names it, and serves the rest.
class FlippedByte : public testing::TestWithParam<std::uint32_t> {};

TEST_P(FlippedByte, IsNamedAndCostsItsBlock) {
  Folder folder;
  fill_database(folder / "made");
  std::mt19937 random(GetParam());
  std::vector<fs::path> files = files_below(folder / "made" / "db", ".sst");
  const auto file = files[random() % files.size()];
  const auto at = random() % fs::file_size(file);
  flip_byte(file, at);
  SCOPED_TRACE(file.filename().string() + " at " + std::to_string(at) + " of " +
               std::to_string(fs::file_size(file)));
  VirtualRuntime runtime;
  auto store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
  ASSERT_TRUE(store) << to_string(store.error());
  const auto read = read_all(**store);
  EXPECT_EQ(read.wrong, 0U);
  const auto damage = (*store)->statistics().damage;
  if (read.samples != kAllSamples) EXPECT_FALSE(damage.empty());
  if (!damage.empty())
    EXPECT_NE(words(damage).find(file.filename().string()), std::string::npos) << words(damage);
  const bool holds_chunks = fs::file_size(file) > 200'000;
  const bool in_a_block = at < fs::file_size(file) * 8 / 10;  // what follows is the table's index
  if (holds_chunks) EXPECT_GE(read.samples, kAllSamples * 6 / 10) << words(damage);
  if (holds_chunks && in_a_block) EXPECT_GE(read.samples, kAllSamples * 95 / 100) << words(damage);
  write(**store, kSeries, kParts * kPerPart, 1);
  EXPECT_EQ(read_all(**store).samples, read.samples + kSeries) << "writing goes on";
  ASSERT_TRUE((*store)->compact());
  const auto mended = read_all(**store).samples;
  if (holds_chunks)
    EXPECT_GE(mended, kSeries + kAllSamples * 95 / 100) << "an index is made anew" << words(damage);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FlippedByte, testing::Range(1U, 17U));

TEST(Damage, ALostOrBrokenManifestIsRebuiltFromTheTables) {
  for (const char* name : {"MANIFEST", "CURRENT"}) {
    for (const bool remove : {false, true}) {
      SCOPED_TRACE(std::string(name) + (remove ? " removed" : " flipped"));
      Folder folder;
      fill_database(folder / "made");
      for (const auto& entry : fs::directory_iterator(folder / "made" / "db")) {
        if (!entry.path().filename().string().starts_with(name)) continue;
        if (remove)
          fs::remove(entry.path());
        else
          flip_byte(entry.path(), fs::file_size(entry.path()) / 2);
      }
      VirtualRuntime runtime;
      auto store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
      ASSERT_TRUE(store) << to_string(store.error());
      EXPECT_FALSE((*store)->statistics().damage.empty());
      const auto read = read_all(**store);
      EXPECT_EQ(read.wrong, 0U);
      EXPECT_EQ(read.samples, kAllSamples) << words((*store)->statistics().damage);
    }
  }
}

TEST(Damage, AMissingTableIsNamedAndTheOthersAreServed) {
  Folder folder;
  fill_database(folder / "made");
  const auto tables = files_below(folder / "made" / "db", ".sst");
  auto largest = *std::ranges::max_element(
      tables, {}, [](const fs::path& path) { return fs::file_size(path); });
  fs::remove(largest);
  VirtualRuntime runtime;
  auto store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
  ASSERT_TRUE(store) << to_string(store.error());
  const auto read = read_all(**store);
  EXPECT_EQ(read.wrong, 0U);
  EXPECT_GE(read.samples, kAllSamples * 6 / 10);
  EXPECT_FALSE((*store)->statistics().damage.empty());
}

/// Power loss: of the log's last segment any tail may be missing. What is there afterwards is a
/// beginning of what was written, request by request.
TEST(PowerLoss, AnyTailOfTheLogMayBeMissing) {
  Folder folder;
  VirtualRuntime runtime;
  {
    auto store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
    ASSERT_TRUE(store);
    for (std::size_t request = 0; request < 40; ++request) write(**store, 10, request, 1);
    fs::copy(folder / "made", folder / "kept", fs::copy_options::recursive);
  }
  const auto segment = files_below(folder / "kept" / "wal", ".log").back();
  const auto full = fs::file_size(segment);
  std::mt19937 random(7);
  for (int turn = 0; turn < 15; ++turn) {
    const auto left = random() % (full + 1);
    fs::remove_all(folder / "made");
    fs::copy(folder / "kept", folder / "made", fs::copy_options::recursive);
    fs::resize_file((folder / "made") / "wal" / segment.filename(), left);
    auto store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
    ASSERT_TRUE(store) << to_string(store.error());
    const auto read = read_all(**store);
    EXPECT_EQ(read.wrong, 0U);
    EXPECT_EQ(read.samples % 10, 0U) << "a request is there whole or not at all; " << left;
    EXPECT_TRUE((*store)->statistics().damage.empty()) << words((*store)->statistics().damage);
    if (left == full) EXPECT_EQ(read.samples, 400U);
  }
}

/// A sender that heard no answer sends again what was moved to the database meanwhile; after a
/// crash the log holds the repetition alone.
TEST(PowerLoss, ARepeatedSampleDoesNotReplaceTheChunkThatBeginsWithIt) {
  for (const std::size_t repeated : {0U, 1U, 50U}) {
    Folder folder;
    VirtualRuntime runtime;
    {
      auto store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
      ASSERT_TRUE(store);
      write(**store, 10, 100, 100);
      ASSERT_TRUE((*store)->checkpoint());
      write(**store, 10, 50, 50);
      ASSERT_TRUE((*store)->checkpoint());
      write(**store, 10, 100, 1 + repeated);
      write(**store, 10, 50, 1 + repeated);
      fs::copy(folder / "made", folder / "crashed", fs::copy_options::recursive);
    }
    auto store = EmbeddedStore::open(options_for(folder / "crashed"), runtime.runtime());
    ASSERT_TRUE(store) << to_string(store.error());
    ASSERT_TRUE((*store)->checkpoint());
    const auto read = read_all(**store);
    EXPECT_EQ(read.wrong, 0U);
    EXPECT_EQ(read.samples, 10 * 150U) << repeated;
  }
}

/// A file system of its own that can be made larger. Needs root.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path at) : at_(std::move(at)) {
    fs::create_directories(at_);
    mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=6m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  bool is_mounted() const { return mounted_; }
  bool grow() const { return ::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0; }

 private:
  fs::path at_;
  bool mounted_ = false;
};

/// Really full: no free space is kept aside, so every kind of write meets it.
TEST(FullDisk, RefusesWritesServesReadsAndRecoversByItself) {
  Folder folder;
  const SmallDisk disk(folder / "small");
  if (!disk.is_mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  VirtualRuntime runtime;
  auto store = EmbeddedStore::open(options_for((folder / "small") / "data"), runtime.runtime());
  ASSERT_TRUE(store) << to_string(store.error());
  std::size_t acknowledged = 0;
  std::size_t refused = 0;
  for (std::size_t k = 0; k < 4000 && refused < 50; ++k) {
    std::vector<SeriesWrite> all(200);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto time = static_cast<std::int64_t>(k) * kStep;
      all[i].labels = series_labels(i);
      all[i].samples = {{time, value_of(i, time)}};
    }
    const auto outcome = (*store)->write(std::move(all));
    if (outcome) {
      acknowledged += outcome->samples_written;
    } else {
      ++refused;
      ASSERT_EQ(outcome.error().code, ErrorCode::kNoSpace) << to_string(outcome.error());
    }
  }
  EXPECT_EQ(refused, 50U);
  {
    std::ofstream ballast((folder / "small") / "ballast");
    while (ballast << std::string(4096, 'x') << std::flush) {
    }
  }
  EXPECT_FALSE((*store)->checkpoint()) << "the database meets the full disk too";
  EXPECT_EQ(read_all(**store).samples, acknowledged);
  ASSERT_TRUE(disk.grow());
  write(**store, 200, 10'000, 1);
  acknowledged += 200;
  const auto moved = (*store)->checkpoint();
  EXPECT_TRUE(moved) << to_string(moved.error());
  EXPECT_EQ(read_all(**store).samples, acknowledged);
  ASSERT_TRUE((*store)->stop());
  store->reset();
  store = EmbeddedStore::open(options_for((folder / "small") / "data"), runtime.runtime());
  ASSERT_TRUE(store) << to_string(store.error());
  const auto read = read_all(**store);
  EXPECT_EQ(read.samples, acknowledged);
  EXPECT_EQ(read.wrong, 0U);
}

/// The log has its room; the database, which keeps start timestamps, has none.
TEST(FullDisk, AStartTimestampThatDidNotFitIsThereOnceTheWriteIsRepeated) {
  Folder folder;
  const SmallDisk disk(folder / "small");
  if (!disk.is_mounted()) GTEST_SKIP() << "mounting a tmpfs needs root";
  VirtualRuntime runtime;
  auto store = EmbeddedStore::open(options_for((folder / "small") / "data"), runtime.runtime());
  ASSERT_TRUE(store) << to_string(store.error());
  write(**store, 1, 0, 1);
  std::ofstream ballast((folder / "small") / "ballast");
  while (ballast << std::string(4096, 'x') << std::flush) {
  }
  std::vector<SeriesWrite> counter(1);
  counter[0].labels = Labels{{"__name__", "started"}};
  counter[0].samples = {{2000, 1}};
  counter[0].sample_starts = {1000};
  // RocksDB's log fills what is left of a page first.
  auto outcome = (*store)->write(counter);
  for (std::int64_t time = 3000; outcome && time < 3'000'000; ++time) {
    counter[0].samples = {{time, 1}};
    counter[0].sample_starts = {time - 1000};
    outcome = (*store)->write(counter);
  }
  ASSERT_FALSE(outcome) << "the disk is full";
  write(**store, 1, kStep, 1);  // what has no start needs the log alone
  EXPECT_FALSE((*store)->write(counter)) << "its samples are known, its start is nowhere";
  ASSERT_TRUE(disk.grow());
  for (int tries = 0; tries < 100 && !outcome; ++tries) {
    outcome = (*store)->write(counter);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // RocksDB sees it by itself
  }
  ASSERT_TRUE(outcome) << to_string(outcome.error());
  (*store).reset();
  store = EmbeddedStore::open(options_for((folder / "small") / "data"), runtime.runtime());
  ASSERT_TRUE(store) << to_string(store.error());
  const auto time = counter[0].samples[0].time_ms;
  const auto found =
      (*store)->select({{Matcher::Kind::kEqual, "__name__", "started"}}, {time, time}, {});
  ASSERT_TRUE(found && found->size() == 1U);
  EXPECT_EQ(found->front().sample_starts, counter[0].sample_starts);
}

TEST(Backup, HoldsWhatWasAcknowledgedWhileWritingWentOn) {
  Folder folder;
  VirtualRuntime runtime;
  auto store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
  ASSERT_TRUE(store);
  write(**store, 50, 0, 100);
  ASSERT_TRUE((*store)->checkpoint());
  write(**store, 50, 100, 7);
  (*store)->put_metadata({{"m0", "counter", "Help.", ""}});
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> rounds = 0;
  std::thread writer([&] {
    for (std::size_t k = 107; !stop; ++k, ++rounds) {
      write(**store, 50, k, 1);
      if (k % 20 == 0) EXPECT_TRUE((*store)->checkpoint());
    }
  });
  while (rounds < 10) std::this_thread::yield();
  const auto before = rounds.load();
  const auto made = (*store)->backup(folder / "copy");
  const auto after = rounds.load() + 1;
  stop = true;
  writer.join();
  ASSERT_TRUE(made) << to_string(made.error());
  const auto again = (*store)->backup(folder / "copy");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  auto copy = EmbeddedStore::open(options_for(folder / "copy"), runtime.runtime());
  ASSERT_TRUE(copy) << to_string(copy.error());
  EXPECT_TRUE((*copy)->statistics().damage.empty()) << words((*copy)->statistics().damage);
  const auto read = read_all(**copy);
  EXPECT_EQ(read.wrong, 0U);
  EXPECT_GE(read.samples, 50 * (107 + before));
  EXPECT_LE(read.samples, 50 * (107 + after));
  EXPECT_EQ((*copy)->metadata().size(), 1U);
  write(**copy, 50, 100'000, 1);
  EXPECT_EQ(read_all(**copy).samples, read.samples + 50) << "the copy is a store of its own";
}

}  // namespace
}  // namespace wellrun::telemetry
