// Deleting samples, against a model: random series, ranges, checkpoints and crashes.

#include <bit>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <regex>
#include <thread>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/store/embedded_store.h"
#include "telemetry/store/store_test_support.h"

namespace wellrun::telemetry {
namespace {

constexpr TimeRange kAlways{INT64_MIN / 2, INT64_MAX / 2};
constexpr std::int64_t kHour = 3'600'000;

/// Times of samples by series; the value follows from both.
using Model = std::map<std::string, std::map<std::int64_t, double>>;

class Deletion : public ::testing::Test {
 protected:
  Deletion() {
    std::string name = (std::filesystem::temp_directory_path() / "wellrun-delete-XXXXXX").string();
    options_.dir = ::mkdtemp(name.data());
    options_.min_free_bytes = 0;
    options_.retention = options_.out_of_order_window = std::chrono::years(100);
    open();
  }
  ~Deletion() override {
    store_.reset();
    std::filesystem::remove_all(options_.dir);
  }
  void open() {
    auto opened = EmbeddedStore::open(options_, runtime_.runtime());
    ASSERT_TRUE(opened) << to_string(opened.error());
    store_ = std::move(*opened);
  }
  void reopen() {
    store_.reset();
    open();
  }
  /// As after kill -9: what the destructor would do does not happen.
  void crash() {
    const auto copy = copy_of_a_moment(options_.dir);
    store_.reset();
    put_in_place(copy, options_.dir);
    open();
  }
  static double value_at(const std::string& id, std::int64_t time) {
    return static_cast<double>(std::hash<std::string>()(id) % 1000) +
           static_cast<double>(time % 97) / 8;
  }
  static Labels labels_of(const std::string& id) {
    return {{"__name__", id.starts_with("h") ? "hist" : "plain"}, {"id", id}};
  }
  void write(const std::string& id, const std::vector<std::int64_t>& times) {
    SeriesWrite one;
    one.labels = labels_of(id);
    for (const auto time : times) {
      if (!id.starts_with("h")) {
        one.samples.push_back({time, value_at(id, time)});
      } else {
        Histogram histogram;
        histogram.count = histogram.sum = value_at(id, time);
        histogram.positive_spans = {{0, 1}};
        histogram.positive_counts = {histogram.count};
        one.histograms.push_back({time, std::make_shared<const Histogram>(histogram)});
      }
      model_[id][time] = value_at(id, time);
    }
    std::vector<SeriesWrite> series;
    series.push_back(std::move(one));
    const auto outcome = store_->write(std::move(series));
    ASSERT_TRUE(outcome) << to_string(outcome.error());
    ASSERT_EQ(outcome->rejected, 0u) << outcome->first_rejection;
  }
  void delete_in_both(const std::string& regex, TimeRange range) {
    const auto deleted = store_->delete_samples({{{Matcher::Kind::kRegex, "id", regex}}}, range);
    ASSERT_TRUE(deleted) << to_string(deleted.error());
    std::uint64_t samples = 0;
    std::size_t series = 0;
    for (auto& [id, times] : model_) {
      if (!std::regex_match(id, std::regex(regex))) continue;
      const auto gone = std::erase_if(times, [&](const auto& one) {
        return one.first >= range.start_ms && one.first <= range.end_ms;
      });
      samples += gone;
      series += gone > 0 ? 1 : 0;
    }
    std::erase_if(model_, [](const auto& one) { return one.second.empty(); });
    // After a crash a sample may stand in two chunks, and then counts twice.
    EXPECT_GE(deleted->samples, samples);
    EXPECT_EQ(deleted->series, series);
  }
  void expect_model(const std::string& when) const {
    const auto found = store_->select({{Matcher::Kind::kRegex, "__name__", ".+"}}, kAlways, {});
    ASSERT_TRUE(found) << to_string(found.error());
    Model stored;
    for (const auto& series : *found) {
      auto& times = stored[std::string(series.labels.get("id"))];
      for (const auto& sample : series.samples) times[sample.time_ms] = sample.value;
      for (const auto& sample : series.histograms) times[sample.time_ms] = sample.histogram->count;
    }
    EXPECT_EQ(stored, model_) << when;
    const auto listed = store_->series({}, kAlways, {});
    ASSERT_TRUE(listed);
    EXPECT_EQ(listed->size(), model_.size()) << when;
    EXPECT_TRUE(store_->statistics().damage.empty()) << when;
  }

  VirtualRuntime runtime_;
  EmbeddedStoreOptions options_;
  std::unique_ptr<EmbeddedStore> store_;
  Model model_;
};

std::vector<std::int64_t> every(std::int64_t step, std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> times;
  for (auto time = from; time < to; time += step) times.push_back(time);
  return times;
}

TEST_F(Deletion, AWholeSeriesIsGoneFromEverywhereAndMayBeginAnew) {
  write("a", every(15'000, 0, kHour));
  write("b", every(15'000, 0, kHour));
  delete_in_both("a", kAlways);
  expect_model("deleted");
  const auto values = store_->label_values("id", {}, kAlways, {});
  ASSERT_TRUE(values);
  EXPECT_EQ(*values, std::vector<std::string>{"b"});
  crash();
  expect_model("after a crash");
  write("a", every(30'000, 0, kHour));  // the same times again, with other neighbours
  expect_model("begun anew");
  reopen();
  expect_model("after a restart");
}

TEST_F(Deletion, AHoleLeavesWhatIsBeforeAndAfter) {
  write("a", every(60'000, 0, 100 * kHour));  // three windows of chunks
  write("ha", every(600'000, 0, 100 * kHour));
  delete_in_both(".*a", {30 * kHour + 1, 80 * kHour});
  expect_model("deleted");
  crash();
  expect_model("after a crash");
  write("a", every(60'000, 40 * kHour, 41 * kHour));  // into the hole
  expect_model("filled");
  write("a", every(60'000, 100 * kHour, 101 * kHour));
  expect_model("going on");
}

TEST_F(Deletion, TheNewestMayBeSentAgainAfterItWasDeleted) {
  options_.out_of_order_window = Duration::zero();
  reopen();
  write("a", every(60'000, 0, kHour));
  delete_in_both("a", {kHour / 2, kHour});
  write("a", every(60'000, kHour / 2, kHour));
  expect_model("sent again");
}

TEST_F(Deletion, NothingMatchesOrNothingIsInRange) {
  write("a", every(60'000, 0, kHour));
  delete_in_both("zzz", kAlways);
  delete_in_both("a", {2 * kHour, 3 * kHour});
  expect_model("nothing deleted");
  const auto bad = store_->delete_samples({{{Matcher::Kind::kRegex, "id", "("}}}, kAlways);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::kInvalid);
}

TEST_F(Deletion, SpaceComesBack) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20; ++i) {
    SeriesWrite one;
    one.labels = labels_of(fmt::format("x{}", i));
    for (std::int64_t time = 0; time < 4000; ++time)
      one.samples.push_back({time * 1000, std::bit_cast<double>(random() >> 2)});
    std::vector<SeriesWrite> series;
    series.push_back(std::move(one));
    ASSERT_TRUE(store_->write(std::move(series)));
  }
  ASSERT_TRUE(store_->checkpoint());
  const auto used = [&] {
    std::uintmax_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options_.dir / "db"))
      if (entry.path().extension() == ".sst") bytes += entry.file_size();
    return bytes;
  };
  const auto before = used();
  ASSERT_TRUE(store_->delete_samples({{{Matcher::Kind::kRegex, "id", "x.*"}}}, kAlways));
  ASSERT_TRUE(store_->compact());
  // RocksDB may still be at removing files that nobody reads.
  for (int tries = 0; tries < 100'000 && used() >= before / 10; ++tries) std::this_thread::yield();
  EXPECT_LT(used(), before / 10);
}

TEST_F(Deletion, RandomDeletionsAmongWritesCheckpointsAndCrashesLeaveWhatTheModelSays) {
  const auto seed = static_cast<unsigned>(std::random_device{}());
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  const auto upto = [&](std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(0, most)(random);
  };
  const std::vector<std::string> ids{"a", "b", "ab", "h", "hb"};
  for (int step = 0; step < 120 && !HasFatalFailure(); ++step) {
    const auto start = upto(150 * kHour);
    switch (upto(7)) {
      case 0:
        ASSERT_TRUE(store_->checkpoint());
        break;
      case 1:
        upto(1) == 0 ? crash() : reopen();
        break;
      case 2:
      case 3:
        delete_in_both(upto(1) == 0 ? ".*b" : "[ah].*", {start, start + upto(60 * kHour)});
        break;
      default:
        write(ids[static_cast<std::size_t>(upto(4))],
              every(60'000 * (1 + upto(20)), start - start % 60'000, start + upto(20 * kHour)));
    }
    if (step % 10 == 9) expect_model(fmt::format("step {}", step));
  }
}

}  // namespace
}  // namespace wellrun::telemetry
