#include "server/workload_health.h"

#include <algorithm>
#include <fmt/format.h>

namespace wellrun::server {

void WorkloadHealth::take_incident(const respond::Incident& incident) {
  const bool is_serious =
      incident.severity <= 2 && incident.state != respond::IncidentState::kMitigated;
  (is_serious ? critical_ : at_risk_)
      .push_back(fmt::format("incident {} of severity {} is open", incident.id, incident.severity));
}

void WorkloadHealth::take_kpi(const std::string& name, const std::string& status) {
  if (status == "missed") critical_.push_back(fmt::format("the KPI {} misses its target", name));
  if (status == "at_risk") at_risk_.push_back(fmt::format("the KPI {} is at risk", name));
  is_known_ = is_known_ || status == "on_target";
}

void WorkloadHealth::take_slo(const std::string& name, const health::SloReading& reading) {
  const bool is_burning = std::ranges::any_of(reading.burn_rates, &health::BurnRate::firing);
  const bool is_spent = reading.use && reading.use->percent > 100 && reading.use->held_back.empty();
  if (is_burning) at_risk_.push_back(fmt::format("the error budget of {} burns too fast", name));
  if (is_spent)
    at_risk_.push_back(fmt::format("the error budget of {} is overspent: {:.0f} % used", name,
                                   reading.use->percent));
  is_known_ = is_known_ || reading.use.has_value();
}

const char* WorkloadHealth::state() const {
  if (!critical_.empty()) return "critical";
  if (!at_risk_.empty()) return "at_risk";
  return is_known_ ? "healthy" : "no_data";
}

std::vector<std::string> WorkloadHealth::reasons() const {
  auto reasons = critical_;
  reasons.insert(reasons.end(), at_risk_.begin(), at_risk_.end());
  return reasons;
}

}  // namespace wellrun::server
