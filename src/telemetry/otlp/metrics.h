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

namespace wellrun::telemetry::otlp {

struct PointExemplar {
  Labels series;
  Exemplar exemplar;
};

struct MetricsBatch {
  std::vector<SeriesWrite> series;
  std::vector<PointExemplar> exemplars;  ///< in the order of comes_before()
  std::vector<Metadata> metadata;
  std::size_t point_count = 0;     ///< in the request
  std::size_t rejected_count = 0;  ///< of these, not in `series`
  std::string first_rejection;     ///< metric and reason
};

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
