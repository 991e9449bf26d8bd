#pragma once

// One read of many series at once: what a query engine computes over without a list of labels and a
// vector of samples being made for each. Any engine of storage can implement it; the default is
// over MetricReader::select().

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "telemetry/model.h"

namespace wellrun::telemetry {

/// Which labels tell groups of series apart: `by (labels)`, or `without (labels)`, which leaves the
/// name (and __type__ and __unit__) out as well.
struct GroupBy {
  bool without = false;
  std::vector<std::string> labels;
};

/// The labels of the group that a series belongs to.
Labels group_labels(const Labels& labels, const GroupBy& by);

struct SeriesGroups {
  std::vector<std::uint32_t> group_of;  ///< of each series of the scan
  std::vector<Labels> labels;           ///< of each group, each different
};

/// What a scan shows of one series; the views end when the visit returns. Each list is sorted by
/// time, times are unique over both, stale markers are included.
struct SeriesSamples {
  std::span<const Sample> floats;
  std::span<const HistogramSample> histograms;
  /// Start timestamps: one for each entry of the list above, or none at all; 0: unknown.
  std::span<const std::int64_t> float_starts, histogram_starts;

  bool only_floats() const { return histograms.empty() && float_starts.empty(); }
};

/// False ends the read early.
using SeriesVisit = std::function<bool(std::size_t series, const SeriesSamples& samples)>;

enum class SamplesWanted : std::uint8_t {
  kAll,
  kLatest  ///< the last one in the range is enough; others may be left out
};

/// Series are numbered from 0 in no particular order. Thread-safe; the reader outlives it.
class SeriesScan {
 public:
  virtual ~SeriesScan() = default;

  /// Series that match; some may turn out to have no sample in the range.
  virtual std::size_t size() const = 0;
  virtual Labels labels(std::size_t series) const = 0;
  /// Whether any of the series has the label.
  virtual bool any_has(std::string_view label) const = 0;
  virtual SeriesGroups groups(const GroupBy& by) const = 0;

  /// Visits those of the series first … last - 1 that have samples. Parts may be read on several
  /// threads at the same time. kTooLarge, kCancelled, kCorrupt as MetricReader::select(); limits
  /// count for all parts together.
  virtual Status read(std::size_t first, std::size_t last, const SeriesVisit& visit) const = 0;
};

/// A scan over what select() gave.
std::unique_ptr<SeriesScan> scan_of(std::vector<SeriesData> series);

}  // namespace wellrun::telemetry
