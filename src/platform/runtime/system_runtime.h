#pragma once

// The real runtime: the operating system's clock and entropy, one strand and a pool on Boost.Asio.
// Its threads run from construction on, so whatever is wired up must be complete before a server
// starts to listen. SIGPIPE is ignored.

#include <functional>
#include <memory>

#include "platform/runtime/runtime.h"

namespace boost::asio {
class io_context;
}

namespace wellrun {

struct SystemRuntimeOptions {
  int io_threads = 2;      ///< for sockets and the strand, whatever the workers do
  int worker_threads = 2;  ///< how many of Workers' tasks run at once
  std::function<Timestamp()> wall_clock =
      {};  ///< for tests of a clock that jumps; empty: the system's
};

/// Whether the calling thread runs a socket's handler or a task of Workers. Both end with handing
/// on, so what they hand on is best deferred to SystemRuntime::io(), or to the poller whose thread
/// it is: it runs on the same thread once they return, and none is woken.
bool is_about_to_return();

class Poller;

class SystemRuntime {
 public:
  explicit SystemRuntime(SystemRuntimeOptions options);
  ~SystemRuntime();  ///< stops and joins

  Runtime runtime();

  /// A further pool of `threads`, for what blocks on something outside for long (a mail server, a
  /// name server): a peer that does not answer must not hold up what the other workers do. To be
  /// called by one thread, before stop(); lives as long as this.
  Workers& add_workers(int threads);

  /// For servers and clients in platform/ that speak Asio themselves.
  boost::asio::io_context& io();

  /// For sockets whose requests are mostly answered by the thread that reads them.
  Poller& poller();

  /// From now on SIGINT and SIGTERM are kept for run_until_signal() instead of ending the process.
  void watch_signals();

  /// Waits until stop(); returns the signal that ended it (SIGINT, SIGTERM), or 0. A signal stops
  /// nothing by itself: the caller takes its parts down in order, while the threads still run, and
  /// calls stop() or destroys this last.
  int run_until_signal();

  /// Thread-safe. Forgets timers and what is posted, waits for what the pools have begun, and joins
  /// every thread: once it returns nothing runs any more, and what tasks use may go. Called from
  /// one of those threads, it only tells them to end; the next call, or the destructor, joins.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wellrun
