#include "telemetry/store/kept_chunks.h"

#include <gtest/gtest.h>

#include "telemetry/store/chunk.h"

namespace wellrun::telemetry::store {
namespace {

using Chunks = std::vector<std::pair<std::int64_t, std::string>>;

Chunks chunks_until(const KeptChunks& kept, std::int64_t until) {
  Chunks seen;
  kept.each(until, [&](std::int64_t first_ms, std::string_view chunk) {
    seen.emplace_back(first_ms, chunk);
  });
  return seen;
}

TEST(KeptChunks, come_back_in_order_up_to_the_end_asked_for) {
  KeptChunks kept(1, 0);
  EXPECT_TRUE(kept.add(10, "one"));
  EXPECT_TRUE(kept.add(20, ""));
  EXPECT_TRUE(kept.add(30, "three"));
  EXPECT_EQ(chunks_until(kept, 9), Chunks());
  EXPECT_EQ(chunks_until(kept, 20), (Chunks{{10, "one"}, {20, ""}}));
  EXPECT_EQ(chunks_until(kept, 99), (Chunks{{10, "one"}, {20, ""}, {30, "three"}}));
}

TEST(KeptChunks, serve_only_their_epoch_and_what_begins_where_they_do_or_later) {
  const KeptChunks kept(7, 1000);
  EXPECT_TRUE(kept.serve(7, 1000));
  EXPECT_TRUE(kept.serve(7, 2000));
  EXPECT_FALSE(kept.serve(7, 999));
  EXPECT_FALSE(kept.serve(6, 1000));
  EXPECT_FALSE(kept.serve(8, 1000));
}

TEST(KeptChunks, take_no_more_than_they_may) {
  KeptChunks kept(1, 0);
  const std::string half(KeptChunks::kMostBytes / 2, 'x');
  EXPECT_TRUE(kept.add(1, half));
  EXPECT_TRUE(kept.add(2, half));
  EXPECT_FALSE(kept.add(3, "y"));
  EXPECT_EQ(chunks_until(kept, 9).size(), 2U);
}

TEST(ChunkKeeper, takes_what_reaches_from_the_latest_windows_to_the_end) {
  const std::int64_t last = 10 * kChunkSpanMs + 5;
  EXPECT_TRUE(ChunkKeeper::takes({last - 1000, last}, last));
  EXPECT_TRUE(ChunkKeeper::takes({9 * kChunkSpanMs, last + 1000}, last));
  EXPECT_TRUE(ChunkKeeper::takes({last - 4, last - 2}, last)) << "in the latest window";
  EXPECT_FALSE(ChunkKeeper::takes({9 * kChunkSpanMs - 1, last}, last)) << "begins long before";
  EXPECT_FALSE(ChunkKeeper::takes({9 * kChunkSpanMs, 10 * kChunkSpanMs - 1}, last))
      << "what it needs lies in front of much that it does not";
}

std::shared_ptr<KeptChunks> some_chunks() {
  auto chunks = std::make_shared<KeptChunks>(1, 0);
  chunks->add(0, std::string(100, 'x'));
  return chunks;
}

TEST(ChunkKeeper, keeps_within_its_bound_those_that_are_used) {
  Head head;
  constexpr std::uint32_t kSeries = 1000, kOften = 3;
  constexpr std::size_t kBound = 20'000;
  for (std::uint32_t ref = 0; ref < kSeries; ++ref) head.make(ref, "labels");
  ChunkKeeper keeper(head, kBound);
  int kept_again = 0;
  for (std::uint32_t ref = 0; ref < kSeries; ++ref) {
    keeper.keep(ref, some_chunks());
    ASSERT_LE(keeper.size_bytes(), kBound);
    ASSERT_NE(head.at(ref).kept, nullptr) << "the newest is not the first to go";
    if (ref < kOften) continue;
    if (head.at(kOften).kept == nullptr) {
      keeper.keep(kOften, some_chunks());
      ++kept_again;
    }
    head.at(kOften).kept->used = true;
  }
  EXPECT_LE(kept_again, 2) << "only while all are new";
  std::size_t kept_bytes = 0;
  for (std::uint32_t ref = 0; ref < kSeries; ++ref)
    if (const auto& kept = head.at(ref).kept) kept_bytes += kept->size_bytes();
  EXPECT_EQ(kept_bytes, keeper.size_bytes());
  EXPECT_GT(kept_bytes, kBound / 2);
}

TEST(ChunkKeeper, counts_what_takes_the_place_of_another) {
  Head head;
  head.make(0, "labels");
  ChunkKeeper keeper(head, 1 << 20);
  for (int i = 0; i < 10; ++i) keeper.keep(0, std::make_shared<KeptChunks>(i, 0));
  EXPECT_EQ(keeper.size_bytes(), head.at(0).kept->size_bytes());
}

}  // namespace
}  // namespace wellrun::telemetry::store
