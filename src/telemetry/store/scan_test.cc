#include <atomic>
#include <bit>
#include <fmt/format.h>
#include <future>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>
#include <unistd.h>

#include "platform/runtime/system_runtime.h"
#include "platform/runtime/virtual_runtime.h"
#include "telemetry/store/embedded_store.h"
#include "telemetry/store/group_cache.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry {
namespace {

constexpr TimeRange kAlways{INT64_MIN / 2, INT64_MAX / 2};

template <typename System>
struct WorldOf {
  System runtime{{}};
  std::filesystem::path folder;
  std::unique_ptr<EmbeddedStore> store;

  WorldOf() {
    std::string name = (std::filesystem::temp_directory_path() / "wellrun-scan-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    EmbeddedStoreOptions options;
    options.dir = folder;
    options.min_free_bytes = 0;
    options.out_of_order_window = std::chrono::years(100);
    options.retention = std::chrono::years(100);
    auto opened = EmbeddedStore::open(options, runtime.runtime());
    if (opened) store = std::move(*opened);
  }
  ~WorldOf() {
    store.reset();
    std::filesystem::remove_all(folder);
  }
};
using World = WorldOf<VirtualRuntime>;

Labels series_named(std::size_t i) {
  return Labels{{"__name__", i % 3 == 0 ? "a_total" : "b"},
                {"job", fmt::format("job{}", i % 5)},
                {"pod", fmt::format("pod{}", i)}};
}

/// Some in memory, some in the database, some in both; a few histograms; some out of order.
void fill(EmbeddedStore& store, std::mt19937_64& random) {
  for (int round = 0; round < 3; ++round) {
    std::vector<SeriesWrite> writes;
    for (std::size_t i = 0; i < 150; ++i) {
      if (random() % 3 == 0) continue;
      SeriesWrite write;
      write.labels = series_named(i);
      for (std::int64_t k = 0; k < 20; ++k) {
        const auto time = round * 300'000 + k * 15'000 + static_cast<std::int64_t>(random() % 3);
        if (i % 17 == 0 && k % 2 == 0) {
          Histogram histogram;
          histogram.count = static_cast<double>(k);
          write.histograms.push_back({time, std::make_shared<const Histogram>(histogram)});
        } else {
          write.samples.push_back({time, static_cast<double>(random() % 1000)});
        }
      }
      if (random() % 4 == 0) std::ranges::reverse(write.samples);
      writes.push_back(std::move(write));
    }
    ASSERT_TRUE(store.write(std::move(writes)));
    if (round < 2) ASSERT_TRUE(store.checkpoint());
  }
}

bool same(std::span<const Sample> a, std::span<const Sample> b) {
  return std::ranges::equal(a, b, [](const Sample& x, const Sample& y) {
    return x.time_ms == y.time_ms &&
           std::bit_cast<std::uint64_t>(x.value) == std::bit_cast<std::uint64_t>(y.value);
  });
}

TEST(StoreScan, ShowsWhatSelectReturns) {
  World world;
  ASSERT_TRUE(world.store);
  std::mt19937_64 random(11);
  fill(*world.store, random);
  const std::vector<std::vector<Matcher>> asked = {
      {},
      {{Matcher::Kind::kEqual, "__name__", "b"}},
      {{Matcher::Kind::kRegex, "pod", "pod1.*"}, {Matcher::Kind::kNotEqual, "job", "job2"}},
      {{Matcher::Kind::kEqual, "pod", "none"}}};
  for (const auto& matchers : asked)
    for (const TimeRange range :
         {kAlways, TimeRange{100'000, 200'000}, TimeRange{310'000, 700'000}}) {
      const auto selected = world.store->select(matchers, range, {});
      const auto scan = world.store->scan(matchers, range, SamplesWanted::kAll, {});
      ASSERT_TRUE(selected && scan);
      std::map<Labels, SeriesData> shown;
      const auto middle = (*scan)->size() / 2;
      for (const auto& [first, last] :
           {std::pair{std::size_t{0}, middle}, {middle, (*scan)->size()}})
        ASSERT_TRUE((*scan)->read(first, last, [&](std::size_t i, const SeriesSamples& samples) {
          auto& one = shown[(*scan)->labels(i)];
          one.samples.assign(samples.floats.begin(), samples.floats.end());
          one.histograms.assign(samples.histograms.begin(), samples.histograms.end());
          return true;
        }));
      ASSERT_EQ(shown.size(), selected->size());
      for (const auto& one : *selected) {
        ASSERT_TRUE(same(shown[one.labels].samples, one.samples)) << to_string(one.labels);
        ASSERT_EQ(shown[one.labels].histograms.size(), one.histograms.size());
      }
    }
}

TEST(StoreScan, TheLatestSampleIsTheLastOfAll) {
  World world;
  ASSERT_TRUE(world.store);
  std::mt19937_64 random(12);
  fill(*world.store, random);
  for (const TimeRange range : {kAlways, TimeRange{100'000, 250'000}, TimeRange{0, 650'000}}) {
    const auto selected = world.store->select({}, range, {});
    const auto scan = world.store->scan({}, range, SamplesWanted::kLatest, {});
    ASSERT_TRUE(selected && scan);
    std::map<Labels, std::int64_t> latest;
    ASSERT_TRUE((*scan)->read(0, (*scan)->size(), [&](std::size_t i, const SeriesSamples& samples) {
      auto& time = latest[(*scan)->labels(i)] = INT64_MIN;
      if (!samples.floats.empty()) time = samples.floats.back().time_ms;
      if (!samples.histograms.empty()) time = std::max(time, samples.histograms.back().time_ms);
      return true;
    }));
    ASSERT_EQ(latest.size(), selected->size());
    for (const auto& one : *selected) {
      std::int64_t wanted = INT64_MIN;
      if (!one.samples.empty()) wanted = one.samples.back().time_ms;
      if (!one.histograms.empty()) wanted = std::max(wanted, one.histograms.back().time_ms);
      ASSERT_EQ(latest[one.labels], wanted);
    }
  }
}

TEST(StoreScan, GroupsSeriesAsTheirLabelsSay) {
  World world;
  ASSERT_TRUE(world.store);
  std::mt19937_64 random(13);
  fill(*world.store, random);
  const std::vector<GroupBy> groupings = {
      {false, {}}, {false, {"job"}}, {false, {"pod", "__name__"}}, {true, {"pod"}}, {true, {}}};
  for (int again = 0; again < 2; ++again)
    for (const auto& by : groupings) {
      const auto scan = world.store->scan({{Matcher::Kind::kNotEqual, "job", "job3"}}, kAlways,
                                          SamplesWanted::kAll, {});
      ASSERT_TRUE(scan);
      const auto groups = (*scan)->groups(by);
      ASSERT_EQ(groups.group_of.size(), (*scan)->size());
      for (std::size_t i = 0; i < (*scan)->size(); ++i)
        ASSERT_EQ(groups.labels[groups.group_of[i]], group_labels((*scan)->labels(i), by));
      const std::set<Labels> different(groups.labels.begin(), groups.labels.end());
      ASSERT_EQ(different.size(), groups.labels.size());
    }
}

TEST(Select, SharedAmongWorkersGivesWhatEachSeriesHas) {
  WorldOf<SystemRuntime> world;
  std::mt19937_64 random(7);
  fill(*world.store, random);
  std::vector<SeriesData> expected;
  for (std::size_t i = 0; i < 150; ++i) {
    const std::vector<Matcher> one = {{Matcher::Kind::kEqual, "pod", fmt::format("pod{}", i)}};
    auto found = world.store->select(one, kAlways, {});
    ASSERT_TRUE(found);
    std::ranges::move(*found, std::back_inserter(expected));
  }
  std::ranges::sort(expected, {}, &SeriesData::labels);
  constexpr int kReads = 40;
  std::atomic<int> equal = 0, done = 0;
  const auto last = std::make_shared<std::promise<void>>();
  for (int i = 0; i < kReads; ++i)
    world.runtime.runtime().workers.run([&, last] {
      const auto all = world.store->select({{Matcher::Kind::kRegex, "pod", ".+"}}, kAlways, {});
      const auto same_series = [](const SeriesData& a, const SeriesData& b) {
        return a.labels == b.labels && same(a.samples, b.samples) &&
               a.histograms.size() == b.histograms.size();
      };
      if (all && std::ranges::equal(*all, expected, same_series)) ++equal;
      if (++done == kReads) last->set_value();
    });
  // Meanwhile samples move, and chunks that were kept are let go of.
  const auto finished = last->get_future().share();
  while (finished.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready)
    ASSERT_TRUE(world.store->checkpoint());
  EXPECT_EQ(equal, kReads);
  ReadLimits few;
  few.max_samples = 100;
  const auto refused = world.store->select({{Matcher::Kind::kRegex, "pod", ".+"}}, kAlways, few);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
}

TEST(StoreScan, LimitsAndCancellingEndARead) {
  World world;
  ASSERT_TRUE(world.store);
  std::mt19937_64 random(14);
  fill(*world.store, random);
  const auto code = [&](const ReadLimits& limits) {
    const auto scan = world.store->scan({}, kAlways, SamplesWanted::kAll, limits);
    const auto read =
        (*scan)->read(0, (*scan)->size(), [](std::size_t, const SeriesSamples&) { return true; });
    return read ? ErrorCode::kInternal : read.error().code;
  };
  EXPECT_EQ(code({.max_samples = 100}), ErrorCode::kTooLarge);
  EXPECT_EQ(code({.max_series = 10}), ErrorCode::kTooLarge);
  EXPECT_EQ(code({.cancelled = [] { return true; }}), ErrorCode::kCancelled);
}

TEST(GroupCache, ForgetsWhatWasNotUsedLongest) {
  store::Head head;
  std::vector<std::uint32_t> refs;
  for (std::uint32_t ref = 0; ref < 5000; ++ref) {
    head.make(ref, store::label_bytes(series_named(ref)));
    refs.push_back(ref);
  }
  const store::GroupCache cache(100'000);
  for (const char* label : {"job", "pod", "__name__", "job"}) {
    const auto groups = cache.of(head, {false, {label}}, refs);
    for (std::uint32_t ref = 0; ref < 5000; ref += 71)
      ASSERT_EQ(groups.labels[groups.group_of[ref]].get(label), series_named(ref).get(label));
    ASSERT_LE(cache.size_bytes(), 100'000U);
  }
}

}  // namespace
}  // namespace wellrun::telemetry
