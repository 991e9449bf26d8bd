#include "health/watch/distribution.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>

#include "telemetry/promql/histogram.h"

namespace wellrun::health::watch {
namespace {

namespace promql = telemetry::promql;
using telemetry::Histogram;
using telemetry::HistogramSample;
using telemetry::SeriesData;

constexpr std::string_view kBucketSuffix = "_bucket";
constexpr const char* kBound = "le";

Labels watched_labels(Labels labels) {
  labels.set("quantile", fmt::format("{}", kWatchedQuantile));
  return labels;
}

/// The upper bound of a classic bucket; nothing when the series is none.
std::optional<double> bound_of(const SeriesData& series) {
  if (!series.labels.metric_name().ends_with(kBucketSuffix) || !series.labels.has(kBound))
    return std::nullopt;
  const auto text = series.labels.get(kBound);
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  double bound = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(bound))
    return std::nullopt;
  return bound;
}

/// The labels that all buckets of one histogram share.
Labels common_labels(const Labels& bucket) {
  Labels labels;
  for (const auto& label : bucket)
    if (label.name != kBound) labels.set(label.name, label.value);
  auto name = std::string(bucket.metric_name());
  labels.set(kMetricNameLabel, name.substr(0, name.size() - kBucketSuffix.size()));
  return labels;
}

/// By upper bound: how many were at most so large.
using Cumulative = std::map<double, double>;

Histogram histogram_of(const Cumulative& counts) {
  Histogram histogram;
  histogram.schema = telemetry::kCustomBucketsSchema;
  double before = 0;
  for (const auto& [bound, cumulative] : counts) {
    if (std::isfinite(bound)) histogram.custom_bounds.push_back(bound);
    histogram.positive_counts.push_back(std::max(0.0, cumulative - before));
    before = std::max(before, cumulative);
  }
  histogram.positive_spans = {{0, static_cast<std::uint32_t>(counts.size())}};
  histogram.count = before;
  return histogram;
}

Histogram stale_histogram() {
  Histogram histogram;
  histogram.sum = telemetry::stale_marker();
  return histogram;
}

/// The buckets of one classic histogram, by time.
struct Classic {
  std::size_t buckets = 0;
  std::map<std::int64_t, Cumulative> counts;
  std::map<std::int64_t, bool> ends;  ///< times with a stale marker

  void add(double bound, const std::vector<telemetry::Sample>& samples) {
    ++buckets;
    for (const auto& sample : samples) {
      if (telemetry::is_stale_marker(sample.value))
        ends[sample.time_ms] = true;
      else if (std::isfinite(sample.value))
        counts[sample.time_ms][bound] = sample.value;
    }
  }
  std::vector<HistogramSample> samples() const {
    std::map<std::int64_t, Histogram> by_time;
    for (const auto& [time, cumulative] : counts)
      if (cumulative.size() == buckets && std::isinf(cumulative.rbegin()->first))
        by_time.emplace(time, histogram_of(cumulative));
    for (const auto& [time, ended] : ends) by_time.insert_or_assign(time, stale_histogram());
    std::vector<HistogramSample> found;
    for (auto& [time, histogram] : by_time)
      found.push_back({time, std::make_shared<const Histogram>(std::move(histogram))});
    return found;
  }
};

/// What came between two samples; nothing when they cannot be compared.
std::optional<Histogram> increase(const Histogram& before, const Histogram& now) {
  if (now.reset_hint == Histogram::ResetHint::kGauge) return now;
  if (promql::detect_reset(now, before)) return now;
  auto grown = promql::combine(now, before, promql::Sign::kMinus);
  return grown ? std::optional(std::move(grown->histogram)) : std::nullopt;
}

}  // namespace

std::vector<Distribution> take_distributions(std::vector<SeriesData>& read) {
  std::vector<Distribution> found;
  std::map<Labels, Classic> classic;
  std::vector<SeriesData> rest;
  for (auto& series : read) {
    if (!series.histograms.empty())
      found.push_back({watched_labels(series.labels), std::move(series.histograms)});
    if (const auto bound = bound_of(series))
      classic[common_labels(series.labels)].add(*bound, series.samples);
    else if (!series.samples.empty())
      rest.push_back(std::move(series));
  }
  for (const auto& [labels, buckets] : classic)
    found.push_back({watched_labels(labels), buckets.samples()});
  read = std::move(rest);
  return found;
}

std::optional<Timestamp> Gathering::last_time() const {
  return last_ ? std::optional(from_unix_ms(last_->time_ms)) : from_;
}

void Gathering::begin(const HistogramSample& sample) {
  last_ = sample;
  began_ms_ = sample.time_ms;
  gathered_.reset();
}

std::optional<telemetry::Sample> Gathering::observe(const HistogramSample& sample) {
  if (from_ && sample.time_ms < to_unix_ms(*from_)) return std::nullopt;
  if (last_ && sample.time_ms <= last_->time_ms) return std::nullopt;
  if (telemetry::is_stale_marker(sample.histogram->sum)) {
    last_.reset();
    gathered_.reset();
    from_ = from_unix_ms(sample.time_ms);
    return std::nullopt;
  }
  auto grown = last_ ? increase(*last_->histogram, *sample.histogram) : std::nullopt;
  if (!grown || sample.time_ms - began_ms_ > kLongestGathering.count()) {
    begin(sample);
    return std::nullopt;
  }
  auto together = gathered_ ? promql::combine(*gathered_, *grown, promql::Sign::kPlus)
                            : std::optional(promql::Combined{std::move(*grown)});
  last_ = sample;
  if (!together) {
    begin(sample);
    return std::nullopt;
  }
  gathered_ = std::move(together->histogram);
  if (gathered_->count < kEnoughObservations) return std::nullopt;
  const auto value = promql::quantile(kWatchedQuantile, *gathered_).value;
  begin(sample);
  if (!std::isfinite(value)) return std::nullopt;
  return telemetry::Sample{sample.time_ms, value};
}

}  // namespace wellrun::health::watch
