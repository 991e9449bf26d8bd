#pragma once

// Who is at work with what the index gave out. Readers follow refs and pointers into the head
// without locks; what they may hold is given back only when everybody who began before it was taken
// out of reach has ended (epoch-based reclamation: Fraser, "Practical lock-freedom", 2004, chapter
// 5.2.3). Thread-safe; a pin costs one short lock, so one a query or a write, none a series.

#include <cstdint>
#include <mutex>
#include <set>
#include <utility>

namespace wellrun::telemetry::store {

class ReadPins {
 public:
  /// Held for as long as refs or pointers are; ends with its destruction, on any thread.
  class Pin {
   public:
    Pin(Pin&& other) noexcept : pins_(std::exchange(other.pins_, nullptr)), began_(other.began_) {}
    Pin& operator=(Pin&&) = delete;
    ~Pin() {
      if (pins_ != nullptr) pins_->end(began_);
    }

   private:
    friend class ReadPins;
    Pin(const ReadPins& pins, std::uint64_t began) : pins_(&pins), began_(began) {}
    const ReadPins* pins_;
    std::uint64_t began_;
  };

  Pin pin() const {
    const std::scoped_lock lock(mutex_);
    active_.insert(++last_);
    return Pin(*this, last_);
  }

  /// A moment: who is pinned later sees what was done before this call.
  std::uint64_t moment() {
    const std::scoped_lock lock(mutex_);
    return ++last_;
  }

  /// Whether all who were pinned before `moment` have ended.
  bool all_ended_of(std::uint64_t moment) const {
    const std::scoped_lock lock(mutex_);
    return active_.empty() || *active_.begin() > moment;
  }

 private:
  void end(std::uint64_t began) const {
    const std::scoped_lock lock(mutex_);
    active_.erase(began);
  }

  mutable std::mutex mutex_;
  mutable std::uint64_t last_ = 0;
  mutable std::set<std::uint64_t> active_;
};

}  // namespace wellrun::telemetry::store
