#include "telemetry/store/embedded_store.h"

#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/store/store_test_support.h"
#include "telemetry/store/wal.h"

namespace wellrun::telemetry {
namespace {

using namespace std::chrono_literals;
using Kind = Matcher::Kind;

constexpr TimeRange kAlways{INT64_MIN / 2, INT64_MAX / 2};

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "wellrun-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct World {
  VirtualRuntime runtime;
  Folder folder;
  EmbeddedStoreOptions options;
  std::unique_ptr<EmbeddedStore> store;

  World() {
    options.dir = folder.path();
    options.min_free_bytes = 0;
    options.out_of_order_window = std::chrono::years(100);
    options.retention = std::chrono::years(100);
    open();
  }
  void open() {
    store.reset();
    auto opened = EmbeddedStore::open(options, runtime.runtime());
    ASSERT_TRUE(opened) << to_string(opened.error());
    store = std::move(*opened);
  }
  /// As after kill -9: what the destructor would do does not happen.
  void crash() {
    const auto copy = copy_of_a_moment(folder.path());
    store.reset();
    put_in_place(copy, folder.path());
    open();
  }
  WriteOutcome write(std::vector<SeriesWrite> series) {
    auto outcome = store->write(std::move(series));
    EXPECT_TRUE(outcome) << to_string(outcome.error());
    return outcome ? *outcome : WriteOutcome{};
  }
  WriteOutcome write(const Labels& labels, std::vector<Sample> samples) {
    std::vector<SeriesWrite> series(1);
    series[0].labels = labels;
    series[0].samples = std::move(samples);
    return write(std::move(series));
  }
  std::vector<SeriesData> select(std::vector<Matcher> matchers, TimeRange range = kAlways) {
    auto found = store->select(matchers, range, {});
    EXPECT_TRUE(found) << to_string(found.error());
    return found ? std::move(*found) : std::vector<SeriesData>{};
  }
};

Labels named(std::string name, std::string job = "shop") {
  return Labels{{"__name__", std::move(name)}, {"job", std::move(job)}};
}

std::vector<Sample> counting(std::int64_t start, std::size_t count, std::int64_t step = 15'000) {
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < count; ++i)
    samples.push_back({start + static_cast<std::int64_t>(i) * step, static_cast<double>(i)});
  return samples;
}

void expect_same(std::span<const Sample> got, std::span<const Sample> wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].time_ms, wanted[i].time_ms) << "at " << i;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(got[i].value),
              std::bit_cast<std::uint64_t>(wanted[i].value))
        << "at " << i;
  }
}

TEST(EmbeddedStore, WhatWasWrittenIsReadBackSortedByLabels) {
  World world;
  world.write({{named("b"), counting(1000, 3), {}, {}, {}},
               {named("a"), counting(1000, 2), {}, {}, {}},
               {named("b", "db"), counting(1000, 1), {}, {}, {}}});
  const auto all = world.select({});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].labels, named("a"));
  EXPECT_EQ(all[1].labels, named("b", "db"));
  EXPECT_EQ(all[2].labels, named("b"));
  expect_same(all[2].samples, counting(1000, 3));
  const auto part = world.select({{Kind::kEqual, "__name__", "b"}}, {1000, 1000});
  ASSERT_EQ(part.size(), 2U);
  EXPECT_EQ(part[0].samples.size(), 1U);
  EXPECT_TRUE(world.select({}, {0, 999}).empty());
}

TEST(EmbeddedStore, MatchersMeanWhatPrometheusMeans) {
  World world;
  world.write({{Labels{{"__name__", "m"}, {"env", "prod"}}, counting(0, 1), {}, {}, {}},
               {Labels{{"__name__", "m"}, {"env", "dev"}}, counting(0, 1), {}, {}, {}},
               {Labels{{"__name__", "m"}}, counting(0, 1), {}, {}, {}}});
  auto count = [&](Kind kind, std::string value) {
    return world.select({{kind, "env", std::move(value)}}).size();
  };
  EXPECT_EQ(count(Kind::kEqual, "prod"), 1U);
  EXPECT_EQ(count(Kind::kEqual, ""), 1U);
  EXPECT_EQ(count(Kind::kNotEqual, ""), 2U);
  EXPECT_EQ(count(Kind::kNotEqual, "prod"), 2U);
  EXPECT_EQ(count(Kind::kRegex, "prod|dev"), 2U);
  EXPECT_EQ(count(Kind::kRegex, "prod|"), 2U);
  EXPECT_EQ(count(Kind::kRegex, "p.*"), 1U);
  EXPECT_EQ(count(Kind::kRegex, ".*"), 3U);
  EXPECT_EQ(count(Kind::kRegex, ".+"), 2U);
  EXPECT_EQ(count(Kind::kRegex, "ro"), 0U) << "anchored at both ends";
  EXPECT_EQ(count(Kind::kNotRegex, "p.*"), 2U);
  EXPECT_EQ(count(Kind::kNotRegex, ".*"), 0U);
  EXPECT_EQ(count(Kind::kNotRegex, ".+"), 1U);
  EXPECT_EQ(world.store->select({{Kind::kRegex, "env", "("}}, kAlways, {}).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(world.select({{Kind::kEqual, "nosuch", "x"}}).size(), 0U);
  EXPECT_EQ(world.select({{Kind::kNotEqual, "nosuch", "x"}}).size(), 3U);
}

TEST(EmbeddedStore, AKnownValueIsANoOpAndAnotherIsRejected) {
  for (const bool in_database : {false, true}) {
    World world;
    world.write(named("m"), counting(0, 10));
    if (in_database) ASSERT_TRUE(world.store->checkpoint());
    const auto again = world.write(named("m"), counting(0, 10));
    EXPECT_EQ(again.rejected, 0U);
    const auto other = world.write(named("m"), {{15'000, 77.0}, {15'001, 5.0}});
    EXPECT_EQ(other.rejected, 1U);
    EXPECT_EQ(other.samples_written, 1U);
    EXPECT_NE(other.first_rejection.find("duplicate sample"), std::string::npos)
        << other.first_rejection;
    const auto got = world.select({});
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].samples.size(), 11U);
    EXPECT_EQ(got[0].samples[1].value, 1.0);
  }
}

TEST(EmbeddedStore, AWriterIsToldWhichSamplesWereRejected) {
  for (const bool in_database : {false, true}) {
    World world;
    world.write(named("m"), counting(0, 10));
    if (in_database) ASSERT_TRUE(world.store->checkpoint());
    const auto future = to_unix_ms(world.runtime.now()) + 10 * 86'400'000;
    std::vector<SeriesWrite> series(3);
    series[0] = {named("n"), {{15'000, 1}}, {}, {}, {}};
    series[1] = {named("m"), {{15'000, 77.0}, {15'001, 5.0}}, {}, {}, {}};
    series[2] = {named("o"), {{future, 1}}, {}, {}, {}};
    const auto outcome = world.write(series);
    EXPECT_EQ(outcome.rejected, 2U);
    std::set<std::pair<std::size_t, std::int64_t>> told;
    for (const auto& [index, time] : outcome.rejections) told.emplace(index, time);
    EXPECT_EQ(told, (std::set<std::pair<std::size_t, std::int64_t>>{{1, 15'000}, {2, future}}));
  }
}

TEST(EmbeddedStore, AnyOrderFrom1970OnWorksInsideTheWindow) {
  World world;
  const auto now = to_unix_ms(world.runtime.now());
  std::vector<Sample> samples = {{now, 1}, {0, 2}, {now - 1, 3}, {1, 4}, {now / 2, 5}};
  for (const auto& sample : samples) EXPECT_EQ(world.write(named("m"), {sample}).rejected, 0U);
  ASSERT_TRUE(world.store->checkpoint());
  world.write(named("m"), {{now / 2 - 1, 6}, {2, 7}});
  world.open();
  std::vector<Sample> wanted = {{0, 2},       {1, 4},       {2, 7},  {now / 2 - 1, 6},
                                {now / 2, 5}, {now - 1, 3}, {now, 1}};
  const auto got = world.select({});
  ASSERT_EQ(got.size(), 1U);
  expect_same(got[0].samples, wanted);
}

TEST(EmbeddedStore, OutsideTheWindowIsRejected) {
  World world;
  world.options.out_of_order_window = 0ms;
  world.options.retention = 24h;
  world.open();
  const auto now = to_unix_ms(world.runtime.now());
  EXPECT_EQ(world.write(named("m"), {{now, 1}}).rejected, 0U);
  EXPECT_NE(world.write(named("m"), {{now - 1, 1}}).first_rejection.find("out of order"),
            std::string::npos);
  EXPECT_EQ(world.write(named("new"), {{now - 60'000, 1}}).rejected, 0U)
      << "in order for its own series";
  EXPECT_NE(
      world.write(named("old"), {{now - 25 * 3'600'000, 1}}).first_rejection.find("retention"),
      std::string::npos);
  EXPECT_NE(world.write(named("m"), {{now + 3'600'000, 1}}).first_rejection.find("future"),
            std::string::npos);
  EXPECT_EQ(world.write(named("m"), {{now, 1}}).rejected, 0U) << "a repetition";
  EXPECT_EQ(world.select({}).size(), 2U);
}

TEST(EmbeddedStore, SpecialValuesSurviveTheDatabaseBitForBit) {
  World world;
  const double odd_nan = std::bit_cast<double>(0x7ff8000000abcdefULL);
  std::vector<Sample> samples = {{0, 1.5},
                                 {1, stale_marker()},
                                 {2, -0.0},
                                 {3, 0.0},
                                 {4, odd_nan},
                                 {5, std::numeric_limits<double>::infinity()},
                                 {6, -std::numeric_limits<double>::infinity()},
                                 {7, 5e-324},
                                 {8, 1.7976931348623157e308},
                                 {9, 0.1}};
  world.write(named("m"), samples);
  world.crash();
  expect_same(world.select({})[0].samples, samples);
  ASSERT_TRUE(world.store->checkpoint());
  world.open();
  expect_same(world.select({})[0].samples, samples);
}

TEST(EmbeddedStore, OneSeriesMixesFloatsAndHistograms) {
  World world;
  auto histogram = std::make_shared<Histogram>();
  histogram->schema = 3;
  histogram->count = 3;
  histogram->sum = 4.25;
  histogram->positive_spans = {{-2, 1}, {3, 2}};
  histogram->positive_counts = {1, 0.5, 1.5};
  for (const bool in_database : {false, true}) {
    std::vector<SeriesWrite> series(2);
    series[0].labels = series[1].labels = named("m");
    series[0].samples = {{1, 1}, {3, 3}};
    series[1].histograms = {{2, histogram}};
    EXPECT_EQ(world.write(series).rejected, 0U);
    std::vector<SeriesWrite> clash(1);
    clash[0].labels = named("m");
    clash[0].histograms = {{3, histogram}};
    EXPECT_EQ(world.write(clash).rejected, 1U);
    const auto got = world.select({});
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].samples.size(), 2U);
    ASSERT_EQ(got[0].histograms.size(), 1U);
    EXPECT_EQ(got[0].histograms[0].histogram->positive_counts, histogram->positive_counts);
    EXPECT_EQ(got[0].histograms[0].histogram->sum, 4.25);
    if (!in_database) ASSERT_TRUE(world.store->checkpoint());
  }
}

/// One regex of each looks at every value: `match[]` may have a thousand.
TEST(EmbeddedStore, ReadsOfLabelsAreGivenUpBetweenTwoSelectors) {
  World world;
  world.write({{Labels{{"__name__", "a"}, {"x", "1"}}, counting(0, 2), {}, {}, {}}});
  const std::vector<std::vector<Matcher>> many(1000, {{Kind::kRegex, "x", ".*"}});
  int looks = 0;
  const ReadLimits limits{.cancelled = [&looks] { return ++looks == 3; }};
  const auto expect_given_up = [&](const auto& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
    EXPECT_EQ(std::exchange(looks, 0), 3);
  };
  expect_given_up(world.store->series(many, kAlways, limits));
  expect_given_up(world.store->label_names(many, kAlways, limits));
  expect_given_up(world.store->label_values("x", many, kAlways, limits));
}

TEST(EmbeddedStore, LabelNamesAndValuesRespectMatchersAndRange) {
  World world;
  world.write({{Labels{{"__name__", "a"}, {"x", "1"}}, counting(0, 2), {}, {}, {}},
               {Labels{{"__name__", "b"}, {"y", "2"}}, counting(1'000'000, 2), {}, {}, {}}});
  for (const bool in_database : {false, true}) {
    EXPECT_EQ(*world.store->label_names({}, kAlways, {}),
              (std::vector<std::string>{"__name__", "x", "y"}));
    EXPECT_EQ(*world.store->label_names({}, {0, 500'000}, {}),
              (std::vector<std::string>{"__name__", "x"}));
    EXPECT_EQ(*world.store->label_values("__name__", {}, kAlways, {}),
              (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(*world.store->label_values("y", {{{Kind::kEqual, "__name__", "b"}}}, kAlways, {}),
              (std::vector<std::string>{"2"}));
    EXPECT_EQ(
        world.store->series({{{Kind::kEqual, "x", "1"}}, {{Kind::kEqual, "y", "2"}}}, kAlways, {})
            ->size(),
        2U);
    if (!in_database) ASSERT_TRUE(world.store->checkpoint());
  }
}

TEST(EmbeddedStore, RetentionDropsChunksAndThenTheSeries) {
  World world;
  world.options.retention = 24h;
  world.open();
  const auto now = to_unix_ms(world.runtime.now());
  world.write(named("old"), counting(now - 3'600'000, 10));
  ASSERT_TRUE(world.store->checkpoint());
  world.runtime.run_for(23h);
  world.write(named("young"), counting(to_unix_ms(world.runtime.now()) - 1000, 1));
  ASSERT_TRUE(world.store->checkpoint());
  world.runtime.run_for(96h);
  world.write(named("new"), {{to_unix_ms(world.runtime.now()), 1}});
  ASSERT_TRUE(world.store->prune());
  EXPECT_EQ(world.store->statistics().series, 1U);
  EXPECT_EQ(world.write(named("old"), {{to_unix_ms(world.runtime.now()), 2}}).rejected, 0U);
  world.open();
  EXPECT_EQ(world.select({}).size(), 2U);
  EXPECT_EQ(world.select({{Kind::kEqual, "__name__", "old"}})[0].samples.size(), 1U);
}

/// Two seconds of a wrong clock, the second of them within the hourly look; then again over a
/// restart.
TEST(EmbeddedStore, AClockSetForwardForAMomentDeletesNothing) {
  for (const bool restarted : {false, true}) {
    World world;
    world.options.retention = 15 * 24h;
    world.open();
    const auto now = to_unix_ms(world.runtime.now());
    world.write(named("old"), counting(now - 14 * 24 * 3'600'000LL, 10));
    world.write(named("new"), counting(now - 60'000, 2));
    ASSERT_TRUE(world.store->put_logs({LogRecord{.time = world.runtime.now(), .body = "bought"}}));
    ASSERT_TRUE(world.store->checkpoint());
    world.runtime.run_for(1h - 1s);
    world.runtime.set_clock(std::chrono::days(30));
    if (restarted) world.crash();
    world.runtime.run_for(2s);
    ASSERT_TRUE(world.store->prune());
    EXPECT_EQ(world.select({}).size(), 2U);
    world.runtime.set_clock(-std::chrono::days(30));
    world.runtime.run_for(3h);
    ASSERT_EQ(world.select({}).size(), 2U);
    expect_same(world.select({})[1].samples, counting(now - 14 * 24 * 3'600'000LL, 10));
    EXPECT_EQ(world.store->logs({.range = kAlways})->size(), 1U);
    world.runtime.run_for(26h);
    EXPECT_EQ(world.select({}).size(), 1U) << "its time has come, and retention goes on";
  }
}

TEST(EmbeddedStore, AClockSetBackHoldsNoWorkOfTheStoreUp) {
  World world;
  world.options.retention = 15 * 24h;
  world.options.checkpoint_interval = 10min;
  world.open();
  world.runtime.run_for(5min);
  world.runtime.set_clock(-5h);
  const auto now = to_unix_ms(world.runtime.now());
  world.write(named("old"), counting(now - 15 * 24 * 3'600'000LL + 1'800'000, 10));
  EXPECT_EQ(world.store->statistics().head_samples, 10U);
  world.runtime.run_for(6min);
  EXPECT_EQ(world.store->statistics().head_samples, 0U) << "the checkpoint came";
  world.runtime.run_for(1h);
  EXPECT_EQ(world.select({}).size(), 0U) << "so did retention";
}

/// A scrape at a wrong time must not shut out those at the right one, nor those that come after a
/// clock was set back; with an out-of-order window and without.
TEST(EmbeddedStore, SamplesOfAWrongClockDoNotKeepLaterOnesOut) {
  for (const Duration window : {Duration(0), Duration(1h)}) {
    World world;
    world.options.retention = 15 * 24h;
    world.options.out_of_order_window = window;
    world.open();
    const auto scrape = [&](const char* name) {
      world.runtime.run_for(15s);
      return world.write(named(name), {{to_unix_ms(world.runtime.now()), 1}}).first_rejection;
    };
    EXPECT_EQ(scrape("up"), "");
    world.runtime.set_clock(10h);
    EXPECT_EQ(scrape("up"), "");
    world.runtime.set_clock(-10h);
    EXPECT_EQ(scrape("up"), "");
    EXPECT_EQ(scrape("another"), "");
    ASSERT_TRUE(world.store->checkpoint());
    world.crash();
    EXPECT_EQ(scrape("up"), "");
    EXPECT_EQ(scrape("another"), "");
    world.runtime.set_clock(-2h);
    EXPECT_EQ(scrape("another"), "");
    const auto got = world.select({{Kind::kEqual, "__name__", "up"}});
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].samples.size(), 4U);
    EXPECT_TRUE(std::ranges::is_sorted(got[0].samples, {}, &Sample::time_ms));
  }
}

TEST(EmbeddedStore, AFullDiskRefusesWritesServesReadsAndRecovers) {
  World world;
  std::uint64_t left = 1ULL << 40;
  world.options.free_bytes = [&]() -> Result<std::uint64_t> { return left; };
  world.options.min_free_bytes = 1 << 20;
  world.open();
  world.write(named("m"), counting(0, 10));
  left = 0;
  std::size_t taken = 0;
  Result<WriteOutcome> outcome;
  for (; taken < 100; ++taken) {
    std::vector<SeriesWrite> series(1);
    series[0].labels = named("m" + std::to_string(taken));
    series[0].samples = counting(0, 5000);
    if (outcome = world.store->write(std::move(series)); !outcome) break;
  }
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(world.select({}).size(), 1 + taken) << "nothing of the refused write was kept";
  left = 1ULL << 40;
  EXPECT_EQ(world.write(named("after"), counting(0, 1)).rejected, 0U);
  world.crash();
  EXPECT_EQ(world.select({}).size(), 2 + taken);
}

TEST(EmbeddedStore, LimitsAndCancellationEndARead) {
  World world;
  world.write(
      {{named("a"), counting(0, 10), {}, {}, {}}, {named("b"), counting(0, 10), {}, {}, {}}});
  ReadLimits limits;
  limits.max_samples = 15;
  EXPECT_EQ(world.store->select({}, kAlways, limits).error().code, ErrorCode::kTooLarge);
  limits = {};
  limits.max_series = 1;
  EXPECT_EQ(world.store->select({}, kAlways, limits).error().code, ErrorCode::kTooLarge);
  limits = {};
  limits.cancelled = [] { return true; };
  EXPECT_EQ(world.store->select({}, kAlways, limits).error().code, ErrorCode::kCancelled);
}

TEST(EmbeddedStore, MetadataAndSignalsSurviveACrash) {
  World world;
  world.store->put_metadata({{"m", "counter", "How many.", "s"}});
  LogRecord log;
  log.time = from_unix_ms(5000);
  log.severity = 17;
  log.service = "shop";
  log.body = "it broke";
  log.trace_id = "abcd";
  log.attributes = Labels{{"k", "v"}};
  LogRecord quiet = log;
  quiet.time = from_unix_ms(6000);
  quiet.severity = 9;
  quiet.body = "fine";
  quiet.trace_id = "";
  ASSERT_TRUE(world.store->put_logs({log, quiet, log}));
  SpanRecord span;
  span.trace_id = "abcd";
  span.service = "shop";
  span.status = "error";
  span.start_ns = 5'000'000'000;
  span.end_ns = 5'100'000'000;
  ASSERT_TRUE(world.store->put_spans({span}));
  world.crash();
  ASSERT_EQ(world.store->metadata().size(), 1U);
  EXPECT_EQ(world.store->metadata()[0].help, "How many.");
  LogQuery query;
  query.range = {0, 10'000};
  auto logs = world.store->logs(query);
  ASSERT_EQ(logs->size(), 3U) << "two equal records are two";
  EXPECT_EQ((*logs)[0].body, "fine") << "newest first";
  EXPECT_EQ((*logs)[1].attributes, log.attributes);
  query.trace_id = "abcd";
  EXPECT_EQ(world.store->logs(query)->size(), 2U);
  query.trace_id.reset();
  query.service = "shop";
  query.min_severity = 10;
  EXPECT_EQ(world.store->logs(query)->size(), 2U);
  query.service = "sho";
  EXPECT_EQ(world.store->logs(query)->size(), 0U);
  SpanQuery spans;
  spans.range = {0, 10'000};
  spans.errors_only = true;
  spans.min_duration_ns = 100'000'000;
  EXPECT_EQ(world.store->spans(spans)->size(), 1U);
  spans.min_duration_ns += 1;
  EXPECT_EQ(world.store->spans(spans)->size(), 0U);
}

TEST(EmbeddedStore, TheTimerMovesTheHeadToTheDatabase) {
  World world;
  world.write(named("m"), counting(0, 100));
  world.runtime.run_for(3h);
  EXPECT_EQ(world.store->statistics().head_samples, 0U);
  EXPECT_EQ(world.select({})[0].samples.size(), 100U);
}

TEST(EmbeddedStore, ReadersMissNothingWhileASeriesIsMovedForTheFirstTime) {
  World world;
  constexpr std::size_t kRounds = 300, kSeries = 640;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const auto name = "m" + std::to_string(round);
    std::vector<SeriesWrite> series(kSeries);
    for (std::size_t i = 0; i < kSeries; ++i) {
      series[i].labels = named(name, "job" + std::to_string(i));
      series[i].samples = {{1000, 1}};
    }
    world.write(std::move(series));
    std::atomic<bool> is_moved = false;
    std::size_t fewest = kSeries;
    std::thread reader([&] {
      while (!is_moved)
        fewest = std::min(fewest, world.select({{Matcher::Kind::kEqual, "__name__", name}}).size());
    });
    EXPECT_TRUE(world.store->checkpoint());
    is_moved = true;
    reader.join();
    ASSERT_EQ(fewest, kSeries) << "in round " << round;
  }
}

/// What the writers of a crash test send: a pure function, so that the reader after the crash knows
/// it. Every round of a writer is one request: plain series, new series now and then, pairs of
/// times in the wrong order, a sample again that was sent before, and a histogram.
namespace crash_plan {

constexpr std::uint32_t kWriters = 3;
constexpr std::size_t kPerRound = 12;  ///< samples that are new in each round

struct Ack {
  std::uint32_t writer = 0, round = 0;
};

std::string name(std::uint32_t writer, std::size_t series) {
  return "w" + std::to_string(writer) + "_" + std::to_string(series);
}

double value(std::int64_t time) {
  return static_cast<double>(time) * 1.25;
}

std::vector<SeriesWrite> request(std::uint32_t writer, std::uint32_t round) {
  std::vector<SeriesWrite> series;
  auto add = [&](std::string metric, std::int64_t time) {
    series.emplace_back().labels = named(std::move(metric));
    series.back().samples = {{time, value(time)}};
  };
  for (std::size_t i = 0; i < kPerRound - 2; ++i) add(name(writer, i + round / 50), round);
  add(name(writer, 9000), round ^ 1);
  if (round > 0) add(name(writer, round / 50), round - 1);
  series.emplace_back().labels = named(name(writer, 9001));
  Histogram histogram;
  histogram.count = histogram.sum = round;
  series.back().histograms = {{round, std::make_shared<const Histogram>(histogram)}};
  return series;
}

/// The last round that `sample` of this series may be of.
std::uint32_t round_of(const std::string& metric, std::int64_t time) {
  const auto round = static_cast<std::uint32_t>(time);
  return metric.ends_with("_9000") ? round ^ 1 : round;
}

}  // namespace crash_plan

/// Not a test: the process that the ones below start and kill (RocksDB's threads do not survive a
/// fork alone).
TEST(CrashWriter, DISABLED_WritesUntilKilled) {
  const char* folder = std::getenv("WELLRUN_CRASH_FOLDER");
  const char* report_text = std::getenv("WELLRUN_CRASH_REPORT");
  const char* seed_text = std::getenv("WELLRUN_CRASH_SEED");
  ASSERT_TRUE(folder != nullptr && report_text != nullptr && seed_text != nullptr);
  const int report = std::atoi(report_text);
  VirtualRuntime runtime;
  EmbeddedStoreOptions options;
  options.dir = folder;
  options.min_free_bytes = 0;
  options.out_of_order_window = options.retention = std::chrono::years(100);
  auto store = EmbeddedStore::open(options, runtime.runtime());
  ASSERT_TRUE(store);
  std::vector<std::thread> writers;
  for (std::uint32_t writer = 0; writer < crash_plan::kWriters; ++writer)
    writers.emplace_back([&, writer] {
      for (std::uint32_t round = 0;; ++round) {
        const auto outcome = (*store)->write(crash_plan::request(writer, round));
        if (!outcome || outcome->rejected > 0) std::abort();
        const crash_plan::Ack ack{writer, round};
        if (::write(report, &ack, sizeof ack) != static_cast<ssize_t>(sizeof ack)) std::abort();
      }
    });
  std::mt19937 random(static_cast<std::uint32_t>(std::atoi(seed_text)));
  for (std::uint64_t copies = 0;; ++copies) {
    for (auto turns = random() % 300'000; turns > 0; --turns) std::this_thread::yield();
    if (random() % 3 == 0) {
      if (!(*store)->backup(options.dir.string() + ".copy" + std::to_string(copies))) std::abort();
    } else if (!(*store)->checkpoint()) {
      std::abort();
    }
  }
}

/// A writer process is killed at a random moment; what it reported as acknowledged must be there,
/// and nothing that it did not send.
class Crash : public testing::TestWithParam<std::uint32_t> {
 protected:
  using Rounds = std::array<std::int64_t, crash_plan::kWriters>;

  /// The last round of each writer that was acknowledged; -1: none.
  static Rounds run_and_kill(const std::filesystem::path& folder, std::uint32_t seed) {
    Rounds acknowledged{-1, -1, -1};
    int report[2];
    EXPECT_EQ(::pipe(report), 0);
    const auto child = ::fork();
    if (child == 0) {
      ::setenv("WELLRUN_CRASH_FOLDER", folder.c_str(), 1);
      ::setenv("WELLRUN_CRASH_REPORT", std::to_string(report[1]).c_str(), 1);
      ::setenv("WELLRUN_CRASH_SEED", std::to_string(seed).c_str(), 1);
      ::execl("/proc/self/exe", "crash_writer", "--gtest_also_run_disabled_tests",
              "--gtest_filter=CrashWriter.*", "--gtest_brief=1", nullptr);
      ::_exit(1);
    }
    ::close(report[1]);
    const auto stop_after = std::mt19937(seed)() % 1500 + 1;
    crash_plan::Ack ack;
    std::uint32_t count = 0;
    while (::read(report[0], &ack, sizeof ack) == sizeof ack) {
      acknowledged[ack.writer] = std::max<std::int64_t>(acknowledged[ack.writer], ack.round);
      if (++count == stop_after) ::kill(child, SIGKILL);  // what is in the pipe counts too
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(report[0]);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return acknowledged;
  }

  static void expect_plan(const EmbeddedStore& store, const Rounds& acknowledged) {
    EXPECT_TRUE(store.statistics().damage.empty());
    Rounds found{};
    const auto all = store.select({}, kAlways, {});
    ASSERT_TRUE(all);
    for (const auto& series : *all) {
      const std::string metric(series.labels.metric_name());
      const auto writer = static_cast<std::size_t>(metric[1] - '0');
      auto count = [&](std::uint32_t round) {
        ASSERT_LE(round, acknowledged[writer] + 1) << "at most the write under way";
        found[writer] += round <= acknowledged[writer] ? 1 : 0;
      };
      for (const auto& sample : series.samples) {
        ASSERT_EQ(sample.value, crash_plan::value(sample.time_ms));
        count(crash_plan::round_of(metric, sample.time_ms));
      }
      for (const auto& sample : series.histograms) {
        ASSERT_EQ(sample.histogram->sum, static_cast<double>(sample.time_ms));
        count(static_cast<std::uint32_t>(sample.time_ms));
      }
    }
    for (std::size_t writer = 0; writer < found.size(); ++writer)
      EXPECT_EQ(found[writer],
                (acknowledged[writer] + 1) * static_cast<std::int64_t>(crash_plan::kPerRound))
          << "writer " << writer;
  }
};

TEST_P(Crash, EverythingAcknowledgedIsThereAndNothingElse) {
  World world;
  world.store.reset();
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  const auto acknowledged = run_and_kill(world.folder.path(), GetParam());
  world.open();
  expect_plan(*world.store, acknowledged);
  world.crash();
  expect_plan(*world.store, acknowledged);
  const auto& own = world.folder.path();
  for (const auto& entry : std::filesystem::directory_iterator(own.parent_path()))
    if (entry.path().string().starts_with(own.string() + ".copy"))
      std::filesystem::remove_all(entry.path());
}

TEST(EmbeddedStore, KilledWhileASegmentBeginsNothingIsSaidToBeDamaged) {
  for (const std::size_t written : {0U, 7U, 16U}) {
    World world;
    world.write(named("m"), counting(0, 10));
    const auto wal = world.folder.path() / "wal";
    const auto copy = copy_of_a_moment(world.folder.path());
    world.store.reset();
    put_in_place(copy, world.folder.path());
    const auto begun = store::wal_segments(wal).back() + 1;
    std::ofstream(store::wal_segment_path(wal, begun)) << std::string(written, '\0');
    for (int starts = 0; starts < 3; ++starts) {
      world.crash();
      EXPECT_TRUE(world.store->statistics().damage.empty()) << written << " bytes";
      ASSERT_EQ(world.select({}).size(), 1U);
      EXPECT_EQ(world.select({})[0].samples.size(), 10U);
    }
  }
}

/// WELLRUN_CRASH_SEEDS: how many, for a long run.
INSTANTIATE_TEST_SUITE_P(Seeds, Crash, testing::Range(1U, [] {
                           const char* wanted = std::getenv("WELLRUN_CRASH_SEEDS");
                           return 1 + static_cast<std::uint32_t>(wanted ? std::atoi(wanted) : 12);
                         }()));

}  // namespace
}  // namespace wellrun::telemetry
