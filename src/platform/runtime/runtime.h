#pragma once

// Time, chance and turns to run: everything that a simulation replaces. This folder is the only
// place that may touch the operating system's clocks, entropy, threads and timers.
//
// Which clock: a length of time (an interval, a pause, a deadline, how old something is) is
// measured by the steady clock and waited for with `Strand::after`. The wall clock says what time
// it is, and `Strand::at` waits for a date; it may be set forward or back by hours while the
// program runs, and then no interval may stand still and nothing may be thrown away for being old.
//
// The control plane is one strand: whatever runs on `Strand` runs alone, so domains need no locks.
// Work that blocks or computes for long (a PromQL query, SQLite, a DNS look-up) goes to `Workers`
// and posts its result back.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/time.h"

namespace wellrun {

using Task = std::move_only_function<void()>;

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Wall-clock time. It may go back (an operator sets it); never use it to measure a length of
  /// time.
  virtual Timestamp now() const = 0;

  /// Time since some fixed point; never goes back, is never set. For measuring only.
  virtual std::chrono::nanoseconds steady() const = 0;
};

/// Thread-safe. The real one is the operating system's entropy, fit for tokens; the virtual one is
/// seeded.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

/// `byte_count` random bytes in lower-case hexadecimal: ids (8), tokens (32).
std::string random_hex(Random& random, std::size_t byte_count);

/// A timer that has not run yet. Destroying it cancels it; on the strand that set it, a cancelled
/// task never runs.
class Timer {
 public:
  virtual ~Timer() = default;
};

/// Runs tasks one at a time, in order of posting. post() is thread-safe; at() and after() are
/// called on the strand itself.
class Strand {
 public:
  virtual ~Strand() = default;

  virtual void post(Task task) = 0;

  /// Runs `task` once wall-clock time has reached `due`; at once when that has passed. A clock that
  /// is set forward or back is noticed within a second.
  [[nodiscard]] virtual std::unique_ptr<Timer> at(Timestamp due, Task task) = 0;

  /// Runs `task` once `length` has passed on the steady clock, whatever becomes of the wall clock;
  /// at once when it is not positive.
  [[nodiscard]] virtual std::unique_ptr<Timer> after(Duration length, Task task) = 0;
};

/// A pool for what blocks or computes. In simulation the task runs later on the strand, in an order
/// drawn from the seed.
class Workers {
 public:
  virtual ~Workers() = default;
  virtual void run(Task task) = 0;
};

/// What every part is built from. References outlive the application.
struct Runtime {
  Clock& clock;
  Random& random;
  Strand& strand;
  Workers& workers;
};

}  // namespace wellrun
