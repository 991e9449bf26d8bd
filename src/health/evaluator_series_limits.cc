// A workload whose new series are refused has a hole in what it measures, which nobody sees on a
// chart: that is an alert of its own. See docs/rules.md.

#include "health/evaluator_state.h"

namespace wellrun::health {
namespace {

using facts::SeriesLimitReached;

AlertRule rule_of(const std::string& stream, const SeriesLimitReached& reached) {
  AlertRule rule;
  rule.key = stream;
  rule.alert = "SeriesLimitReached";
  rule.labels = {{"severity", "ticket"}};
  rule.labels[reached.workload.empty() ? "job" : "workload"] =
      reached.workload.empty() ? reached.job : reached.workload;
  rule.workload = reached.workload;
  rule.source = "series limit";
  return rule;
}

/// The first of a list of {name, <unit>}, as words; or nothing.
std::string most_of(const Json& list, std::string_view before, const char* unit) {
  if (!list.is_array() || list.empty()) return {};
  const auto& first = list.front();
  return fmt::format("{}{} ({} {})", before, first.value("name", ""), first.value(unit, 0), unit);
}

std::string summary_of(const SeriesLimitReached& reached) {
  const auto owner =
      reached.workload.empty() ? "Job " + reached.job : "Workload " + reached.workload;
  const auto limit = reached.limit == 0 ? std::string() : fmt::format("{} ", reached.limit);
  return fmt::format(
      "{} has reached its limit of {}series: new ones are refused, so that rules and charts do not "
      "see what is new{}{}. Drop what it need not have, or raise its maxSeries.",
      owner, limit, most_of(reached.metrics, ". Most are of ", "series"),
      most_of(reached.labels, ", the label of most values is ", "values"));
}

ActiveAlert alert_of(const SeriesLimitReached& reached, const AlertRule& rule, Timestamp now) {
  ActiveAlert alert;
  for (const auto& [name, value] : rule.labels) alert.labels.set(name, value);
  alert.labels.set("alertname", rule.alert);
  alert.annotations["summary"] = summary_of(reached);
  alert.value = static_cast<double>(reached.series);
  alert.active_at = now;
  alert.fingerprint = fingerprint_of(rule, alert.labels);
  return alert;
}

}  // namespace

void Evaluator::State::look_for_series_limits() {
  std::map<std::string, facts::AlertFired> wanted;
  for (const auto& [stream, reached] : domain.series_limits()) {
    const auto rule = rule_of(stream, reached);
    const auto alert = alert_of(reached, rule, runtime.clock.now());
    wanted.emplace(alert.fingerprint, fired_fact(catalog, rule, alert));
  }
  reconcile(std::string(kSeriesLimits), std::move(wanted), "below its limit again");
}

}  // namespace wellrun::health
