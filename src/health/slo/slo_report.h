#pragma once

// What is said of an SLO and its error budget: as the list has it, and as the report has it. Pure.

#include <span>
#include <vector>

#include "catalog/catalog.h"
#include "health/evaluator.h"
#include "health/health_domain.h"
#include "journal/fact.h"

namespace wellrun::health {

/// The list's item; `reading` as it was last evaluated.
Json slo_json(const catalog::Slo& slo, const SloReading& reading);

/// Counts of one part of a period, in order of time.
struct BudgetBin {
  Timestamp end;
  EventCounts counts;
};

/// How much of the budget was left at the end of each bin: {time, remaining, bad, total}, the last
/// two within the bin. The budget is the whole period's, so that the line ends at what is left.
Json burn_down(const catalog::Slo& slo, const catalog::SloPeriod& period,
               std::span<const BudgetBin> bins);

/// Of a burn-down: when the first of its bins begins that has anything in it; null when that is the
/// first of all, or none has.
Json counted_since(const Json& burn_down);

/// The length of a bin so that a period has about 100: whole slices, whole minutes, at least a
/// second.
Duration bin_length(const catalog::Slo& slo, const catalog::SloPeriod& period);

/// Until the budget is used up at the pace of the longest alerting window; nothing when it is used
/// up or does not shrink.
std::optional<Duration> exhausted_in(const catalog::Slo& slo, const SloReading& reading);

/// When the first of the periods began that these SLOs were evaluated in; nothing when none was.
std::optional<Timestamp> earliest_start(const std::map<std::string, SloReading>& readings);

/// The report's item without burn-down: the list's, with `steps` of its policies, `feasibility`,
/// `exhausted_in_s`, and out of `facts` (alert.*, incident.*, in order) the `alerts` of the SLO and
/// the `incidents` of its workload in the period; of an SLO that was not evaluated yet no period
/// is known, so neither.
Json report_json(const catalog::Catalog& catalog, const catalog::Slo& slo,
                 const SloReading& reading, const std::map<std::string, BudgetStanding>& steps,
                 std::span<const journal::Fact> facts);

}  // namespace wellrun::health
