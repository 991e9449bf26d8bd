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

/// Of a column of `count` values (at least one) fills `samples` with those from `first` on; those
/// before are passed over quickly, those behind not looked at where the encoding allows. The reader
/// ends behind the column. False on malformed bytes. first + samples.size() <= count.
bool read_values(ByteReader& reader, std::size_t count, std::size_t first,
                 std::span<Sample> samples);

}  // namespace wellrun::telemetry::store
