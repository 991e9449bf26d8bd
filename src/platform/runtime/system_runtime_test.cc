#include "platform/runtime/system_runtime.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <future>
#include <gtest/gtest.h>
#include <thread>

namespace wellrun {
namespace {

using namespace std::chrono_literals;

TEST(SystemRuntime, TasksOfTheStrandRunAloneInOrder) {
  SystemRuntime system({.io_threads = 4, .worker_threads = 1});
  auto& strand = system.runtime().strand;
  std::vector<int> order;  // without a lock: the strand is one
  const auto last = std::make_shared<std::promise<void>>();
  for (int i = 0; i < 1000; ++i) strand.post([&, i] { order.push_back(i); });
  strand.post([&, last] { last->set_value(); });
  last->get_future().wait();
  EXPECT_EQ(order.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(SystemRuntime, TimersRunInOrderAndADestroyedOneNever) {
  SystemRuntime system({});
  const auto runtime = system.runtime();
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<int> ran;
  const auto last = std::make_shared<std::promise<void>>();
  runtime.strand.post([&, last] {
    const auto start = runtime.clock.now();
    timers.push_back(runtime.strand.at(start + 30ms, [&, last] {
      ran.push_back(3);
      last->set_value();
    }));
    timers.push_back(runtime.strand.at(start - 1h, [&] { ran.push_back(1); }));
    timers.push_back(runtime.strand.at(start + 10ms, [&] { ran.push_back(2); }));
    {
      const auto cancelled = runtime.strand.at(start - 1h, [&] { ran.push_back(99); });
    }
  });
  last->get_future().wait();
  EXPECT_EQ(ran, (std::vector{1, 2, 3}));
}

TEST(SystemRuntime, AClockSetForwardIsNoticedWithoutBeingTold) {
  std::atomic<std::int64_t> wall_ms = 1'000'000;
  SystemRuntime system({.wall_clock = [&] { return from_unix_ms(wall_ms); }});
  const auto runtime = system.runtime();
  std::unique_ptr<Timer> timer;
  const auto armed = std::make_shared<std::promise<void>>();
  const auto ran = std::make_shared<std::promise<void>>();
  runtime.strand.post([&, armed, ran] {
    timer = runtime.strand.at(from_unix_ms(wall_ms) + 24h, [&, ran] { ran->set_value(); });
    armed->set_value();
  });
  armed->get_future().wait();
  wall_ms += Duration(24h).count();
  EXPECT_EQ(ran->get_future().wait_for(60s), std::future_status::ready);
}

TEST(SystemRuntime, AClockSetBackHoldsNoIntervalUp) {
  std::atomic<std::int64_t> wall_ms = 100'000'000;
  SystemRuntime system({.wall_clock = [&] { return from_unix_ms(wall_ms); }});
  const auto runtime = system.runtime();
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<int> ran;
  const auto last = std::make_shared<std::promise<void>>();
  runtime.strand.post([&, last] {
    const auto date = from_unix_ms(wall_ms) + 10ms;
    timers.push_back(runtime.strand.at(date, [&] { ran.push_back(99); }));
    timers.push_back(runtime.strand.after(30ms, [&, last] {
      ran.push_back(3);
      last->set_value();
    }));
    timers.push_back(runtime.strand.after(20ms, [&] { ran.push_back(2); }));
    timers.push_back(runtime.strand.after(-1h, [&] { ran.push_back(1); }));
    wall_ms -= Duration(1h).count();
  });
  ASSERT_EQ(last->get_future().wait_for(60s), std::future_status::ready);
  system.stop();
  EXPECT_EQ(ran, (std::vector{1, 2, 3})) << "the date has not come again";
}

TEST(SystemRuntime, WorkersPostBackToTheStrand) {
  SystemRuntime system({});
  const auto runtime = system.runtime();
  const auto posted = std::make_shared<std::promise<void>>();
  runtime.workers.run([&, posted] { runtime.strand.post([posted] { posted->set_value(); }); });
  posted->get_future().wait();
}

/// A task that has begun and waits until it is let go.
struct Held {
  std::promise<void> begun, free;

  static void run(const std::shared_ptr<Held>& held) {
    held->begun.set_value();
    held->free.get_future().wait();
  }
};

TEST(SystemRuntime, WorkKeepsNeitherTheStrandNorASocketWaiting) {
  SystemRuntime system({.io_threads = 1, .worker_threads = 2});
  const auto runtime = system.runtime();
  std::vector<std::shared_ptr<Held>> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.push_back(std::make_shared<Held>());
    runtime.workers.run([held = tasks.back()] { Held::run(held); });
  }
  tasks[0]->begun.get_future().wait();
  tasks[1]->begun.get_future().wait();
  const auto posted = std::make_shared<std::promise<void>>();
  runtime.strand.post([posted] { posted->set_value(); });
  posted->get_future().wait();
  auto third = tasks[2]->begun.get_future();
  EXPECT_EQ(third.wait_for(20ms), std::future_status::timeout) << "only two at once";
  tasks[1]->free.set_value();
  third.wait();
  for (const std::size_t i : {0U, 2U, 3U}) tasks[i]->free.set_value();
}

TEST(SystemRuntime, WorkThatWaitsForOtherWorkIsNotWhatThatWaitsFor) {
  SystemRuntime system({.io_threads = 1, .worker_threads = 2});
  const auto runtime = system.runtime();
  const auto met = std::make_shared<std::promise<void>>();
  // As a socket's handler does it: the work begins on the thread that asks for it.
  boost::asio::post(system.io(), [&, met] {
    EXPECT_TRUE(is_about_to_return());
    runtime.workers.run([&, met] {
      const auto helped = std::make_shared<std::promise<void>>();
      runtime.workers.run([helped] { helped->set_value(); });
      helped->get_future().wait();
      met->set_value();
    });
  });
  EXPECT_EQ(met->get_future().wait_for(60s), std::future_status::ready);
}

TEST(SystemRuntime, EveryTaskRunsOnceAndNeverMoreAtOnceThanThereAreWorkers) {
  SystemRuntime system({.io_threads = 2, .worker_threads = 3});
  const auto runtime = system.runtime();
  constexpr int kTasks = 2'000;
  std::atomic<int> running = 0, most = 0, done = 0;
  const auto last = std::make_shared<std::promise<void>>();
  for (int i = 0; i < kTasks; ++i) {
    const auto hand_over = [&, last] {
      runtime.workers.run([&, last] {
        int seen = most;
        for (const int now = ++running; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        --running;
        if (++done == kTasks) last->set_value();
      });
    };
    i % 2 == 0 ? hand_over() : boost::asio::post(system.io(), hand_over);
  }
  last->get_future().wait();
  EXPECT_LE(most, 3);
}

TEST(SystemRuntime, OnTheStrandNobodyIsAboutToReturn) {
  SystemRuntime system({});
  EXPECT_FALSE(is_about_to_return());
  const auto answers = std::make_shared<std::promise<std::pair<bool, bool>>>();
  system.runtime().strand.post([&, answers] {
    const bool on_strand = is_about_to_return();
    system.runtime().workers.run(
        [answers, on_strand] { answers->set_value({on_strand, is_about_to_return()}); });
  });
  EXPECT_EQ(answers->get_future().get(), std::pair(false, true));
}

TEST(SystemRuntime, ASignalEndsTheWait) {
  SystemRuntime system({});
  const auto signalled = std::make_shared<std::promise<int>>();
  // Before the runtime's handler stands, SIGINT would end the test: it is ignored until then. Set
  // before the thread that installs the handler starts, or it would take the handler away again.
  std::signal(SIGINT, SIG_IGN);
  std::thread waiter([&, signalled] { signalled->set_value(system.run_until_signal()); });
  auto result = signalled->get_future();
  while (result.wait_for(5ms) != std::future_status::ready) std::raise(SIGINT);
  waiter.join();
  EXPECT_EQ(result.get(), SIGINT);
}

/// A runtime of its own: of the one above a second SIGINT may still be on its way.
TEST(SystemRuntime, StopEndsTheWait) {
  SystemRuntime system({});
  std::thread stopper([&] { system.stop(); });
  EXPECT_EQ(system.run_until_signal(), 0);
  stopper.join();
}

TEST(SystemRuntime, OnceItIsStoppedNothingRunsAnyMore) {
  SystemRuntime system({.io_threads = 2, .worker_threads = 1});
  const auto runtime = system.runtime();
  auto& others = system.add_workers(1);
  std::promise<void> begun, begun_elsewhere, go_on;
  const auto may_go_on = go_on.get_future().share();
  std::atomic<int> finished = 0;
  const auto work = [&](std::promise<void>& tell) {
    return [&, may_go_on] {
      tell.set_value();
      may_go_on.wait();
      std::this_thread::sleep_for(20ms);
      ++finished;
    };
  };
  runtime.workers.run(work(begun));
  others.run(work(begun_elsewhere));
  begun.get_future().wait();
  begun_elsewhere.get_future().wait();
  runtime.strand.post([&] { system.stop(); });  // from a thread of its own: tells, does not wait
  go_on.set_value();
  system.stop();
  EXPECT_EQ(finished, 2);
}

TEST(SystemRuntime, APoolThatIsBusyHoldsNoOtherUp) {
  SystemRuntime system({.io_threads = 1, .worker_threads = 1});
  auto& mail = system.add_workers(1);
  std::promise<void> answered;
  mail.run([answer = answered.get_future()]() mutable { answer.wait(); });
  std::promise<void> done;
  system.runtime().workers.run([&] { done.set_value(); });
  EXPECT_EQ(done.get_future().wait_for(60s), std::future_status::ready);
  answered.set_value();
}

TEST(SystemRuntime, ATimerMayOutliveTheRuntime) {
  std::unique_ptr<Timer> timer;
  {
    SystemRuntime system({});
    const auto set = std::make_shared<std::promise<void>>();
    system.runtime().strand.post([&, set] {
      timer = system.runtime().strand.at(system.runtime().clock.now() + 1h, [] {});
      set->set_value();
    });
    set->get_future().wait();
  }
  timer.reset();
}

TEST(SystemRuntime, RandomWordsDiffer) {
  SystemRuntime system({});
  auto& random = system.runtime().random;
  EXPECT_NE(random_hex(random, 32), random_hex(random, 32));
}

}  // namespace
}  // namespace wellrun
