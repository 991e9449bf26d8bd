#include "journal/ledger_clock.h"

#include <algorithm>

namespace wellrun::journal {
namespace {

/// By the wall clock, and by the steady one for the case that the wall clock is set back meanwhile:
/// whichever is first looks whether it is time.
class Waiting final : public Timer {
 public:
  Waiting(const LedgerClock& clock, Strand& strand, Timestamp due, Task task)
      : clock_(clock), strand_(strand), due_(due), task_(std::move(task)) {
    arm();
  }

 private:
  void arm() {
    const auto rest = std::max(due_ - clock_.now(), Duration{0});
    by_wall_ = strand_.at(due_, [this] { look(); });
    by_steady_ = strand_.after(rest + rest / 9 + Duration{1}, [this] { look(); });
  }

  void look() {
    if (clock_.now() < due_) return arm();
    by_wall_.reset();
    by_steady_.reset();
    auto task = std::move(task_);  // it may destroy this
    task();
  }

  const LedgerClock& clock_;
  Strand& strand_;
  Timestamp due_;
  Task task_;
  std::unique_ptr<Timer> by_wall_, by_steady_;
};

}  // namespace

void LedgerClock::start_after(Timestamp last) {
  anchor_ = last;
  anchored_ = clock_.steady();
}

Timestamp LedgerClock::now() const {
  const auto passed = std::chrono::floor<Duration>((clock_.steady() - anchored_) / 10 * 9);
  return std::max(clock_.now(), anchor_ + passed);
}

Timestamp LedgerClock::turn() {
  // As long as the wall clock is behind, the anchor stays: no part of a millisecond is ever lost.
  if (const auto wall = clock_.now(); wall >= now()) {
    anchor_ = wall;
    anchored_ = clock_.steady();
  }
  return now();
}

std::unique_ptr<Timer> LedgerClock::wait(Strand& strand, Timestamp due, Task task) const {
  return std::make_unique<Waiting>(*this, strand, due, std::move(task));
}

}  // namespace wellrun::journal
