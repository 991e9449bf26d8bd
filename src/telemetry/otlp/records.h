#pragma once

// OTLP logs and traces to the store's records. Called by OtlpReceiver on a worker. Thread-safe.
// Source: opentelemetry-proto 1.x, logs.proto and trace.proto; OpenTelemetry specification,
// "Mapping to non-OTLP formats".

#include <string>
#include <string_view>
#include <vector>

#include "telemetry/model.h"
#include "telemetry/otlp/attributes.h"

namespace wellrun::telemetry::otlp {

template <typename Record>
struct RecordBatch {
  std::vector<Record> records;
  std::size_t rejected_count = 0;
  std::string first_rejection;
};

/// A log record without a time gets its observed time, or `now`. The scope is kept as
/// otel.scope.name and otel.scope.version, an event's name as event.name. kInvalid: not the
/// message, or text that is not UTF-8; kTooLarge.
Result<RecordBatch<LogRecord>> decode_logs(std::string_view protobuf, Timestamp now,
                                           const DecodeLimits& limits);

/// A span without a valid trace id (16 bytes, not all zero), span id (8 bytes) or with an end
/// before its start is rejected. Its events and links are kept as JSON arrays in the attributes
/// span.events and span.links:
/// [{"name", "time_ns", "attributes"}], [{"trace_id", "span_id", "attributes"}], as many as fit
/// `max_value_bytes`.
Result<RecordBatch<SpanRecord>> decode_spans(std::string_view protobuf, Timestamp now,
                                             const DecodeLimits& limits);

}  // namespace wellrun::telemetry::otlp
