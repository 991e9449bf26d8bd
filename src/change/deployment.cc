#include "change/deployment.h"

namespace wellrun::change {
namespace {

Json time_or_null(const std::optional<Timestamp>& time) {
  return time ? Json(format_rfc3339(*time)) : Json();
}

Json seconds_or_null(const std::optional<Duration>& duration) {
  return duration ? Json(to_seconds(*duration)) : Json();
}

}  // namespace

Json to_json(const Deployment& deployment) {
  const auto& what = deployment.what;
  return {{"id", what.deployment},
          {"workload", what.workload},
          {"component", what.component},
          {"environment", what.environment},
          {"in_production", deployment.in_production},
          {"gate", deployment.gate},
          {"version", what.version},
          {"previous_version", what.previous_version},
          {"commit", what.commit},
          {"commit_time", what.commit_time},
          {"url", what.url},
          {"by", what.by},
          {"state", deployment.state},
          {"started_at", format_rfc3339(deployment.started_at)},
          {"finished_at", time_or_null(deployment.finished_at)},
          {"caused_failure", deployment.caused_failure()},
          {"failed_at", time_or_null(deployment.recovery.failed_at)},
          {"restored_at", time_or_null(deployment.recovery.restored_at)},
          {"incident", deployment.incident},
          {"seq", deployment.seq}};
}

Json to_json(const Change& change) {
  Json json = change.what;
  json["id"] = change.what.change;
  json["at"] = format_rfc3339(change.at);
  json["seq"] = change.seq;
  return json;
}

std::optional<Duration> median(std::vector<Duration> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Dora dora(const std::deque<Deployment>& deployments, const std::string& workload, Timestamp now,
          Duration window) {
  Dora figures;
  std::vector<Duration> lead_times;
  std::vector<Duration> restore_times;
  for (const auto& deployment : deployments) {
    if (!workload.empty() && deployment.what.workload != workload) continue;
    if (!deployment.in_production) continue;
    if (!deployment.finished_at || *deployment.finished_at < now - window ||
        *deployment.finished_at > now)
      continue;
    ++figures.deployments;
    if (deployment.caused_failure()) ++figures.failures;
    if (const auto took = deployment.recovery.time_to_restore()) restore_times.push_back(*took);
    const auto committed = parse_rfc3339(deployment.what.commit_time);
    if (!committed || deployment.state == "failed") continue;
    if (const auto took = facts::lead_time(*committed, *deployment.finished_at))
      lead_times.push_back(*took);
  }
  const double days = to_seconds(window) / 86'400;
  if (days > 0) figures.deployments_per_day = static_cast<double>(figures.deployments) / days;
  if (figures.deployments > 0) {
    figures.change_failure_rate =
        static_cast<double>(figures.failures) / static_cast<double>(figures.deployments);
  }
  figures.lead_time_median = median(std::move(lead_times));
  figures.time_to_restore_median = median(std::move(restore_times));
  return figures;
}

Json to_json(const Dora& dora, Duration window) {
  return {
      {"deployments", dora.deployments},
      {"failures", dora.failures},
      {"deployment_frequency_per_day", dora.deployments_per_day},
      {"lead_time_median_s", seconds_or_null(dora.lead_time_median)},
      {"change_failure_rate", dora.change_failure_rate ? Json(*dora.change_failure_rate) : Json()},
      {"time_to_restore_median_s", seconds_or_null(dora.time_to_restore_median)},
      {"window", format_duration(window)}};
}

}  // namespace wellrun::change
