#pragma once

#include <cstdint>

#include "core/labels.h"

namespace wellrun::telemetry {

/// A single observation behind a sample, with what names it, e.g. a trace id.
struct Exemplar {
  Labels labels;
  double value = 0;
  std::int64_t time_ms = 0;
};

}  // namespace wellrun::telemetry
