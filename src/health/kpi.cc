#include "health/kpi.h"

#include <cmath>

namespace wellrun::health {

std::string kpi_status(const catalog::Kpi& kpi, std::optional<double> value) {
  if (!value || std::isnan(*value)) return "no_data";
  const bool higher = kpi.direction != "lower";
  const auto worse_than = [&](double bound) { return higher ? *value < bound : *value > bound; };
  if (worse_than(kpi.target)) return "missed";
  if (kpi.at_risk && worse_than(*kpi.at_risk)) return "at_risk";
  return "on_target";
}

std::string shown_status(const catalog::Kpi& kpi, const std::string& recorded,
                         std::optional<double> value) {
  return recorded == "no_data" ? kpi_status(kpi, value) : recorded;
}

bool KpiTrack::observe(const std::string& status) {
  candidate_count = status == candidate ? candidate_count + 1 : 1;
  candidate = status;
  return candidate_count >= 2;
}

}  // namespace wellrun::health
