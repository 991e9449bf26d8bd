#include "telemetry/promql/float_windows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <unordered_map>

#include "telemetry/promql/kahan.h"

namespace wellrun::telemetry::promql {
namespace {

enum class Extrapolation { kRate, kIncrease, kDelta };

/// How many samples lie at or before ever later times. Scrapes and steps are mostly regular, so the
/// answer is mostly as far from the last one as that was from the one before.
class Edge {
 public:
  explicit Edge(std::span<const Sample> samples) : samples_(samples) {}

  std::size_t move_to(std::int64_t time_ms) {
    const auto guess = std::min(at_ + stride_, samples_.size());
    const auto next = is_edge(guess, time_ms) ? guess : search(time_ms);
    stride_ = next - at_;
    at_ = next;
    return at_;
  }

 private:
  bool is_edge(std::size_t at, std::int64_t time_ms) const {
    return (at == 0 || samples_[at - 1].time_ms <= time_ms) &&
           (at == samples_.size() || samples_[at].time_ms > time_ms);
  }
  std::size_t search(std::int64_t time_ms) const {
    std::size_t size = 8;
    while (at_ + size < samples_.size() && samples_[at_ + size].time_ms <= time_ms) size *= 2;
    const auto part = samples_.subspan(at_, std::min(size, samples_.size() - at_));
    const auto found = std::ranges::upper_bound(part, time_ms, {}, &Sample::time_ms);
    return at_ + static_cast<std::size_t>(found - part.begin());
  }

  std::span<const Sample> samples_;
  std::size_t at_ = 0, stride_ = 0;
};

/// Calls `each(step, first, end)` for every step whose window, samples first … end - 1, is not
/// empty; false when there was none.
template <typename Each>
bool each_window(std::span<const Sample> samples, const WindowSteps& steps, Each each) {
  Edge firsts(samples);
  Edge ends(samples);
  bool any = false;
  for (std::size_t i = 0; i < steps.count; ++i) {
    const auto end_ms = steps.end_ms(i);
    const auto first = firsts.move_to(end_ms - steps.range_ms);
    const auto end = ends.move_to(end_ms);
    if (first == end) continue;
    any = true;
    each(i, first, end);
  }
  return any;
}

/// What a window saw between its first and its last sample.
struct SeenIncrease {
  double increase = 0;  ///< with resets
  double first_value = 0;
  std::int64_t first_ms = 0, last_ms = 0;
  std::size_t samples = 0;  ///< at least two
};

/// Lengths in seconds: from the first sample to the last, from the window's start to the first,
/// from the last to its end; `gaps` between samples. A counter is not extrapolated below zero.
/// Source: Prometheus' extrapolatedRate.
template <Extrapolation kind>
double extrapolated(double increase, double first_value, double sampled, double to_start,
                    double to_end, double gaps, double range) {
  const double average_gap = sampled / gaps, threshold = average_gap * 1.1;
  to_start = to_start >= threshold ? average_gap / 2 : to_start;
  if constexpr (kind != Extrapolation::kDelta) {
    const double to_zero = sampled * (first_value / increase);
    const bool may_reach_zero = (increase > 0) & (first_value >= 0);
    to_start = (may_reach_zero & (to_zero < to_start)) ? to_zero : to_start;
  }
  to_end = to_end >= threshold ? average_gap / 2 : to_end;
  double factor = (sampled + to_start + to_end) / sampled;
  if constexpr (kind == Extrapolation::kRate) factor /= range;
  return increase * factor;
}

/// Where a value is below the one before it. Ascending.
std::vector<std::size_t> find_drops(std::span<const Sample> samples) {
  std::vector<std::size_t> drops;
  for (std::size_t i = 1; i < samples.size(); ++i)
    if (samples[i].value < samples[i - 1].value) [[unlikely]]
      drops.push_back(i);
  return drops;
}

/// Windows wait here until there are enough to extrapolate them together: most of the work are
/// divisions, which the processor does several at a time when nothing stands between them.
template <Extrapolation kind>
class WaitingWindows {
 public:
  WaitingWindows(const WindowSteps& steps, Lane out) : steps_(steps), out_(out) {}
  ~WaitingWindows() { extrapolate(); }

  void add(std::size_t step, const SeenIncrease& seen) {
    if (count_ == kMost) extrapolate();
    const auto end_ms = steps_.end_ms(step);
    step_[count_] = step;
    seen_increase_[count_] = seen.increase;
    first_value_[count_] = seen.first_value;
    sampled_[count_] = static_cast<double>(seen.last_ms - seen.first_ms);
    to_start_[count_] = static_cast<double>(seen.first_ms - (end_ms - steps_.range_ms));
    to_end_[count_] = static_cast<double>(end_ms - seen.last_ms);
    gaps_[count_++] = static_cast<double>(seen.samples - 1);
  }

 private:
  static constexpr std::size_t kMost = 64;
  using Numbers = std::array<double, kMost>;

  void extrapolate() {
    const double range = static_cast<double>(steps_.range_ms) / 1000;
    Numbers result;
    for (std::size_t i = 0; i < count_; ++i)
      result[i] = extrapolated<kind>(seen_increase_[i], first_value_[i], sampled_[i] / 1000,
                                     to_start_[i] / 1000, to_end_[i] / 1000, gaps_[i], range);
    for (std::size_t i = 0; i < count_; ++i) out_.put(step_[i], result[i]);
    count_ = 0;
  }

  const WindowSteps& steps_;
  const Lane out_;
  std::size_t count_ = 0;
  std::array<std::size_t, kMost> step_;
  Numbers seen_increase_, first_value_, sampled_, to_start_, to_end_, gaps_;
};

template <Extrapolation kind>
bool increase_windows(std::span<const Sample> samples, const WindowSteps& steps, Lane out) {
  const auto drops =
      kind == Extrapolation::kDelta ? std::vector<std::size_t>{} : find_drops(samples);
  std::size_t next_drop = 0;
  WaitingWindows<kind> waiting(steps, out);
  return each_window(samples, steps, [&](std::size_t step, std::size_t first, std::size_t end) {
    if (end - first < 2) return;
    const auto& front = samples[first];
    const auto& back = samples[end - 1];
    SeenIncrease seen{back.value - front.value, front.value, front.time_ms, back.time_ms,
                      end - first};
    while (next_drop < drops.size() && drops[next_drop] <= first) ++next_drop;
    for (auto i = next_drop; i < drops.size() && drops[i] < end; ++i)
      seen.increase += samples[drops[i] - 1].value;
    waiting.add(step, seen);
  });
}

/// Totals of overlapping windows: what is in the window up to a border is kept as the total from
/// each sample to that border, what lies behind it as one total that grows. So every sample is
/// added twice, whatever the overlap, and nothing is ever subtracted. `Total` has add(value) and
/// plus(total).
template <typename Total>
class SlidingTotal {
 public:
  explicit SlidingTotal(std::span<const Sample> samples) : samples_(samples) {}

  /// Of samples first … end - 1; neither goes back.
  Total over(std::size_t first, std::size_t end) {
    if (first >= border_) start_anew(first, end);
    for (; end_ < end; ++end_) behind_.add(samples_[end_].value);
    return first == border_ ? behind_ : to_border_[border_ - 1 - first].plus(behind_);
  }

 private:
  void start_anew(std::size_t first, std::size_t end) {
    to_border_.clear();
    border_ = end_ = end;
    behind_ = {};
    Total total;
    for (auto i = end; i > first; --i) {
      Total with;
      with.add(samples_[i - 1].value);
      total = with.plus(total);
      to_border_.push_back(total);
    }
  }

  std::span<const Sample> samples_;
  std::size_t border_ = 0, end_ = 0;
  std::vector<Total> to_border_;  ///< the last sample's first
  Total behind_;
};

struct Sum {
  double sum = kNothing, compensation = 0;

  void add(double value) { kahan_add(value, sum, compensation); }
  Sum plus(const Sum& later) const {
    Sum both = *this;
    kahan_add(later.sum, both.sum, both.compensation);
    both.compensation += later.compensation;
    return both;
  }
};

/// Infinities and overflow have rules of their own, which depend on the order: `exact` knows them.
template <typename Finish, typename Exact>
bool sum_windows(std::span<const Sample> samples, const WindowSteps& steps, Lane out, Finish finish,
                 Exact exact) {
  SlidingTotal<Sum> sliding(samples);
  return each_window(samples, steps, [&](std::size_t step, std::size_t first, std::size_t end) {
    const auto total = sliding.over(first, end);
    const bool usual = std::isfinite(total.sum) && std::isfinite(total.compensation);
    out.put(step, usual ? finish(total, static_cast<double>(end - first))
                        : exact(samples.subspan(first, end - first)));
  });
}

bool sum_over_time(std::span<const Sample> samples, const WindowSteps& steps, Lane out) {
  return sum_windows(
      samples, steps, out,
      [](const Sum& total, double) { return 0.0 + total.sum + total.compensation; }, sum_of);
}

bool avg_over_time(std::span<const Sample> samples, const WindowSteps& steps, Lane out) {
  return sum_windows(
      samples, steps, out,
      [](const Sum& total, double count) { return total.sum / count + total.compensation / count; },
      average_of);
}

template <bool (*better)(double, double)>
struct Extreme {
  double value = std::numeric_limits<double>::quiet_NaN();

  void add(double other) {
    if (better(other, value) || std::isnan(value)) value = other;
  }
  Extreme plus(const Extreme& later) const {
    Extreme both = *this;
    both.add(later.value);
    return both;
  }
};

bool is_less(double a, double b) {
  return a < b;
}
bool is_more(double a, double b) {
  return a > b;
}

template <bool (*better)(double, double)>
bool extreme_over_time(std::span<const Sample> samples, const WindowSteps& steps, Lane out) {
  SlidingTotal<Extreme<better>> sliding(samples);
  return each_window(samples, steps, [&](std::size_t step, std::size_t first, std::size_t end) {
    out.put(step, sliding.over(first, end).value);
  });
}

bool count_over_time(std::span<const Sample> samples, const WindowSteps& steps, Lane out) {
  return each_window(samples, steps, [&](std::size_t step, std::size_t first, std::size_t end) {
    out.put(step, static_cast<double>(end - first));
  });
}

bool present_over_time(std::span<const Sample> samples, const WindowSteps& steps, Lane out) {
  return each_window(samples, steps,
                     [&](std::size_t step, std::size_t, std::size_t) { out.put(step, 1); });
}

bool last_over_time(std::span<const Sample> samples, const WindowSteps& steps, Lane out) {
  return each_window(samples, steps, [&](std::size_t step, std::size_t, std::size_t end) {
    out.put(step, samples[end - 1].value);
  });
}

bool is_stale(double value) {
  return std::bit_cast<std::uint64_t>(value) == kStaleNanBits;
}

}  // namespace

void Lane::clear() const {
  std::ranges::fill(cells, Cell::kAbsent);
  std::ranges::fill(values, kNothing);
}

WindowFunction window_function(std::string_view name) {
  static const std::unordered_map<std::string_view, WindowFunction> functions = {
      {"rate", increase_windows<Extrapolation::kRate>},
      {"increase", increase_windows<Extrapolation::kIncrease>},
      {"delta", increase_windows<Extrapolation::kDelta>},
      {"sum_over_time", sum_over_time},
      {"avg_over_time", avg_over_time},
      {"min_over_time", extreme_over_time<is_less>},
      {"max_over_time", extreme_over_time<is_more>},
      {"count_over_time", count_over_time},
      {"present_over_time", present_over_time},
      {"last_over_time", last_over_time}};
  const auto found = functions.find(name);
  return found == functions.end() ? nullptr : found->second;
}

void latest_values(std::span<const Sample> samples, const WindowSteps& steps, Lane out) {
  each_window(samples, steps, [&](std::size_t step, std::size_t, std::size_t end) {
    if (const double value = samples[end - 1].value; !is_stale(value)) out.put(step, value);
  });
}

std::span<const Sample> without_stale_markers(std::span<const Sample> samples,
                                              std::vector<Sample>& kept) {
  const auto stale = [](const Sample& sample) { return is_stale(sample.value); };
  if (std::ranges::none_of(samples, stale)) return samples;
  kept.clear();
  std::ranges::remove_copy_if(samples, std::back_inserter(kept), stale);
  return kept;
}

double sum_of(std::span<const Sample> samples) {
  double sum = 0, compensation = 0;
  for (const auto& sample : samples) kahan_add(sample.value, sum, compensation);
  return std::isinf(sum) ? sum : sum + compensation;
}

/// The mean is kept instead of the sum from where the sum would overflow.
double average_of(std::span<const Sample> samples) {
  double sum = samples[0].value, compensation = 0, mean = 0;
  bool incremental = false;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const double value = samples[i].value, count = static_cast<double>(i + 1);
    if (!incremental) {
      double new_sum = sum, new_compensation = compensation;
      kahan_add(value, new_sum, new_compensation);
      if (!std::isinf(new_sum)) {
        sum = new_sum, compensation = new_compensation;
        continue;
      }
      incremental = true;
      mean = sum / (count - 1);
      compensation /= count - 1;
    }
    const double share = (count - 1) / count;
    mean *= share;
    compensation *= share;
    kahan_add(value / count, mean, compensation);
  }
  if (incremental) return mean + compensation;
  const double count = static_cast<double>(samples.size());
  return sum / count + compensation / count;
}

}  // namespace wellrun::telemetry::promql
