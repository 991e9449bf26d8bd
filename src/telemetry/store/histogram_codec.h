#pragma once

// Native histograms as bytes: in the log and in chunks (docs/formats/telemetry.md). Exact: every
// double comes back bit for bit.

#include <optional>
#include <string>

#include "telemetry/model.h"
#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::store {

void append_histogram(std::string& out, const Histogram& histogram);

/// std::nullopt on malformed bytes; never allocates more than a small multiple of what is left to
/// read.
std::optional<Histogram> read_histogram(ByteReader& reader);

/// Equal bit for bit (NaN equals the same NaN).
bool same_histogram(const Histogram& a, const Histogram& b);

}  // namespace wellrun::telemetry::store
