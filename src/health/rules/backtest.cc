#include "health/rules/backtest.h"

#include <algorithm>
#include <cmath>

#include "facts/health.h"
#include "facts/respond.h"

namespace wellrun::health::rules {
namespace {

Json time_or_null(const std::optional<Timestamp>& time) {
  return time ? Json(format_rfc3339(*time)) : Json();
}

Json firing_json(const Firing& firing, const std::vector<const PastIncident*>& incidents) {
  Json labels = Json::object();
  for (const auto& [name, value] : firing.labels) labels[name] = value;
  Json ids = Json::array();
  for (const auto* incident : incidents) ids.push_back(incident->id);
  return {{"labels", std::move(labels)},
          {"active_since", format_rfc3339(firing.active_since)},
          {"fired_at", format_rfc3339(firing.fired_at)},
          {"ended_at", time_or_null(firing.ended)},
          {"value", facts::number_json(firing.value)},
          {"largest", facts::number_json(firing.largest)},
          {"incidents", std::move(ids)}};
}

Json incident_json(const PastIncident& incident, const std::optional<Timestamp>& fired_at) {
  Json json{{"id", incident.id},
            {"title", incident.title},
            {"workload", incident.workload},
            {"severity", incident.severity},
            {"opened_at", format_rfc3339(incident.opened_at)},
            {"resolved_at", time_or_null(incident.resolved_at)},
            {"noticed_at", time_or_null(incident.noticed_at)},
            {"noticed_by", incident.noticed_by},
            {"fired_at", time_or_null(fired_at)},
            {"seconds_before_opening", Json()},
            {"seconds_before_a_person", Json()}};
  if (!fired_at) return json;
  json["seconds_before_opening"] = to_seconds(incident.opened_at - *fired_at);
  if (incident.noticed_at)
    json["seconds_before_a_person"] = to_seconds(*incident.noticed_at - *fired_at);
  return json;
}

Json median(std::vector<double> values) {
  if (values.empty()) return Json();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

std::size_t Firings::count() const {
  auto count = listed.size();
  for (const auto& [fired_at, more] : others) count += more;
  return count;
}

bool tells(Timestamp at, const PastIncident& incident, Timestamp now) {
  return at >= incident.opened_at - kForesight && at <= incident.resolved_at.value_or(now);
}

Backtest::Backtest(AlertRule rule) : rule_(std::move(rule)) {
  rule_.annotations.clear();
}

Status Backtest::step(Timestamp now, const std::vector<telemetry::InstantSeries>& series) {
  EvaluationContext context;
  context.now = now;
  TRY(auto after, evaluate(rule_, alerts_, series, context));
  alerts_ = std::move(after.alerts);
  std::erase_if(open_, [&](const auto& open) {
    const auto alert = alerts_.find(open.first);
    if (alert != alerts_.end() && alert->second.state == AlertState::kFiring) return false;
    firings_.listed[open.second].ended = now;
    return true;
  });
  for (const auto& [fingerprint, alert] : alerts_) {
    if (alert.state != AlertState::kFiring) continue;
    if (const auto open = open_.find(fingerprint); open != open_.end()) {
      auto& firing = firings_.listed[open->second];
      if (std::abs(alert.value) > std::abs(firing.largest)) firing.largest = alert.value;
      continue;
    }
    if (alert.fired_at != now) continue;  // one beyond kMostFirings
    if (firings_.listed.size() == kMostFirings) {
      ++firings_.others[now];
      continue;
    }
    open_[fingerprint] = firings_.listed.size();
    firings_.listed.push_back(
        {alert.labels, alert.active_at, now, std::nullopt, alert.value, alert.value});
  }
  return {};
}

Firings Backtest::finish() {
  return std::move(firings_);
}

std::vector<PastIncident> incidents_of(std::span<const journal::Fact> facts) {
  std::vector<PastIncident> incidents;
  std::map<std::string, std::size_t> index;
  for (const auto& fact : facts) {
    const auto id = text_or(fact.body, "incident");
    if (fact.type == facts::IncidentOpened::kType) {
      const auto opened = fact.body.get<facts::IncidentOpened>();
      index[id] = incidents.size();
      auto& incident = incidents.emplace_back();
      incident = {id, opened.title, opened.workload, opened.severity, fact.time, {}, {}, {}};
      if (!opened.fingerprint.empty()) continue;
      incident.noticed_at = fact.time;
      incident.noticed_by = opened.by;
      continue;
    }
    const auto known = index.find(id);
    if (known == index.end()) continue;
    auto& incident = incidents[known->second];
    if (fact.type == facts::IncidentResolved::kType) incident.resolved_at = fact.time;
    if (fact.type == facts::IncidentAcknowledged::kType && !incident.noticed_at) {
      incident.noticed_at = fact.time;
      incident.noticed_by = text_or(fact.body, "by");
    }
  }
  return incidents;
}

Json backtest_report(const Firings& firings, const std::vector<PastIncident>& all,
                     const std::string& workload, Timestamp start, Timestamp end) {
  std::vector<const PastIncident*> incidents;
  for (const auto& each : all) {
    const bool in_time = each.opened_at < end && each.resolved_at.value_or(end) >= start;
    if (in_time && (workload.empty() || each.workload == workload)) incidents.push_back(&each);
  }
  Json firings_json = Json::array();
  std::map<std::string, Timestamp> first_firing;  // of each incident
  std::size_t without_incident = 0;
  const auto told_by = [&](Timestamp fired_at, std::size_t count) {
    std::vector<const PastIncident*> mine;
    for (const auto* incident : incidents) {
      if (!tells(fired_at, *incident, end)) continue;
      mine.push_back(incident);
      first_firing.try_emplace(incident->id, fired_at);
    }
    without_incident += mine.empty() ? count : 0;
    return mine;
  };
  for (const auto& firing : firings.listed)
    firings_json.push_back(firing_json(firing, told_by(firing.fired_at, 1)));
  for (const auto& [fired_at, count] : firings.others) told_by(fired_at, count);
  Json incidents_json = Json::array();
  std::vector<double> leads;
  for (const auto* incident : incidents) {
    const auto fired = first_firing.find(incident->id);
    const auto fired_at = fired == first_firing.end() ? std::nullopt : std::optional(fired->second);
    auto json = incident_json(*incident, fired_at);
    if (json["seconds_before_a_person"].is_number())
      leads.push_back(json["seconds_before_a_person"].get<double>());
    incidents_json.push_back(std::move(json));
  }
  return {{"firings", std::move(firings_json)},
          {"truncated", !firings.others.empty()},
          {"incidents", std::move(incidents_json)},
          {"summary",
           {{"firings", firings.count()},
            {"firings_without_incident", without_incident},
            {"incidents", incidents.size()},
            {"incidents_told", first_firing.size()},
            {"incidents_missed", incidents.size() - first_firing.size()},
            {"median_seconds_before_a_person", median(std::move(leads))}}}};
}

}  // namespace wellrun::health::rules
