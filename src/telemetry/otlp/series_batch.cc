#include "telemetry/otlp/series_batch.h"

#include <algorithm>
#include <tuple>

namespace wellrun::telemetry {
namespace {

/// By time; each start stays with its sample.
template <typename TimedSample>
void sort(std::vector<TimedSample>& samples, std::vector<std::int64_t>& starts) {
  if (starts.empty()) {
    std::ranges::stable_sort(samples, {}, &TimedSample::time_ms);
    return;
  }
  if (std::ranges::is_sorted(samples, {}, &TimedSample::time_ms)) return;
  std::vector<std::pair<TimedSample, std::int64_t>> pairs;
  for (std::size_t i = 0; i < samples.size(); ++i)
    pairs.emplace_back(std::move(samples[i]), starts[i]);
  std::ranges::stable_sort(pairs, {}, [](const auto& pair) { return pair.first.time_ms; });
  for (std::size_t i = 0; i < samples.size(); ++i)
    std::tie(samples[i], starts[i]) = std::move(pairs[i]);
}

}  // namespace

std::size_t SeriesBatch::index_of(const Labels& labels) {
  const auto [found, fresh] = index_.try_emplace(labels, series_.size());
  if (fresh) series_.emplace_back().labels = labels;
  return found->second;
}

std::vector<SeriesWrite> SeriesBatch::finish() && {
  for (auto& series : series_) {
    sort(series.samples, series.sample_starts);
    sort(series.histograms, series.histogram_starts);
  }
  return std::move(series_);
}

}  // namespace wellrun::telemetry
