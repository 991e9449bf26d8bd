#include "platform/runtime/virtual_runtime.h"

#include <gtest/gtest.h>
#include <map>

namespace wellrun {
namespace {

using namespace std::chrono_literals;

TEST(VirtualRuntime, TimersRunAtTheirDueTimeInOrder) {
  VirtualRuntime world;
  auto runtime = world.runtime();
  const auto start = world.now();
  std::vector<std::pair<int, Duration>> ran;
  auto record = [&](int id) {
    return [&, id] { ran.emplace_back(id, runtime.clock.now() - start); };
  };
  const auto late = runtime.strand.at(start + 2h, record(3));
  const auto first = runtime.strand.at(start + 1h, record(1));
  const auto second = runtime.strand.at(start + 1h, record(2));
  world.run_for(24h);
  EXPECT_EQ(ran, (std::vector<std::pair<int, Duration>>{{1, 1h}, {2, 1h}, {3, 2h}}));
  EXPECT_EQ(world.now(), start + 24h);
}

TEST(VirtualRuntime, AClockThatIsSetMovesDatesAndNoIntervals) {
  for (const Duration jump : {Duration(3h), Duration(-3h)}) {
    VirtualRuntime world;
    auto runtime = world.runtime();
    const auto start = world.now();
    std::map<std::string, Duration> ran_after;
    auto record = [&](const std::string& what) {
      return [&, what] {
        ran_after[what] = std::chrono::duration_cast<Duration>(runtime.clock.steady());
      };
    };
    const auto date = runtime.strand.at(start + 2h, record("date"));
    const auto interval = runtime.strand.after(2h, record("interval"));
    world.run_for(1h);
    world.set_clock(jump);
    EXPECT_EQ(world.now(), start + 1h + jump);
    world.run_for(10h);
    EXPECT_EQ(world.now(), start + 11h + jump);
    EXPECT_EQ(runtime.clock.steady(), 11h);
    EXPECT_EQ(ran_after["interval"], 2h);
    EXPECT_EQ(ran_after["date"], jump > 0h ? Duration(1h) : Duration(5h));
  }
}

TEST(VirtualRuntime, TimersOfBothClocksRunInOneOrder) {
  VirtualRuntime world;
  auto runtime = world.runtime();
  std::vector<int> ran;
  auto record = [&](int id) { return [&, id] { ran.push_back(id); }; };
  const auto third = runtime.strand.after(2s, record(3));
  const auto first = runtime.strand.at(world.now() + 1s, record(1));
  const auto second = runtime.strand.after(1s, record(2));
  const auto fourth = runtime.strand.at(world.now() + 2s, record(4));
  world.run_for(1min);
  EXPECT_EQ(ran, (std::vector{1, 2, 3, 4}));
}

TEST(VirtualRuntime, DestroyedTimersAndCrashedTasksNeverRun) {
  VirtualRuntime world;
  auto runtime = world.runtime();
  int ran = 0;
  {
    const auto cancelled = runtime.strand.at(world.now() + 1s, [&] { ++ran; });
  }
  const auto lost = runtime.strand.at(world.now() + 1s, [&] { ++ran; });
  runtime.strand.post([&] { ++ran; });
  world.crash();
  world.run_for(1h);
  EXPECT_EQ(ran, 0);
}

TEST(VirtualRuntime, SameSeedSameChance) {
  VirtualRuntime a(7);
  VirtualRuntime b(7);
  VirtualRuntime c(8);
  const auto first = random_hex(a.runtime().random, 32);
  EXPECT_EQ(first, random_hex(b.runtime().random, 32));
  EXPECT_NE(first, random_hex(c.runtime().random, 32));
  EXPECT_EQ(first.size(), 64U);
}

}  // namespace
}  // namespace wellrun
