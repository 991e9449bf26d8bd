#pragma once

// How `le` and `quantile` are written, whatever a target writes. Source: Prometheus 3,
// formatOpenMetricsFloat.

#include <string>

namespace wellrun::telemetry::scrape {

/// 1 is "1.0", 0.5 is "0.5", 1e+10 is "1e+10".
std::string open_metrics_number(double value);

}  // namespace wellrun::telemetry::scrape
