#pragma once

// Collects the points of one request or scrape into one SeriesWrite a series. Not thread-safe; used
// by one decoder.

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>
#include <vector>

#include "telemetry/model.h"

namespace wellrun::telemetry {

class SeriesBatch {
 public:
  /// `start_ms`: when the counter began; 0: unknown.
  void add(const Labels& labels, Sample sample, std::int64_t start_ms = 0) {
    auto& series = of(labels);
    put(series.samples, series.sample_starts, sample, start_ms);
  }
  void add(const Labels& labels, HistogramSample sample, std::int64_t start_ms = 0) {
    auto& series = of(labels);
    put(series.histograms, series.histogram_starts, std::move(sample), start_ms);
  }
  std::size_t size() const { return series_.size(); }

  /// Samples of each series sorted by time, in order of arrival where times are equal: the store
  /// judges duplicates.
  std::vector<SeriesWrite> finish() &&;

 private:
  struct Hash {
    std::size_t operator()(const Labels& labels) const {
      std::size_t hash = 0;
      for (const auto& label : labels) hash = absl::HashOf(hash, label.name, label.value);
      return hash;
    }
  };
  SeriesWrite& of(const Labels& labels);

  template <typename TimedSample>
  static void put(std::vector<TimedSample>& samples, std::vector<std::int64_t>& starts,
                  TimedSample sample, std::int64_t start_ms) {
    samples.push_back(std::move(sample));
    if (start_ms == 0 && starts.empty()) return;
    starts.resize(samples.size());
    starts.back() = start_ms;
  }

  absl::flat_hash_map<Labels, std::size_t, Hash> index_;
  std::vector<SeriesWrite> series_;
};

}  // namespace wellrun::telemetry
