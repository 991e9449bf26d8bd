#include "platform/runtime/poller.h"

#include <atomic>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace wellrun {
namespace {

using namespace std::chrono_literals;

void run_plainly(const std::function<void()>& loop) {
  loop();
}

/// Two ends that are connected; what is sent at one makes the other ready.
struct Pair {
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0); }
  Pair(const Pair&) = delete;
  ~Pair() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void send() const { EXPECT_EQ(::send(ends[1], "x", 1, MSG_NOSIGNAL), 1); }
  int ends[2] = {-1, -1};
};

/// Calls `when_readable` for each edge.
class Told final : public Poller::Watcher {
 public:
  explicit Told(std::function<void()> when_readable) : when_readable_(std::move(when_readable)) {}
  void ready(std::uint32_t events) override {
    if ((events & EPOLLIN) != 0) when_readable_();
  }
  void abandon() override { was_abandoned = true; }
  std::atomic<bool> was_abandoned = false;

 private:
  const std::function<void()> when_readable_;
};

TEST(Poller, AThreadThatIsBusyKeepsNoOtherSocketWaiting) {
  const Pair slow, quick;
  std::promise<void> begun, answered, done;  // outlive the threads that fulfil them
  Poller poller(2, run_plainly);
  const auto waits = std::make_shared<Told>([&] {
    begun.set_value();
    answered.get_future().wait();
    done.set_value();
  });
  const auto answers = std::make_shared<Told>([&] { answered.set_value(); });
  ASSERT_NE(poller.add(slow.ends[0], waits), 0U);
  ASSERT_NE(poller.add(quick.ends[0], answers), 0U);
  slow.send();
  begun.get_future().wait();
  quick.send();
  EXPECT_EQ(done.get_future().wait_for(60s), std::future_status::ready);
}

TEST(Poller, WhatIsDeferredRunsOnTheSameThreadOnceItIsDone) {
  const Pair pair;
  std::promise<bool> ran;
  Poller poller(2, run_plainly);
  const auto watcher = std::make_shared<Told>([&] {
    const auto here = std::this_thread::get_id();
    const auto has_returned = std::make_shared<bool>(false);
    Task task = [&, here, has_returned] {
      ran.set_value(*has_returned && here == std::this_thread::get_id());
    };
    EXPECT_TRUE(poller.defer(task));
    *has_returned = true;
  });
  ASSERT_NE(poller.add(pair.ends[0], watcher), 0U);
  pair.send();
  EXPECT_TRUE(ran.get_future().get());
}

TEST(Poller, OthersThreadsKeepTheirTasks) {
  Poller poller(1, run_plainly);
  bool ran = false;
  Task task = [&] { ran = true; };
  EXPECT_FALSE(poller.defer(task));
  task();
  EXPECT_TRUE(ran);
}

TEST(Poller, OnceItIsStoppedNobodyIsTold) {
  Poller poller(2, run_plainly);
  const Pair pair;
  std::atomic<int> told = 0;
  const auto watcher = std::make_shared<Told>([&] { ++told; });
  ASSERT_NE(poller.add(pair.ends[0], watcher), 0U);
  poller.stop();
  poller.join();
  const int before = told;
  pair.send();
  EXPECT_EQ(told, before);
  EXPECT_TRUE(watcher->was_abandoned);
  EXPECT_EQ(poller.add(pair.ends[0], watcher), 0U);
}

TEST(Poller, WhoHasGoneIsNotTold) {
  const Pair gone, other;
  std::promise<void> told;
  Poller poller(1, run_plainly);
  auto first = std::make_shared<Told>([] { FAIL() << "it has gone"; });
  const auto second = std::make_shared<Told>([&] { told.set_value(); });
  const auto id = poller.add(gone.ends[0], first);
  poller.remove(id, gone.ends[0]);
  gone.send();
  ASSERT_NE(poller.add(other.ends[0], second), 0U);
  other.send();
  EXPECT_EQ(told.get_future().wait_for(60s), std::future_status::ready);
}

}  // namespace
}  // namespace wellrun
