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

/// `http.status_code` is `http_status_code`: each invalid character becomes one `_`, and
/// underscores stay as many as they are. A leading digit gets the prefix `key_`, one leading
/// underscore `key`; names that begin with two are reserved ones, and stay, but for `__name__`,
/// which no attribute can become: it is `key__name__`. Empty for an empty key. `key` is UTF-8.
/// Source: LabelNamer.Build of Prometheus' otlptranslator.
std::string prometheus_label_name(std::string_view key);

}  // namespace wellrun::telemetry::otlp
