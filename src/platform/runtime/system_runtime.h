#pragma once

// The real runtime: the operating system's clock and entropy, one strand and a pool on Boost.Asio.

#include <memory>

#include "platform/runtime/runtime.h"

namespace boost::asio {
class io_context;
}

namespace wellrun {

struct SystemRuntimeOptions {
  int io_threads = 2;      ///< serve sockets and the strand
  int worker_threads = 2;  ///< run Workers' tasks
};

class SystemRuntime {
 public:
  explicit SystemRuntime(SystemRuntimeOptions options);
  ~SystemRuntime();  ///< stops and joins

  Runtime runtime();

  /// For servers and clients in platform/ that speak Asio themselves.
  boost::asio::io_context& io();

  /// Runs until stop(); returns the signal that ended it (SIGINT, SIGTERM), or 0.
  int run_until_signal();

  /// Thread-safe. Work under way on the pool is finished, timers are forgotten.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wellrun
