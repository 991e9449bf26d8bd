#include "telemetry/otlp/series_batch.h"

#include <algorithm>

namespace wellrun::telemetry {

SeriesWrite& SeriesBatch::of(const Labels& labels) {
  const auto [found, fresh] = index_.try_emplace(labels, series_.size());
  if (fresh) series_.emplace_back().labels = labels;
  return series_[found->second];
}

std::vector<SeriesWrite> SeriesBatch::finish() && {
  for (auto& series : series_) {
    std::ranges::stable_sort(series.samples, {}, &Sample::time_ms);
    std::ranges::stable_sort(series.histograms, {}, &HistogramSample::time_ms);
  }
  return std::move(series_);
}

}  // namespace wellrun::telemetry
