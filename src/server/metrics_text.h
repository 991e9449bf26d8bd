#pragma once

// Our own metrics as a scraper reads them: OpenMetrics, or Prometheus' text for one that does not
// ask for that. Pure. Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and
// https://prometheus.io/docs/specs/om/open_metrics_spec/

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "telemetry/exposition_format.h"

namespace wellrun::server {

class MetricsText {
 public:
  using Labels = std::span<const std::pair<std::string_view, std::string_view>>;

  explicit MetricsText(telemetry::ExpositionKind kind) : kind_(kind) {}

  /// Begins a family. `name` has no suffix: its samples get that of the type, counter "_total" and
  /// info "_info". The old text knows no infos, they are gauges there, and names families as their
  /// samples are named.
  void begin(std::string_view name, std::string_view type, std::string_view help);
  /// A sample of the family that was begun last.
  void add(Labels labels, double value);
  /// A family of one sample.
  void family(std::string_view name, std::string_view type, std::string_view help, double value) {
    begin(name, type, help);
    add({}, value);
  }

  std::string finish() &&;

 private:
  telemetry::ExpositionKind kind_;
  std::string text_, sample_name_;
};

}  // namespace wellrun::server
