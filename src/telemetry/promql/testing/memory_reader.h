#pragma once

// A MetricReader over series in memory: for tests of the engine and of what asks it. Not for large
// data.

#include <vector>

#include "telemetry/storage.h"

namespace wellrun::telemetry::promql::testing {

/// Thread-safe once filled.
class MemoryReader : public MetricReader {
 public:
  /// Adds samples; those of a known series are merged by time, the later value of a time wins.
  void add(SeriesWrite series);
  void add(Metadata metadata) { metadata_.push_back(std::move(metadata)); }
  void clear() { series_.clear(); }

  Result<std::vector<SeriesData>> select(const std::vector<Matcher>& matchers, TimeRange range,
                                         const ReadLimits& limits) const override;
  Result<std::vector<Labels>> series(const std::vector<std::vector<Matcher>>& sets, TimeRange range,
                                     const ReadLimits& limits) const override;
  Result<std::vector<std::string>> label_names(const std::vector<std::vector<Matcher>>& sets,
                                               TimeRange range,
                                               const ReadLimits& limits) const override;
  Result<std::vector<std::string>> label_values(const std::string& name,
                                                const std::vector<std::vector<Matcher>>& sets,
                                                TimeRange range,
                                                const ReadLimits& limits) const override;
  std::vector<Metadata> metadata() const override { return metadata_; }

 private:
  std::vector<SeriesData> series_;
  std::vector<Metadata> metadata_;
};

/// Whether `labels` satisfy all of `matchers`; kInvalid for a bad regex.
Result<bool> matches(const Labels& labels, const std::vector<Matcher>& matchers);

}  // namespace wellrun::telemetry::promql::testing
