// What is read of a store beside a model of it, while samples move to the database, are deleted and
// expire: in particular the latest ones, which are read from memory wherever they lie, and chunks
// that were read before (kept_chunks.h).

#include <gtest/gtest.h>
#include <map>
#include <random>
#include <stdlib.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/store/embedded_store.h"

namespace wellrun::telemetry {
namespace {

constexpr int kSeries = 5;
constexpr Duration kRetention = std::chrono::minutes(190);

class Beside {
 public:
  explicit Beside(std::uint64_t seed) : random_(seed) {
    dir_ = "/tmp/wellrun-recent-XXXXXX";
    EXPECT_NE(::mkdtemp(dir_.data()), nullptr);
    EmbeddedStoreOptions options;
    options.dir = dir_;
    options.min_free_bytes = 0;
    options.retention = kRetention;
    options.out_of_order_window = kRetention;
    if (seed % 2 == 0) options.cache_bytes = 350;  // of five series hardly more than one
    auto opened = EmbeddedStore::open(std::move(options), runtime_.runtime());
    EXPECT_TRUE(opened) << to_string(opened.error());
    store_ = std::move(*opened);
    // The clock stands still but for retention: a store has work to do each second.
    now_ms_ = to_unix_ms(runtime_.runtime().clock.now()) - 10'800'000;
    oldest_ms_ = now_ms_ - 600'000;
  }
  ~Beside() {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }

  void step() {
    switch (below(12)) {
      case 0:
        ASSERT_TRUE(store_->checkpoint());
        break;
      case 1:
        if (below(8) == 0) erase();
        break;
      case 2:
        if (below(8) == 0) expire();
        break;
      case 3:
        write(now_ms_ - static_cast<std::int64_t>(below(below(3) == 0 ? 4'000'000 : 600'000)));
        break;
      default:
        now_ms_ += 15'000;
        for (int series = 0; series < kSeries; ++series)
          if (below(5) != 0) write(now_ms_ + static_cast<std::int64_t>(below(3)), series);
    }
  }

  void compare() {
    const auto back = static_cast<std::int64_t>(below(2) == 0 ? 400'000 : 3'000'000);
    const auto end = now_ms_ + 10 - static_cast<std::int64_t>(below(200'000));
    const TimeRange range{std::max(oldest_ms_, end - back), end};
    const std::vector<Matcher> all = {{Matcher::Kind::kEqual, "__name__", "m"}};
    const auto selected = store_->select(all, range, {});
    ASSERT_TRUE(selected) << to_string(selected.error());
    std::map<std::string, std::map<std::int64_t, double>> found;
    for (const auto& series : *selected)
      for (const auto& sample : series.samples)
        ASSERT_TRUE(found[std::string(series.labels.get("s"))]
                        .emplace(sample.time_ms, sample.value)
                        .second);
    ASSERT_EQ(found, expected(range));
    for (const auto wanted : {SamplesWanted::kAll, SamplesWanted::kLatest})
      scan(all, range, wanted);
  }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }

  void write(std::int64_t time, int series = -1) {
    const auto name = std::to_string(series < 0 ? static_cast<int>(below(kSeries)) : series);
    auto& model = model_[name];
    if (model.contains(time) || time < oldest_ms_) return;
    const auto value = static_cast<double>(below(1000));
    SeriesWrite write;
    write.labels = Labels{{"__name__", "m"}, {"s", name}};
    write.samples = {{time, value}};
    const auto written = store_->write({std::move(write)});
    ASSERT_TRUE(written) << to_string(written.error());
    ASSERT_EQ(written->rejected, 0U) << written->first_rejection;
    model.emplace(time, value);
  }

  void erase() {
    const auto from = now_ms_ - static_cast<std::int64_t>(below(2'000'000));
    const TimeRange range{from, from + static_cast<std::int64_t>(below(400'000))};
    const auto name = std::to_string(below(kSeries));
    const auto deleted = store_->delete_samples({{{Matcher::Kind::kEqual, "s", name}}}, range);
    ASSERT_TRUE(deleted) << to_string(deleted.error());
    std::erase_if(model_[name], [&](const auto& sample) {
      return sample.first >= range.start_ms && sample.first <= range.end_ms;
    });
  }

  /// What is older than the retention may go, or not yet.
  void expire() {
    runtime_.run_for(std::chrono::minutes(static_cast<int>(below(8))));
    ASSERT_TRUE(store_->prune());
    oldest_ms_ =
        std::max(oldest_ms_, to_unix_ms(runtime_.runtime().clock.now()) - kRetention.count());
  }

  std::map<std::string, std::map<std::int64_t, double>> expected(TimeRange range) const {
    std::map<std::string, std::map<std::int64_t, double>> wanted;
    for (const auto& [name, samples] : model_)
      for (const auto& [time, value] : samples)
        if (time >= range.start_ms && time <= range.end_ms) wanted[name].emplace(time, value);
    return wanted;
  }

  void scan(const std::vector<Matcher>& matchers, TimeRange range, SamplesWanted wanted) {
    const auto scanned = store_->scan(matchers, range, wanted, {});
    ASSERT_TRUE(scanned);
    auto expected_here = expected(range);
    std::map<std::string, std::map<std::int64_t, double>> found;
    const auto read = (*scanned)->read(
        0, (*scanned)->size(), [&](std::size_t series, const SeriesSamples& samples) {
          auto& here = found[std::string((*scanned)->labels(series).get("s"))];
          EXPECT_FALSE(samples.floats.empty());
          for (const auto& sample : samples.floats)
            EXPECT_TRUE(here.emplace(sample.time_ms, sample.value).second);
          if (wanted == SamplesWanted::kLatest) here = {*std::prev(here.end())};
          return true;
        });
    ASSERT_TRUE(read);
    if (wanted == SamplesWanted::kLatest)
      for (auto& [name, samples] : expected_here) samples = {*std::prev(samples.end())};
    ASSERT_EQ(found, expected_here);
  }

  VirtualRuntime runtime_;
  std::string dir_;
  std::unique_ptr<EmbeddedStore> store_;
  std::mt19937_64 random_;
  std::map<std::string, std::map<std::int64_t, double>> model_;
  std::int64_t now_ms_ = 0, oldest_ms_ = 0;
};

TEST(RecentSamples, are_what_was_written_wherever_they_lie) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Beside beside(seed);
    for (int i = 0; i < 300; ++i) {
      beside.step();
      beside.compare();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace wellrun::telemetry
