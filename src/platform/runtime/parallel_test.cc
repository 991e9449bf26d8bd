#include "platform/runtime/parallel.h"

#include <array>
#include <atomic>
#include <gtest/gtest.h>

#include "platform/runtime/system_runtime.h"

namespace wellrun {
namespace {

/// Keeps what it is given and runs it when told to.
class LateWorkers final : public Workers {
 public:
  void run(Task task) override { tasks.push_back(std::move(task)); }
  std::vector<Task> tasks;
};

TEST(InParallel, RunsEachPartOnceWithoutWorkers) {
  std::array<int, 5> runs{};
  in_parallel(nullptr, runs.size(), [&](std::size_t i) { ++runs[i]; });
  EXPECT_EQ(runs, (std::array<int, 5>{1, 1, 1, 1, 1}));
}

TEST(InParallel, DoesNotWaitForWorkersThatNeverCome) {
  LateWorkers workers;
  std::array<int, 3> runs{};
  in_parallel(&workers, runs.size(), [&](std::size_t i) { ++runs[i]; });
  EXPECT_EQ(runs, (std::array<int, 3>{1, 1, 1}));
  for (auto& task : workers.tasks) task();
  EXPECT_EQ(runs, (std::array<int, 3>{1, 1, 1})) << "a helper that comes late finds nothing to do";
}

TEST(InParallel, RunsEachPartOnceWithWorkers) {
  SystemRuntime system({});
  for (int round = 0; round < 200; ++round) {
    std::array<std::atomic<int>, 7> runs{};
    in_parallel(&system.runtime().workers, runs.size(), [&](std::size_t i) { ++runs[i]; });
    for (const auto& count : runs) ASSERT_EQ(count, 1);
  }
}

}  // namespace
}  // namespace wellrun
