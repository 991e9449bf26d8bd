#include "telemetry/store/wal.h"

#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <sstream>
#include <stdlib.h>
#include <thread>
#include <unistd.h>

namespace wellrun::telemetry::store {
namespace {

class WalTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "wellrun-wal-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    for (int i = 0; i < 12; ++i)
      payloads_.push_back("record " + std::to_string(i) +
                          std::string(static_cast<std::size_t>(i * 3), 'x'));
    WalOptions options;
    options.dir = dir_;
    auto wal = Wal::open(options, 7);
    ASSERT_TRUE(wal);
    for (const auto& payload : payloads_) {
      ASSERT_TRUE((*wal)->reserve(1000));
      (*wal)->enqueue(payload);
      ASSERT_TRUE((*wal)->commit(1000));
    }
    wal->reset();
    std::stringstream text;
    text << std::ifstream(wal_segment_path(dir_, 7), std::ios::binary).rdbuf();
    bytes_ = text.str();
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  static std::vector<std::string> read(WalReader& reader) {
    std::vector<std::string> found;
    for (std::string_view payload; reader.next(payload);) found.emplace_back(payload);
    return found;
  }

  std::filesystem::path dir_;
  std::vector<std::string> payloads_;
  std::string bytes_;
};

TEST_F(WalTest, RecordsComeBackInOrder) {
  WalReader reader(bytes_, "wal");
  EXPECT_EQ(read(reader), payloads_);
  EXPECT_TRUE(reader.damage().empty());
  EXPECT_FALSE(reader.has_torn_tail());
}

TEST_F(WalTest, ATruncatedTailCostsOnlyTheLastRecord) {
  for (std::size_t length = 0; length <= bytes_.size(); ++length) {
    WalReader reader(std::string_view(bytes_).substr(0, length), "wal");
    const auto found = read(reader);
    ASSERT_LE(found.size(), payloads_.size());
    ASSERT_TRUE(std::equal(found.begin(), found.end(), payloads_.begin())) << length;
    ASSERT_TRUE(reader.damage().empty()) << length;
    std::size_t whole = 16;
    for (const auto& payload : found) whole += wal_record_bytes(payload.size());
    ASSERT_EQ(reader.has_torn_tail(), length < 16 || length > whole) << length;
    if (reader.has_torn_tail() && length >= 16) ASSERT_EQ(reader.tail_offset(), whole);
  }
}

TEST_F(WalTest, ASegmentWhoseHeaderWasNotWrittenIsTornAtItsBeginning) {
  for (const std::size_t zeros : {0U, 3U, 16U, 4096U}) {
    const std::string bytes(zeros, '\0');
    WalReader reader(bytes, "wal");
    EXPECT_TRUE(read(reader).empty());
    EXPECT_TRUE(reader.has_torn_tail());
    EXPECT_EQ(reader.tail_offset(), 0U);
    EXPECT_TRUE(reader.damage().empty());
  }
}

TEST_F(WalTest, AFlippedByteAnywhereIsNamedAndCostsOneRecord) {
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    for (const int flip : {1, 0x80, 0xff}) {
      auto damaged = bytes_;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      WalReader reader(damaged, "wal/7");
      const auto found = read(reader);
      ASSERT_FALSE(reader.damage().empty() && !reader.has_torn_tail()) << "byte " << at;
      ASSERT_GE(found.size(), payloads_.size() - 1) << "byte " << at;
      for (const auto& payload : found)
        ASSERT_TRUE(std::ranges::find(payloads_, payload) != payloads_.end()) << "byte " << at;
      if (!reader.damage().empty())
        ASSERT_TRUE(reader.damage()[0].where.starts_with("wal/7 at byte "));
    }
  }
}

TEST_F(WalTest, SegmentsFollowEachOtherAndOldOnesGo) {
  WalOptions options;
  options.dir = dir_;
  auto wal = Wal::open(options, 8);
  ASSERT_TRUE(wal);
  const auto next = (*wal)->rotate();
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, 9U);
  EXPECT_EQ(wal_segments(dir_), (std::vector<std::uint64_t>{7, 8, 9}));
  (*wal)->drop_before(9);
  EXPECT_EQ(wal_segments(dir_), (std::vector<std::uint64_t>{9}));
}

/// While the disk takes its time over an ended segment, whoever writes or asks for the size goes
/// on.
TEST_F(WalTest, ASyncThatTakesLongHoldsNobodyUp) {
  std::promise<void> syncing, disk_answers;
  std::atomic<bool> is_slow = false;
  WalOptions options;
  options.dir = dir_;
  options.sync_file = [&](int file) {
    if (is_slow.exchange(false)) {
      syncing.set_value();
      disk_answers.get_future().wait();
    }
    return ::fdatasync(file);
  };
  auto wal = Wal::open(options, 8);
  ASSERT_TRUE(wal);
  const auto write = [&] {
    EXPECT_TRUE((*wal)->reserve(100));
    (*wal)->enqueue("record");
    EXPECT_TRUE((*wal)->commit(100));
  };
  write();
  is_slow = true;
  Result<std::uint64_t> begun;
  std::thread checkpoint([&] { begun = (*wal)->rotate(); });
  syncing.get_future().wait();
  write();
  EXPECT_EQ((*wal)->size_bytes(), 16 + wal_record_bytes(6));
  disk_answers.set_value();
  checkpoint.join();
  EXPECT_EQ(begun, 9U);
  EXPECT_TRUE((*wal)->sync());
}

TEST_F(WalTest, ASyncThatFailedIsTriedAgainInSegmentsThatHaveEnded) {
  int syncs = 0;
  int failing = 1;
  WalOptions options;
  options.dir = dir_;
  options.sync_file = [&](int) {
    ++syncs;
    if (failing-- <= 0) return 0;
    errno = EIO;
    return -1;
  };
  auto wal = Wal::open(options, 8);
  ASSERT_TRUE(wal);
  (*wal)->enqueue("record");
  ASSERT_TRUE((*wal)->commit(0));
  EXPECT_EQ((*wal)->rotate().error().code, ErrorCode::kIo);
  ASSERT_TRUE((*wal)->sync());
  EXPECT_EQ(syncs, 3) << "the ended segment again, and the current one";
  ASSERT_TRUE((*wal)->sync());
  EXPECT_EQ(syncs, 3) << "nothing is left to do";
}

}  // namespace
}  // namespace wellrun::telemetry::store
