#include "health/baseline/recurrence.h"

#include <algorithm>

#include "health/baseline/tuning.h"

namespace wellrun::health::baseline {
namespace {

double square_distance(const Recurrence::Course& one, const Recurrence::Course& other) {
  double sum = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const double apart = static_cast<double>(one[i]) - static_cast<double>(other[i]);
    sum += apart * apart;
  }
  return sum;
}

}  // namespace

void Recurrence::observe(double value) {
  std::shift_left(course_.begin(), course_.end(), 1);
  course_.back() = static_cast<float>(value);
  rows_ = std::min(rows_ + 1, kRows);
  ++state_.calm_rows;
}

/// The nearest course of an earlier stretch, if it is less than `within` away.
Recurrence::Kept* Recurrence::nearest(double within) {
  Kept* found = nullptr;
  double least = within * within;
  for (auto& kept : state_.kept) {
    if (kept.seen_ms >= state_.stretch_from_ms) continue;
    const double distance = square_distance(kept.course, course_);
    if (distance >= least) continue;
    least = distance;
    found = &kept;
  }
  return found;
}

void Recurrence::remember(std::int64_t now_ms) {
  if (state_.kept.size() < kMost) {
    state_.kept.push_back({course_, now_ms});
    return;
  }
  *std::ranges::min_element(state_.kept, {}, &Kept::seen_ms) = {course_, now_ms};
}

std::optional<Timestamp> Recurrence::recall(Timestamp now, double size) {
  const std::int64_t now_ms = to_unix_ms(now);
  if (state_.calm_rows > kTuning.calm_rows) state_.stretch_from_ms = now_ms;
  state_.calm_rows = 0;
  if (rows_ < kRows) return std::nullopt;
  if (Kept* known = nearest(kTuning.same_course * size))
    return from_unix_ms(std::exchange(known->seen_ms, now_ms));
  remember(now_ms);
  return std::nullopt;
}

}  // namespace wellrun::health::baseline
