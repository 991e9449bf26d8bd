// The judge over whole watches of a small world of its own: does it keep quiet where nothing
// changed, and does it find what did, in time? Seeded; a failing seed is printed. The measured
// figures, over thousands of runs, are in docs/canary.md; here a regression must show in seconds.

#include <array>
#include <cmath>
#include <gtest/gtest.h>

#include "health/verdict/canary_judge.h"
#include "health/verdict/test_chance.h"

namespace wellrun::health {
namespace {

/// An hour of two groups: sampled latencies, error counts, a smooth gauge; all shaken by one shared
/// drift.
struct World {
  double latency = 1, errors = 1, gauge = 1;  ///< what the canary multiplies
  double from_s = 0;                          ///< since when
  double wander = 0;        ///< of each group's latency and odds, memory five minutes
  double follows = 0;       ///< correlation of each latency's scatter with the one before
  double canary_share = 1;  ///< of requests
  int minutes = 60;
};

struct Outcome {
  Decision decision = Decision::kContinue;
  double minute = 0;
};

/// A first-order autoregression with standard deviation one.
class Wander {
 public:
  Wander(TestChance& chance, double carry)
      : chance_(chance), carry_(carry), now_(chance.normal()) {}
  double next() { return now_ = carry_ * now_ + std::sqrt(1 - carry_ * carry_) * chance_.normal(); }

 private:
  TestChance& chance_;
  double carry_, now_;
};

Outcome watch(const World& world, std::uint64_t seed) {
  TestChance chance(seed);
  CanaryJudge judge;
  std::array<Wander, 2> gauge{Wander(chance, 0.9), Wander(chance, 0.9)};
  std::array<Wander, 2> wander{Wander(chance, std::exp(-1.0 / 30)),
                               Wander(chance, std::exp(-1.0 / 30))};
  std::array<Wander, 2> scatter{Wander(chance, world.follows), Wander(chance, world.follows)};
  double drift = 0;
  for (int t = 0; t < world.minutes * 60; ++t) {
    const auto said = judge.advance(t);
    EXPECT_TRUE(said.has_value());
    if (judge.decided()) break;
    if (t % 60 == 0) drift += 0.01 * chance.normal();
    std::array<double, 2> apart{world.wander * wander[0].next(), world.wander * wander[1].next()};
    for (const Group group : kGroups) {
      const bool worse = group == Group::kCanary && t >= world.from_s;
      const double level = std::exp(drift + apart[static_cast<std::size_t>(group)]);
      if (t % 3 == 0)
        EXPECT_TRUE(
            judge.add_value("latency", group,
                            (worse ? world.latency : 1) * level *
                                std::exp(0.4 * scatter[static_cast<std::size_t>(group)].next())));
      if (t % 10 == 9) {
        const double requests = 400 * (group == Group::kCanary ? world.canary_share : 1);
        EXPECT_TRUE(judge.add_count(
            "errors", group,
            {chance.poisson((worse ? world.errors : 1) * level * requests / 500), requests}));
      }
      if (t % 15 == 0)
        EXPECT_TRUE(judge.add_value(
            "memory", group,
            (worse ? world.gauge : 1) *
                (60 * std::exp(drift) + 3 * gauge[static_cast<std::size_t>(group)].next())));
    }
  }
  const Verdict last = judge.finish();
  return {last.decision, last.time_s / 60};
}

int false_alarms(const World& world, int runs) {
  int alarms = 0;
  for (int seed = 1; seed <= runs; ++seed)
    if (watch(world, static_cast<std::uint64_t>(seed)).decision == Decision::kFail) {
      ++alarms;
      std::printf("false alarm with seed %d\n", seed);
    }
  return alarms;
}

/// How many of `runs` fail within `minutes` of the change.
int found(const World& world, int runs, double minutes) {
  int count = 0;
  for (int seed = 1; seed <= runs; ++seed) {
    const Outcome outcome = watch(world, static_cast<std::uint64_t>(seed));
    count += outcome.decision == Decision::kFail && outcome.minute > world.from_s / 60 &&
             outcome.minute <= world.from_s / 60 + minutes;
  }
  return count;
}

/// A coarse gauge: one reading of each group every ten seconds, multiplied for the canary.
struct Gauge {
  const char* name;
  double (*read)(double time_s, TestChance& chance, double& state, double factor);
};

double autoregression(TestChance& chance, double& state) {
  return state = 0.97 * state + std::sqrt(1 - 0.97 * 0.97) * chance.normal();
}

const Gauge kGauges[] = {
    {"a pool of 20 that is 19 or 21 for minutes",
     [](double, TestChance& chance, double& state, double factor) {
       if (state == 0 && chance.uniform() < 0.01)
         state = chance.uniform() < 0.5 ? -1 : 1;
       else if (state != 0 && chance.uniform() < 0.05)
         state = 0;
       return std::round((20 + state) * factor);
     }},
    {"CPU of about 2 in whole per cents",
     [](double, TestChance& chance, double& state, double factor) {
       return std::round((2 + 0.25 * autoregression(chance, state)) * factor);
     }},
    {"still, then noisy",
     [](double time_s, TestChance& chance, double&, double factor) {
       return (time_s < 600 ? 20 : 20 + chance.normal()) * factor;
     }},
    {"8 threads, then some more",
     [](double time_s, TestChance& chance, double&, double factor) {
       return std::round((time_s < 600 ? 8 : 8 + chance.poisson(2)) * factor);
     }},
    {"nothing, then about 3",
     [](double time_s, TestChance& chance, double&, double factor) {
       return time_s < 300 ? 0 : (3 + chance.normal()) * factor;
     }},
    {"a queue that gets idle",
     [](double time_s, TestChance& chance, double&, double factor) {
       return chance.poisson((time_s < 900 ? 9 : 1) * factor);
     }},
    {"a level of 1 or 2 for a minute at a time",
     [](double, TestChance& chance, double& state, double factor) {
       if (chance.uniform() < 1.0 / 6) state = 1 - state;
       return std::round((1 + state) * factor);
     }},
};

int failed(const Gauge& gauge, int runs, double factor) {
  int count = 0;
  for (int seed = 1; seed <= runs; ++seed) {
    TestChance chance(static_cast<std::uint64_t>(seed));
    CanaryJudge judge;
    std::array<double, 2> state{};
    for (int t = 0; t < 3600 && !judge.decided(); t += 10) {
      EXPECT_TRUE(judge.advance(t).has_value());
      for (const Group group : kGroups)
        EXPECT_TRUE(judge.add_value("gauge", group,
                                    gauge.read(t, chance, state[static_cast<std::size_t>(group)],
                                               group == Group::kCanary ? factor : 1)));
    }
    count += judge.finish().decision == Decision::kFail;
  }
  return count;
}

TEST(CanarySimulation, KeepsQuietWhereReadingsAreCoarseOrLeaveTheirScale) {
  for (const Gauge& gauge : kGauges) EXPECT_LE(failed(gauge, 12, 1), 1) << gauge.name;
}

TEST(CanarySimulation, FindsTwiceAsMuchOfCoarseReadings) {
  for (const Gauge& gauge : kGauges) EXPECT_GE(failed(gauge, 6, 2), 5) << gauge.name;
}

TEST(CanarySimulation, KeepsQuietWhereNothingChanged) {
  EXPECT_LE(false_alarms({}, 40), 1);
}

TEST(CanarySimulation, KeepsQuietWhereHealthyGroupsWander) {
  EXPECT_LE(false_alarms({.wander = 0.05}, 30), 1);
}

TEST(CanarySimulation, KeepsQuietWhereEachLatencyResemblesTheOneBefore) {
  EXPECT_LE(false_alarms({.follows = 0.5}, 30), 1);
  EXPECT_LE(false_alarms({.follows = 0.8}, 30), 1);
}

TEST(CanarySimulation, FindsSlowerRequestsAlsoWhereEachResemblesTheOneBefore) {
  EXPECT_GE(found({.latency = 1.5, .follows = 0.5}, 12, 20), 11);
}

TEST(CanarySimulation, KeepsQuietWithATenthOfTheTraffic) {
  EXPECT_LE(false_alarms({.canary_share = 0.1}, 30), 1);
}

TEST(CanarySimulation, FindsSlowerRequests) {
  EXPECT_GE(found({.latency = 1.2}, 12, 30), 10);
  EXPECT_GE(found({.latency = 1.5}, 12, 10), 11);
}

TEST(CanarySimulation, FindsMoreErrors) {
  EXPECT_GE(found({.errors = 5}, 12, 8), 10);
  EXPECT_GE(found({.errors = 20}, 12, 1.5), 11);
}

TEST(CanarySimulation, FindsAHigherGauge) {
  EXPECT_GE(found({.gauge = 1.3}, 12, 60), 9);
}

TEST(CanarySimulation, FindsAStepLateInTheWatch) {
  EXPECT_GE(found({.latency = 1.4, .from_s = 1800}, 12, 15), 10);
}

}  // namespace
}  // namespace wellrun::health
