// Functions over time: each is a kernel on one window; windows slide over the samples of a series
// without rescans.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <fmt/format.h>

#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/functions.h"
#include "telemetry/promql/histogram.h"
#include "telemetry/promql/regression.h"
#include "telemetry/sample_weight.h"

namespace wellrun::telemetry::promql {
namespace {

/// What a kernel has to say, and the scalar arguments of its call at this step.
struct Context {
  std::span<const double> arguments;
  std::function<void(const std::string&)> warn, inform;
  Regression* regression = nullptr;  ///< one for all windows of a call
};

using Kernel = Point (*)(const Window&, Context&);

std::string name_in(const Window& window) {
  return go_quoted(window.labels->metric_name());
}

void mixed(const Window& window, Context& context) {
  context.warn("encountered a mix of histograms and floats for metric name " + name_in(window));
}

void ignored(const Window& window, Context& context) {
  if (!window.histograms.empty())
    context.inform(
        "ignored histograms in a range containing both floats and histograms for metric name " +
        name_in(window));
}

double seconds(std::int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

/// Whether the start timestamps say that the counter began anew between two samples. A start that
/// points exactly at the sample before means a delta series when that one's start is known too, and
/// an unknown start otherwise.
bool started_anew(std::int64_t previous_start_ms, std::int64_t previous_ms, std::int64_t start_ms,
                  std::int64_t time_ms) {
  if (start_ms == 0 || start_ms >= time_ms || start_ms < previous_ms) return false;
  return start_ms > previous_ms || (previous_start_ms != 0 && previous_start_ms < previous_ms);
}

bool started_anew(std::span<const std::int64_t> starts, std::size_t i, std::int64_t previous_ms,
                  std::int64_t time_ms) {
  return i > 0 && i < starts.size() && started_anew(starts[i - 1], previous_ms, starts[i], time_ms);
}

enum class Kind { kRate, kIncrease, kDelta };

HistogramPtr histogram_increase(const Window& window, bool counter, Context& context) {
  const auto points = window.histograms;
  const auto name = name_in(window);
  const auto mixed_layouts = [&]() -> HistogramPtr {
    context.warn(
        "vector contains a mix of histograms with exponential and custom buckets schemas for "
        "metric name " +
        name);
    return nullptr;
  };
  const Histogram* previous = points.front().histogram.get();
  const Histogram& last = *points.back().histogram;
  const auto is_gauge = [](const Histogram& h) {
    return h.reset_hint == Histogram::ResetHint::kGauge;
  };
  const auto reset_at = [&](std::size_t i) {
    return started_anew(window.histogram_starts, i, points[i - 1].time_ms, points[i].time_ms);
  };
  if (counter &&
      std::ranges::any_of(points, [&](const HistogramSample& s) { return is_gauge(*s.histogram); }))
    context.warn("this native histogram metric is not a counter: " + name);
  Histogram empty;
  if (counter) {
    const Histogram& second = *points[1].histogram;
    if (reset_at(1) || detect_reset(second, *previous)) {
      empty.schema = second.schema;
      empty.custom_bounds = second.custom_bounds;
      previous = &empty;
    }
  }
  const bool custom = has_custom_buckets(*previous);
  if (has_custom_buckets(last) != custom) return mixed_layouts();
  std::int32_t schema = std::min(last.schema, previous->schema);
  if (counter)
    for (const auto& point : points.subspan(1, points.size() - 2)) {
      schema = std::min(schema, point.histogram->schema);
      if (has_custom_buckets(*point.histogram) != custom) return mixed_layouts();
    }
  bool reconciled_sub = false, reconciled_add = false;
  auto combined = combine(to_schema(last, schema), *previous, Sign::kMinus);
  if (!combined) return mixed_layouts();
  reconciled_sub = combined->bounds_reconciled;
  Histogram result = std::move(combined->histogram);
  if (counter) {
    for (std::size_t i = 1; i < points.size(); ++i) {
      const Histogram& current = *points[i].histogram;
      if ((reset_at(i) && previous != &empty) || detect_reset(current, *previous)) {
        auto sum = combine(result, *previous, Sign::kPlus);
        if (!sum) return mixed_layouts();
        reconciled_add |= sum->bounds_reconciled;
        result = std::move(sum->histogram);
      }
      previous = &current;
    }
  } else if (!is_gauge(*points.front().histogram) || !is_gauge(last)) {
    context.warn("this native histogram metric is not a gauge: " + name);
  }
  if (reconciled_sub)
    context.inform("mismatched custom buckets were reconciled during subtraction");
  if (reconciled_add) context.inform("mismatched custom buckets were reconciled during addition");
  result.reset_hint = Histogram::ResetHint::kGauge;
  return std::make_shared<const Histogram>(compacted(result));
}

double between(const Sample& before, const Sample& after, std::int64_t time_ms, bool counter) {
  const double from = counter && after.value < before.value ? 0 : before.value;
  return from + (after.value - from) * static_cast<double>(time_ms - before.time_ms) /
                    static_cast<double>(after.time_ms - before.time_ms);
}

/// rate, increase and delta of anchored and smoothed selectors: the values at the window's edges
/// are taken from the samples around them, nothing is extrapolated.
Point edge_to_edge(const Window& window, Kind kind) {
  const auto f = window.floats;
  if (f.empty()) return {};
  const bool counter = kind != Kind::kDelta;
  std::size_t first = 0, last = f.size() - 1;
  while (first + 1 < f.size() && f[first + 1].time_ms <= window.start_ms) ++first;
  if (window.smoothed)
    while (last > 0 && f[last - 1].time_ms >= window.end_ms) --last;
  if (f[last].time_ms <= window.start_ms) return {};
  if (window.smoothed && f[first].time_ms > window.end_ms) return {};
  const double left = window.smoothed && f[first].time_ms < window.start_ms && first + 1 < f.size()
                          ? between(f[first], f[first + 1], window.start_ms, counter)
                          : f[first].value;
  const double right = window.smoothed && last > 0 && f[last].time_ms > window.end_ms
                           ? between(f[last - 1], f[last], window.end_ms, counter)
                           : f[last].value;
  double result = right - left;
  if (counter) {
    double previous = left;
    for (const auto& sample : f) {
      if (sample.time_ms <= window.start_ms || sample.time_ms >= window.end_ms) continue;
      if (sample.time_ms < f[first].time_ms) continue;
      if (sample.value < previous) result += previous;
      previous = sample.value;
    }
    if (right < previous) result += previous;
  }
  if (kind == Kind::kRate) result /= seconds(window.end_ms - window.start_ms);
  return result;
}

std::optional<Histogram> between(const HistogramSample& before, const HistogramSample& after,
                                 std::int64_t time_ms, bool counter) {
  const double share = static_cast<double>(time_ms - before.time_ms) /
                       static_cast<double>(after.time_ms - before.time_ms);
  return interpolated(*before.histogram, *after.histogram, share,
                      counter ? Reading::kCounter : Reading::kGauge);
}

/// edge_to_edge for histograms.
Point histogram_edge_to_edge(const Window& window, Context& context, Kind kind) {
  const auto h = window.histograms;
  const bool counter = kind != Kind::kDelta;
  std::size_t first = 0, last = h.size() - 1;
  while (first + 1 < h.size() && h[first + 1].time_ms <= window.start_ms) ++first;
  if (window.smoothed)
    while (last > 0 && h[last - 1].time_ms >= window.end_ms) --last;
  if (h[last].time_ms <= window.start_ms || (window.smoothed && h[first].time_ms > window.end_ms))
    return {};
  const auto is_gauge = [](const HistogramSample& s) {
    return s.histogram->reset_hint == Histogram::ResetHint::kGauge;
  };
  if (counter && std::ranges::any_of(h.subspan(first, last - first + 1), is_gauge))
    context.warn("this native histogram metric is not a counter: " + name_in(window));
  if (!counter && (!is_gauge(h[first]) || !is_gauge(h[last])))
    context.warn("this native histogram metric is not a gauge: " + name_in(window));
  const bool cut_left =
      window.smoothed && h[first].time_ms < window.start_ms && first + 1 < h.size();
  const bool cut_right = window.smoothed && last > 0 && h[last].time_ms > window.end_ms;
  const auto left = cut_left ? between(h[first], h[first + 1], window.start_ms, counter)
                             : std::optional(*h[first].histogram);
  const auto right = cut_right ? between(h[last - 1], h[last], window.end_ms, counter)
                               : std::optional(*h[last].histogram);
  std::optional<Combined> result;
  if (left && right) result = combine(*right, *left, Sign::kMinus);
  // Resets between whole samples; those inside of a cut gap are part of the interpolation already.
  const std::size_t from = cut_left ? first + 1 : first, to = cut_right ? last - 1 : last;
  for (std::size_t i = from + 1; counter && result && i <= to && to < h.size(); ++i)
    if (detect_reset(*h[i].histogram, *h[i - 1].histogram))
      result = combine(result->histogram, *h[i - 1].histogram, Sign::kPlus);
  if (counter && result && cut_right && to + 1 == last && to >= from &&
      detect_reset(*h[last].histogram, *h[to].histogram))
    result = combine(result->histogram, *h[to].histogram, Sign::kPlus);
  if (!result) {
    context.warn(
        "vector contains a mix of histograms with exponential and custom buckets schemas for "
        "metric name " +
        name_in(window));
    return {};
  }
  Histogram out = compacted(result->histogram);
  out.reset_hint = Histogram::ResetHint::kGauge;
  if (kind == Kind::kRate) out = divided(std::move(out), seconds(window.end_ms - window.start_ms));
  return std::make_shared<const Histogram>(std::move(out));
}

/// Source: Prometheus' extrapolatedRate (documentation of rate() and increase()).
Point extrapolated(const Window& window, Context& context, Kind kind) {
  if (window.anchored || window.smoothed) {
    if (!window.histograms.empty() && !window.floats.empty())
      return mixed(window, context), Point{};
    return window.histograms.empty() ? edge_to_edge(window, kind)
                                     : histogram_edge_to_edge(window, context, kind);
  }
  const bool counter = kind != Kind::kDelta;
  const auto f = window.floats;
  const auto h = window.histograms;
  if (!f.empty() && !h.empty()) return mixed(window, context), Point{};
  if (f.empty() && h.empty()) return {};
  const bool floats = !f.empty();
  const std::size_t size = floats ? f.size() : h.size();
  std::int64_t first_ms = floats ? f.front().time_ms : h.front().time_ms;
  const std::int64_t last_ms = floats ? f.back().time_ms : h.back().time_ms;
  // A start timestamp inside the window is a sample of value zero.
  const auto& starts = floats ? window.float_starts : window.histogram_starts;
  const bool from_zero = counter && !starts.empty() && starts[0] != 0 &&
                         starts[0] > window.start_ms && starts[0] < first_ms;
  if (size < 2 && !from_zero) return {};
  const double average_gap =
      size < 2 ? 0 : seconds(last_ms - first_ms) / static_cast<double>(size - 1);
  if (from_zero) first_ms = starts[0];
  double increase = 0;
  HistogramPtr histogram;
  if (floats) {
    increase = f.back().value - f.front().value;
    if (counter)
      for (std::size_t i = 1; i < f.size(); ++i)
        if (f[i].value < f[i - 1].value ||
            started_anew(window.float_starts, i, f[i - 1].time_ms, f[i].time_ms))
          increase += f[i - 1].value;
    if (from_zero) increase += f.front().value;
  } else {
    histogram = h.size() > 1 ? histogram_increase(window, counter, context)
                             : std::make_shared<const Histogram>();
    if (!histogram) return {};
    if (from_zero) {
      auto whole = h.size() > 1 ? combine(*histogram, *h.front().histogram, Sign::kPlus)
                                : std::optional<Combined>({.histogram = *h.front().histogram});
      if (!whole) return {};
      whole->histogram.reset_hint = Histogram::ResetHint::kGauge;
      histogram = std::make_shared<const Histogram>(compacted(whole->histogram));
    }
  }
  double to_start = seconds(first_ms - window.start_ms), to_end = seconds(window.end_ms - last_ms);
  const double sampled = seconds(last_ms - first_ms);
  const double threshold = average_gap * 1.1;
  if (to_start >= threshold) to_start = average_gap / 2;
  if (counter) {
    const double first_value = from_zero ? 0
                               : floats  ? f.front().value
                                         : h.front().histogram->count;
    const double grown = floats ? increase : histogram->count;
    double to_zero = to_start;
    if (grown > 0 && first_value >= 0) to_zero = sampled * (first_value / grown);
    to_start = std::min(to_start, to_zero);
  }
  if (to_end >= threshold) to_end = average_gap / 2;
  double factor = (sampled + to_start + to_end) / sampled;
  if (kind == Kind::kRate) factor /= seconds(window.end_ms - window.start_ms);
  if (floats) return increase * factor;
  return std::make_shared<const Histogram>(scaled(*histogram, factor));
}

Point rate(const Window& w, Context& c) {
  return extrapolated(w, c, Kind::kRate);
}
Point increase(const Window& w, Context& c) {
  return extrapolated(w, c, Kind::kIncrease);
}
Point delta(const Window& w, Context& c) {
  return extrapolated(w, c, Kind::kDelta);
}

/// irate and idelta: from the last two samples.
Point instant_change(const Window& window, Context& context, bool is_rate) {
  const auto f = window.floats;
  const auto h = window.histograms;
  if (f.size() + h.size() < 2) return {};
  struct Last {
    std::int64_t time_ms;
    bool is_float;
    std::size_t index;
  };
  std::vector<Last> last;
  for (std::size_t i = f.size() > 2 ? f.size() - 2 : 0; i < f.size(); ++i)
    last.push_back({f[i].time_ms, true, i});
  for (std::size_t i = h.size() > 2 ? h.size() - 2 : 0; i < h.size(); ++i)
    last.push_back({h[i].time_ms, false, i});
  std::ranges::sort(last, {}, &Last::time_ms);
  const Last a = last[last.size() - 2], b = last.back();
  if (a.is_float != b.is_float) return mixed(window, context), Point{};
  const double interval = seconds(b.time_ms - a.time_ms);
  if (interval == 0) return {};
  if (a.is_float) {
    const bool anew = started_anew(window.float_starts, b.index, a.time_ms, b.time_ms);
    double result = f[b.index].value - f[a.index].value;
    if (is_rate && (anew || f[b.index].value < f[a.index].value)) result = f[b.index].value;
    return is_rate ? result / interval : result;
  }
  const Histogram &before = *h[a.index].histogram, &after = *h[b.index].histogram;
  const auto is_gauge = [](const Histogram& x) {
    return x.reset_hint == Histogram::ResetHint::kGauge;
  };
  if (is_rate && (is_gauge(before) || is_gauge(after)))
    context.warn("this native histogram metric is not a counter: " + name_in(window));
  if (!is_rate && (!is_gauge(before) || !is_gauge(after)))
    context.warn("this native histogram metric is not a gauge: " + name_in(window));
  const bool anew = started_anew(window.histogram_starts, b.index, a.time_ms, b.time_ms);
  Histogram result = after;
  if (!is_rate || !(anew || detect_reset(after, before))) {
    auto combined = combine(after, before, Sign::kMinus);
    if (!combined) {
      context.warn(
          "vector contains a mix of histograms with exponential and custom buckets schemas for "
          "metric name " +
          name_in(window));
      return {};
    }
    if (combined->bounds_reconciled)
      context.inform("mismatched custom buckets were reconciled during subtraction");
    result = std::move(combined->histogram);
  }
  result.reset_hint = Histogram::ResetHint::kGauge;
  if (is_rate) result = divided(std::move(result), interval);
  return std::make_shared<const Histogram>(compacted(result));
}

Point irate(const Window& w, Context& c) {
  return instant_change(w, c, true);
}
Point idelta(const Window& w, Context& c) {
  return instant_change(w, c, false);
}

Point deriv(const Window& w, Context& c) {
  if (w.floats.size() < 2) {
    if (w.floats.size() == 1) ignored(w, c);
    return {};
  }
  ignored(w, c);
  return c.regression->through(w.floats, w.floats.front().time_ms).slope;
}

Point predict_linear(const Window& w, Context& c) {
  if (w.floats.size() < 2) {
    if (w.floats.size() == 1) ignored(w, c);
    return {};
  }
  ignored(w, c);
  const Line line = c.regression->through(w.floats, w.now_ms);
  return line.slope * c.arguments[0] + line.intercept;
}

/// Calls `see(float or null, histogram or null, index in its list)` in order of time.
template <typename See>
void in_order(const Window& w, See see) {
  std::size_t f = 0, h = 0;
  while (f < w.floats.size() || h < w.histograms.size()) {
    if (h >= w.histograms.size() ||
        (f < w.floats.size() && w.floats[f].time_ms < w.histograms[h].time_ms)) {
      see(&w.floats[f], nullptr, f);
      ++f;
    } else {
      see(nullptr, w.histograms[h].histogram.get(), h);
      ++h;
    }
  }
}

Point changes(const Window& w, Context&) {
  std::size_t changed = 0;
  const Sample* f0 = nullptr;
  const Histogram* h0 = nullptr;
  in_order(w, [&](const Sample* f, const Histogram* h, std::size_t) {
    if (f && f0 && f->value != f0->value && !(std::isnan(f->value) && std::isnan(f0->value)))
      ++changed;
    if (h && h0 && !equal(*h, *h0)) ++changed;
    if ((f && h0) || (h && f0)) ++changed;
    f0 = f, h0 = h;
  });
  if (w.floats.empty() && w.histograms.empty()) return {};
  return static_cast<double>(changed);
}

/// As a counter's reset; from a counter to a gauge or back is one, too.
bool is_reset(const Histogram& current, const Histogram& previous) {
  const auto is_gauge = [](const Histogram& h) {
    return h.reset_hint == Histogram::ResetHint::kGauge;
  };
  return is_gauge(current) != is_gauge(previous) || detect_reset(current, previous);
}

Point resets(const Window& w, Context&) {
  if (w.floats.empty() && w.histograms.empty()) return {};
  std::size_t count = 0;
  const Sample* f0 = nullptr;
  const Histogram* h0 = nullptr;
  std::int64_t time0 = 0;
  in_order(w, [&](const Sample* f, const Histogram* h, std::size_t i) {
    const std::int64_t time = f ? f->time_ms : w.histograms[i].time_ms;
    if (f && f0 && (f->value < f0->value || started_anew(w.float_starts, i, time0, time))) ++count;
    if (h && h0 && (started_anew(w.histogram_starts, i, time0, time) || is_reset(*h, *h0))) ++count;
    if ((f && h0) || (h && f0)) ++count;
    f0 = f, h0 = h, time0 = time;
  });
  return static_cast<double>(count);
}

Point histogram_over_time(const Window& w, Context& c, bool average) {
  std::vector<const Histogram*> histograms;
  for (const auto& sample : w.histograms) histograms.push_back(sample.histogram.get());
  auto total = total_of(histograms, average ? Total::kMean : Total::kSum);
  if (!total) {
    c.warn(
        "vector contains a mix of histograms with exponential and custom buckets schemas for "
        "metric name " +
        name_in(w));
    return {};
  }
  if (total->reset_hint_collision)
    c.warn("conflicting counter resets during histogram aggregation");
  if (total->bounds_reconciled)
    c.inform("mismatched custom buckets were reconciled during aggregation");
  return std::make_shared<const Histogram>(compacted(total->histogram));
}

Point sum_over_time(const Window& w, Context& c) {
  if (!w.floats.empty() && !w.histograms.empty()) return mixed(w, c), Point{};
  if (!w.histograms.empty()) return histogram_over_time(w, c, false);
  return sum_of(w.floats);
}

Point avg_over_time(const Window& w, Context& c) {
  if (!w.floats.empty() && !w.histograms.empty()) return mixed(w, c), Point{};
  if (!w.histograms.empty()) return histogram_over_time(w, c, true);
  return average_of(w.floats);
}

template <typename Better>
Point extreme(const Window& w, Context& c, Better better, bool time) {
  if (w.floats.empty()) return {};
  ignored(w, c);
  const Sample* best = &w.floats[0];
  for (const auto& s : w.floats)
    if (better(s.value, best->value) || std::isnan(best->value) || (time && s.value == best->value))
      best = &s;
  return time ? seconds(best->time_ms) : best->value;
}

bool less(double a, double b) {
  return a < b;
}
bool more(double a, double b) {
  return a > b;
}
Point min_over_time(const Window& w, Context& c) {
  return extreme(w, c, less, false);
}
Point max_over_time(const Window& w, Context& c) {
  return extreme(w, c, more, false);
}
Point ts_of_min(const Window& w, Context& c) {
  return extreme(w, c, less, true);
}
Point ts_of_max(const Window& w, Context& c) {
  return extreme(w, c, more, true);
}

Point count_over_time(const Window& w, Context&) {
  return static_cast<double>(w.floats.size() + w.histograms.size());
}
Point present_over_time(const Window&, Context&) {
  return 1.0;
}

bool float_is_last(const Window& w) {
  return w.histograms.empty() ||
         (!w.floats.empty() && w.floats.back().time_ms > w.histograms.back().time_ms);
}
bool float_is_first(const Window& w) {
  return w.histograms.empty() ||
         (!w.floats.empty() && w.floats.front().time_ms < w.histograms.front().time_ms);
}
Point last_over_time(const Window& w, Context&) {
  return float_is_last(w) ? Point(w.floats.back().value) : Point(w.histograms.back().histogram);
}
Point first_over_time(const Window& w, Context&) {
  return float_is_first(w) ? Point(w.floats.front().value) : Point(w.histograms.front().histogram);
}
Point ts_of_last(const Window& w, Context&) {
  return seconds(float_is_last(w) ? w.floats.back().time_ms : w.histograms.back().time_ms);
}
Point ts_of_first(const Window& w, Context&) {
  return seconds(float_is_first(w) ? w.floats.front().time_ms : w.histograms.front().time_ms);
}

double variance_of(std::span<const Sample> samples) {
  double count = 0, mean = 0, mean_c = 0, squares = 0, squares_c = 0;
  for (const auto& s : samples) {
    count += 1;
    const double d = s.value - (mean + mean_c);
    kahan_add(d / count, mean, mean_c);
    kahan_add(d * (s.value - (mean + mean_c)), squares, squares_c);
  }
  return (squares + squares_c) / count;
}

Point stdvar_over_time(const Window& w, Context& c) {
  if (w.floats.empty()) return {};
  ignored(w, c);
  return variance_of(w.floats);
}
Point stddev_over_time(const Window& w, Context& c) {
  if (w.floats.empty()) return {};
  ignored(w, c);
  return std::sqrt(variance_of(w.floats));
}

std::vector<double> values_of(const Window& w) {
  std::vector<double> values;
  values.reserve(w.floats.size());
  for (const auto& s : w.floats) values.push_back(s.value);
  return values;
}

Point quantile_over_time(const Window& w, Context& c) {
  if (w.floats.empty()) return {};
  const double q = c.arguments[0];
  if (!(q >= 0 && q <= 1))
    c.warn(fmt::format("quantile value should be between 0 and 1, got {}", go_number(q)));
  ignored(w, c);
  auto values = values_of(w);
  return quantile_of(q, values);
}

Point mad_over_time(const Window& w, Context& c) {
  if (w.floats.empty()) return {};
  ignored(w, c);
  auto values = values_of(w);
  if (std::ranges::any_of(values, [](double value) { return std::isnan(value); }))
    return std::nan("");
  const double median = quantile_of(0.5, values);
  for (double& value : values) value = std::abs(value - median);
  return quantile_of(0.5, values);
}

Point smoothing(const Window& w, Context& c) {
  if (w.floats.size() < 2) {
    if (w.floats.size() == 1) ignored(w, c);
    return {};
  }
  ignored(w, c);
  const double sf = c.arguments[0], tf = c.arguments[1];
  double s0 = 0, s1 = w.floats[0].value, b = w.floats[1].value - w.floats[0].value;
  for (std::size_t i = 1; i < w.floats.size(); ++i) {
    const double x = sf * w.floats[i].value;
    if (i > 1) b = tf * (s1 - s0) + (1 - tf) * b;
    const double y = (1 - sf) * (s1 + b);
    s0 = s1;
    s1 = x + y;
  }
  return s1;
}

Kernel kernel_named(std::string_view name) {
  static const std::unordered_map<std::string_view, Kernel> kernels = {
      {"rate", rate},
      {"increase", increase},
      {"delta", delta},
      {"irate", irate},
      {"idelta", idelta},
      {"deriv", deriv},
      {"predict_linear", predict_linear},
      {"changes", changes},
      {"resets", resets},
      {"sum_over_time", sum_over_time},
      {"avg_over_time", avg_over_time},
      {"min_over_time", min_over_time},
      {"max_over_time", max_over_time},
      {"count_over_time", count_over_time},
      {"last_over_time", last_over_time},
      {"first_over_time", first_over_time},
      {"present_over_time", present_over_time},
      {"stddev_over_time", stddev_over_time},
      {"stdvar_over_time", stdvar_over_time},
      {"quantile_over_time", quantile_over_time},
      {"mad_over_time", mad_over_time},
      {"double_exponential_smoothing", smoothing},
      {"ts_of_min_over_time", ts_of_min},
      {"ts_of_max_over_time", ts_of_max},
      {"ts_of_last_over_time", ts_of_last},
      {"ts_of_first_over_time", ts_of_first}};
  auto found = kernels.find(name);
  return found == kernels.end() ? nullptr : found->second;
}

/// A window of one list that only moves forward.
template <typename Item>
class Slider {
 public:
  Slider(const std::vector<Item>& items, const std::vector<std::int64_t>& starts)
      : items_(items), starts_(starts) {}

  /// (start_ms, end_ms]; `one_before` adds the last item at or before start_ms that is later than
  /// `oldest_ms`, and `one_after` the first behind end_ms that is not later than `newest_ms`.
  void move(std::int64_t start_ms, std::int64_t end_ms) {
    while (first_ < items_.size() && items_[first_].time_ms <= start_ms) ++first_;
    if (end_ < first_) end_ = first_;
    if (!items_.empty() && items_.back().time_ms <= end_ms) end_ = items_.size();
    while (end_ < items_.size() && items_[end_].time_ms <= end_ms) ++end_;
  }
  std::span<const Item> items(std::size_t before = 0, std::size_t after = 0) const {
    return std::span(items_).subspan(first_ - before, end_ - first_ + before + after);
  }
  std::span<const std::int64_t> starts() const {
    return starts_.empty() ? std::span<const std::int64_t>{}
                           : std::span(starts_).subspan(first_, end_ - first_);
  }
  /// The time of the last item at or before the window that is later than `oldest_ms`.
  std::optional<std::int64_t> before(std::int64_t oldest_ms) const {
    if (first_ == 0 || items_[first_ - 1].time_ms <= oldest_ms) return std::nullopt;
    return items_[first_ - 1].time_ms;
  }
  /// The time of the first item behind the window that is not later than `newest_ms`.
  std::optional<std::int64_t> after(std::int64_t newest_ms) const {
    if (end_ >= items_.size() || items_[end_].time_ms > newest_ms) return std::nullopt;
    return items_[end_].time_ms;
  }

 private:
  const std::vector<Item>& items_;
  const std::vector<std::int64_t>& starts_;
  std::size_t first_ = 0, end_ = 0;
};

bool looks_like_counter(std::string_view name) {
  for (std::string_view suffix : {"_total", "_sum", "_count", "_bucket"})
    if (name.ends_with(suffix)) return true;
  return false;
}

}  // namespace

/// rate() and increase() of floats that do not look like a counter's.
void Evaluator::note_unless_counter(const Call& call, const Labels& labels, Position where) {
  const auto metric = labels.metric_name();
  if ((call.function->name != "rate" && call.function->name != "increase") || metric.empty())
    return;
  if (options_.type_and_unit_labels) {
    const auto type = labels.get("__type__");
    if (type != "counter" && type != "histogram")
      inform(fmt::format("metric might not be a counter, __type__ label is not set to "
                         "\"counter\" or \"histogram\", got {}: {}",
                         go_quoted(type), go_quoted(metric)),
             where);
  } else if (!looks_like_counter(metric)) {
    inform("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
               go_quoted(metric),
           where);
  }
}

Result<Columns> Evaluator::range_call(const Expr& expr, const Call& call, const Steps& steps) {
  const auto name = call.function->name;
  const Kernel kernel = kernel_named(name);
  if (!kernel)
    return fail(ErrorCode::kUnsupported, fmt::format("function {} is not implemented", name));
  const std::size_t count = steps.count();
  std::size_t matrix_index = 0;
  std::vector<std::vector<double>> scalars;
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    if (call.args[i]->type == ValueType::kMatrix) {
      matrix_index = i;
      continue;
    }
    TRY(auto values, scalar(*call.args[i], steps));
    scalars.push_back(std::move(values));
  }
  TRY(auto scanned, scanned_call(call, *call.args[matrix_index], steps, scalars));
  if (scanned) return std::move(*scanned);
  TRY(RangeInput input, range_input(*call.args[matrix_index], steps));
  if (name == "double_exponential_smoothing" && !input.series.empty())
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t k = 0; k < 2; ++k)
        if (scalars[k][i] <= 0 || scalars[k][i] >= 1)  // NaN is none of both: its result is NaN
          return fail(ErrorCode::kUnsupported,
                      k == 0
                          ? fmt::format("invalid smoothing factor. Expected: 0 < sf < 1, got: {:f}",
                                        scalars[k][i])
                          : fmt::format("invalid trend factor. Expected: 0 < tf < 1, got: {:f}",
                                        scalars[k][i]));
  const bool keeps_name = name == "last_over_time" || name == "first_over_time";
  const bool extended = input.anchored || input.smoothed;
  std::vector<double> arguments(scalars.size());
  Regression regression;
  const auto where = call.args[0]->position;  // also where that is no range
  Context context{arguments, [&](const std::string& text) { warn(text, where); },
                  [&](const std::string& text) { inform(text, where); }, &regression};
  const bool may_be_fast =
      !options_.general_only && !extended && (count == 1 || !input.fixed_ms) && count > 0;
  const WindowFunction fast = may_be_fast ? window_function(name) : nullptr;
  Windows windows({input.fixed_ms.value_or(steps.start_ms - input.offset_ms), steps.step_ms,
                   input.range_ms, count});
  Columns out;
  for (auto& series : input.series) {
    TRY_STATUS(check_alive());
    Column column(count);
    column.labels = series.labels;
    column.drop_name = series.drop_name;
    Slider<Sample> floats(series.samples, series.sample_starts);
    Slider<HistogramSample> histograms(series.histograms, series.histogram_starts);
    bool any_float = false, any = false;
    const bool is_plain = fast && series.histograms.empty() && series.sample_starts.empty();
    if (is_plain) {
      any_float = fast(series.samples, windows, {column.cells, column.floats});
      any = !column.empty();
    }
    for (std::size_t i = 0; i < count && !is_plain; ++i) {
      TRY_STATUS(check_alive());
      Window window;
      window.now_ms = steps.at(i);
      window.end_ms = input.fixed_ms.value_or(window.now_ms - input.offset_ms);
      window.start_ms = window.end_ms - input.range_ms;
      floats.move(window.start_ms, window.end_ms);
      histograms.move(window.start_ms, window.end_ms);
      window.floats = floats.items();
      window.histograms = histograms.items();
      window.float_starts = floats.starts();
      window.histogram_starts = histograms.starts();
      window.labels = &series.labels;
      window.anchored = input.anchored;
      window.smoothed = input.smoothed;
      if (extended) {
        const std::int64_t oldest = window.start_ms - lookback_ms_,
                           newest = window.end_ms + lookback_ms_;
        std::optional<std::int64_t> before_float = floats.before(oldest),
                                    before_histogram = histograms.before(oldest);
        // Of both kinds only the latest sample before the window anchors it.
        if (before_float && before_histogram)
          (*before_float < *before_histogram ? before_float : before_histogram).reset();
        std::optional<std::int64_t> after_float, after_histogram;
        if (input.smoothed) {
          after_float = floats.after(newest);
          after_histogram = histograms.after(newest);
          if (after_float && after_histogram)
            (*after_float > *after_histogram ? after_float : after_histogram).reset();
        }
        const bool inside = !window.floats.empty() || !window.histograms.empty();
        const bool around = (before_float || before_histogram) && (after_float || after_histogram);
        if (!inside && !(input.smoothed && around)) continue;
        window.floats = floats.items(before_float ? 1 : 0, after_float ? 1 : 0);
        window.histograms = histograms.items(before_histogram ? 1 : 0, after_histogram ? 1 : 0);
        window.float_starts = window.histogram_starts = {};
      }
      if (window.floats.empty() && window.histograms.empty()) continue;
      for (std::size_t k = 0; k < scalars.size(); ++k) arguments[k] = scalars[k][i];
      const Point point = kernel(window, context);
      if (const auto* number = std::get_if<double>(&point)) {
        column.set(i, *number);
        any = any_float = true;
      } else if (const auto* histogram = std::get_if<HistogramPtr>(&point)) {
        column.set(i, *histogram);
        any = true;
      }
    }
    if (any_float) note_unless_counter(call, series.labels, input.position);
    if (!any) continue;
    TRY_STATUS(count_samples(count + weight_of(column.histograms)));
    if (!keeps_name) drop_name(column);
    out.push_back(std::move(column));
  }
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(out));
  (void)expr;
  return out;
}

}  // namespace wellrun::telemetry::promql
