#include "platform/runtime/virtual_runtime.h"

#include <deque>
#include <map>
#include <random>

namespace wellrun {

struct VirtualRuntime::State final : Clock, Random, Strand, Workers {
  State(std::uint64_t seed, Timestamp start) : now_time(start), start_time(start), engine(seed) {}

  Timestamp now() const override { return now_time; }
  std::chrono::nanoseconds steady() const override { return now_time - start_time; }
  std::uint64_t next() override { return engine(); }
  void post(Task task) override { ready.push_back(std::move(task)); }
  std::unique_ptr<Timer> at(Timestamp due, Task task) override;

  /// Finished work comes back in any order: among what is ready, the seed chooses where it goes.
  void run(Task task) override {
    const auto place = ready.empty() ? 0 : next() % (ready.size() + 1);
    ready.insert(ready.begin() + static_cast<std::ptrdiff_t>(place), std::move(task));
  }

  using Due = std::pair<Timestamp, std::uint64_t>;  ///< equal times run in the order they were set

  Timestamp now_time, start_time;
  std::mt19937_64 engine;
  std::deque<Task> ready;
  std::map<Due, Task> timers;
  std::uint64_t timer_count = 0;
};

namespace {

struct VirtualTimer final : Timer {
  explicit VirtualTimer(std::function<void()> cancel_task) : cancel(std::move(cancel_task)) {}
  ~VirtualTimer() override { cancel(); }
  std::function<void()> cancel;
};

}  // namespace

std::unique_ptr<Timer> VirtualRuntime::State::at(Timestamp due, Task task) {
  const Due key{std::max(due, now_time), ++timer_count};
  timers.emplace(key, std::move(task));
  return std::make_unique<VirtualTimer>([this, key] { timers.erase(key); });
}

VirtualRuntime::VirtualRuntime(std::uint64_t seed, Timestamp start)
    : state_(std::make_unique<State>(seed, start)) {}
VirtualRuntime::~VirtualRuntime() = default;

Runtime VirtualRuntime::runtime() {
  return {*state_, *state_, *state_, *state_};
}
Timestamp VirtualRuntime::now() const {
  return state_->now_time;
}

void VirtualRuntime::run_ready() {
  while (!state_->ready.empty()) {
    auto task = std::move(state_->ready.front());
    state_->ready.pop_front();
    task();
  }
}

void VirtualRuntime::run_until(Timestamp end) {
  run_ready();
  while (!state_->timers.empty() && state_->timers.begin()->first.first <= end) {
    auto timer = state_->timers.extract(state_->timers.begin());
    state_->now_time = std::max(state_->now_time, timer.key().first);
    timer.mapped()();
    run_ready();
  }
  state_->now_time = std::max(state_->now_time, end);
}

void VirtualRuntime::crash() {
  // Destroying a task may destroy timers, which erase themselves: let go of both before either is
  // destroyed.
  auto ready = std::exchange(state_->ready, {});
  auto timers = std::exchange(state_->timers, {});
}

}  // namespace wellrun
