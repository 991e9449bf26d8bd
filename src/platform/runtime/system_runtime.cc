#include "platform/runtime/system_runtime.h"

#include <boost/asio/defer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <malloc.h>
#include <map>
#include <mutex>
#include <optional>
#include <sys/random.h>
#include <thread>

#include "core/assert.h"
#include "platform/runtime/poller.h"

namespace wellrun {
namespace {

namespace asio = boost::asio;
using AsioStrand = asio::strand<asio::io_context::executor_type>;

/// What the calling thread does for a SystemRuntime.
enum class Doing { kNothing, kSockets, kStrand, kWork };
thread_local Doing doing = Doing::kNothing;

class Turn {
 public:
  explicit Turn(Doing what) : outer_(std::exchange(doing, what)) {}
  ~Turn() { doing = outer_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  const Doing outer_;
};

/// A steady wait never outlives this, so that a wall clock that was set is noticed in time.
constexpr Duration kLongestWait{1000};

class SystemClock final : public Clock {
 public:
  explicit SystemClock(std::function<Timestamp()> wall_clock)
      : wall_clock_(std::move(wall_clock)) {}

  Timestamp now() const override {
    if (wall_clock_) return wall_clock_();
    return std::chrono::floor<Duration>(std::chrono::system_clock::now());
  }
  std::chrono::nanoseconds steady() const override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }

 private:
  std::function<Timestamp()> wall_clock_;
};

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override {
    std::uint64_t word = 0;
    ssize_t got = 0;
    do {
      got = ::getrandom(&word, sizeof word, 0);
    } while (got < 0 && errno == EINTR);
    WELLRUN_ASSERT(got == sizeof word, "the operating system gave no entropy");
    return word;
  }
};

/// The tasks that are due later, behind one steady timer. Shared by the strand and each Timer
/// handed out, because a Timer may be destroyed after the runtime was.
class TimerTable : public std::enable_shared_from_this<TimerTable> {
 public:
  enum class Base : std::uint8_t { kSteady, kWall };
  struct Key {
    Base base;
    Duration due;          ///< on that clock, since its zero
    std::uint64_t number;  ///< equal times run in the order they were set
    auto operator<=>(const Key&) const = default;
  };

  TimerTable(AsioStrand strand, const Clock& clock)
      : strand_(std::move(strand)), clock_(clock), wait_(strand_) {}

  Key add(Base base, Duration due, Task task) {
    std::unique_lock lock(mutex_);
    const Key key{base, due, ++count_};
    auto& tasks = tasks_[base];
    tasks.emplace(key, std::move(task));
    const bool is_next = tasks.begin()->first == key;
    lock.unlock();
    if (is_next) arm_soon();
    return key;
  }

  void remove(const Key& key) {
    Task forgotten;  // destroyed outside the lock: it may own other timers
    const std::lock_guard lock(mutex_);
    auto& tasks = tasks_[key.base];
    if (const auto found = tasks.find(key); found != tasks.end()) {
      forgotten = std::move(found->second);
      tasks.erase(found);
    }
  }

  void clear() {
    std::map<Base, std::map<Key, Task>> forgotten;
    const std::lock_guard lock(mutex_);
    std::swap(forgotten, tasks_);
  }

 private:
  Duration now(Base base) const {
    return base == Base::kSteady ? std::chrono::floor<Duration>(clock_.steady())
                                 : clock_.now().time_since_epoch();
  }

  void arm_soon() {
    asio::dispatch(strand_, [self = shared_from_this()] { self->arm(); });
  }

  void arm() {
    auto wait = kLongestWait;
    bool any = false;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [base, tasks] : tasks_) {
        if (tasks.empty()) continue;
        any = true;
        wait = std::min(wait, tasks.begin()->first.due - now(base));
      }
    }
    if (!any) return;
    wait_.expires_after(std::max(wait, Duration{0}));  // cancels the wait before
    wait_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->run_due();
    });
  }

  void run_due() {
    const Turn turn(Doing::kStrand);
    while (auto task = take_due()) (*task)();
    arm();
  }

  /// Of the two clocks' timers the one that is late the longest.
  std::optional<Task> take_due() {
    const std::lock_guard lock(mutex_);
    std::map<Key, Task>* latest = nullptr;
    Duration most{-1};
    for (auto& [base, tasks] : tasks_) {
      if (tasks.empty()) continue;
      const auto late = now(base) - tasks.begin()->first.due;
      if (late <= most) continue;
      most = late;
      latest = &tasks;
    }
    if (latest == nullptr) return std::nullopt;
    return std::move(latest->extract(latest->begin()).mapped());
  }

  AsioStrand strand_;
  const Clock& clock_;
  asio::steady_timer wait_;  ///< used on the strand only
  std::mutex mutex_;
  std::map<Base, std::map<Key, Task>> tasks_;
  std::uint64_t count_ = 0;
};

class SystemTimer final : public Timer {
 public:
  SystemTimer(std::weak_ptr<TimerTable> table, TimerTable::Key key)
      : table_(std::move(table)), key_(key) {}
  ~SystemTimer() override {
    if (const auto table = table_.lock()) table->remove(key_);
  }

 private:
  std::weak_ptr<TimerTable> table_;
  TimerTable::Key key_;
};

class SystemStrand final : public Strand {
 public:
  SystemStrand(asio::io_context& io, const Clock& clock)
      : strand_(asio::make_strand(io)),
        clock_(clock),
        timers_(std::make_shared<TimerTable>(strand_, clock)) {}
  ~SystemStrand() override { timers_->clear(); }

  void post(Task task) override {
    asio::post(strand_, [task = std::move(task)]() mutable {
      const Turn turn(Doing::kStrand);
      std::exchange(task, nullptr)();
    });
  }
  std::unique_ptr<Timer> at(Timestamp due, Task task) override {
    return add(TimerTable::Base::kWall, due.time_since_epoch(), std::move(task));
  }
  std::unique_ptr<Timer> after(Duration length, Task task) override {
    const auto due = std::chrono::ceil<Duration>(clock_.steady()) + length;
    return add(TimerTable::Base::kSteady, due, std::move(task));
  }
  void forget_timers() { timers_->clear(); }

 private:
  std::unique_ptr<Timer> add(TimerTable::Base base, Duration due, Task task) {
    return std::make_unique<SystemTimer>(timers_, timers_->add(base, due, std::move(task)));
  }

  AsioStrand strand_;
  const Clock& clock_;
  std::shared_ptr<TimerTable> timers_;
};

/// Workers are turns on the threads that serve the sockets, of which there are so many more: a
/// request is worked on by the thread that read it and answered from there, without waking another,
/// and the sockets never wait for work.
class SystemWorkers final : public Workers {
 public:
  SystemWorkers(asio::io_context& io, Poller& poller, int most)
      : io_(io), poller_(poller), most_(std::max(1, most)) {}

  void run(Task task) override {
    {
      const std::lock_guard lock(mutex_);
      if (running_ == most_) return waiting_.push_back(std::move(task));
      ++running_;
    }
    start(std::move(task));
  }

 private:
  void start(Task task) {
    Task work = [this, task = std::move(task)]() mutable { do_work(std::move(task)); };
    if (doing != Doing::kSockets)  // work that shares itself among others may wait for them
      asio::post(io_, std::move(work));
    else if (!poller_.defer(work))
      asio::defer(io_, std::move(work));
  }

  void do_work(Task task) {
    {
      const Turn turn(Doing::kWork);
      std::exchange(task, nullptr)();
    }
    std::unique_lock lock(mutex_);
    if (waiting_.empty()) {
      --running_;
      return;
    }
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    start(std::move(next));
  }

  asio::io_context& io_;
  Poller& poller_;
  const int most_;
  std::mutex mutex_;
  int running_ = 0;
  std::deque<Task> waiting_;  ///< only while `most_` run
};

/// Threads of their own, for what blocks on something outside.
class BlockingPool final : public Workers {
 public:
  explicit BlockingPool(int threads) : pool_(static_cast<std::size_t>(std::max(1, threads))) {}
  void run(Task task) override { asio::post(pool_, std::move(task)); }
  void stop() { pool_.stop(); }
  void join() { pool_.join(); }
  bool runs_this_thread() { return pool_.get_executor().running_in_this_thread(); }

 private:
  asio::thread_pool pool_;
};

}  // namespace

struct SystemRuntime::State {
  explicit State(SystemRuntimeOptions options)
      : clock(std::move(options.wall_clock)),
        thread_count(prepare_threads(options)),
        poller(thread_count, [](const auto& loop) { as_socket_thread("sockets", loop); }),
        io(thread_count),
        keep_running(asio::make_work_guard(io)),
        strand(io, clock),
        workers(io, poller, options.worker_threads) {
    for (int i = 0; i < thread_count; ++i)
      threads.emplace_back([this] { as_socket_thread("work", [this] { io.run(); }); });
  }

  /// What holds for the process, before its first thread. Returns how many are to run.
  static int prepare_threads(const SystemRuntimeOptions& options) {
    const int count = std::max(1, options.io_threads) + std::max(1, options.worker_threads);
    std::signal(SIGPIPE, SIG_IGN);
    // As many heaps as threads that work at a time: each keeps room for the most it ever held.
    ::mallopt(M_ARENA_MAX, count);
    return count;
  }

  /// `name` as the operating system shows it.
  static void as_socket_thread(const char* name, const std::function<void()>& loop) {
    ::pthread_setname_np(::pthread_self(), name);
    const Turn turn(Doing::kSockets);
    loop();
  }

  SystemClock clock;
  SystemRandom random;
  const int thread_count;
  Poller poller;  ///< outlives what io's destructor destroys: sockets that are told to it
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> keep_running;
  SystemStrand strand;
  SystemWorkers workers;
  std::deque<BlockingPool> pools;
  std::vector<std::thread> threads;

  bool runs_this_thread() {
    return io.get_executor().running_in_this_thread() || poller.runs_this_thread() ||
           std::ranges::any_of(pools, &BlockingPool::runs_this_thread);
  }
  void join() {
    const std::lock_guard one(join_mutex);
    for (auto& pool : pools) pool.join();
    for (auto& thread : threads)
      if (thread.joinable()) thread.join();
    poller.join();
  }
  std::mutex join_mutex;

  std::optional<asio::signal_set> signals;
  std::mutex mutex;
  std::condition_variable ended;
  bool stopped = false;
};

bool is_about_to_return() {
  return doing == Doing::kSockets || doing == Doing::kWork;
}

SystemRuntime::SystemRuntime(SystemRuntimeOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}

SystemRuntime::~SystemRuntime() {
  stop();
}

Runtime SystemRuntime::runtime() {
  return {state_->clock, state_->random, state_->strand, state_->workers};
}

Workers& SystemRuntime::add_workers(int threads) {
  return state_->pools.emplace_back(threads);
}

asio::io_context& SystemRuntime::io() {
  return state_->io;
}

Poller& SystemRuntime::poller() {
  return state_->poller;
}

void SystemRuntime::watch_signals() {
  if (!state_->signals) state_->signals.emplace(state_->io, SIGINT, SIGTERM);
}

int SystemRuntime::run_until_signal() {
  int received = 0;
  watch_signals();
  state_->signals->async_wait(
      [&, state = state_.get()](boost::system::error_code error, int signal) {
        const std::lock_guard lock(state->mutex);
        received = error ? -1 : signal;  // -1: cancelled below
        state->ended.notify_all();
      });
  std::unique_lock lock(state_->mutex);
  state_->ended.wait(lock, [&] { return received != 0 || state_->stopped; });
  if (received > 0 || state_->io.stopped()) return std::max(received, 0);
  boost::system::error_code ignored;
  (void)state_->signals->cancel(ignored);
  return 0;
}

void SystemRuntime::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    if (!std::exchange(state_->stopped, true)) state_->keep_running.reset();
  }
  state_->strand.forget_timers();
  state_->io.stop();
  state_->poller.stop();
  for (auto& pool : state_->pools) pool.stop();
  state_->ended.notify_all();
  if (!state_->runs_this_thread()) state_->join();
}

}  // namespace wellrun
