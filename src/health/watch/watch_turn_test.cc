// Turns over a store in memory: what is read, shown, written and saved.

#include "health/watch/watch_turn.h"

#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "health/baseline/test_series.h"
#include "health/watch/watch_reading.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::health::watch {
namespace {

using namespace std::chrono_literals;
using baseline::testing::Noise;

/// Over a longer time there is too much.
struct Reader final : telemetry::promql::testing::MemoryReader {
  Duration longest = std::chrono::days(365);

  Result<std::vector<telemetry::SeriesData>> select(
      const std::vector<telemetry::Matcher>& matchers, telemetry::TimeRange range,
      const telemetry::ReadLimits& limits) const override {
    if (range.end_ms - range.start_ms > longest.count())
      return fail(ErrorCode::kTooLarge, "too many samples");
    return MemoryReader::select(matchers, range, limits);
  }
};

/// Telemetry as the store has it: written is readable, and the first value of a time stays.
class World final : public telemetry::MetricWriter {
 public:
  Result<telemetry::WriteOutcome> write(std::vector<telemetry::SeriesWrite> series) override {
    if (full) return fail(ErrorCode::kNoSpace, "the disk is full");
    telemetry::WriteOutcome outcome;
    for (auto& each : series) {
      telemetry::SeriesWrite kept{.labels = each.labels};
      for (const auto& sample : each.samples) {
        auto& known = values[each.labels];
        if (known.emplace(sample.time_ms, sample.value).second)
          kept.samples.push_back(sample);
        else
          ++outcome.rejected;
      }
      outcome.samples_written += kept.samples.size();
      reader.add(std::move(kept));
    }
    return outcome;
  }
  void put_metadata(std::vector<telemetry::Metadata>) override {}

  void sample(Labels labels, Timestamp time, double value) {
    telemetry::SeriesWrite write{.labels = std::move(labels)};
    write.samples.push_back({to_unix_ms(time), value});
    reader.add(std::move(write));
  }

  std::map<std::int64_t, double> written(const Labels& identity, const std::string& what) const {
    auto labels = identity;
    labels.set("__name__", "wellrun:baseline:" + what);
    const auto found = values.find(labels);
    return found == values.end() ? std::map<std::int64_t, double>{} : found->second;
  }

  Reader reader;
  std::map<Labels, std::map<std::int64_t, double>> values;
  bool full = false;
};

std::string temporary(const char* name) {
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("wellrun_watch_{}_{}", getpid(), name);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return (folder / "baselines.sqlite").string();
}

constexpr Duration kStep{60'000};

/// A daily wave with noise, one point a minute.
double wave(Timestamp time, Noise& noise) {
  const double day = to_unix_seconds(time) / 86400;
  return 100 + 30 * std::sin(2 * std::numbers::pi * day) + noise.normal();
}

struct WatchTurn : testing::Test {
  WatchTurn() {
    watch.key = "baseline/load";
    watch.workload = "shop";
    watch.promql = "load";
    watch.matchers = {
        {.kind = telemetry::Matcher::Kind::kEqual, .name = "__name__", .value = "load"}};
    watch.labels = {{"baseline", watch.key}, {"workload", "shop"}};
    watch.interval = kStep;
    watch.learn_from = 3 * 24h;
  }

  /// `value_at(time)` every minute in (from, to].
  template <typename ValueAt>
  void record(Timestamp from, Timestamp to, ValueAt value_at, const char* host = "a") {
    telemetry::SeriesWrite write{.labels = {{"__name__", "load"}, {"host", host}}};
    for (auto time = from + kStep; time <= to; time += kStep)
      write.samples.push_back({to_unix_ms(time), value_at(time)});
    world.reader.add(std::move(write));
  }
  void record_waves(Timestamp from, Timestamp to, const char* host = "a") {
    record(from, to, [&](Timestamp time) { return wave(time, noise); }, host);
  }

  TurnTools tools(WatchStore* store = nullptr) {
    return {.engine = engine, .writer = world, .store = store};
  }
  WatchState fresh() { return {.watch = watch}; }
  /// Until nothing more is to be read.
  int run(WatchState& state, Timestamp now, WatchStore* store = nullptr) {
    int turns = 1;
    while (take_turn(state, tools(store), {}, now)) ++turns;
    return turns;
  }
  Labels identity(const char* host = "a") {
    return identity_of(watch, {{"__name__", "load"}, {"host", host}});
  }
  static const WatchedSeries& only(const WatchState& state) { return state.series.begin()->second; }

  Timestamp start = from_unix_ms(1'767'225'600'000);
  World world;
  telemetry::promql::Engine engine{world.reader};
  Noise noise{7};
  Watch watch;
};

TEST_F(WatchTurn, LearnsFromStoredHistoryAndSpeaksAtOnce) {
  record_waves(start - 3 * 24h, start);
  auto state = fresh();
  EXPECT_GT(run(state, start), 2) << "others get their turns in between";
  ASSERT_EQ(state.series.size(), 1U);
  EXPECT_STREQ(only(state).phase(start), "watching");
  EXPECT_EQ(only(state).step(), kStep);
  EXPECT_EQ(state.read_to, start);
  const auto score = world.written(identity(), "score");
  EXPECT_EQ(score.size(), 24U * 60) << "of the history only the last day";
  for (const auto* what : {"value", "expected", "lower", "upper"})
    EXPECT_EQ(world.written(identity(), what).size(), score.size()) << what;
  const auto time = to_unix_ms(start);
  EXPECT_LT(world.written(identity(), "lower")[time], world.written(identity(), "expected")[time]);
  EXPECT_GT(world.written(identity(), "upper")[time], world.written(identity(), "expected")[time]);
}

TEST_F(WatchTurn, SaysLearningAndNoBandUntilItMaySpeak) {
  auto state = fresh();
  record_waves(start, start + 59min);
  run(state, start + 59min);
  EXPECT_STREQ(only(state).phase(start + 59min), "learning");
  EXPECT_EQ(world.written(identity(), "value").size(), 59U);
  EXPECT_TRUE(world.written(identity(), "score").empty());
  EXPECT_TRUE(world.written(identity(), "upper").empty());
  record_waves(start + 59min, start + 70min);
  run(state, start + 70min);
  EXPECT_STREQ(only(state).phase(start + 70min), "watching");
  EXPECT_FALSE(world.written(identity(), "score").empty());
}

TEST_F(WatchTurn, AnAnomalyHasABeginningAReasonAndAnEnd) {
  record_waves(start - 3 * 24h, start);
  record(start, start + 20min, [](Timestamp) { return 400.0; });
  record_waves(start + 20min, start + 24h);
  auto state = fresh();
  run(state, start + 20min);
  ASSERT_STREQ(only(state).phase(start + 20min), "anomalous");
  const auto open = only(state).anomalies().back();
  EXPECT_TRUE(open.open);
  EXPECT_GE(open.score, 0.5);
  EXPECT_EQ(open.from, start + kStep);
  EXPECT_NE(open.why.find("400 where"), std::string::npos) << open.why;
  run(state, start + 24h);
  EXPECT_STREQ(only(state).phase(start + 24h), "watching");
  const auto& all = only(state).anomalies();
  const auto ended = std::ranges::find(all, open.from, &Anomaly::from);
  ASSERT_NE(ended, all.end());
  EXPECT_FALSE(ended->open);
  EXPECT_LT(ended->to, start + 8h);
}

/// A share of requests when there are none any more is 0/0, a point of which nothing follows.
TEST_F(WatchTurn, AnAnomalyEndsWhenNoMoreNumbersComeAlsoOverARestart) {
  const auto path = temporary("no_number");
  record_waves(start - 3 * 24h, start);
  record(start, start + 20min, [](Timestamp) { return 400.0; });
  record(start + 20min, start + 40min, [](Timestamp) { return std::nan(""); });
  WatchStore store(path);
  auto state = fresh();
  run(state, start + 25min, &store);
  ASSERT_STREQ(only(state).phase(start + 25min), "anomalous") << "ten of its intervals may pass";
  save(state, tools(&store), start + 25min);
  auto restarted = fresh();
  load(restarted, tools(&store), start + 25min);
  EXPECT_EQ(only(restarted).last_value_time(), start + 20min);
  EXPECT_EQ(only(restarted).last_time(), start + 25min);
  for (auto* each : {&state, &restarted}) {
    run(*each, start + 31min);
    EXPECT_STREQ(only(*each).phase(start + 31min), "silent");
    EXPECT_FALSE(only(*each).anomalies().back().open);
    EXPECT_EQ(reading_of(*each, false, start + 31min).series.front().last_value_time,
              start + 20min);
  }
}

/// A service with 200 requests a minute by day and 5 by night, of which one in twenty-five is slow;
/// in the last hour of `to` nearly all are.
struct HistogramTurn : WatchTurn {
  HistogramTurn() {
    watch.promql = "latency_bucket";
    watch.matchers.front().value = "latency_bucket";
  }
  void record_latencies(Timestamp from, Timestamp to, bool is_slow) {
    std::map<std::string, telemetry::SeriesWrite> buckets;
    for (const auto* le : {"0.1", "0.5", "2", "+Inf"})
      buckets[le].labels = {{"__name__", "latency_bucket"}, {"le", le}, {"service", "checkout"}};
    for (auto time = from + kStep; time <= to; time += kStep) {
      const bool is_day = to_unix_ms(time) / 3'600'000 % 24 >= 8;
      for (int i = 0; i < (is_day ? 200 : 5); ++i) {
        const double chance = noise.uniform();
        ++total["+Inf"], ++total["2"];
        if (chance < (is_slow ? 0.3 : 0.96)) ++total["0.5"];
        if (chance < (is_slow ? 0.1 : 0.5)) ++total["0.1"];
      }
      for (auto& [le, bucket] : buckets) bucket.samples.push_back({to_unix_ms(time), total[le]});
    }
    for (auto& [le, bucket] : buckets) world.reader.add(std::move(bucket));
  }
  /// Too few for a point, ever.
  void record_few(Timestamp from, Timestamp to, const std::string& pod) {
    double count = 0;
    for (auto time = from + kStep; time <= to; time += kStep) {
      ++count;
      for (const auto* le : {"0.1", "+Inf"})
        world.sample({{"__name__", "latency_bucket"}, {"le", le}, {"pod", pod}}, time, count);
    }
  }
  std::map<std::string, double> total;
};

TEST_F(HistogramTurn, AHistogramIsOneSeriesThatKnowsHowManyObservationsItHas) {
  record_latencies(start - 3 * 24h, start, false);
  auto state = fresh();
  run(state, start);
  ASSERT_EQ(state.series.size(), 1U) << "not one for each bucket";
  const auto& series = only(state);
  EXPECT_STREQ(series.nature(), "distribution");
  EXPECT_EQ(series.identity().get("quantile"), "0.95");
  EXPECT_EQ(series.identity().get("metric"), "latency");
  EXPECT_FALSE(series.identity().has("le"));
  // 16 hours of a point a minute, and 8 of one in about twenty.
  EXPECT_NEAR(static_cast<double>(series.points()), 3 * (16 * 60 + 8 * 3), 20);
  EXPECT_LE(series.anomalies().size(), 2U) << "nights with few requests are no anomalies";
  record_latencies(start, start + 9h, false);
  record_latencies(start + 9h, start + 10h, true);
  run(state, start + 10h);
  EXPECT_STREQ(series.phase(start + 10h), "anomalous");
  EXPECT_STREQ(reading_of(state, false, start + 10h).series.front().nature.c_str(), "distribution");
}

TEST_F(HistogramTurn, AfterARestartItGathersAsIfNothingHadHappened) {
  const auto path = temporary("distribution");
  record_latencies(start - 2 * 24h, start + 3h,
                   false);  // to three o'clock: a point in twenty minutes
  auto store = std::make_unique<WatchStore>(path);
  auto state = fresh();
  run(state, start + 2h + 10min, store.get());
  save(state, tools(store.get()), start + 2h + 10min);
  store.reset();
  auto again = fresh();
  store = std::make_unique<WatchStore>(path);
  run(again, start + 3h, store.get());
  auto undisturbed = fresh();
  run(undisturbed, start + 3h);
  EXPECT_EQ(only(again).points(), only(undisturbed).points());
  EXPECT_EQ(only(again).last_time(), only(undisturbed).last_time());
  EXPECT_EQ(only(again).latest()->value, only(undisturbed).latest()->value);
  EXPECT_STREQ(only(again).nature(), "distribution");
}

TEST_F(HistogramTurn, AClockThatWasAheadForATurnMakesNothingBlind) {
  record_latencies(start - 3 * 24h, start, false);
  auto state = fresh();
  run(state, start);
  const auto learned = only(state).points();
  const auto before = total;
  record_latencies(start + 3min - kStep, start + 3min, false);  // by the clock that is ahead
  take_turn(state, tools(), {}, start + 3min);
  total = before;
  run(state, start - 5s);
  ASSERT_EQ(state.series.size(), 1U);
  EXPECT_NEAR(static_cast<double>(only(state).points()), static_cast<double>(learned), 2)
      << "all that is stored is learned anew";
  EXPECT_STREQ(only(state).phase(start), "watching");
}

/// Pods come and go, and most see little traffic.
TEST_F(HistogramTurn, AHistogramThatIsGoneLeavesItsRoomThoughItNeverMadeAPoint) {
  watch.most_series = 3;
  for (const auto* pod : {"a", "b", "c"}) record_few(start - 3 * 24h, start - 2 * 24h, pod);
  record_latencies(start - 24h, start, false);
  auto state = fresh();
  run(state, start);
  EXPECT_EQ(state.series.size(), 1U);
  EXPECT_EQ(state.refused, 0U);
  EXPECT_EQ(state.gathering.size(), 1U) << "the three are forgotten";
}

/// What is saved a minute before the process dies, and the points since then from the store again.
TEST_F(WatchTurn, AfterAKillItGoesOnAsIfNothingHadHappened) {
  const auto path = temporary("kill");
  record_waves(start - 3 * 24h, start + 6h);
  auto store = std::make_unique<WatchStore>(path);
  auto undisturbed = fresh();
  auto state = fresh();
  run(state, start, store.get());
  save(state, tools(store.get()), start);
  run(state, start + 30s, store.get());  // points after the save, which are forgotten
  store.reset();

  auto again = fresh();
  store = std::make_unique<WatchStore>(path);
  EXPECT_LE(run(again, start + 6h, store.get()), 2) << "only the gap is read";
  EXPECT_EQ(only(again).points(), 3 * 24 * 60 + 6 * 60);
  run(undisturbed, start);
  run(undisturbed, start + 6h);
  EXPECT_EQ(only(undisturbed).points(), only(again).points());
  const auto as = only(again).model().expect(start + 7h);
  const auto is = only(undisturbed).model().expect(start + 7h);
  EXPECT_NEAR(as.expected, is.expected, 0.5);
  EXPECT_NEAR(as.upper, is.upper, 1);
  const auto score = world.written(identity(), "score");
  for (auto time = start - 23h; time <= start + 6h; time += kStep)
    ASSERT_TRUE(score.contains(to_unix_ms(time))) << "no point is missing";
}

TEST_F(WatchTurn, AStateTakesLessThanTwoKibibytes) {
  const auto path = temporary("size");
  watch.learn_from = 28 * 24h;
  record_waves(start - 28 * 24h, start);
  record(start, start + 20min, [](Timestamp) { return 400.0; });
  auto state = fresh();
  run(state, start + 20min);
  const auto model = only(state).save_model().size();
  const auto notes = to_text(only(state).save_notes()).size();
  RecordProperty("model_bytes", static_cast<int>(model));
  RecordProperty("notes_bytes", static_cast<int>(notes));
  EXPECT_LE(model + notes, 2048U) << model << " + " << notes;
  const Json anomalies = only(state).anomalies();
  EXPECT_FALSE(anomalies.empty());
  EXPECT_LE(to_text(anomalies).size(), 300 * anomalies.size()) << "their texts come on top";
}

TEST_F(WatchTurn, ADamagedStateIsLearnedAnewFromHistory) {
  const auto path = temporary("damage");
  record_waves(start - 3 * 24h, start);
  auto store = std::make_unique<WatchStore>(path);
  auto state = fresh();
  run(state, start, store.get());
  auto series = only(state);
  auto model = series.save_model();
  model[model.size() / 2] = static_cast<char>(model[model.size() / 2] ^ 1);
  ASSERT_TRUE(store->save({watch.key, watch.definition(), start},
                          {{series.identity(), model, series.save_notes(), {}}}, {}));
  auto again = fresh();
  run(again, start, store.get());
  EXPECT_EQ(only(again).points(), 3 * 24 * 60);
  EXPECT_STREQ(only(again).phase(start), "watching");
}

TEST_F(WatchTurn, ADamagedStateOfWhatIsGoneIsReadAnewOnce) {
  const auto path = temporary("damaged_and_gone");
  record_waves(start - 3 * 24h, start);
  WatchStore store(path);
  auto state = fresh();
  run(state, start, &store);
  save(state, tools(&store), start);
  ASSERT_TRUE(store.save({watch.key, watch.definition(), start},
                         {{identity("gone"), "damaged", only(state).save_notes(), {}}}, {}));
  auto anew = fresh();
  run(anew, start, &store);
  save(anew, tools(&store), start);
  auto again = fresh();
  load(again, tools(&store), start);
  EXPECT_EQ(again.read_to, start) << "all can be read by now";
  EXPECT_EQ(only(again).points(), 3 * 24 * 60);
}

std::shared_ptr<const baseline::Calendar> calendar(std::string zone,
                                                   std::vector<catalog::Holiday> holidays = {}) {
  catalog::Calendar declared;
  declared.time_zone = std::move(zone);
  declared.holidays = std::move(holidays);
  return std::make_shared<const baseline::Calendar>(*baseline::Calendar::of(declared));
}

/// An hour of the day by another clock is another hour.
TEST_F(WatchTurn, InAnotherTimeZoneItIsLearnedAnewAndWithOtherHolidaysItGoesOn) {
  const auto path = temporary("zone");
  record_waves(start - 3 * 24h, start + 1h);
  auto store = std::make_unique<WatchStore>(path);
  watch.calendar = calendar("Europe/Berlin");
  auto state = fresh();
  run(state, start, store.get());
  save(state, tools(store.get()), start);

  watch.calendar = calendar("Europe/Berlin", {{"Christmas Day", "12-25"}});
  auto known = fresh();
  load(known, tools(store.get()), start);
  EXPECT_EQ(known.read_to, start);
  EXPECT_EQ(only(known).points(), 3 * 24 * 60);

  watch.calendar = calendar("America/New_York");
  auto moved = fresh();
  load(moved, tools(store.get()), start);
  EXPECT_EQ(moved.read_to, start - watch.learn_from);
  EXPECT_TRUE(moved.series.empty());
}

TEST_F(WatchTurn, AnAnomalyOnAHolidayNamesTheDay) {
  const auto day = format_rfc3339(start).substr(0, 10);
  watch.calendar = calendar("UTC", {{"Founders' Day", day}});
  record_waves(start - 3 * 24h, start);
  record(start, start + 20min, [](Timestamp) { return 400.0; });
  auto state = fresh();
  run(state, start + 20min);
  ASSERT_FALSE(only(state).anomalies().empty());
  EXPECT_TRUE(only(state).anomalies().back().why.ends_with("; Founders' Day"))
      << only(state).anomalies().back().why;
}

TEST_F(WatchTurn, AFileThatIsNotOursIsSetAside) {
  const auto path = temporary("garbage");
  std::ofstream(path) << std::string(8192, 'x');
  WatchStore store(path);
  const auto watches = store.watches();
  ASSERT_TRUE(watches) << to_string(watches.error());
  EXPECT_TRUE(watches->empty());
  EXPECT_TRUE(std::filesystem::exists(path + ".damaged"));
}

TEST_F(WatchTurn, AnotherExpressionUnderTheSameNameIsLearnedAnew) {
  const auto path = temporary("definition");
  auto store = std::make_unique<WatchStore>(path);
  record_waves(start - 24h, start);
  watch.matchers.clear();
  watch.promql = "sum(load)";
  watch.learn_from = 24h;
  auto state = fresh();
  run(state, start, store.get());
  save(state, tools(store.get()), start);
  EXPECT_NEAR(only(state).latest()->value, 100, 35);
  watch.promql = "1000 * sum(load)";
  auto changed = fresh();
  run(changed, start, store.get());
  EXPECT_GT(only(changed).latest()->value, 10'000);
  EXPECT_STREQ(only(changed).phase(start), "watching") << "its history is read, too";
}

TEST_F(WatchTurn, WhatOnlyAnEarlierQuerySelectedTakesNoRoom) {
  for (const bool restarted : {false, true}) {
    const auto path = temporary(restarted ? "query_restarted" : "query");
    WatchStore store(path);
    watch.most_series = 2;
    watch.matchers.resize(1);
    watch.promql = "load";
    for (const auto* host : {"a", "b"}) record_waves(start - 3 * 24h, start, host);
    auto state = fresh();
    run(state, start, &store);
    save(state, tools(&store), start);
    for (const auto* host : {"c"}) record_waves(start - 3 * 24h, start, host);
    watch.promql = "load{host=~\"b|c\"}";
    watch.matchers.push_back(
        {.kind = telemetry::Matcher::Kind::kRegex, .name = "host", .value = "b|c"});
    auto changed = fresh();
    EXPECT_TRUE(take_turn(changed, tools(&store), {}, start));
    if (restarted) {  // before all of the history was read
      save(changed, tools(&store), start);
      changed = fresh();
    }
    run(changed, start, &store);
    EXPECT_EQ(changed.refused, 0U);
    ASSERT_EQ(changed.series.size(), 2U);
    for (const auto* host : {"b", "c"})
      EXPECT_EQ(changed.series.at(id_of(identity(host))).points(), 3 * 24 * 60)
          << host << " has all of its history, and that once";
    save(changed, tools(&store), start);
    EXPECT_EQ(store.series(watch.key)->size(), 2U);
  }
}

TEST_F(WatchTurn, InAnotherWorkloadItIsLearnedAnew) {
  const auto path = temporary("workload");
  auto store = std::make_unique<WatchStore>(path);
  record_waves(start - 24h, start);
  auto state = fresh();
  run(state, start, store.get());
  save(state, tools(store.get()), start);
  watch.workload = "depot";
  watch.labels.set("workload", "depot");
  auto moved = fresh();
  run(moved, start, store.get());
  ASSERT_EQ(moved.series.size(), 1U) << "nothing is left under the old name";
  EXPECT_EQ(only(moved).identity().get("workload"), "depot");
  EXPECT_STREQ(only(moved).phase(start), "watching") << "its history is read again";
}

TEST_F(WatchTurn, LearnsFromAsFarBackAsItIsTold) {
  watch.learn_from = 80 * 24h;
  record_waves(start - 80 * 24h, start - 70 * 24h);
  record_waves(start - 45 * 24h, start);
  auto state = fresh();
  run(state, start);
  EXPECT_EQ(only(state).points(), (10 + 45) * 24 * 60) << "weeks ago is not old while it is read";
}

TEST_F(WatchTurn, WhatIsTooMuchAtOnceIsReadInParts) {
  watch.matchers.clear();
  watch.promql = "load";
  watch.learn_from = 24h;
  record_waves(start - 24h, start);
  const telemetry::promql::Engine narrow{world.reader, {.max_samples = 500}};
  auto state = fresh();
  const TurnTools few{.engine = narrow, .writer = world};
  int turns = 1;
  while (take_turn(state, few, {}, start)) ++turns;
  EXPECT_EQ(state.error, "");
  EXPECT_EQ(state.read_to, start - std::min(watch.interval, Duration{10'000}) - Duration{50'000});
  EXPECT_LT(turns, 40);
}

/// A selector of very many series, of which none is known yet.
TEST_F(WatchTurn, WhatIsTooMuchOfASelectorIsReadInParts) {
  watch.learn_from = 24h;
  record_waves(start - 24h, start);
  world.reader.longest = 1h;
  auto state = fresh();
  int turns = 1;
  while (take_turn(state, tools(), {}, start)) ++turns;
  EXPECT_EQ(state.error, "");
  EXPECT_EQ(state.read_to, start);
  EXPECT_EQ(state.series.size(), 1U);
  EXPECT_LT(turns, 100);
  world.reader.longest = 5min;  // even the shortest is too much
  auto hopeless = fresh();
  turns = 1;
  while (take_turn(hopeless, tools(), {}, start)) ++turns;
  EXPECT_NE(hopeless.error, "");
  EXPECT_LT(turns, 20) << "it waits for its next turn";
}

TEST_F(WatchTurn, IsBoundedInSeriesAndSaysSo) {
  watch.most_series = 3;
  for (const auto* host : {"a", "b", "c", "d", "e"}) record_waves(start - 1h, start, host);
  auto state = fresh();
  run(state, start);
  EXPECT_EQ(state.series.size(), 3U);
  EXPECT_EQ(state.refused, 2U);
  auto narrow = fresh();
  while (take_turn(narrow, tools(), {.most_series = 1}, start)) {
  }
  EXPECT_EQ(narrow.series.size(), 1U) << "also by what all watches may have together";
}

TEST_F(WatchTurn, LateSamplesAreTakenForTwoMinutes) {
  auto state = fresh();
  record_waves(start - 2h, start);
  run(state, start + 1min);
  const auto points = only(state).points();
  record_waves(start, start + 1min);  // arrives after its time was read
  run(state, start + 2min);
  EXPECT_EQ(only(state).points(), points + 1);
}

TEST_F(WatchTurn, AClockThatWasAheadForATurnMakesNothingBlind) {
  const auto path = temporary("ahead");
  for (const bool restarted : {false, true}) {
    record_waves(start - 3 * 24h, start);
    WatchStore store(path);
    auto state = fresh();
    run(state, start, &store);
    take_turn(state, tools(&store), {}, start + 24h);
    save(state, tools(&store), start + 24h);
    if (restarted) state = fresh();
    record_waves(start, start + 20min);
    run(state, start + 20min, &store);
    ASSERT_EQ(state.series.size(), 1U);
    EXPECT_STREQ(only(state).phase(start + 20min), "watching");
    EXPECT_EQ(only(state).last_time(), start + 20min);
    EXPECT_EQ(state.read_to, start + 20min);
  }
}

TEST_F(WatchTurn, AfterAClockThatWasAheadItIsSavedAgain) {
  record_waves(start - 3 * 24h, start + 20min);
  WatchStore store(temporary("ahead_saved"));
  auto state = fresh();
  run(state, start, &store);
  take_turn(state, tools(&store), {}, start + 24h);
  run(state, start + 10min, &store);
  run(state, start + 12min, &store);
  const auto saved = store.watches();
  ASSERT_TRUE(saved);
  ASSERT_EQ(saved->size(), 1U);
  EXPECT_EQ(saved->front().read_to, start + 12min);
  EXPECT_EQ(store.series(watch.key)->size(), 1U);
}

TEST_F(WatchTurn, ACounterIsWatchedByItsRate) {
  double count = 0;
  record(start - 24h, start, [&](Timestamp) { return count += 60 * 5; });
  auto state = fresh();
  run(state, start);
  EXPECT_STREQ(baseline::name_of(only(state).model().nature()), "counter");
  EXPECT_NEAR(only(state).latest()->value, 5, 1e-6);
}

TEST_F(WatchTurn, WhatIsNoNumberTeachesNothingAndOldSeriesAreForgotten) {
  record(start - 2h, start, [](Timestamp) { return std::nan(""); });
  world.sample({{"__name__", "load"}, {"host", "b"}}, start, telemetry::stale_marker());
  auto state = fresh();
  run(state, start);
  EXPECT_TRUE(world.values.empty());
  EXPECT_STREQ(only(state).phase(start), "learning");
  EXPECT_STREQ(only(state).phase(start + 1h), "silent");
  run(state, start + 31 * 24h);
  EXPECT_TRUE(state.series.empty());
}

TEST_F(WatchTurn, AFullDiskIsSaidAndTheSeriesGoOn) {
  record_waves(start - 2h, start);
  world.full = true;
  auto state = fresh();
  run(state, start);
  EXPECT_NE(state.error.find("the disk is full"), std::string::npos);
  world.full = false;
  record_waves(start, start + 1min);
  run(state, start + 1min);
  EXPECT_EQ(state.error, "");
  EXPECT_EQ(world.written(identity(), "score").size(), 1U);
}

TEST_F(WatchTurn, AQueryThatCannotBeAnsweredIsAskedAgain) {
  watch.matchers.clear();
  watch.promql = "load * on() load";  // many-to-many once there are two hosts
  watch.learn_from = 1h;
  record_waves(start - 1h, start, "a");
  record_waves(start - 1h, start, "b");
  auto state = fresh();
  EXPECT_FALSE(take_turn(state, tools(), {}, start));
  EXPECT_NE(state.error, "");
  EXPECT_EQ(state.read_to, start - 1h) << "the points are still to be read";
}

}  // namespace
}  // namespace wellrun::health::watch
