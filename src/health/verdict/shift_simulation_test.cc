// The shift judge's evidence over whole watches of series of its own: how often does it say
// something wrong where nothing changed, and does it find what did? It is looked at after every
// step, and one wrong verdict at any of them counts. Seeded; docs/proof.md has the figures of more
// runs: WELLRUN_SHIFT_RUNS=1000.

#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <numbers>

#include "health/verdict/shift_judge.h"
#include "health/verdict/test_chance.h"

namespace wellrun::health {
namespace {

const auto kChanged = from_unix_ms(1'767'614'400'000);  // a Monday, noon

/// How a series goes by itself; values about 100.
struct World {
  const char* name = "";
  double noise = 0.1;       ///< of one step's logarithm
  double memory_steps = 0;  ///< of the noise; 0: independent
  double daily = 0;         ///< amplitude of the day's season
  double weekend = 0;       ///< how much less on Saturday and Sunday
  double climb = 0;         ///< by the week
  double gaps = 0;          ///< probability that a step has no value
  double spikes = 0;        ///< that it is five times as much
  double counts = 0;        ///< not 0: Poisson counts with this mean
  Duration watch = std::chrono::hours(7 * 24);
  double effect = 0;  ///< from the change on: 0.2 is 20 % less
};

std::vector<ShiftReading> series_of(const World& world, TestChance& chance) {
  const auto window = shift_window(kChanged, world.watch);
  const double carry = world.memory_steps > 0 ? std::exp(-1 / world.memory_steps) : 0;
  double wander = chance.normal();
  std::vector<ShiftReading> series;
  for (auto at = window.from + window.step / 2; at < window.until; at += window.step) {
    const double t = to_unix_seconds(at);
    wander = carry * wander + std::sqrt(1 - carry * carry) * chance.normal();
    const double days = t / 86'400;
    const bool weekend = std::fmod(days + 3, 7) >= 5;  // day 0 was a Thursday
    double level = world.noise * wander + world.daily * std::sin(2 * std::numbers::pi * days) +
                   world.climb * days / 7;
    if (weekend) level += std::log1p(-world.weekend);
    if (at >= kChanged) level += std::log1p(-world.effect);
    const bool is_gap = chance.uniform() < world.gaps, is_spike = chance.uniform() < world.spikes;
    if (is_gap) continue;
    double value = 100 * std::exp(level);
    if (world.climb != 0) value *= std::exp(-world.climb * 2900);
    if (world.counts > 0) value = chance.poisson(world.counts * std::exp(level));
    series.push_back({t, is_spike ? 5 * value : value});
  }
  return series;
}

enum class Said { kNothing, kConfirmed, kRefuted };

/// By the judge's own rules, but after every step instead of sixteen times. `sign`: -1 asks for
/// less.
Said watch(const World& world, std::uint64_t seed, double sign) {
  TestChance chance(seed);
  auto readings = series_of(world, chance);
  const double changed_s = to_unix_seconds(kChanged);
  double mean = 0, count = 0;
  for (const auto& each : readings)
    if (each.time_s < changed_s) mean = (mean * count + each.value) / (count + 1), ++count;
  for (auto& each : readings)
    each.value = sign * (world.counts > 0 ? each.value / mean : std::log(each.value));
  const double smallest = world.counts > 0 ? 0.1 : std::abs(std::log1p(sign * 0.1));
  const auto evidence =
      shift_evidence(readings, {.changed_s = changed_s,
                                .step_s = to_seconds(shift_window(kChanged, world.watch).step),
                                .smallest = smallest});
  for (std::size_t i = 5; i < evidence.size(); ++i) {
    if (evidence[i].log_for >= std::log(20) && evidence[i].size >= smallest)
      return Said::kConfirmed;
    if (evidence[i].log_against >= std::log(20) && 2 * i >= evidence.size() &&
        evidence[i].size < smallest)
      return Said::kRefuted;
  }
  return Said::kNothing;
}

struct Tally {
  int passed = 0, failed = 0, runs = 0;
};

Tally tally(const World& world, std::uint64_t seed, int runs, double sign = -1) {
  if (const char* more = std::getenv("WELLRUN_SHIFT_RUNS")) runs = std::atoi(more);
  Tally said{.runs = runs};
  for (int run = 0; run < runs; ++run) {
    const auto verdict = watch(world, seed + static_cast<std::uint64_t>(run), sign);
    said.passed += verdict == Said::kConfirmed;
    said.failed += verdict == Said::kRefuted;
  }
  fmt::print("{:28} {:4} runs: {:5.1f} % confirmed, {:5.1f} % refuted\n", world.name, runs,
             100.0 * said.passed / runs, 100.0 * said.failed / runs);
  return said;
}

constexpr auto kHour = std::chrono::hours(1);
const World kQuiet[] = {
    {.name = "independent"},
    {.name = "remembers a day", .memory_steps = 6},
    {.name = "remembers six days", .memory_steps = 36},
    {.name = "season of day and week", .memory_steps = 3, .daily = 0.5, .weekend = 0.4},
    {.name = "gaps", .memory_steps = 3, .daily = 0.3, .gaps = 0.3},
    {.name = "spikes", .spikes = 0.02},
    {.name = "climbs 3 % a week", .noise = 0.05, .climb = 0.03},
    {.name = "counts, mean 1", .noise = 0, .counts = 1},
    {.name = "two hours", .memory_steps = 3, .daily = 0.5, .watch = 2 * kHour},
    {.name = "one day", .memory_steps = 3, .daily = 0.5, .weekend = 0.4, .watch = 24 * kHour},
};

/// The stated level, and what chance alone adds in so few runs (three deviations).
int most_wrong(int runs) {
  return static_cast<int>(0.05 * runs + 3 * std::sqrt(0.05 * 0.95 * runs));
}

TEST(ShiftSimulation, WhereNothingChangedItRarelyConfirms) {
  for (const auto& world : kQuiet)
    for (const double sign : {-1.0, 1.0}) {
      const auto said = tally(world, 510'000, 10, sign);
      EXPECT_LE(said.passed, most_wrong(said.runs)) << world.name;
    }
}

TEST(ShiftSimulation, WhatHelpedJustEnoughIsRarelyRefuted) {
  for (auto world : kQuiet) {
    world.effect = 0.1;
    const auto said = tally(world, 520'000, 10);
    EXPECT_LE(said.failed, most_wrong(said.runs)) << world.name;
  }
}

TEST(ShiftSimulation, WhatChangedIsFound) {
  for (const double effect : {0.2, 0.3, 0.5}) {
    const World steady{.name = "independent", .effect = effect};
    const World wanders{.name = "remembers half a day", .memory_steps = 3, .effect = effect};
    const World seasonal{.name = "season of day and week",
                         .memory_steps = 1,
                         .daily = 0.5,
                         .weekend = 0.4,
                         .effect = effect};
    for (const auto& world : {steady, wanders, seasonal}) {
      const auto said = tally(world, 530'000, 10);
      EXPECT_GE(said.passed, said.runs * (effect == 0.5 ? 9 : 8) / 10) << world.name << effect;
    }
  }
}

}  // namespace
}  // namespace wellrun::health
