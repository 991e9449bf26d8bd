#include "health/effectiveness/backtests.h"

#include <gtest/gtest.h>

#include "catalog/kinds/slo.h"
#include "platform/runtime/virtual_runtime.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::health::effectiveness {
namespace {

using namespace std::chrono_literals;

TEST(Proposals, ABackTestSupportsOrSpeaksAgainst) {
  const auto summary = [](int firings, int without, int told, int incidents) {
    return Json{{"firings", firings},
                {"firings_without_incident", without},
                {"incidents_told", told},
                {"incidents", incidents}};
  };
  struct Case {
    const char* what;
    Tried tried;
    Json supports;
  };
  for (const auto& [what, tried, supports] : {
           Case{"raise", {summary(2, 1, 1, 1), {summary(12, 11, 1, 1)}}, true},
           Case{"raise", {summary(1, 1, 0, 1), {summary(12, 11, 1, 1)}}, false},
           Case{"raise", {summary(0, 0, 0, 1), {summary(0, 0, 0, 1)}}, nullptr},
           Case{"lower", {summary(4, 1, 2, 2), {summary(2, 0, 1, 2)}}, true},
           Case{"lower", {summary(9, 7, 2, 2), {summary(2, 0, 1, 2)}}, false},
           Case{"lower", {summary(4, 1, 1, 2), {summary(2, 0, 1, 2)}}, false},
           Case{"lower", {summary(4, 4, 0, 0), {summary(2, 2, 0, 0)}}, nullptr},
           Case{"delete", {{}, {summary(9, 9, 0, 2)}}, true},
           Case{"delete", {{}, {summary(9, 8, 1, 2)}}, false},
           Case{"delete", {{}, {summary(0, 0, 0, 0)}}, nullptr},
           Case{"merge", {summary(4, 0, 2, 2), {summary(4, 0, 2, 2), summary(3, 0, 2, 2)}}, true},
           Case{"merge", {summary(7, 0, 2, 2), {summary(4, 0, 2, 2), summary(3, 0, 2, 2)}}, false},
           Case{"add", {summary(2, 0, 2, 2), {}}, true},
           Case{"add", {summary(20, 18, 2, 2), {}}, false},
           Case{"add", {summary(0, 0, 0, 0), {}}, nullptr},
       }) {
    const auto found = support_by({.what = what, .support = {{"fired", 9}}}, tried);
    EXPECT_EQ(found["supports"], supports) << what << ": " << found["text"];
  }
  EXPECT_EQ(support_by({.what = "raise"}, {summary(2, 1, 1, 1), {summary(12, 11, 1, 1)}})["text"],
            "as it is: fires 12 times, 11 of them without an incident, and tells of 1 of 1 "
            "incidents; as proposed: fires 2 times, 1 of them without an incident, and tells of 1 "
            "of 1 incidents");
}

/// Each query takes as long as `takes` by the clocks.
struct SlowReader : telemetry::promql::testing::MemoryReader {
  explicit SlowReader(VirtualRuntime& time) : time(time) {}
  Result<std::vector<telemetry::SeriesData>> select(
      const std::vector<telemetry::Matcher>& matchers, telemetry::TimeRange range,
      const telemetry::ReadLimits& limits) const override {
    time.run_for(takes);
    return MemoryReader::select(matchers, range, limits);
  }
  VirtualRuntime& time;
  Duration takes{0};
};

/// Thirty days of a queue, measured for the last twenty: a spike of three minutes each day, and one
/// of forty on the fifteenth and the twenty-sixth day, which somebody acted on.
struct BacktestsTest : testing::Test {
  VirtualRuntime time;
  SlowReader reader{time};
  telemetry::promql::Engine engine{reader};
  Timestamp from = time.now(), now = from + 30 * 24h;
  History history;

  BacktestsTest() {
    telemetry::SeriesWrite write;
    write.labels = Labels{{"__name__", "queue"}};
    for (Duration at = 10 * 24h; at < 30 * 24h; at += 1min) {
      const auto day = at / 24h;
      const auto length = day == 15 || day == 26 ? 40min : 3min;
      write.samples.push_back({to_unix_ms(from + at), at % 24h < length ? 150.0 : 40.0});
    }
    reader.add(write);
    for (int day = 0; day < 30; ++day) opened(day, day == 2 || day == 15 || day == 26);
  }

  void opened(int day, bool acted_on) {
    auto& incident = history.incidents.emplace_back();
    incident.id = "day-" + std::to_string(day);
    incident.workload = "shop";
    incident.opened_at = from + day * 24h + 1min;
    incident.resolved_at = incident.opened_at + 45min;
    incident.acted_on = acted_on;
  }

  Json of(const Proposal& proposal) {
    return Backtests(engine, time.runtime().clock, history, from, now, {}).of(proposal);
  }

  static Json rule(const char* hold) {
    return {{"alert", "QueueLong"}, {"expr", "queue > 100"}, {"for", hold}};
  }
  static Proposal raise() {
    return {.what = "raise", .rule = rule("5m"), .now = {rule("0s")}, .workload = "shop"};
  }
};

TEST_F(BacktestsTest, AnIncidentThatNobodyTouchedIsNoneAndWhatWasNotMeasuredIsLeftOut) {
  const auto found = of(raise());
  EXPECT_EQ(found["supports"], true) << found.dump();
  EXPECT_EQ(found["start"], format_rfc3339(from + 10 * 24h - 1h)) << "the hour before";
  EXPECT_EQ(
      found["text"],
      "in 20 d, as it is: fires 20 times, 18 of them without an incident, and tells of 2 of 2 "
      "incidents; as proposed: fires 2 times, 0 of them without an incident, and tells of 2 "
      "of 2 incidents");
}

TEST_F(BacktestsTest, OfWhatIsToBeAddedOnlyTheIncidentsCountThatNothingToldOf) {
  Proposal add{.what = "add",
               .support = {{"incidents", {"day-2", "day-15"}}},
               .rule = rule("10m"),
               .workload = "shop"};
  const auto found = of(add);
  EXPECT_EQ(found["supports"], true) << found.dump();
  EXPECT_EQ(found["summary"]["incidents"], 1) << "of day 2 nothing was measured";
  EXPECT_EQ(found["summary"]["incidents_told"], 1);
  add.support["incidents"] = {"day-2"};
  EXPECT_EQ(of(add)["supports"], nullptr);
}

TEST_F(BacktestsTest, ARuleOnWhatWasNeverMeasuredIsRightlyToGo) {
  const auto found =
      of({.what = "delete",
          .support = {{"fired", 0}},
          .now = {{{"alert", "A"}, {"expr", "dropped{job=\"shop\"} > 0"}, {"for", "0s"}}},
          .workload = "shop"});
  EXPECT_EQ(found["supports"], true) << found.dump();
  EXPECT_EQ(found["text"], "nothing was measured of dropped{job=\"shop\"}");
}

TEST_F(BacktestsTest, WhatTakesTooLongIsTriedOnTheLastWeek) {
  reader.takes = 200ms;  // a select of 500 evaluations
  auto found = of(raise());
  EXPECT_EQ(found["start"], format_rfc3339(now - 7 * 24h)) << found.dump();
  EXPECT_EQ(found["supports"], true) << found.dump();
  reader.takes = 5s;
  EXPECT_TRUE(of(raise()).contains("error"));
}

TEST_F(BacktestsTest, NothingIsTriedForWhoeverHasGone) {
  const auto proposal = raise();
  int asked = 0;
  const auto backtest = Backtests(engine, time.runtime().clock, history, from, now, [&asked] {
                          return ++asked > 1;
                        }).of(proposal);
  EXPECT_TRUE(backtest.contains("error")) << backtest;
  EXPECT_LE(asked, 4) << "it goes on asking, and trying";
}

TEST_F(BacktestsTest, WithoutARuleThereIsNothingToTry) {
  EXPECT_TRUE(of({.what = "add", .support = {{"incidents", {"day-2"}}}}).is_null());
}

/// A month of orders, of which for five minutes a day a fifth fails, and on the tenth day half of
/// them for two hours, which somebody acted on.
TEST(BurnAlerts, AreTriedOnMetricsAsTheyAreAndAsProposed) {
  VirtualRuntime time;
  telemetry::promql::testing::MemoryReader reader;
  const telemetry::promql::Engine engine{reader};
  const auto from = time.now(), now = from + 30 * 24h;
  telemetry::SeriesWrite all{.labels = {{"__name__", "all_total"}}};
  telemetry::SeriesWrite good{.labels = {{"__name__", "good_total"}}};
  double total = 0, well = 0;
  for (Duration at{0}; at < 30 * 24h; at += 1min) {
    const bool is_outage = at / 24h == 10 && at % 24h < 2h;
    total += 100;
    const bool is_blip = at >= 24h && at % 24h < 5min;
    well += is_outage ? 50 : is_blip ? 80 : 100;
    all.samples.push_back({to_unix_ms(from + at), total});
    good.samples.push_back({to_unix_ms(from + at), well});
  }
  reader.add(all);
  reader.add(good);

  catalog::Slo slo;
  slo.metadata.name = "orders";
  slo.service.name = "shop";
  auto& ratio = slo.indicator.spec.ratio_metric.emplace();
  ratio.good.emplace().metric_source.spec.query = "good_total";
  ratio.total.emplace().metric_source.spec.query = "all_total";
  slo.objectives = {{}};
  slo.objectives.front().target = 0.999;
  slo.alerting.windows = {{.long_window = 1h, .short_window = 5min, .burn_rate = 14.4}};
  catalog::Resource resource{.kind = catalog::Slo::kKind, .name = "orders"};
  resource.value = std::make_shared<catalog::Slo>(slo);
  catalog::Catalog catalog;
  catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));

  std::vector<journal::Fact> facts;
  const auto tell = [&](Duration at, const char* type, Json body, const char* actor = "system") {
    journal::Fact fact{.seq = facts.size() + 1, .time = from + at, .type = type, .actor = actor};
    fact.body = std::move(body);
    facts.push_back(std::move(fact));
  };
  for (int day = 1; day < 30; ++day) {
    const auto at = day * 24h + 4min;
    const Json alert{
        {"fingerprint", "f"}, {"rule", "slos/orders/SloBurnRate"}, {"workload", "shop"}};
    tell(at, "alert.fired", alert);
    if (day == 10) {
      tell(at, "incident.opened", {{"incident", "inc"}, {"workload", "shop"}});
      tell(at + 1min, "incident.acknowledged", {{"incident", "inc"}}, "person:ana");
      tell(at + 2h, "incident.resolved", {{"incident", "inc"}});
    }
    tell(at + (day == 10 ? 2h : 4min), "alert.resolved", {{"fingerprint", "f"}});
  }
  const auto history = history_of(facts);
  const auto found = proposals(worth_of(subjects_of(catalog), history, now), history, from, now);
  const auto raise = std::ranges::find(found, "raise", &Proposal::what);
  ASSERT_NE(raise, found.end());
  EXPECT_EQ(raise->subject, "slos/orders/SloBurnRate");
  const auto backtest = Backtests(engine, time.runtime().clock, history, from, now, {}).of(*raise);
  ASSERT_FALSE(backtest.contains("error")) << backtest["error"];
  EXPECT_EQ(backtest["now"][0]["firings"], 29) << backtest;
  EXPECT_EQ(backtest["summary"]["firings"], 1) << "the one that lasted";
  EXPECT_EQ(backtest["summary"]["incidents_told"], 1);
  EXPECT_EQ(backtest["supports"], true);
}

}  // namespace
}  // namespace wellrun::health::effectiveness
