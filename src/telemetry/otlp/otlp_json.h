#pragma once

// OTLP/JSON to OTLP/protobuf, driven by a table of the messages' fields, so that there is one
// decoder and one meaning. Called by otlp_receiver. Thread-safe. Source: OpenTelemetry
// protocol 1.x, "JSON Protobuf Encoding": lowerCamelCase names, 64-bit integers as strings or
// numbers, ids in hexadecimal, enums as numbers, unknown fields ignored.

#include <string>
#include <string_view>

#include "core/result.h"

namespace wellrun::telemetry::otlp {

enum class Signal { kMetrics, kLogs, kTraces };
const char* name_of(Signal signal);

/// The Export…ServiceRequest as protobuf bytes. kInvalid with the field's path for malformed JSON
/// (UTF-8 included) or a value that does not fit its field; kTooLarge for nesting beyond 64.
Result<std::string> json_to_protobuf(Signal signal, std::string_view json);

}  // namespace wellrun::telemetry::otlp
