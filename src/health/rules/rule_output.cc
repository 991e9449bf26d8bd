#include "health/rules/rule_output.h"

namespace wellrun::health::rules {
namespace {

using telemetry::SeriesWrite;

Labels with_state(Labels labels, AlertState state) {
  labels.set("alertstate", name_of(state));
  return labels;
}

}  // namespace

SeriesWrite one_sample(Labels labels, std::string_view name, Timestamp time, double value) {
  labels.set(kMetricNameLabel, name);
  SeriesWrite write;
  write.labels = std::move(labels);
  write.samples.push_back({to_unix_ms(time), value});
  return write;
}

SeriesWrite stale_marker(Labels labels, Timestamp time) {
  SeriesWrite write;
  write.labels = std::move(labels);
  write.samples.push_back({to_unix_ms(time), telemetry::stale_marker()});
  return write;
}

void write_alerts(const ActiveAlerts& alerts, Timestamp time, std::vector<SeriesWrite>& writes) {
  for (const auto& [fingerprint, alert] : alerts) {
    writes.push_back(one_sample(with_state(alert.labels, alert.state), "ALERTS", time, 1));
    writes.push_back(
        one_sample(alert.labels, "ALERTS_FOR_STATE", time, to_unix_seconds(alert.active_at)));
  }
}

Result<std::vector<SeriesWrite>> recorded_series(const Recording& rule,
                                                 const telemetry::InstantResult& result,
                                                 Timestamp time) {
  const auto count = result.series.size() + result.histograms.size();
  if (rule.limit > 0 && count > static_cast<std::size_t>(rule.limit))
    return fail(ErrorCode::kExhausted,
                fmt::format("exceeded limit of {} with {} series", rule.limit, count));
  std::vector<SeriesWrite> writes;
  std::set<Labels> seen;
  const auto add = [&](Labels labels) -> SeriesWrite& {
    labels.set(kMetricNameLabel, rule.record);
    for (const auto& [name, value] : rule.labels) labels.set(name, value);
    seen.insert(labels);
    auto& write = writes.emplace_back();
    write.labels = std::move(labels);
    return write;
  };
  for (const auto& series : result.series)
    add(series.labels).samples.push_back({to_unix_ms(time), series.value});
  for (const auto& series : result.histograms)
    add(series.labels).histograms.push_back({to_unix_ms(time), series.histogram});
  if (seen.size() == writes.size()) return writes;
  return fail(ErrorCode::kInvalid,
              fmt::format("recording rule {}: its expression has two series that are the same once "
                          "its labels are set; aggregate, or keep the label that tells them apart",
                          rule.record));
}

void WrittenSeries::finish(std::vector<SeriesWrite>& writes, Timestamp time) {
  std::set<Labels> current;
  for (const auto& write : writes) current.insert(write.labels);
  for (const auto& labels : last) {
    if (!current.contains(labels)) writes.push_back(stale_marker(labels, time));
  }
  last = std::move(current);
}

}  // namespace wellrun::health::rules
