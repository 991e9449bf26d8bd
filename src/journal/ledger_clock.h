#pragma once

// The time of facts. Facts in order of seq are in order of time, so this clock never goes back; and
// what waits for it (an escalation, a retry) waits for a length of time, so it never stands still.
// It is the wall clock as long as that goes forward. When the wall clock is set back, or the
// journal holds facts of a time that has not come yet, it goes on by the steady clock at nine
// tenths of its pace, until the wall clock has caught up: intervals become a ninth longer, and an
// hour is made up for in ten. docs/decisions/0005-two-clocks.md says why. On the strand.

#include <memory>

#include "platform/runtime/runtime.h"

namespace wellrun::journal {

class LedgerClock {
 public:
  explicit LedgerClock(const Clock& clock) : clock_(clock) {}

  /// Facts of time `last` are stored: it goes on from there.
  void start_after(Timestamp last);

  /// The time that a turn would have now.
  Timestamp now() const;

  /// The time of a turn: no later turn will have an earlier one.
  Timestamp turn();

  /// Runs `task` on the strand once now() has reached `due`, whatever becomes of the wall clock
  /// until then. Destroying the timer cancels it; it must not outlive this.
  [[nodiscard]] std::unique_ptr<Timer> wait(Strand& strand, Timestamp due, Task task) const;

 private:
  const Clock& clock_;
  Timestamp anchor_{};                   ///< what it said
  std::chrono::nanoseconds anchored_{};  ///< at this time of the steady clock
};

}  // namespace wellrun::journal
