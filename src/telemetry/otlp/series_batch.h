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
  /// Returns which series it is of what finish() returns. `start_ms`: when the counter began; 0:
  /// unknown.
  std::size_t add(const Labels& labels, Sample sample, std::int64_t start_ms = 0) {
    const auto index = index_of(labels);
    put(series_[index].samples, series_[index].sample_starts, sample, start_ms);
    return index;
  }
  std::size_t add(const Labels& labels, HistogramSample sample, std::int64_t start_ms = 0) {
    const auto index = index_of(labels);
    put(series_[index].histograms, series_[index].histogram_starts, std::move(sample), start_ms);
    return index;
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
  std::size_t index_of(const Labels& labels);

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
