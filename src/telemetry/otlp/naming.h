#pragma once

// OpenTelemetry names and units as Prometheus names. Pure functions; thread-safe.
// Source: OpenTelemetry specification, compatibility/prometheus_and_openmetrics.md, "OTLP Metric
// points to Prometheus".

#include <string>
#include <string_view>

namespace wellrun::telemetry::otlp {

enum class NameKind { kCounter, kGauge, kOther };

/// The unit in words, as it becomes a suffix: "s" is "seconds", "By/s" is "bytes_per_second",
/// "{request}/s" is "per_second", "{packet}" and "1" are empty.
std::string prometheus_unit(std::string_view unit);

/// `http.server.duration` in `s` is `http_server_duration_seconds`. Characters outside [a-zA-Z0-9:]
/// become one `_`; a unit already in the name is not repeated; counters end in `_total`, gauges of
/// unit "1" in `_ratio`. Empty when nothing of `name` is left.
std::string prometheus_metric_name(std::string_view name, std::string_view unit, NameKind kind);

/// `http.status_code` is `http_status_code`; runs of invalid characters and underscores become one
/// `_`; a leading digit or underscore gets the prefix `key`. So no attribute can become `__name__`.
/// Empty for an empty key.
std::string prometheus_label_name(std::string_view key);

}  // namespace wellrun::telemetry::otlp
