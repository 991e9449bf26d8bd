#include "telemetry/running_queries.h"

#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"

namespace wellrun::telemetry {
namespace {

/// Workers that run what the test lets them, in order.
class Hands final : public Workers {
 public:
  void run(Task task) override { tasks_.push_back(std::move(task)); }
  bool step() {
    if (tasks_.empty()) return false;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  std::size_t size() const { return tasks_.size(); }

 private:
  std::deque<Task> tasks_;
};

struct World {
  VirtualRuntime virtual_runtime;
  Hands hands;
  Runtime runtime{virtual_runtime.runtime().clock, virtual_runtime.runtime().random,
                  virtual_runtime.runtime().strand, hands};
  std::string ran;  ///< the texts of the queries that ran, in order; cancelled ones in brackets

  Status ask(RunningQueries& queries, const std::string& user, const std::string& text,
             std::shared_ptr<const std::atomic<bool>> abandoned = nullptr) {
    RunningQueries::Work work = [this, text](const promql::QueryLimits& limits) {
      ran += limits.cancelled() ? "[" + text + "]" : text;
    };
    return queries.submit({user, text, std::move(abandoned)}, work);
  }
};

TEST(RunningQueries, LetsUsersInByTurns) {
  World world;
  RunningQueries queries(world.runtime, {.max_running = 1});
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(world.ask(queries, "ana", text));
  ASSERT_TRUE(world.ask(queries, "ben", "x"));
  ASSERT_TRUE(world.ask(queries, "cy", "y"));
  ASSERT_EQ(world.hands.size(), 1U) << "one runs, the others wait";
  while (world.hands.step()) {
  }
  EXPECT_EQ(world.ran, "axybc");
  EXPECT_TRUE(queries.list().empty());
}

TEST(RunningQueries, OneUserMayHaveEverythingWhileNobodyElseAsks) {
  World world;
  RunningQueries queries(world.runtime, {.max_running = 2});
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(world.ask(queries, "ana", text));
  EXPECT_EQ(world.hands.size(), 2U);
  ASSERT_TRUE(world.ask(queries, "ben", "x"));
  while (world.hands.step()) {
  }
  EXPECT_EQ(world.ran, "abxc");
}

TEST(RunningQueries, OneUserLeavesRoomForAnother) {
  World world;
  RunningQueries queries(world.runtime, {.max_running = 3, .max_running_per_user = 2});
  for (const char* text : {"a", "b", "c", "d"}) ASSERT_TRUE(world.ask(queries, "ana", text));
  EXPECT_EQ(world.hands.size(), 2U);
  ASSERT_TRUE(world.ask(queries, "ben", "x"));
  EXPECT_EQ(world.hands.size(), 3U) << "at once, behind none that waits";
  while (world.hands.step()) {
  }
  EXPECT_EQ(world.ran, "abxcd");
}

TEST(RunningQueries, SaysWhatRunsAndWhatWaits) {
  World world;
  RunningQueries queries(world.runtime, {.max_running = 1});
  ASSERT_TRUE(world.ask(queries, "ana", "up"));
  ASSERT_TRUE(world.ask(queries, "ben", "down"));
  const auto list = queries.list();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].text, "up");
  EXPECT_TRUE(list[0].is_running);
  EXPECT_EQ(list[1].user, "ben");
  EXPECT_FALSE(list[1].is_running);
}

TEST(RunningQueries, ACancelledOneIsToldSo) {
  World world;
  RunningQueries queries(world.runtime, {.max_running = 1});
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  ASSERT_TRUE(world.ask(queries, "ana", "a"));
  ASSERT_TRUE(world.ask(queries, "ana", "b", gone));
  ASSERT_TRUE(world.ask(queries, "ana", "c"));
  ASSERT_TRUE(queries.cancel(queries.list()[2].id));
  *gone = true;
  while (world.hands.step()) {
  }
  EXPECT_EQ(world.ran, "a[b][c]");
  EXPECT_EQ(queries.cancel("1").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(queries.cancel("x").error().code, ErrorCode::kNotFound);
}

TEST(RunningQueries, RefusesWhenTooManyWait) {
  World world;
  RunningQueries queries(world.runtime,
                         {.max_running = 1, .max_waiting = 3, .max_waiting_per_user = 2});
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(world.ask(queries, "ana", text));
  EXPECT_EQ(world.ask(queries, "ana", "d").error().code, ErrorCode::kExhausted);
  ASSERT_TRUE(world.ask(queries, "ben", "x"));
  EXPECT_EQ(world.ask(queries, "cy", "y").error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace wellrun::telemetry
