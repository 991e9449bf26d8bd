#pragma once

// How a KPI stands, and since when. Pure.

#include <optional>
#include <string>

#include "catalog/kinds/kpi.h"

namespace wellrun::health {

/// on_target, at_risk, missed, or no_data for an absent or NaN value. Reaching the target or the
/// warning threshold exactly counts as the good side.
std::string kpi_status(const catalog::Kpi& kpi, std::optional<double> value);

/// What is shown beside a value: the recorded status; until the first one is taken, how the value
/// stands. (That there is a value and "no data" beside it would be no answer.)
std::string shown_status(const catalog::Kpi& kpi, const std::string& recorded,
                         std::optional<double> value);

/// So that a KPI on its threshold does not flap: a status is taken once two evaluations in a row
/// said the same.
struct KpiTrack {
  std::string candidate;
  int candidate_count = 0;
  std::optional<double> value;  ///< the last
  std::string error;            ///< of the last evaluation, or empty

  /// True when `status` has now been seen twice in a row.
  bool observe(const std::string& status);
};

}  // namespace wellrun::health
