#include "telemetry/store/retention_clock.h"

#include <cmath>

namespace wellrun::telemetry::store {
namespace {

constexpr double kBelieveSeconds = 86'400;

}  // namespace

void RetentionClock::start(Timestamp last, std::chrono::nanoseconds steady) {
  const std::scoped_lock lock(mutex_);
  time_ = last;
  looked_ = steady;
}

Timestamp RetentionClock::now(Timestamp wall, std::chrono::nanoseconds steady) {
  const std::scoped_lock lock(mutex_);
  const auto passed = std::chrono::floor<Duration>(steady - looked_);
  looked_ += passed;
  time_ += passed;
  if (wall <= time_) return wall;
  const auto ahead = static_cast<double>((wall - time_).count());
  const auto believed = ahead * -std::expm1(-to_seconds(passed) / kBelieveSeconds);
  time_ += Duration{static_cast<std::int64_t>(believed)};
  return time_;
}

}  // namespace wellrun::telemetry::store
