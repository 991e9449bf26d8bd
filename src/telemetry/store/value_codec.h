#pragma once

// The value column of a float chunk (docs/formats/telemetry.md): the smallest of four encodings,
// chosen by the data. Most series are integers or decimals with few places; their differences are
// small integers, which zstd then packs.

#include <span>
#include <string>

#include "telemetry/model.h"
#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {

/// Appends the values of `samples` (at least one).
void append_values(std::string& out, std::span<const Sample> samples);

/// Fills the values of `samples`; false on malformed bytes.
bool read_values(ByteReader& reader, std::span<Sample> samples);

}  // namespace wellrun::telemetry::store
