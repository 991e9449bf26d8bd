#pragma once

// The counts of a period, part by part, asked of the telemetry: what a burn-down is drawn from.
// Takes as long as its queries: for a worker, not for the strand.

#include <vector>

#include "health/slo/slo_report.h"
#include "telemetry/promql/engine.h"

namespace wellrun::health {

/// About a hundred, in order of time. They end at whole multiples of bin_length(), as slices do,
/// but for the last one, which ends at `now`; the first one begins with the period and may be
/// shorter. None before the period's start. The engine's errors.
Result<std::vector<BudgetBin>> budget_bins(const telemetry::promql::Engine& engine,
                                           const catalog::Slo& slo,
                                           const catalog::SloPeriod& period, Timestamp now,
                                           const telemetry::promql::QueryLimits& limits);

}  // namespace wellrun::health
