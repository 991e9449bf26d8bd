#pragma once

// Waits for sockets on threads that all sit in epoll_wait on one set. Whoever is woken does what
// follows, however long: no other has to be woken to take its place, as Asio's threads must, of
// which only one waits for sockets. A request that is read, worked on and answered at once costs
// three system calls and no change of threads. Belongs to SystemRuntime.

#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "platform/runtime/runtime.h"

namespace wellrun {

class Poller {
 public:
  /// What happens to one descriptor.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    /// Its state has changed to readable or writable, or the peer's end has ended. `events`: as
    /// epoll has them, edge-triggered. On a thread of the poller; of one descriptor several may
    /// come at the same time.
    virtual void ready(std::uint32_t events) = 0;
    /// The poller has stopped: nothing is told any more, and what waits is to be forgotten.
    virtual void abandon() = 0;
  };
  using Id = std::uint64_t;

  /// `around` runs a thread's loop, so that its owner can say whose the thread is.
  Poller(int threads, const std::function<void(const std::function<void()>& loop)>& around);
  ~Poller();  ///< every thread has been joined
  Poller(const Poller&) = delete;

  /// Thread-safe. 0 when the system or a poller that has stopped does not take it. The first
  /// ready() may come before this returns.
  Id add(int descriptor, std::weak_ptr<Watcher> watcher);

  /// Thread-safe; before the descriptor is closed. A ready() that has begun may still run.
  void remove(Id id, int descriptor);

  /// Runs `task` on this thread once what it does has returned. False, and the task is left alone,
  /// on any other thread than this poller's.
  bool defer(Task& task);

  bool runs_this_thread() const;

  /// Thread-safe. No thread begins anything any more.
  void stop();
  /// After stop(), on another thread than its own: waits for what has begun, then abandons every
  /// watcher.
  void join();

 private:
  void loop();
  bool wait();
  std::shared_ptr<Watcher> find(Id id);

  const int set_, stopped_;
  std::mutex mutex_;
  Id last_id_ = 0;
  bool is_stopped_ = false;
  std::unordered_map<Id, std::weak_ptr<Watcher>> watchers_;
  std::vector<std::thread> threads_;
};

}  // namespace wellrun
