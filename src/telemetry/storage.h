#pragma once

// The ports of telemetry: what receivers write to and queries read from. The embedded store
// implements them (telemetry/store/), a distributed one can; a simulation replaces them. No type of
// an engine leaks through here.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "telemetry/model.h"
#include "telemetry/series_scan.h"

namespace wellrun::telemetry {

struct Matcher {
  enum class Kind { kEqual, kNotEqual, kRegex, kNotRegex };
  Kind kind = Kind::kEqual;
  std::string name;
  std::string value;  ///< for the regex kinds: RE2, anchored at both ends
};

/// Both ends inclusive, milliseconds.
struct TimeRange {
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
};

/// What a query may cost. 0: unlimited.
struct ReadLimits {
  std::size_t max_series = 500'000;
  std::size_t max_samples = 50'000'000;
  std::function<bool()> cancelled;  ///< asked now and then; true ends the read with kCancelled
};

/// Who creates series. Each list: the largest first.
struct Cardinality {
  struct Count {
    std::string name;
    std::uint64_t value = 0;
  };
  std::size_t series = 0, label_pairs = 0;
  std::uint64_t head_samples = 0;
  std::int64_t min_time_ms = 0, max_time_ms = 0;  ///< of all samples; 0 when there are none
  std::vector<Count> series_by_metric, values_by_label, bytes_by_label,
      series_by_pair;  ///< a pair is "name=value"
};

/// Thread-safe; a read sees everything acknowledged before it began.
class MetricReader {
 public:
  virtual ~MetricReader() = default;

  /// Series that match all of `matchers` and have a sample in `range`, sorted by labels. Stale
  /// markers are included. kTooLarge beyond a limit, kCancelled, kInvalid for a bad regex, kCorrupt
  /// with the block named.
  virtual Result<std::vector<SeriesData>> select(const std::vector<Matcher>& matchers,
                                                 TimeRange range,
                                                 const ReadLimits& limits) const = 0;

  /// The same series, unsorted and unlabelled until asked: for what is aggregated where it is read.
  /// `limits` is copied. Errors as select(), partly when the scan is read. The default goes through
  /// select().
  virtual Result<std::unique_ptr<SeriesScan>> scan(const std::vector<Matcher>& matchers,
                                                   TimeRange range, SamplesWanted wanted,
                                                   const ReadLimits& limits) const;

  /// Label sets only; sets = alternatives of matchers (match[]), empty: all. Sorted, unique.
  virtual Result<std::vector<Labels>> series(const std::vector<std::vector<Matcher>>& sets,
                                             TimeRange range, const ReadLimits& limits) const = 0;

  /// Sorted, unique. Of `limits` only `cancelled` counts.
  virtual Result<std::vector<std::string>> label_names(
      const std::vector<std::vector<Matcher>>& sets, TimeRange range,
      const ReadLimits& limits) const = 0;
  virtual Result<std::vector<std::string>> label_values(
      const std::string& name, const std::vector<std::vector<Matcher>>& sets, TimeRange range,
      const ReadLimits& limits) const = 0;

  /// Of every family known, sorted by name.
  virtual std::vector<Metadata> metadata() const = 0;

  /// With at most `limit` entries a list. A reader that cannot count says nothing.
  virtual Cardinality cardinality(std::size_t /*limit*/) const { return {}; }
};

/// Where a sample that was not taken stands: in which series of the write, and at what time.
struct Rejection {
  std::size_t series_index = 0;
  std::int64_t time_ms = 0;
};

struct WriteOutcome {
  std::size_t samples_written = 0;
  std::size_t histograms_written = 0;
  std::size_t rejected = 0;  ///< out of the out-of-order window, or another value at a known time
  std::string first_rejection;
  std::vector<Rejection> rejections;  ///< one for each that is rejected, in any order
};

/// The same as a list of SeriesWrite, in columns: what a decoder that reads in place makes. Views
/// point into its buffers.
struct SampleBatch {
  struct Series {
    std::string_view
        labels;  ///< protobuf as in remote write 1.0 (repeated Label, field 1), in any order
    std::uint32_t sample_count = 0,
                  histogram_count = 0;  ///< how many of the next ones are this series'
  };
  std::vector<Series> series;
  std::vector<Sample> samples;
  std::vector<HistogramSample> histograms;
  /// Start timestamps, as in SeriesWrite; each empty or as long as its list.
  std::vector<std::int64_t> sample_starts, histogram_starts;
};

/// Thread-safe. When write() returns, the samples survive `kill -9`.
class MetricWriter {
 public:
  virtual ~MetricWriter() = default;

  /// The same value at a known time is a no-op; another value is rejected. Good samples of a batch
  /// are kept when others are rejected. kNoSpace: nothing was kept.
  virtual Result<WriteOutcome> write(std::vector<SeriesWrite> series) = 0;
  /// Labels that are not well-formed (malformed, an empty or repeated name, not UTF-8, no __name__)
  /// count as rejected. The default goes through write(std::vector<SeriesWrite>).
  virtual Result<WriteOutcome> write_batch(const SampleBatch& batch);
  virtual void put_metadata(std::vector<Metadata> metadata) = 0;
};

struct LogQuery {
  TimeRange range;
  std::optional<std::string> service, trace_id, contains;
  int min_severity = 0;
  std::size_t limit = 200;  ///< newest first
};

struct SpanQuery {
  TimeRange range;
  std::optional<std::string> service, trace_id;
  bool errors_only = false;
  std::int64_t min_duration_ns = 0;
  std::size_t limit = 200;  ///< newest first
};

/// Thread-safe. When put_…() returns, the records survive `kill -9`.
class SignalStore {
 public:
  virtual ~SignalStore() = default;
  virtual Status put_logs(std::vector<LogRecord> records) = 0;
  virtual Status put_spans(std::vector<SpanRecord> records) = 0;
  virtual Result<std::vector<LogRecord>> logs(const LogQuery& query) const = 0;
  virtual Result<std::vector<SpanRecord>> spans(const SpanQuery& query) const = 0;
};

}  // namespace wellrun::telemetry
