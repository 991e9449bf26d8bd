#include "telemetry/commit_watch.h"

#include <gtest/gtest.h>
#include <thread>

namespace wellrun::telemetry {
namespace {

struct Store final : MetricWriter {
  bool failing = false;
  Result<WriteOutcome> write(std::vector<SeriesWrite>) override {
    if (failing) return fail(ErrorCode::kNoSpace, "full");
    return WriteOutcome{};
  }
  Result<WriteOutcome> write_batch(const SampleBatch&) override { return write({}); }
  void put_metadata(std::vector<Metadata>) override {}
};

SeriesWrite sample_of(std::string_view name) {
  SeriesWrite write;
  write.labels.set("__name__", name);
  write.samples.push_back({1, 1});
  return write;
}

struct CommitWatchTest : testing::Test {
  Store store;
  CommitWatch watch{store};
  std::atomic<int> notified{0};

  void begin(std::vector<std::string> names, bool everything = false) {
    watch.watch({std::move(names), everything}, [this] { ++notified; });
    (void)watch.take();
    notified = 0;
  }
};

using Indexes = std::vector<std::size_t>;

TEST_F(CommitWatchTest, TellsWhatWasCommittedAndNotifiesOnce) {
  begin({"up", "errors_total", "latency"});
  ASSERT_TRUE(watch.write({sample_of("up"), sample_of("other"), sample_of("latency")}));
  ASSERT_TRUE(watch.write({sample_of("up")}));
  EXPECT_EQ(notified, 1);
  EXPECT_EQ(watch.take().names, (Indexes{0, 2}));
  EXPECT_TRUE(watch.take().names.empty());
  ASSERT_TRUE(watch.write({sample_of("errors_total")}));
  EXPECT_EQ(notified, 2);
  EXPECT_EQ(watch.take().names, (Indexes{1}));
}

TEST_F(CommitWatchTest, ABatchInColumnsIsSeen) {
  begin({"up"});
  std::string labels;
  const auto add = [&](std::string_view name, std::string_view value) {
    labels += '\x0A';
    labels += static_cast<char>(name.size() + value.size() + 4);
    labels += '\x0A';
    labels += static_cast<char>(name.size());
    labels += name;
    labels += '\x12';
    labels += static_cast<char>(value.size());
    labels += value;
  };
  add("Zone", "x");
  add("__name__", "up");
  add("job", "shop");
  EXPECT_EQ(metric_name_in(labels), "up");
  SampleBatch batch;
  batch.series.push_back({labels, 1, 0});
  batch.samples.push_back({1, 1});
  ASSERT_TRUE(watch.write_batch(batch));
  EXPECT_EQ(watch.take().names, (Indexes{0}));
}

TEST_F(CommitWatchTest, BrokenLabelsAreNoName) {
  for (const std::string_view bytes :
       {std::string_view{}, std::string_view("\x0A"),
        std::string_view("\x0A\xFF\xFF\xFF\xFF\xFF\xFF"), std::string_view("\x0A\x05\x0A\x09x"),
        std::string_view("\x12\x01x")})
    EXPECT_TRUE(metric_name_in(bytes).empty());
}

TEST_F(CommitWatchTest, WhatWasNotKeptIsNotTold) {
  begin({"up"});
  store.failing = true;
  EXPECT_FALSE(watch.write({sample_of("up")}));
  EXPECT_EQ(notified, 0);
  EXPECT_TRUE(watch.take().names.empty());
}

TEST_F(CommitWatchTest, EverythingMeansAnyName) {
  begin({}, true);
  ASSERT_TRUE(watch.write({sample_of("whatever")}));
  EXPECT_EQ(notified, 1);
  EXPECT_TRUE(watch.take().anything);
  EXPECT_FALSE(watch.take().anything);
}

TEST_F(CommitWatchTest, WhatWasNotTakenIsStillToldAfterTheWatchChanges) {
  begin({"a", "b"});
  ASSERT_TRUE(watch.write({sample_of("b")}));
  watch.watch({{"c", "b"}, false}, [this] { ++notified; });
  EXPECT_EQ(watch.take().names, (Indexes{1}));
  ASSERT_TRUE(watch.write({sample_of("a")}));
  EXPECT_TRUE(watch.take().names.empty()) << "nobody watches it any more";
}

TEST_F(CommitWatchTest, NoCommitIsMissedWhileOthersAreTaken) {
  begin({"up"});
  constexpr int kWrites = 20'000;
  std::thread writer([&] {
    for (int i = 0; i < kWrites; ++i) (void)watch.write({sample_of("up")});
  });
  std::size_t taken = 0;
  for (int i = 0; i < kWrites; ++i) taken += watch.take().names.size();
  writer.join();
  // Whatever the turns were: after the last write it is either told already or still to be told.
  ASSERT_TRUE(watch.write({sample_of("up")}));
  EXPECT_EQ(watch.take().names.size(), 1U);
  EXPECT_LE(taken, static_cast<std::size_t>(kWrites));
}

}  // namespace
}  // namespace wellrun::telemetry
