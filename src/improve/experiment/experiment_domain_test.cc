#include "improve/experiment/experiment_domain.h"

#include <gtest/gtest.h>

#include "improve/effect/effect_test_support.h"

namespace wellrun::improve {
namespace {

using namespace std::chrono_literals;

class ExperimentTest : public testing::Test {
 protected:
  ExperimentDomain& experiments() { return house.process->experiments; }
  std::optional<Error> start(std::vector<facts::Expectation> rails = {},
                             facts::Expectation expects = lower("latency")) {
    return house.tell([&] {
      return experiments().start({.hypothesis = "a warm pool halves waiting",
                                  .owner = "storefront",
                                  .expects = expects,
                                  .guard_rails = rails,
                                  .by = "person:ana"});
    });
  }
  const Experiment& first() { return experiments().experiments().at("exp-0001"); }
  std::optional<Error> learn(const char* text) {
    return house.tell([&] { return experiments().learn("exp-0001", text, "person:ana"); });
  }

  EffectHouse house;
};

const facts::Expectation kErrorsHigher{
    .metric = "errors", .kind = "ratio", .direction = "higher", .smallest = 0.2};

TEST_F(ExperimentTest, AResultIsOneAlsoWhenItRefutes) {
  house.record("latency", 200, 200);
  EXPECT_FALSE(start());
  EXPECT_TRUE(first().is_running());
  EXPECT_EQ(learn("too early")->code, ErrorCode::kConflict);
  house.time.run_for(3h);
  EXPECT_EQ(first().state, "refuted") << first().reason;
  EXPECT_EQ(first().ended_by, "") << "by its verdict";
  EXPECT_TRUE(first().ended_at);
  EXPECT_FALSE(learn("the pool was never the bottleneck"));
  EXPECT_EQ(first().learned, "the pool was never the bottleneck");
  EXPECT_EQ(learn("")->code, ErrorCode::kInvalid);
}

TEST_F(ExperimentTest, IsConfirmedWhileItsGuardRailsHold) {
  house.record("latency", 200, 100);
  house.record("errors", 0.01, 0.01);
  EXPECT_FALSE(start({kErrorsHigher}));
  house.time.run_for(3h);
  EXPECT_EQ(first().state, "confirmed") << first().reason;
  ASSERT_EQ(first().guard_rails.size(), 1U);
  EXPECT_NE(first().guard_rails[0].state, "broken");
  EXPECT_EQ(first().guard_rails[0].decides_at, 20) << "all of the error rate";
}

TEST_F(ExperimentTest, ABrokenGuardRailEndsItWhateverItsMetricDid) {
  house.record("latency", 200, 180);
  house.record("errors", 0.01, 0.03);
  house.record("orders", 50, 50);
  auto orders = lower("orders");
  EXPECT_FALSE(start({orders, kErrorsHigher}));
  house.time.run_for(3h);
  EXPECT_EQ(first().state, "harmful") << first().reason;
  EXPECT_NE(first().reason.find("guard rail errors is broken"), std::string::npos);
  EXPECT_EQ(first().guard_rails[1].decides_at, 40) << "half of the error rate each";
  const auto looks = first().looks;
  house.time.run_for(3h);
  EXPECT_EQ(first().looks, looks) << "nothing is looked at any more";
  EXPECT_EQ(house.facts("experiment.ended").size(), 1U);
}

TEST_F(ExperimentTest, GroupsAreComparedAtTheSameMoments) {
  // Both fall by half at the start, as on a quiet evening: the group's own effect is a fifth.
  house.record("control", 200, 100);
  house.record("latency", 200, 80);
  auto expects = lower("latency");
  expects.control = "control";
  EXPECT_FALSE(start({}, expects));
  house.time.run_for(3h);
  EXPECT_EQ(first().state, "confirmed") << first().reason;
  EXPECT_NEAR(first().verdict->change, -0.2, 0.03);
}

TEST_F(ExperimentTest, WhatIsDeletedWhileItRunsMakesTheGroupsNotAlike) {
  // The group was always at 0.8 of its control, and has half as many errors again.
  const auto began = house.time.now();
  const auto record = [&](bool all) {
    house.reader.clear();
    const auto add = [&](const char* metric, double level) {
      house.record(metric, [=](Timestamp at) {
        const auto wave = std::sin(static_cast<double>(to_unix_ms(at) % 7'919) * level);
        return all || at > began ? level * (1 + 0.03 * wave) : std::nan("");
      });
    };
    add("control", 200);
    add("latency", 160);
    add("errors_control", 0.02);
    add("errors", 0.03);
  };
  auto expects = lower("latency");
  expects.control = "control";
  auto rail = kErrorsHigher;
  rail.control = "errors_control";
  record(true);
  EXPECT_FALSE(start({rail}, expects));
  house.time.run_for(20min);
  ASSERT_TRUE(first().verdict);
  EXPECT_GT(first().verdict->steps_before, 0);
  record(false);
  house.restart();
  house.time.run_for(3h);
  EXPECT_EQ(first().verdict->steps_before, 0);
  EXPECT_EQ(first().state, "inconclusive") << first().reason;
  EXPECT_NE(first().guard_rails[0].state, "broken") << first().guard_rails[0].reason;
}

TEST_F(ExperimentTest, AStopIsForGoodAndALookUnderWayChangesNothing) {
  house.record("latency", 200, 200);
  EXPECT_FALSE(start());
  house.time.run_for(10min);
  const auto stop = [&](const char* reason) {
    return house.tell([&] { return experiments().stop("exp-0001", reason, "person:bo"); });
  };
  EXPECT_EQ(stop("")->code, ErrorCode::kInvalid);
  EXPECT_FALSE(stop("the sale begins"));
  EXPECT_EQ(stop("again")->code, ErrorCode::kConflict);
  house.time.run_for(3h);
  EXPECT_EQ(first().state, "stopped");
  EXPECT_EQ(first().ended_by, "person:bo");
  EXPECT_EQ(first().looks, 1);
}

TEST_F(ExperimentTest, GoesOnThroughRestartsToOneEnd) {
  house.record("latency", 200, 200);
  EXPECT_FALSE(start());
  for (int i = 0; i < 30; ++i) {
    house.time.run_for(6min);
    house.restart();
  }
  EXPECT_EQ(first().state, "refuted") << first().reason;
  EXPECT_EQ(house.facts("experiment.ended").size(), 1U);
}

TEST_F(ExperimentTest, WhatCannotBeRunIsRefusedByItsField) {
  const auto field = [&](std::optional<Error> refused) { return refused ? refused->context : ""; };
  auto rail = kErrorsHigher;
  rail.direction = "worse";
  EXPECT_EQ(field(start({rail})), "guard_rails.direction");
  EXPECT_EQ(field(start(std::vector(kMostGuardRails + 1, kErrorsHigher))), "guard_rails");
  EXPECT_EQ(field(start({}, lower(""))), "metric");
  EXPECT_EQ(field(house.tell([&] { return experiments().start({.owner = "a"}); })), "hypothesis");
  EXPECT_EQ(field(house.tell([&] { return experiments().start({.hypothesis = "h"}); })), "owner");
  EXPECT_EQ(learn("x")->code, ErrorCode::kNotFound);
  EXPECT_TRUE(experiments().experiments().empty());
}

TEST_F(ExperimentTest, ASnapshotKeepsEverything) {
  house.record("latency", 200, 100);
  house.record("errors", 0.01, 0.01);
  EXPECT_FALSE(start({kErrorsHigher}));
  house.time.run_for(3h);
  EXPECT_FALSE(learn("it helped"));
  ExperimentDomain restored;
  ASSERT_TRUE(restored.restore(experiments().snapshot()));
  EXPECT_EQ(restored.snapshot(), experiments().snapshot());
  EXPECT_EQ(restored.experiments().at("exp-0001").learned, "it helped");
}

}  // namespace
}  // namespace wellrun::improve
