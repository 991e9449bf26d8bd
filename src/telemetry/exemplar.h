#pragma once

#include <compare>
#include <cstdint>

#include "core/labels.h"

namespace wellrun::telemetry {

/// A single observation behind a sample, with what names it, e.g. a trace id.
struct Exemplar {
  Labels labels;
  double value = 0;
  std::int64_t time_ms = 0;
  bool has_own_time = true;  ///< false: the time is that of the scrape which brought it
};

/// The order in which a series' exemplars are added, of which the store keeps no earlier one: by
/// time, then value, then labels. Source: Prometheus' exemplar.Compare.
inline bool comes_before(const Exemplar& a, const Exemplar& b) {
  if (a.time_ms != b.time_ms) return a.time_ms < b.time_ms;
  if (const auto order = std::strong_order(a.value, b.value); order != 0) return order < 0;
  return a.labels < b.labels;
}

}  // namespace wellrun::telemetry
