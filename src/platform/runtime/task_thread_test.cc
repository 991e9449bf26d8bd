#include "platform/runtime/task_thread.h"

#include <future>
#include <gtest/gtest.h>
#include <vector>

namespace wellrun {
namespace {

TEST(TaskThread, RunsWhatIsPostedInOrderAndAllOfItBeforeItEnds) {
  std::vector<int> ran;
  {
    TaskThread thread("test");
    for (int i = 0; i < 1000; ++i) thread.post([&ran, i] { ran.push_back(i); });
    thread.post([&thread, &ran] { thread.post([&ran] { ran.push_back(1000); }); });
  }
  ASSERT_EQ(ran.size(), 1001U);
  for (int i = 0; i <= 1000; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

TEST(TaskThread, IsAThreadOfItsOwn) {
  TaskThread thread("test");
  std::promise<void> may_end;
  std::promise<void> ended;
  thread.post([&] {
    may_end.get_future().wait();
    ended.set_value();
  });
  may_end.set_value();  // would never be reached if post() ran the task
  ended.get_future().wait();
}

TEST(TaskThread, APauseEndsByItselfAndAtOnceWhenTheThreadIsToEnd) {
  std::promise<void> began;
  std::vector<bool> paused;
  {
    TaskThread thread("test");
    thread.post([&] {
      paused.push_back(thread.pause(Duration{1}));
      began.set_value();
      paused.push_back(thread.pause(std::chrono::hours(1)));
    });
    began.get_future().wait();
  }
  EXPECT_EQ(paused, (std::vector<bool>{true, false}));
}

}  // namespace
}  // namespace wellrun
