// How long series are kept and how finely, against a model: random writes in and out of order,
// rules that change, crashes and restarts. And that the disk has the space again.

#include <algorithm>
#include <bit>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/downsample.h"
#include "telemetry/store/embedded_store.h"
#include "telemetry/store/store_test_support.h"
#include "telemetry/store/thinning_progress.h"

namespace wellrun::telemetry {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr TimeRange kAlways{INT64_MIN / 2, INT64_MAX / 2};
constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr std::int64_t kWindow = std::int64_t{1} << 27;

std::int64_t window_of(std::int64_t time) {
  return time & ~(kWindow - 1);
}

class RetentionOfStore : public ::testing::Test {
 protected:
  RetentionOfStore() {
    std::string name = (fs::temp_directory_path() / "wellrun-retention-XXXXXX").string();
    options_.dir = ::mkdtemp(name.data());
    options_.min_free_bytes = 0;
    options_.retention = days(20);
    options_.out_of_order_window = std::chrono::years(1);
    // The clock jumps by days: nothing is to be done beside the test.
    options_.checkpoint_interval = std::chrono::years(100);
    open();
  }
  ~RetentionOfStore() override {
    store_.reset();
    fs::remove_all(options_.dir);
  }
  void open() {
    auto opened = EmbeddedStore::open(options_, runtime_.runtime());
    ASSERT_TRUE(opened) << to_string(opened.error());
    store_ = std::move(*opened);
    if (!rules_.empty()) ASSERT_TRUE(store_->set_retention(rules_));
  }
  void set_rules(std::vector<RetentionRule> rules) {
    rules_ = std::move(rules);
    ASSERT_TRUE(store_->set_retention(rules_));
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
  std::int64_t now() const { return to_unix_ms(runtime_.now()); }

  static Labels labels_of(const std::string& name) { return {{"__name__", name}, {"id", name}}; }
  static HistogramSample histogram_at(std::int64_t time, double count) {
    Histogram made;
    made.count = made.sum = count;
    made.positive_spans = {{0, 1}};
    made.positive_counts = {count};
    return {time, std::make_shared<const Histogram>(made)};
  }
  static bool has_histograms(const std::string& name) { return name.starts_with("h"); }

  void write(const std::string& name, const std::vector<Sample>& samples) {
    SeriesWrite one;
    one.labels = labels_of(name);
    for (const auto& sample : samples) {
      if (has_histograms(name))
        one.histograms.push_back(histogram_at(sample.time_ms, sample.value));
      else
        one.samples.push_back(sample);
    }
    std::vector<SeriesWrite> series;
    series.push_back(std::move(one));
    const auto outcome = store_->write(std::move(series));
    ASSERT_TRUE(outcome) << to_string(outcome.error());
    rejected_ = outcome->rejected;
  }
  /// One a minute for `age` until now.
  void write_minutes(const std::string& name, Duration age) {
    std::vector<Sample> samples;
    for (auto time = now() - age.count(); time <= now(); time += kMinute)
      samples.push_back({time, static_cast<double>(time / kMinute)});
    write(name, samples);
    ASSERT_EQ(rejected_, 0U) << name;
    ASSERT_TRUE(store_->checkpoint());
  }
  std::vector<Sample> read(const std::string& name) const {
    const auto found = store_->select({{Matcher::Kind::kEqual, "id", name}}, kAlways, {});
    EXPECT_TRUE(found) << to_string(found.error());
    if (!found || found->empty()) return {};
    EXPECT_EQ(found->size(), 1U);
    auto samples = found->front().samples;
    for (const auto& one : found->front().histograms)
      samples.push_back({one.time_ms, one.histogram->count});
    return samples;
  }
  static RetentionRule rule(const std::string& regex, Duration keep,
                            std::vector<Downsampling> downsampling = {}) {
    return {
        "rule " + regex, {{{Matcher::Kind::kRegex, "id", regex}}}, keep, std::move(downsampling)};
  }
  std::uintmax_t table_bytes() const {
    std::uintmax_t bytes = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(options_.dir / "db", error))
      if (entry.path().extension() == ".sst") bytes += entry.file_size(error);
    return bytes;
  }

  VirtualRuntime runtime_;
  EmbeddedStoreOptions options_;
  std::vector<RetentionRule> rules_;
  std::unique_ptr<EmbeddedStore> store_;
  std::size_t rejected_ = 0;
};

TEST_F(RetentionOfStore, SomeSeriesAreKeptShorterOrLongerThanTheRest) {
  set_rules({rule("debug", days(2)), rule("audit", days(60))});
  write_minutes("audit", days(40));
  write("old", {{now() - 30 * kDay, 1}, {now(), 1}});
  EXPECT_EQ(rejected_, 1U) << "older than the retention, and no rule keeps it";
  write_minutes("debug", days(10));
  write_minutes("rest", days(10));
  const auto seen = store_->changes().version();
  ASSERT_TRUE(store_->prune());
  EXPECT_EQ(read("audit").size(), 40U * 24 * 60 + 1);
  EXPECT_EQ(read("rest").size(), 10U * 24 * 60 + 1);
  const auto debug = read("debug");
  ASSERT_FALSE(debug.empty());
  EXPECT_LE(debug.front().time_ms, now() - 2 * kDay);
  EXPECT_GE(debug.front().time_ms, window_of(now() - 2 * kDay)) << "a window more at most";
  EXPECT_EQ(store_->changes().unchanged_before(seen), INT64_MAX);
  EXPECT_GT(store_->changes().dropped_before(seen), debug.front().time_ms - kMinute);
  store_.reset();  // which has something to do each second
  runtime_.run_for(hours(24 * 100));
  open();
  runtime_.run_for(hours(24 * 2));  // until most of those days are believed
  ASSERT_TRUE(store_->prune());
  const auto left = store_->series({}, kAlways, {});
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty()) << "what has no sample is in no list";
  reopen();
  EXPECT_EQ(store_->statistics().series, 0U);
}

TEST_F(RetentionOfStore, WhatIsThinnedForTheFirstTimeBringsNothingBackThatExpired) {
  write_minutes("long", days(10));
  write("ended", {{now() - 10 * kDay, 1}, {now() - 10 * kDay + 1, 2}, {now() - 9 * kDay, 3}});
  ASSERT_TRUE(store_->checkpoint());
  set_rules({rule(".*", days(3), {{.after = days(1), .resolution = hours(1)}})});
  ASSERT_TRUE(store_->prune());
  const auto left = read("long");
  ASSERT_FALSE(left.empty());
  EXPECT_GE(left.front().time_ms, window_of(now() - 3 * kDay));
  EXPECT_LT(left.size(), 3U * 24 * 60) << "and it was thinned";
  EXPECT_TRUE(read("ended").empty());
  reopen();
  EXPECT_EQ(store_->statistics().series, 1U);
}

TEST_F(RetentionOfStore, WhatASeriesFallsUnderIsTold) {
  set_rules({rule("a.*", days(60)), rule(".*b", days(30), {{days(3), hours(1)}})});
  for (const auto* name : {"a", "ab", "b", "bb", "c"}) write(name, {{now(), 1}});
  const auto shares = store_->retention_of({{Matcher::Kind::kNotEqual, "id", "bb"}});
  ASSERT_TRUE(shares);
  std::map<std::string, std::size_t> found;
  for (const auto& share : *shares)
    found[fmt::format("{} {} {}", fmt::join(share.kept.rules, "+"),
                      format_duration(share.kept.keep), share.kept.downsampling.size())] =
        share.series;
  EXPECT_EQ(found, (std::map<std::string, std::size_t>{{"rule a.* 60d 0", 1},
                                                       {"rule a.*+rule .*b 60d 0", 1},
                                                       {"rule .*b 30d 1", 1},
                                                       {" 20d 0", 1}}));
  const auto bad = store_->set_retention({rule("(", days(1))});
  ASSERT_FALSE(bad);
  EXPECT_EQ(store_->retention_of({})->size(), 4U) << "the rules before hold";
}

TEST_F(RetentionOfStore, TheDiskHasTheSpaceAgain) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 40; ++i) {
    std::vector<Sample> noise;
    for (auto time = now() - 12 * kDay; time < now() - 4 * kDay; time += kMinute)
      noise.push_back({time, std::bit_cast<double>(random() >> 2)});
    write(fmt::format("fine{}", i), noise);
  }
  ASSERT_TRUE(store_->checkpoint());
  const auto before = table_bytes();
  ASSERT_GT(before, 3U << 20);
  set_rules({rule("fine.*", days(20), {{days(1), hours(1)}})});
  ASSERT_TRUE(store_->prune());
  // On a thread of its own.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (table_bytes() > before / 4 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_LT(table_bytes(), before / 4);
}

/// Of the largest table: where series of small refs are. Noted as known, so that RocksDB does not
/// compact, and who reads the block is the first to meet it.
void damage_the_first_block(const fs::path& dir) {
  std::ofstream(dir / "db.damaged") << "as if damage had been met before\n";
  fs::path largest;
  for (const auto& entry : fs::directory_iterator(dir / "db"))
    if (entry.path().extension() == ".sst" &&
        (largest.empty() || entry.file_size() > fs::file_size(largest)))
      largest = entry.path();
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(64);
  file << std::string(64, 'x');
}

TEST_F(RetentionOfStore, AfterARestartWhatWasThinnedIsNotLookedAtAgainUnlessSamplesCame) {
  // What was thinned is a small part, so that its table is not made anew.
  set_rules({rule("fine", days(20), {{days(1), hours(1)}})});
  write_minutes("fine", days(12));
  std::mt19937_64 random(7);
  for (int i = 0; i < 20; ++i) {
    std::vector<Sample> noise;
    for (auto time = now() - 12 * kDay; time < now(); time += 10 * kMinute)
      noise.push_back({time, std::bit_cast<double>(random() >> 2)});
    write(fmt::format("rest{}", i), noise);
  }
  ASSERT_TRUE(store_->checkpoint());
  ASSERT_TRUE(store_->prune());
  const auto thinned = read("fine").size();
  ASSERT_LT(thinned, 12U * 24 * 60 / 2);

  const auto oldest = now() - 12 * kDay + kMinute / 2;
  write("fine", {{oldest, 1}, {oldest + kMinute, 2}});
  ASSERT_TRUE(store_->checkpoint());
  crash();
  EXPECT_EQ(read("fine").size(), thinned + 2);
  ASSERT_TRUE(store_->prune());
  EXPECT_EQ(read("fine").size(), thinned) << "those that came are thinned, too";
  store_.reset();
  damage_the_first_block(options_.dir);
  open();
  ASSERT_TRUE(store_->prune());
  EXPECT_TRUE(store_->statistics().damage.empty()) << store_->statistics().damage.front().what;
  set_rules({rule("fine", days(20), {{days(1), hours(2)}})});
  ASSERT_TRUE(store_->prune());
  EXPECT_FALSE(store_->statistics().damage.empty()) << "other rules: it is looked at";
}

TEST(ThinningProgress, IsReadBackAndWhatIsCutOffIsNot) {
  const auto rules = RetentionRules::make(
      {{"a", {{{Matcher::Kind::kRegex, "id", "x.*"}}}, days(1), {{hours(1), minutes(5)}}}},
      days(2));
  ASSERT_TRUE(rules);
  const store::ThinningProgress progress{store::rules_bytes(*rules),
                                         {{{"a"}, {5, -7}}, {{"a", "b"}, {}}, {{}, {INT64_MAX}}}};
  const auto bytes = store::progress_bytes(progress);
  EXPECT_EQ(store::read_progress(bytes), progress);
  EXPECT_FALSE(store::read_progress(std::string_view(bytes).substr(0, bytes.size() - 1)));
  EXPECT_NE(progress.rules, store::rules_bytes(RetentionRules(days(2))));
}

/// Every sample ever acknowledged; what must, and what may, be there follows from rules and times.
class ModelOfRetention : public RetentionOfStore, public ::testing::WithParamInterface<unsigned> {
 protected:
  std::map<std::string, std::map<std::int64_t, double>> model_;
  std::mt19937 random_{GetParam()};

  std::int64_t upto(std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(0, most)(random_);
  }

  void write_some() {
    const std::vector<std::string> names{"a", "a_total", "ab_total", "h", "hb", "c"};
    const auto& name = names[static_cast<std::size_t>(upto(5))];
    std::vector<Sample> samples;
    auto time = now() - upto(14 * kDay);
    const auto step = kMinute * (1 + upto(9));
    for (auto count = 1 + upto(600); count > 0 && time <= now(); --count, time += step) {
      if (model_[name].contains(time)) continue;
      const bool gone = !has_histograms(name) && upto(50) == 0;
      samples.push_back({time, gone ? stale_marker() : static_cast<double>(upto(1000))});
    }
    write(name, samples);
    ASSERT_EQ(rejected_, 0U);
    for (const auto& sample : samples) model_[name][sample.time_ms] = sample.value;
  }

  void change_rules() {
    std::vector<RetentionRule> rules;
    if (upto(1) == 0) rules.push_back(rule("a.*", days(15 + upto(20)), {{days(3), hours(1)}}));
    if (upto(1) == 0)
      rules.push_back(
          rule(".*b.*", days(15 + upto(20)), {{days(2), minutes(10)}, {days(6), minutes(60)}}));
    if (upto(1) == 0) rules.push_back(rule("h.*", days(16), {{days(4), minutes(30)}}));
    set_rules(std::move(rules));
  }

  /// After a prune at this moment under these rules the model says: of each whole window what
  /// thinning leaves; and nothing that was not there before is there now.
  void prune_both() {
    ASSERT_TRUE(store_->prune());
    const auto rules = RetentionRules::make(rules_, options_.retention);
    ASSERT_TRUE(rules);
    for (auto& [name, samples] : model_) {
      const auto kept = rules->of(labels_of(name));
      std::map<std::int64_t, std::vector<Sample>> windows;
      for (const auto& [time, value] : samples) windows[window_of(time)].push_back({time, value});
      samples.clear();
      for (auto& [start, window] : windows) {
        std::int64_t resolution = 0;
        for (const auto& step : kept.downsampling)
          if (start + kWindow <= window_of(now() - step.after.count()))
            resolution = step.resolution.count();
        thin(name, window, resolution);
        for (const auto& sample : window) samples[sample.time_ms] = sample.value;
      }
    }
    expect_model("pruned");
  }

  static void thin(const std::string& name, std::vector<Sample>& window, std::int64_t resolution) {
    if (resolution == 0) return;
    if (!has_histograms(name)) return downsample(window, resolution, falls_of(name));
    std::vector<HistogramSample> histograms;
    for (const auto& sample : window)
      histograms.push_back(histogram_at(sample.time_ms, sample.value));
    downsample(histograms, resolution);
    window.clear();
    for (const auto& one : histograms) window.push_back({one.time_ms, one.histogram->count});
  }

  void expect_model(const std::string& when) const {
    for (const auto& [name, samples] : model_) {
      std::vector<Sample> wanted;
      for (const auto& [time, value] : samples) wanted.push_back({time, value});
      const auto found = read(name);
      ASSERT_EQ(found.size(), wanted.size()) << when << " " << name;
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i].time_ms, wanted[i].time_ms) << when << " " << name;
        ASSERT_EQ(std::bit_cast<std::uint64_t>(found[i].value),
                  std::bit_cast<std::uint64_t>(wanted[i].value));
      }
    }
    ASSERT_TRUE(store_->statistics().damage.empty());
  }
};

/// No step lets anything come near the retention: what goes here goes by downsampling alone.
TEST_P(ModelOfRetention, RandomWritesRulesCrashesAndRestartsLeaveWhatTheModelSays) {
  for (int step = 0; step < 60 && !HasFatalFailure(); ++step) {
    switch (upto(9)) {
      case 0:
        ASSERT_TRUE(store_->checkpoint());
        break;
      case 1:
        crash();
        expect_model("after a crash");
        break;
      case 2:
        reopen();
        expect_model("after a restart");
        break;
      case 3:
        change_rules();
        break;
      case 4:
      case 5:
        ASSERT_TRUE(store_->checkpoint());
        prune_both();
        break;
      default:
        write_some();
    }
  }
}

/// A process that does nothing but thin is killed wherever it is, among the several writes that a
/// pass over so many series takes: each of them has every sample or those that stay, and the next
/// pass comes to the end.
TEST_P(ModelOfRetention, KilledAtAnyMomentAPassLosesNothingAndIsTakenUpAgain) {
  constexpr std::size_t kSeries = 15'000;
  const auto begin = window_of(now() - 10 * kDay) + kHour;
  std::vector<Sample> raw;
  for (int i = 0; i < 30; ++i) raw.push_back({begin + i * kMinute, static_cast<double>(i)});
  auto thinned = raw;
  downsample(thinned, 30 * kMinute, Falls::kAreValues);
  std::vector<SeriesWrite> series(kSeries);
  for (std::size_t i = 0; i < kSeries; ++i) {
    series[i].labels = labels_of(fmt::format("s{}", i));
    series[i].samples = raw;
  }
  ASSERT_TRUE(store_->write(std::move(series)));
  store_.reset();
  rules_ = {rule("s.*", days(20), {{days(1), minutes(30)}})};

  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto opened = EmbeddedStore::open(options_, runtime_.runtime());
    if (!opened || !(*opened)->set_retention(rules_) || ::write(ready[1], "", 1) != 1) ::_exit(1);
    ::_exit((*opened)->prune() ? 0 : 1);
  }
  ::close(ready[1]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1) << "it ended before it began";
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(upto(200'000));
  while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  ::close(ready[0]);

  const auto same = [](const std::vector<Sample>& a, const std::vector<Sample>& b) {
    return std::ranges::equal(a, b, [](const Sample& x, const Sample& y) {
      return x.time_ms == y.time_ms && x.value == y.value;
    });
  };
  open();
  std::size_t done = 0;
  for (const auto* when : {"killed", "pruned"}) {
    if (when == std::string_view("pruned")) ASSERT_TRUE(store_->prune());
    const auto found = store_->select({}, kAlways, {});
    ASSERT_TRUE(found) << to_string(found.error());
    ASSERT_EQ(found->size(), kSeries) << when;
    done = 0;
    for (const auto& one : *found) {
      done += same(one.samples, thinned) ? 1 : 0;
      ASSERT_TRUE(same(one.samples, thinned) || same(one.samples, raw)) << when;
    }
    RecordProperty(when, static_cast<int>(done));
  }
  EXPECT_EQ(done, kSeries);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelOfRetention, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace wellrun::telemetry
