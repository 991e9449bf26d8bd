#include "server/metrics_text.h"

#include <fmt/format.h>

namespace wellrun::server {
namespace {

std::string_view suffix_of(std::string_view type) {
  if (type == "counter") return "_total";
  return type == "info" ? "_info" : "";
}

}  // namespace

void MetricsText::begin(std::string_view name, std::string_view type, std::string_view help) {
  sample_name_ = fmt::format("{}{}", name, suffix_of(type));
  const bool is_open = kind_ == telemetry::ExpositionKind::kOpenMetrics;
  text_ += fmt::format("# TYPE {0} {1}\n# HELP {0} {2}\n", is_open ? name : sample_name_,
                       !is_open && type == "info" ? "gauge" : type, help);
}

void MetricsText::add(Labels labels, double value) {
  text_ += sample_name_;
  char separator = '{';
  for (const auto& [name, label_value] : labels) {
    text_ += fmt::format("{}{}={}", separator, name, telemetry::exposed_text(label_value));
    separator = ',';
  }
  text_ += fmt::format("{} {}\n", labels.empty() ? "" : "}", value);
}

std::string MetricsText::finish() && {
  if (kind_ == telemetry::ExpositionKind::kOpenMetrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace wellrun::server
