#pragma once

// The usual form of a remote write 1.0 series, read at full speed: labels side by side, then
// samples, nothing else. It decides nothing: whatever has another form is left to the general
// decoder.

#include <string_view>

#include "telemetry/storage.h"

namespace wellrun::telemetry {

/// `message`: the bytes of one TimeSeries. False, with `batch` as it was, when it is not of the
/// usual form (which says nothing about whether it is well-formed).
bool read_plain_series(std::string_view message, SampleBatch& batch);

}  // namespace wellrun::telemetry
