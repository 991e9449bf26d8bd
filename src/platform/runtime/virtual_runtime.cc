#include "platform/runtime/virtual_runtime.h"

#include <deque>
#include <map>
#include <optional>
#include <random>

namespace wellrun {

struct VirtualRuntime::State final : Clock, Random, Strand, Workers {
  State(std::uint64_t seed, Timestamp start) : wall_zero(start), engine(seed) {}

  Timestamp now() const override { return wall_zero + elapsed; }
  std::chrono::nanoseconds steady() const override { return elapsed; }
  std::uint64_t next() override { return engine(); }
  void post(Task task) override { ready.push_back(std::move(task)); }
  std::unique_ptr<Timer> at(Timestamp due, Task task) override {
    return add(by_wall, std::max(due, now()), std::move(task));
  }
  std::unique_ptr<Timer> after(Duration length, Task task) override {
    return add(by_steady, elapsed + std::max(length, Duration{0}), std::move(task));
  }

  /// Finished work comes back in any order: among what is ready, the seed chooses where it goes.
  void run(Task task) override {
    const auto place = ready.empty() ? 0 : next() % (ready.size() + 1);
    ready.insert(ready.begin() + static_cast<std::ptrdiff_t>(place), std::move(task));
  }

  template <typename Due>
  using Timers =
      std::map<std::pair<Due, std::uint64_t>, Task>;  ///< equal times: in order of setting

  template <typename Due>
  std::unique_ptr<Timer> add(Timers<Due>& timers, Due due, Task task);

  /// When the next timer runs, as time elapsed; a clock that was set may have made it late.
  struct Next {
    Duration at;
    std::uint64_t number;
    auto operator<=>(const Next&) const = default;
  };
  std::optional<Next> next_by_wall() const {
    if (by_wall.empty()) return std::nullopt;
    const auto& [due, number] = by_wall.begin()->first;
    return Next{std::max(due - wall_zero, elapsed), number};
  }
  std::optional<Next> next_by_steady() const {
    if (by_steady.empty()) return std::nullopt;
    const auto& [due, number] = by_steady.begin()->first;
    return Next{std::max(due, elapsed), number};
  }
  bool run_next(Duration end);

  Timestamp wall_zero;  ///< what the wall clock would have shown when nothing had elapsed
  Duration elapsed{0};
  std::mt19937_64 engine;
  std::deque<Task> ready;
  Timers<Timestamp> by_wall;
  Timers<Duration> by_steady;
  std::uint64_t timer_count = 0;
};

namespace {

struct VirtualTimer final : Timer {
  explicit VirtualTimer(std::function<void()> cancel_task) : cancel(std::move(cancel_task)) {}
  ~VirtualTimer() override { cancel(); }
  std::function<void()> cancel;
};

}  // namespace

template <typename Due>
std::unique_ptr<Timer> VirtualRuntime::State::add(Timers<Due>& timers, Due due, Task task) {
  const std::pair key{due, ++timer_count};
  timers.emplace(key, std::move(task));
  return std::make_unique<VirtualTimer>([&timers, key] { timers.erase(key); });
}

/// Runs the timer that is next, of either clock, if it is due by `end`.
bool VirtualRuntime::State::run_next(Duration end) {
  const auto wall = next_by_wall();
  const auto steady = next_by_steady();
  const bool is_wall = wall && (!steady || *wall < *steady);
  const auto& next = is_wall ? wall : steady;
  if (!next || next->at > end) return false;
  elapsed = next->at;
  auto task = is_wall ? std::move(by_wall.extract(by_wall.begin()).mapped())
                      : std::move(by_steady.extract(by_steady.begin()).mapped());
  task();
  return true;
}

VirtualRuntime::VirtualRuntime(std::uint64_t seed, Timestamp start)
    : state_(std::make_unique<State>(seed, start)) {}
VirtualRuntime::~VirtualRuntime() = default;

Runtime VirtualRuntime::runtime() {
  return {*state_, *state_, *state_, *state_};
}
Timestamp VirtualRuntime::now() const {
  return state_->now();
}

void VirtualRuntime::run_ready() {
  while (!state_->ready.empty()) {
    auto task = std::move(state_->ready.front());
    state_->ready.pop_front();
    task();
  }
}

void VirtualRuntime::run_until(Timestamp end) {
  const auto until = end - state_->wall_zero;  // even if a task sets the clock meanwhile
  run_ready();
  while (state_->run_next(until)) run_ready();
  state_->elapsed = std::max(state_->elapsed, until);
}

void VirtualRuntime::set_clock(Duration by) {
  state_->wall_zero += by;
}

void VirtualRuntime::crash() {
  // Destroying a task may destroy timers, which erase themselves: let go of all before any is
  // destroyed.
  auto ready = std::exchange(state_->ready, {});
  auto by_wall = std::exchange(state_->by_wall, {});
  auto by_steady = std::exchange(state_->by_steady, {});
}

}  // namespace wellrun
