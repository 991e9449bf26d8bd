#pragma once

// OTLP metrics to Prometheus series. Called by OtlpReceiver on a worker. Thread-safe: state is
// DeltaState's. Source: OpenTelemetry specification, compatibility/prometheus_and_openmetrics.md;
// opentelemetry-proto 1.x, metrics.proto.

#include <string>
#include <string_view>
#include <vector>

#include "telemetry/exemplar.h"
#include "telemetry/model.h"
#include "telemetry/otlp/attributes.h"
#include "telemetry/otlp/delta_state.h"
#include "telemetry/storage.h"

namespace wellrun::telemetry::otlp {

struct PointExemplar {
  Labels series;
  Exemplar exemplar;
};

/// Which point of the request, counted from 1, a sample in the batch is of.
struct PointSample {
  std::size_t series_index = 0;
  std::int64_t time_ms = 0;
  std::size_t point = 0;
};

struct MetricsBatch {
  std::vector<SeriesWrite> series;
  std::vector<PointSample> point_samples;  ///< all but those of target_info
  std::vector<PointExemplar> exemplars;    ///< in the order of comes_before()
  std::vector<Metadata> metadata;
  std::size_t point_count = 0;     ///< in the request
  std::size_t rejected_count = 0;  ///< of these, not in `series`
  std::string first_rejection;     ///< metric and reason
};

/// How many points of the request are not stored, or not wholly: those that were rejected already,
/// and those of which the store rejected a sample. Of points that give one series two values at one
/// time the later ones are meant.
std::size_t rejected_points(const MetricsBatch& batch, const std::vector<Rejection>& rejections);

/// `protobuf`: an ExportMetricsServiceRequest. Points become: gauge and non-monotonic sum → gauge;
/// monotonic sum → counter; delta → cumulative through `deltas`; histogram → _bucket/_sum/_count;
/// exponential histogram → native histogram; summary → {quantile}/_sum/_count; points flagged "no
/// recorded value" → stale markers. Resource → job, instance and target_info; scope →
/// otel_scope_name, otel_scope_version, otel_scope_schema_url, otel_scope_<attribute>. An attribute
/// `le` of a histogram, and `quantile` of a summary, is left out. Start times go with the samples
/// of counters, histograms and summaries; those of a delta point's total are its first point's.
/// Exemplars get trace_id, span_id and, where there is room for all, their attributes; those of a
/// histogram stand at the bucket that their value falls into. Min and max are not kept. kInvalid:
/// not a protobuf message, or text that is not UTF-8; kTooLarge: beyond a limit of the whole
/// request.
Result<MetricsBatch> decode_metrics(std::string_view protobuf, DeltaState& deltas, Timestamp now,
                                    const DecodeLimits& limits);

}  // namespace wellrun::telemetry::otlp
