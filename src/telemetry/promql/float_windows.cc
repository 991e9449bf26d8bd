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
bool each_window(std::span<const Sample> samples, Windows& windows, Each each) {
  bool any = false;
  std::size_t step = 0;
  for (const auto edges : windows.place(samples)) {
    if (!edges.empty()) {
      any = true;
      each(step, std::size_t{edges.first}, std::size_t{edges.end});
    }
    ++step;
  }
  return any;
}

/// How far a window's samples reach, in seconds. Source: Prometheus' extrapolatedRate.
struct Reaches {
  double sampled;           ///< from the first sample to the last
  double to_start, to_end;  ///< beyond: to the window's edges, or half a gap where those are far

  /// `edges`: at least two samples.
  Reaches(std::span<const Sample> samples, Windows::Edges edges, const WindowSteps& steps,
          std::size_t step) {
    const auto first_ms = samples[edges.first].time_ms, last_ms = samples[edges.end - 1].time_ms;
    const auto end_ms = steps.end_ms(step);
    const auto seconds = [](std::int64_t ms) { return static_cast<double>(ms) / 1000; };
    sampled = seconds(last_ms - first_ms);
    const double gap = sampled / static_cast<double>(edges.size() - 1), threshold = gap * 1.1;
    to_start = seconds(first_ms - (end_ms - steps.range_ms));
    to_end = seconds(end_ms - last_ms);
    if (to_start >= threshold) to_start = gap / 2;
    if (to_end >= threshold) to_end = gap / 2;
  }
};

/// What the increase between a window's samples is multiplied with.
template <Extrapolation kind>
double factor_of(const Reaches& reaches, double to_start, std::int64_t range_ms) {
  const double factor = (reaches.sampled + to_start + reaches.to_end) / reaches.sampled;
  if constexpr (kind == Extrapolation::kRate)
    return factor / (static_cast<double>(range_ms) / 1000);
  return factor;
}

/// A counter is not extrapolated below zero.
template <Extrapolation kind>
double counter_factor(const Reaches& reaches, double increase, double first_value,
                      std::int64_t range_ms) {
  double to_start = reaches.to_start;
  if (increase > 0 && first_value >= 0)
    to_start = std::min(to_start, reaches.sampled * (first_value / increase));
  return factor_of<kind>(reaches, to_start, range_ms);
}

/// Where a value is below the one before it. Ascending. Mostly there is none in a stretch, which is
/// seen many at a time.
std::vector<std::size_t> find_drops(std::span<const Sample> samples) {
  constexpr std::size_t kStretch = 64;
  std::vector<std::size_t> drops;
  for (std::size_t start = 1; start < samples.size(); start += kStretch) {
    const auto end = std::min(start + kStretch, samples.size());
    std::uint32_t any = 0;
    for (auto i = start; i < end; ++i)
      any |= static_cast<std::uint32_t>(samples[i].value < samples[i - 1].value);
    for (auto i = start; any != 0 && i < end; ++i)
      if (samples[i].value < samples[i - 1].value) drops.push_back(i);
  }
  return drops;
}

/// What follows from times alone. The share of a window's increase that lies before its first
/// sample, were it to go on evenly, says whether a counter may reach zero there.
template <Extrapolation kind>
void fill_factors(std::span<const Sample> samples, Windows& windows) {
  const auto& steps = windows.steps();
  const auto edges = windows.edges();
  auto& factors = windows.factors();
  factors.resize(edges.size());
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (edges[i].size() < 2) continue;
    const Reaches reaches(samples, edges[i], steps, i);
    factors[i] = {factor_of<kind>(reaches, reaches.to_start, steps.range_ms),
                  reaches.to_start / reaches.sampled};
  }
}

/// Whether a counter surely stays above zero before its window, so that the factor does not depend
/// on values: most do, and then nothing need be divided.
bool stays_above_zero(double increase, double first_value, double start_share) {
  constexpr double kSurely = 1 + 1e-12, kNotTiny = 1e-280;
  return !(increase > 0) ||
         (first_value > increase * start_share * kSurely && first_value > kNotTiny);
}

template <Extrapolation kind>
bool increase_windows(std::span<const Sample> samples, Windows& windows, Lane out) {
  const auto edges = windows.place(samples);
  if (windows.factors().empty()) fill_factors<kind>(samples, windows);
  const auto& factors = windows.factors();
  const auto drops =
      kind == Extrapolation::kDelta ? std::vector<std::size_t>{} : find_drops(samples);
  std::size_t next_drop = 0;
  bool any = false;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const auto [first, end] = edges[i];
    if (end - first < 2) continue;
    any = true;
    const double first_value = samples[first].value;
    double increase = samples[end - 1].value - first_value;
    while (next_drop < drops.size() && drops[next_drop] <= first) ++next_drop;
    for (auto k = next_drop; k < drops.size() && drops[k] < end; ++k)
      increase += samples[drops[k] - 1].value;
    double factor = factors[i].factor;
    if (kind != Extrapolation::kDelta &&
        !stays_above_zero(increase, first_value, factors[i].start_share)) [[unlikely]] {
      const Reaches reaches(samples, edges[i], windows.steps(), i);
      factor = counter_factor<kind>(reaches, increase, first_value, windows.steps().range_ms);
    }
    out.put(i, increase * factor);
  }
  return any;
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
bool sum_windows(std::span<const Sample> samples, Windows& windows, Lane out, Finish finish,
                 Exact exact) {
  SlidingTotal<Sum> sliding(samples);
  return each_window(samples, windows, [&](std::size_t step, std::size_t first, std::size_t end) {
    const auto total = sliding.over(first, end);
    const bool usual = std::isfinite(total.sum) && std::isfinite(total.compensation);
    out.put(step, usual ? finish(total, static_cast<double>(end - first))
                        : exact(samples.subspan(first, end - first)));
  });
}

bool sum_over_time(std::span<const Sample> samples, Windows& windows, Lane out) {
  return sum_windows(
      samples, windows, out,
      [](const Sum& total, double) { return 0.0 + total.sum + total.compensation; }, sum_of);
}

bool avg_over_time(std::span<const Sample> samples, Windows& windows, Lane out) {
  return sum_windows(
      samples, windows, out,
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
bool extreme_over_time(std::span<const Sample> samples, Windows& windows, Lane out) {
  SlidingTotal<Extreme<better>> sliding(samples);
  return each_window(samples, windows, [&](std::size_t step, std::size_t first, std::size_t end) {
    out.put(step, sliding.over(first, end).value);
  });
}

bool count_over_time(std::span<const Sample> samples, Windows& windows, Lane out) {
  return each_window(samples, windows, [&](std::size_t step, std::size_t first, std::size_t end) {
    out.put(step, static_cast<double>(end - first));
  });
}

bool present_over_time(std::span<const Sample> samples, Windows& windows, Lane out) {
  return each_window(samples, windows,
                     [&](std::size_t step, std::size_t, std::size_t) { out.put(step, 1); });
}

bool last_over_time(std::span<const Sample> samples, Windows& windows, Lane out) {
  return each_window(samples, windows, [&](std::size_t step, std::size_t, std::size_t end) {
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

std::span<const Windows::Edges> Windows::place(std::span<const Sample> samples) {
  if (are_times_of(times_, samples)) return edges_;
  factors_.clear();
  edges_.resize(steps_.count);
  Edge firsts(samples), ends(samples);
  for (std::size_t i = 0; i < steps_.count; ++i) {
    const auto end_ms = steps_.end_ms(i);
    edges_[i] = {static_cast<std::uint32_t>(firsts.move_to(end_ms - steps_.range_ms)),
                 static_cast<std::uint32_t>(ends.move_to(end_ms))};
  }
  constexpr std::size_t kFewSteps = 16, kManySamples = 16;  // then looking costs more than finding
  times_.clear();
  if (steps_.count >= kFewSteps && samples.size() < kManySamples * steps_.count)
    std::ranges::transform(samples, std::back_inserter(times_), &Sample::time_ms);
  return edges_;
}

bool are_times_of(std::span<const std::int64_t> times, std::span<const Sample> samples) {
  if (times.empty() || times.size() != samples.size() || times.front() != samples[0].time_ms ||
      times.back() != samples.back().time_ms)
    return false;
  std::uint64_t different = 0;  // in a form that is compared many at a time
  for (std::size_t i = 0; i < samples.size(); ++i)
    different |= static_cast<std::uint64_t>(times[i] ^ samples[i].time_ms);
  return different == 0;
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

bool latest_values(std::span<const Sample> samples, Windows& windows, Lane out) {
  return each_window(samples, windows, [&](std::size_t step, std::size_t, std::size_t end) {
    if (const double value = samples[end - 1].value; !is_stale(value)) out.put(step, value);
  });
}

bool may_hold_stale_markers(std::span<const Sample> samples) {
  std::uint32_t any = 0;  // mostly none is any NaN
  for (const auto& sample : samples)
    any |= static_cast<std::uint32_t>(sample.value != sample.value);
  return any != 0;
}

std::span<const Sample> without_stale_markers(std::span<const Sample> samples,
                                              std::vector<Sample>& kept) {
  const auto stale = [](const Sample& sample) { return is_stale(sample.value); };
  if (!may_hold_stale_markers(samples) || std::ranges::none_of(samples, stale)) return samples;
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
