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
  void add(const Labels& labels, Sample sample) { of(labels).samples.push_back(sample); }
  void add(const Labels& labels, HistogramSample sample) {
    of(labels).histograms.push_back(std::move(sample));
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

  absl::flat_hash_map<Labels, std::size_t, Hash> index_;
  std::vector<SeriesWrite> series_;
};

}  // namespace wellrun::telemetry
