#include "telemetry/promql/regression.h"

#include <cmath>

#include "telemetry/promql/float_windows.h"

namespace wellrun::telemetry::promql {
namespace {

/// Two of kahan_add()'s sums side by side: the processor adds to both at once. What an addition
/// loses is found without asking which of the two was the larger, and is the same. Source: Knuth,
/// The Art of Computer Programming, volume 2, section 4.2.2, theorem B.
class TwoSums {
 public:
  using Two = double __attribute__((vector_size(2 * sizeof(double))));

  void add(Two value) {
    const Two total = sum_ + value, added = total - sum_;
    compensation_ += (sum_ - (total - added)) + (value - added);
    sum_ = total;
  }
  /// A sum that was infinite once stays so or is none: it is enough to look at the end. Next to the
  /// largest number of all `added` may overflow though the sum does not: nothing is known of what
  /// was lost then.
  double result(int which) const {
    if (std::isinf(sum_[which]) || std::isnan(compensation_[which])) return sum_[which];
    return sum_[which] + compensation_[which];
  }

 private:
  Two sum_{}, compensation_{};
};

}  // namespace

void Regression::take_times_of(std::span<const Sample> samples, std::int64_t origin_ms) {
  origin_ms_ = origin_ms;
  times_.resize(samples.size());
  xs_.resize(samples.size());
  TwoSums sums;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    times_[i] = samples[i].time_ms;
    const double x = static_cast<double>(times_[i] - origin_ms) / 1000;
    xs_[i] = x;
    sums.add(TwoSums::Two{x, x * x});
  }
  sum_x_ = sums.result(0);
  sum_xx_ = sums.result(1);
}

Line Regression::through(std::span<const Sample> samples, std::int64_t origin_ms) {
  if (origin_ms_ != origin_ms || !are_times_of(times_, samples)) take_times_of(samples, origin_ms);
  const double first = samples.front().value;
  TwoSums sums;
  bool is_constant = true;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double y = samples[i].value;
    is_constant &= y == first;
    sums.add(TwoSums::Two{y, xs_[i] * y});
  }
  if (is_constant) {
    if (std::isinf(first)) return {std::nan(""), std::nan("")};
    return {0, first};
  }
  const double n = static_cast<double>(samples.size());
  const double sum_y = sums.result(0), sum_xy = sums.result(1);
  const double covariance = sum_xy - sum_x_ * sum_y / n;
  const double variance = sum_xx_ - sum_x_ * sum_x_ / n;
  const double slope = covariance / variance;
  return {slope, sum_y / n - slope * sum_x_ / n};
}

namespace {

/// Calls `each(step, samples of the window)` where there are two; false when no step sees any.
template <typename Each>
bool each_line(std::span<const Sample> samples, Windows& windows, Each each) {
  bool any = false;
  std::size_t step = 0;
  for (const auto edges : windows.place(samples)) {
    any |= !edges.empty();
    if (edges.size() >= 2) each(step, samples.subspan(edges.first, edges.size()));
    ++step;
  }
  return any;
}

}  // namespace

bool deriv_windows(std::span<const Sample> samples, Windows& windows, Regression& lines, Lane out) {
  return each_line(samples, windows, [&](std::size_t step, std::span<const Sample> window) {
    out.put(step, lines.through(window, window.front().time_ms).slope);
  });
}

bool predict_linear_windows(std::span<const Sample> samples, Windows& windows, Regression& lines,
                            const Horizon& horizon, Lane out) {
  const auto step_ms = windows.steps().step_ms;
  return each_line(samples, windows, [&](std::size_t step, std::span<const Sample> window) {
    const auto now_ms = horizon.first_step_ms + static_cast<std::int64_t>(step) * step_ms;
    const auto line = lines.through(window, now_ms);
    out.put(step, line.slope * horizon.ahead_seconds[step] + line.intercept);
  });
}

}  // namespace wellrun::telemetry::promql
