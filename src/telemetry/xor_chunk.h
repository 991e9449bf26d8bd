#pragma once

// Float samples as one of Prometheus' XOR chunks, for remote read. Pure. Source: Prometheus,
// tsdb/docs/format/chunks.md ("XOR chunk data"), after Gorilla (Pelkonen and others, 2015).

#include <span>
#include <string>

#include "telemetry/model.h"

namespace wellrun::telemetry {

/// `samples`: 1 to 65,535, sorted by time.
std::string xor_chunk(std::span<const Sample> samples);

}  // namespace wellrun::telemetry
