#include "platform/runtime/virtual_runtime.h"

#include <gtest/gtest.h>

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
