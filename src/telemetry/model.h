#pragma once

// The signals as values: samples, native histograms, series, log records, spans. What decoders
// make, the store keeps and queries return.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/time.h"

namespace wellrun::telemetry {

/// A float sample. A stale marker is the NaN with exactly the bits of kStaleNanBits.
struct Sample {
  std::int64_t time_ms = 0;
  double value = 0;
};

inline constexpr std::uint64_t kStaleNanBits = 0x7ff0000000000002ULL;
bool is_stale_marker(double value);
double stale_marker();

/// A native histogram, float counts. Source: Prometheus' model/histogram (exponential schemas
/// -4..8, custom buckets -53).
struct Histogram {
  struct Span {
    std::int32_t offset =
        0;  ///< gap to the span before; for the first, the index of its first bucket
    std::uint32_t length = 0;
  };
  enum class ResetHint : std::uint8_t { kUnknown, kReset, kNoReset, kGauge };

  std::int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<Span> positive_spans, negative_spans;
  std::vector<double> positive_counts, negative_counts;  ///< absolute, not deltas
  std::vector<double> custom_bounds;  ///< schema -53 only: upper bounds, ascending, without +Inf
  ResetHint reset_hint = ResetHint::kUnknown;
};

inline constexpr std::int32_t kCustomBucketsSchema = -53;

struct HistogramSample {
  std::int64_t time_ms = 0;
  std::shared_ptr<const Histogram>
      histogram;  ///< shared between head, queries and results: immutable
};

/// One series' samples in a time range; each list sorted by time, times unique over both.
struct SeriesData {
  Labels labels;
  std::vector<Sample> samples;
  std::vector<HistogramSample> histograms;
  /// Start (created) timestamps, milliseconds, one for each entry of the list above it; empty: none
  /// known; 0: unknown.
  std::vector<std::int64_t> sample_starts, histogram_starts;
};

/// What one series brings in a write. Labels hold __name__.
struct SeriesWrite {
  Labels labels;
  std::vector<Sample> samples;
  std::vector<HistogramSample> histograms;
  /// Start (created) timestamps, milliseconds, one for each entry of the list above it; empty: none
  /// known; 0: unknown.
  std::vector<std::int64_t> sample_starts, histogram_starts;
};

/// Type, help and unit of a metric family. `type`: counter, gauge, histogram, summary, info,
/// stateset or unknown.
struct Metadata {
  std::string family;
  std::string type = "unknown";
  std::string help;
  std::string unit;
};

struct LogRecord {
  Timestamp time;
  int severity = 0;  ///< OpenTelemetry's SeverityNumber, 1..24; 0: not given
  std::string severity_text;
  std::string service;  ///< resource's service.name
  std::string body;
  std::string trace_id, span_id;  ///< lower-case hexadecimal, or empty
  Labels attributes;  ///< record's attributes, and the resource's with the prefix "resource."
};

struct SpanRecord {
  std::string trace_id, span_id, parent_span_id;  ///< lower-case hexadecimal
  std::string name, service;
  std::string kind;    ///< internal, server, client, producer, consumer
  std::string status;  ///< unset, ok, error
  std::string status_message;
  std::int64_t start_ns = 0, end_ns = 0;  ///< Unix nanoseconds
  Labels attributes;  ///< span's, and the resource's with the prefix "resource."
};

}  // namespace wellrun::telemetry
