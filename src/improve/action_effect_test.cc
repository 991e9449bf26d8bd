// What an action was to change, checked against what its metric did.

#include <gtest/gtest.h>

#include "improve/effect/effect_test_support.h"

namespace wellrun::improve {
namespace {

using namespace std::chrono_literals;

class ActionEffectTest : public testing::Test {
 protected:
  ActionEffectTest() {
    EXPECT_FALSE(house.tell([&] {
      return improve().create({.title = "a warm pool",
                               .owner = "storefront",
                               .due = "2026-12-31T00:00:00Z",
                               .by = "person:ana"});
    }));
  }
  ImproveDomain& improve() { return house.process->improve; }
  std::optional<Error> expect(const facts::Expectation& expects) {
    return house.tell([&] { return improve().expect("act-0001", expects, "person:ana"); });
  }
  void finish() {
    EXPECT_FALSE(house.tell([&] { return improve().finish("act-0001", "#12", "person:ana"); }));
  }
  std::vector<facts::ActionEffectJudged> judged() {
    std::vector<facts::ActionEffectJudged> all;
    for (const auto& fact : house.facts("action.effect_judged")) all.push_back(fact.body);
    return all;
  }

  EffectHouse house;
};

TEST_F(ActionEffectTest, IsConfirmedWhenTheMetricMovedAsWasSaid) {
  house.record("latency", 200, 100);
  EXPECT_FALSE(expect(lower("latency")));
  finish();
  house.time.run_for(3h);
  const auto looks = judged();
  ASSERT_FALSE(looks.empty());
  for (std::size_t i = 0; i + 1 < looks.size(); ++i) EXPECT_FALSE(looks[i].verdict.last);
  const auto& verdict = looks.back().verdict;
  EXPECT_EQ(verdict.state, "confirmed") << verdict.reason;
  EXPECT_TRUE(verdict.last);
  EXPECT_NEAR(verdict.change, -0.5, 0.05);
  EXPECT_EQ(improve().actions().at("act-0001").effect->state, "confirmed");
  EXPECT_EQ(house.facts("action.effect_judged").back().correlation, "act-0001");
}

TEST_F(ActionEffectTest, IsRefutedWhenItDidNot) {
  house.record("latency", 200, 200);
  EXPECT_FALSE(expect(lower("latency")));
  finish();
  house.time.run_for(3h);
  ASSERT_FALSE(judged().empty());
  EXPECT_EQ(judged().back().verdict.state, "refuted") << judged().back().verdict.reason;
}

TEST_F(ActionEffectTest, AStopCutsALookShort) {
  house.record("latency", 200, 100);
  journal::Intent intent;
  intent.request = {{"changed", format_rfc3339(house.time.now())},
                    {"expects", lower("latency")},
                    {"guard_rails", Json::array()}};
  std::optional<journal::Outcome> outcome;
  house.process->performer.stop();
  house.process->performer.perform(intent, [&](journal::Outcome said) { outcome = said; });
  house.time.run_ready();
  ASSERT_TRUE(outcome);
  const auto reason = text_or(outcome->detail.at("verdict"), "reason");
  EXPECT_TRUE(reason.contains("cancel")) << reason;
}

TEST_F(ActionEffectTest, GoesOnThroughRestartsAndNoLookIsTakenTwice) {
  house.record("latency", 200, 199);
  EXPECT_FALSE(expect(lower("latency")));
  finish();
  for (int i = 0; i < 30; ++i) {
    house.time.run_for(6min);
    house.restart();
  }
  const auto looks = judged();
  ASSERT_FALSE(looks.empty());
  EXPECT_LE(looks.size(), static_cast<std::size_t>(kLooks));
  for (std::size_t i = 1; i < looks.size(); ++i) EXPECT_GT(looks[i].look, looks[i - 1].look);
  EXPECT_TRUE(looks.back().verdict.last);
  EXPECT_NE(looks.back().verdict.state, "confirmed");
}

TEST_F(ActionEffectTest, LooksThatWereMissedAreLeftOutAndTheLastIsNot) {
  house.record("latency", 200, 200);
  EXPECT_FALSE(expect(lower("latency")));
  finish();
  house.process->ledger.stop();
  house.time.run_for(5h);
  house.restart();
  house.time.run_for(1min);
  ASSERT_EQ(judged().size(), 1U) << "the one that waited found the watch over";
  EXPECT_TRUE(judged().back().verdict.last);
}

TEST_F(ActionEffectTest, AMetricThatIsNotThereIsInconclusiveToTheEnd) {
  EXPECT_FALSE(expect(lower("latencee")));
  finish();
  house.time.run_for(3h);
  const auto looks = judged();
  ASSERT_EQ(looks.size(), static_cast<std::size_t>(kLooks));
  EXPECT_EQ(looks.back().verdict.state, "inconclusive");
  EXPECT_EQ(looks.back().verdict.doubt, "no data");
  EXPECT_TRUE(looks.back().verdict.last);
}

TEST_F(ActionEffectTest, SeveralSeriesAreNotOne) {
  for (const char* shard : {"a", "b"}) {
    telemetry::SeriesWrite series{.labels = Labels{{"__name__", "latency"}, {"shard", shard}}};
    series.samples.push_back({to_unix_ms(house.time.now() + 5min), 1});
    house.reader.add(std::move(series));
  }
  EXPECT_FALSE(expect(lower("latency")));
  finish();
  house.time.run_for(20min);
  ASSERT_FALSE(judged().empty());
  EXPECT_NE(judged().back().verdict.reason.find("gives 2 series"), std::string::npos)
      << judged().back().verdict.reason;
}

TEST_F(ActionEffectTest, IsStatedBeforeTheFiguresAreKnownAndMayBeStatedAnew) {
  house.record("latency", 200, 100);
  EXPECT_FALSE(expect(lower("errors")));
  EXPECT_FALSE(expect(lower("latency")));
  finish();
  const auto refused = expect(lower("latency"));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, ErrorCode::kConflict);
  house.time.run_for(3h);
  EXPECT_EQ(judged().back().verdict.state, "confirmed") << "the newest counts";
}

TEST_F(ActionEffectTest, NothingIsJudgedOfAnActionThatSaysNothing) {
  house.record("latency", 200, 100);
  finish();
  house.time.run_for(3h);
  EXPECT_TRUE(judged().empty());
}

TEST_F(ActionEffectTest, WhatCannotBeJudgedIsRefusedByItsField) {
  const auto field = [&](auto change) {
    auto expects = lower("latency");
    change(expects);
    const auto refused = expect(expects);
    return refused ? refused->context : "";
  };
  EXPECT_EQ(field([](auto& e) { e.metric = ""; }), "metric");
  EXPECT_EQ(field([](auto& e) { e.metric = "rate(x["; }), "metric");
  EXPECT_EQ(field([](auto& e) { e.control = "rate(x["; }), "control");
  for (const char* known : {"5", "time()", "vector(1 - 0.5 * (time() > bool 1764230400))"}) {
    EXPECT_EQ(field([&](auto& e) { e.metric = known; }), "metric") << known;
    EXPECT_EQ(field([&](auto& e) { e.control = known; }), "control") << known;
  }
  EXPECT_EQ(field([](auto& e) { e.kind = "guess"; }), "kind");
  EXPECT_EQ(field([](auto& e) { e.direction = "better"; }), "direction");
  EXPECT_EQ(field([](auto& e) { e.smallest = 0; }), "smallest");
  EXPECT_EQ(field([](auto& e) { e.smallest = 1; }), "smallest");
  EXPECT_EQ(field([](auto& e) { e.smallest = std::nan(""); }), "smallest");
  EXPECT_EQ(field([](auto& e) { e.watch = "1h"; }), "watch");
  EXPECT_EQ(field([](auto& e) { e.watch = "soon"; }), "watch");
  EXPECT_EQ(field([](auto& e) { e.metric = "sum(rate(x[5m]))"; }), "");
  EXPECT_EQ(field([](auto& e) { e.metric = "order-success"; }), "") << "a Kpi's name";
  EXPECT_EQ(field([](auto& e) { e.metric = "2nd-try.share"; }), "") << "likewise, and no PromQL";
}

TEST_F(ActionEffectTest, ASnapshotKeepsWhatIsExpectedAndWhatWasFound) {
  house.record("latency", 200, 100);
  EXPECT_FALSE(expect(lower("latency")));
  finish();
  house.time.run_for(3h);
  ImproveDomain restored;
  ASSERT_TRUE(restored.restore(improve().snapshot()));
  EXPECT_EQ(restored.snapshot(), improve().snapshot());
  EXPECT_EQ(restored.actions().at("act-0001").effect->state, "confirmed");
}

}  // namespace
}  // namespace wellrun::improve
