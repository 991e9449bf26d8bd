#include "telemetry/downsample.h"

#include <algorithm>

#include "telemetry/promql/histogram.h"

namespace wellrun::telemetry {
namespace {

std::int64_t interval_of(std::int64_t time_ms, std::int64_t resolution_ms) {
  const auto quotient = time_ms / resolution_ms;
  return quotient - (time_ms % resolution_ms < 0 ? 1 : 0);
}

bool is_stale(const Sample& sample) {
  return is_stale_marker(sample.value);
}
bool is_stale(const HistogramSample& sample) {
  return is_stale_marker(sample.histogram->sum);
}

bool is_gauge(const HistogramSample& sample) {
  return sample.histogram->reset_hint == Histogram::ResetHint::kGauge;
}

bool is_reset(const Sample& before, const Sample& after) {
  return after.value < before.value;
}
bool is_reset(const HistogramSample& before, const HistogramSample& after) {
  if (is_gauge(before) || is_gauge(after)) return is_gauge(before) != is_gauge(after);
  return promql::detect_reset(*after.histogram, *before.histogram);
}

/// Marks the last of each interval, and the last before it when it is a stale marker.
template <typename TimedSample>
void keep_last(const std::vector<TimedSample>& samples, std::int64_t resolution_ms,
               std::vector<bool>& stays) {
  for (std::size_t i = samples.size(); i-- > 0;) {
    const auto interval = interval_of(samples[i].time_ms, resolution_ms);
    const auto is_same = [&](std::size_t at) {
      return interval_of(samples[at].time_ms, resolution_ms) == interval;
    };
    stays[i] = true;
    auto before = i;
    while (before > 0 && is_stale(samples[before]) && is_same(before - 1)) --before;
    if (!is_stale(samples[before])) stays[before] = true;
    while (i > 0 && is_same(i - 1)) --i;
  }
}

/// Marks the samples around each reset, and the first: nobody knows what was before it.
template <typename TimedSample>
void keep_resets(const std::vector<TimedSample>& samples, std::vector<bool>& stays) {
  const TimedSample* before = nullptr;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (is_stale(samples[i])) continue;
    if (before == nullptr || is_reset(*before, samples[i])) {
      stays[i] = true;
      if (before != nullptr) stays[static_cast<std::size_t>(before - samples.data())] = true;
    }
    before = &samples[i];
  }
}

template <typename TimedSample>
void erase_others(std::vector<TimedSample>& samples, const std::vector<bool>& stays) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!stays[i]) continue;
    if (kept != i) samples[kept] = std::move(samples[i]);
    ++kept;
  }
  samples.resize(kept);
}

}  // namespace

Falls falls_of(std::string_view metric_name) {
  for (const std::string_view ending : {"_total", "_count", "_sum", "_bucket"})
    if (metric_name.ends_with(ending)) return Falls::kAreResets;
  return Falls::kAreValues;
}

void downsample(std::vector<Sample>& samples, std::int64_t resolution_ms, Falls falls) {
  std::vector<bool> stays(samples.size());
  keep_last(samples, resolution_ms, stays);
  if (falls == Falls::kAreResets) keep_resets(samples, stays);
  erase_others(samples, stays);
}

void downsample(std::vector<HistogramSample>& samples, std::int64_t resolution_ms) {
  std::vector<bool> stays(samples.size());
  keep_last(samples, resolution_ms, stays);
  keep_resets(samples, stays);
  erase_others(samples, stays);
}

}  // namespace wellrun::telemetry
