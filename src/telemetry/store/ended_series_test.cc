// Series come and go: what they took is given back while others read and write, and nobody meets
// the samples of one under the labels of another.

#include "telemetry/store/ended_series.h"

#include <atomic>
#include <optional>
#include <thread>

#include "telemetry/store/damage_test_support.h"
#include "telemetry/store/label_bytes.h"
#include "telemetry/store/series_index.h"

namespace wellrun::telemetry {
namespace {

namespace st = store;

TEST(ReadPins, AMomentWaitsForThoseBeforeIt) {
  st::ReadPins pins;
  EXPECT_TRUE(pins.all_ended_of(pins.moment()));
  std::optional<st::ReadPins::Pin> before(pins.pin());
  const auto moment = pins.moment();
  const auto after = pins.pin();
  EXPECT_FALSE(pins.all_ended_of(moment));
  std::optional<st::ReadPins::Pin> moved(std::move(*before));
  before.reset();
  EXPECT_FALSE(pins.all_ended_of(moment)) << "it is held by another now";
  moved.reset();
  EXPECT_TRUE(pins.all_ended_of(moment)) << "who came later does not count";
}

struct HeadOfSeries {
  st::ReadPins pins;
  st::Head head;
  st::ChunkKeeper kept{head, 1 << 20};
  st::EndedSeries ended{head, kept, pins};
  static constexpr std::uint32_t kMade = 130;

  HeadOfSeries() {
    for (std::uint32_t ref = 0; ref < kMade; ++ref)
      head.make(ref, st::label_bytes(series_labels(ref)));
  }
  static std::vector<std::uint32_t> refs(std::uint32_t first, std::uint32_t end) {
    std::vector<std::uint32_t> all;
    for (auto ref = first; ref < end; ++ref) all.push_back(ref);
    return all;
  }
};

TEST(EndedSeries, GiveBackTheirLabelsAtOnceAndABlockWithItsLast) {
  HeadOfSeries of;
  of.ended.add(HeadOfSeries::refs(0, 63));
  of.ended.advance(HeadOfSeries::kMade);
  EXPECT_EQ(of.ended.waiting(), 0U);
  EXPECT_FALSE(of.head.has(0));
  EXPECT_TRUE(of.head.has(63));
  EXPECT_EQ(of.head.blocks_held(), 3U);
  of.ended.add({63});
  of.ended.advance(HeadOfSeries::kMade);
  EXPECT_EQ(of.head.blocks_held(), 2U);
  EXPECT_EQ(of.head.block(0), nullptr);
  EXPECT_FALSE(of.head.has(63));
  of.ended.add(HeadOfSeries::refs(128, HeadOfSeries::kMade));
  of.ended.advance(HeadOfSeries::kMade);
  EXPECT_NE(of.head.block(2), nullptr) << "others will be made there";
}

TEST(EndedSeries, StayForWhoeverMayBeAtThem) {
  HeadOfSeries of;
  std::optional<st::ReadPins::Pin> reader(of.pins.pin());
  const auto labels = of.head.at(1).label_bytes();
  auto* const block = of.head.block(0);
  of.ended.add(HeadOfSeries::refs(0, 64));
  of.ended.advance(HeadOfSeries::kMade);
  EXPECT_TRUE(of.head.has(1)) << "the reader has the ref from the index";
  EXPECT_EQ(labels, st::label_bytes(series_labels(1)));
  std::optional<st::ReadPins::Pin> guesser(of.pins.pin());
  reader.reset();
  of.ended.advance(HeadOfSeries::kMade);
  EXPECT_EQ(of.head.block(0), nullptr) << "a later guess finds nothing";
  EXPECT_EQ(of.ended.waiting(), 64U) << "but one may have found it before";
  EXPECT_EQ(labels, st::label_bytes(series_labels(1)));
  EXPECT_TRUE(block->series[1].label_bytes().empty());
  guesser.reset();
  of.ended.advance(HeadOfSeries::kMade);
  EXPECT_EQ(of.ended.waiting(), 0U);
}

TEST(EndedSeries, WhatTheLogHasNotHeardOfWaits) {
  HeadOfSeries of;
  of.ended.add(HeadOfSeries::refs(60, 70));
  of.ended.advance(64);
  EXPECT_FALSE(of.head.has(63));
  EXPECT_TRUE(of.head.has(64));
  of.ended.advance(64);
  EXPECT_TRUE(of.head.has(69));
  of.ended.advance(70);
  EXPECT_FALSE(of.head.has(69));
  EXPECT_EQ(of.ended.waiting(), 0U);
}

TEST(SeriesIndex, EachOfTwoWithTheSameLabelsLeavesEveryList) {
  st::Head head;
  st::SeriesIndex index(head, 10);
  const auto labels = st::label_bytes(series_labels(0));
  for (std::uint32_t ref = 0; ref < 2; ++ref) {
    index.restore(ref, labels);
    head.at(ref).disk_first_ms = head.at(ref).disk_last_ms = 1;  // a crash left both
  }
  index.index_restored();
  for (std::uint32_t ref = 0; ref < 2; ++ref) {
    index.remove(ref);
    EXPECT_FALSE(index.match({})->contains(ref)) << "its memory is given back";
    EXPECT_FALSE(index.match({{Matcher::Kind::kEqual, "__name__", "m0"}})->contains(ref));
  }
  EXPECT_EQ(index.size(), 0U);
}

/// What a series is called says what its samples are.
Labels labels_of(std::size_t turn, std::size_t number) {
  return Labels{{"__name__", "come_and_go"},
                {"long", std::string(100, 'y') + std::to_string(turn)},
                {"number", std::to_string(number)},
                {"turn", std::to_string(turn)}};
}
double value_in(std::size_t turn, std::size_t number) {
  return static_cast<double>(turn * 100'000 + number);
}
double value_by(const Labels& labels) {
  const auto number = [&](std::string_view name) {
    return std::stoul(std::string(labels.get(name)));
  };
  return value_in(number("turn"), number("number"));
}

void write_turn(EmbeddedStore& store, std::size_t turn, std::size_t count) {
  std::vector<SeriesWrite> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    all[i].labels = labels_of(turn, i);
    for (std::int64_t k = 0; k < 3; ++k)
      all[i].samples.push_back({(static_cast<std::int64_t>(turn) + k) * kStep, value_in(turn, i)});
  }
  const auto outcome = store.write(std::move(all));
  ASSERT_TRUE(outcome) << to_string(outcome.error());
  ASSERT_EQ(outcome->rejected, 0U) << outcome->first_rejection;
}

std::vector<std::vector<Matcher>> of_turn(std::size_t turn) {
  return {{{Matcher::Kind::kEqual, "turn", std::to_string(turn)}}};
}

void delete_turn(EmbeddedStore& store, std::size_t turn) {
  const auto deleted = store.delete_samples(of_turn(turn), kAlways);
  ASSERT_TRUE(deleted) << to_string(deleted.error());
}

/// How many of the samples are not what their labels say.
std::size_t wrong_in(const EmbeddedStore& store, std::size_t& seen, TimeRange range = kAlways) {
  std::size_t wrong = 0;
  const auto found = store.select({{Matcher::Kind::kEqual, "__name__", "come_and_go"}}, range, {});
  EXPECT_TRUE(found) << to_string(found.error());
  if (!found) return 1;
  for (const auto& one : *found) {
    ++seen;
    for (const auto& sample : one.samples) wrong += sample.value == value_by(one.labels) ? 0 : 1;
  }
  return wrong;
}

/// Until what has ended was given back. Virtual time passes in no time: the thread that gives space
/// back may have the lock all the while, so each turn waits for it to let go.
void give_back_ended(EmbeddedStore& store, VirtualRuntime& runtime) {
  for (int second = 0; second < 120 && store.statistics().ended_series > 0; ++second) {
    EXPECT_TRUE(store.checkpoint());
    runtime.run_for(std::chrono::seconds(1));
  }
  EXPECT_EQ(store.statistics().ended_series, 0U) << "nobody is at them";
}

TEST(EndedSeries, ManyThatComeAndGoTakeNoMoreThanThoseThatAreThere) {
  constexpr std::size_t kTurns = 15, kCount = 500;
  Folder folder;
  VirtualRuntime runtime;
  auto store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
  ASSERT_TRUE(store);
  write(**store, 10, 0, 5);
  std::size_t most_held = 0, most_pairs = 0;
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    write_turn(**store, turn, kCount);
    if (turn > 0) delete_turn(**store, turn - 1);
    std::size_t seen = 0;
    EXPECT_EQ(wrong_in(**store, seen), 0U);
    EXPECT_EQ(seen, kCount);
    give_back_ended(**store, runtime);
    const auto now = (*store)->statistics();
    most_held = std::max(most_held, now.series_held);
    most_pairs = std::max(most_pairs, now.label_pairs_held);
  }
  EXPECT_EQ((*store)->statistics().series, kCount + 10);
  EXPECT_LE(most_held, 3 * kCount) << kTurns * kCount << " were made";
  EXPECT_LE(most_pairs, 3 * kCount);
  // A regex that was asked before values went, and one that comes back under its old name.
  const auto names =
      (*store)->label_values("turn", {{{Matcher::Kind::kRegex, "turn", "1."}}}, kAlways, {});
  EXPECT_EQ(names->size(), 1U);
  write_turn(**store, 7, kCount);
  const auto again =
      (*store)->label_values("turn", {{{Matcher::Kind::kRegex, "turn", "7|1."}}}, kAlways, {});
  EXPECT_EQ(again->size(), 2U);
  ASSERT_TRUE((*store)->stop());
  store->reset();
  store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
  ASSERT_TRUE(store);
  std::size_t seen = 0;
  EXPECT_EQ(wrong_in(**store, seen), 0U);
  EXPECT_EQ(seen, 2 * kCount);
  EXPECT_EQ((*store)->statistics().series, 2 * kCount + 10);
}

TEST(EndedSeries, ALongReadHoldsThemAndNothingElse) {
  constexpr std::size_t kCount = 200;
  Folder folder;
  VirtualRuntime runtime;
  auto store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
  ASSERT_TRUE(store);
  write_turn(**store, 0, kCount);
  auto scan =
      (*store)->scan({{Matcher::Kind::kEqual, "turn", "0"}}, kAlways, SamplesWanted::kAll, {});
  ASSERT_TRUE(scan);
  delete_turn(**store, 0);
  write_turn(**store, 1, kCount);
  EXPECT_EQ((*store)->statistics().ended_series, kCount);
  for (std::size_t i = 0; i < (*scan)->size(); ++i)
    EXPECT_EQ((*scan)->labels(i).get("turn"), "0") << "the labels are still there";
  scan->reset();
  give_back_ended(**store, runtime);
}

/// Readers, writers and a deleter at once; each sample says whose it is.
TEST(EndedSeries, NobodyMeetsTheSamplesOfAnother) {
  constexpr std::size_t kTurns = 12, kCount = 150;
  // Short: no read is shared among workers, which are not for threads here.
  constexpr TimeRange kRange{0, 100'000};
  Folder folder;
  VirtualRuntime runtime;
  auto store = EmbeddedStore::open(options_for(folder / "made"), runtime.runtime());
  ASSERT_TRUE(store);
  std::atomic<bool> done = false;
  std::atomic<std::size_t> wrong = 0, seen = 0;
  const auto read = [&] {
    while (!done) {
      std::size_t met = 0;
      wrong += wrong_in(**store, met, kRange);
      seen += met;
      const auto scan =
          (*store)->scan({{Matcher::Kind::kRegex, "turn", ".+"}}, kRange, SamplesWanted::kAll, {});
      if (!scan) continue;
      const auto visit = [&](std::size_t series, const SeriesSamples& view) {
        const auto expected = value_by((*scan)->labels(series));
        for (const auto& sample : view.floats) wrong += sample.value == expected ? 0 : 1;
        return true;
      };
      EXPECT_TRUE((*scan)->read(0, (*scan)->size(), visit));
      (void)(*scan)->groups({.without = false, .labels = {"turn"}});
    }
  };
  // Whatever else looks at series.
  const auto look = [&] {
    for (std::size_t turn = 0; !done; ++turn) {
      (void)(*store)->cardinality(3);
      (void)(*store)->cardinality_of({{Matcher::Kind::kNotEqual, "turn", "1"}}, 3);
      (void)(*store)->head_chunks();
      EXPECT_TRUE((*store)->retention_of({{Matcher::Kind::kRegex, "number", "1.*"}}));
      EXPECT_TRUE((*store)->label_names({}, kRange, {}));
      const auto found = (*store)->series(of_turn(turn % 4), kRange, {});
      for (const auto& labels : *found)
        wrong += labels.get("turn") == std::to_string(turn % 4) ? 0 : 1;
      (*store)->set_owners({.workloads = {{"shop", 1'000'000 + turn}}});  // all are counted anew
    }
  };
  // The same series again and again, so that guesses and look-ups meet ended ones.
  const auto write_again = [&](std::size_t of) {
    for (std::size_t turn = 0; !done; ++turn) write_turn(**store, of + turn % 3, kCount);
  };
  std::vector<std::thread> threads;
  threads.emplace_back(read);
  threads.emplace_back(read);
  threads.emplace_back(look);
  threads.emplace_back([&] { write_again(0); });
  threads.emplace_back([&] { write_again(1); });
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    delete_turn(**store, turn % 4);
    EXPECT_TRUE((*store)->prune());
    EXPECT_TRUE((*store)->checkpoint());
  }
  done = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(seen, 0U);
  for (std::size_t turn = 0; turn < 4; ++turn) delete_turn(**store, turn);
  give_back_ended(**store, runtime);
  const auto left = (*store)->statistics();
  EXPECT_EQ(left.series, 0U);
  EXPECT_LE(left.series_held, st::SeriesBlock::kSize);
  EXPECT_EQ(left.label_pairs_held, 0U);
}

}  // namespace
}  // namespace wellrun::telemetry
