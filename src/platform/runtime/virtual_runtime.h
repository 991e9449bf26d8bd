#pragma once

// The virtual twin of the runtime: time stands still until run_until() or run_for() moves it,
// chance comes from a seed, and everything runs on the calling thread. Used by unit tests and by
// tests/simulation. Not thread-safe.

#include <cstdint>
#include <memory>
#include <vector>

#include "platform/runtime/runtime.h"

namespace wellrun {

class VirtualRuntime {
 public:
  explicit VirtualRuntime(std::uint64_t seed = 1,
                          Timestamp start = from_unix_ms(1'767'225'600'000));
  ~VirtualRuntime();

  Runtime runtime();
  Timestamp now() const;

  /// Runs everything posted, without moving time.
  void run_ready();

  /// Moves both clocks on by as much as the wall clock lacks to `end`, running each timer at its
  /// due time and everything that follows from it.
  void run_until(Timestamp end);
  void run_for(Duration length) { run_until(now() + length); }

  /// Sets the wall clock forward or (negative) back, as an operator or a time server does; the
  /// steady clock does not notice. What is due by then runs when time is next moved.
  void set_clock(Duration by);

  /// Forgets every posted task and timer, as a crash does. Time and seed go on.
  void crash();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wellrun
