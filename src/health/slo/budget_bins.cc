#include "health/slo/budget_bins.h"

#include <cmath>

#include "health/slo/sli_queries.h"

namespace wellrun::health {
namespace {

namespace promql = telemetry::promql;

/// When the bins are asked for.
struct Grid {
  Timestamp first, last;
  Duration step{0};

  std::size_t size() const { return static_cast<std::size_t>((last - first) / step) + 1; }
  Timestamp at(std::size_t i) const { return first + step * static_cast<std::int64_t>(i); }
};

struct Asking {
  const promql::Engine& engine;
  const promql::QueryLimits& limits;

  Result<std::vector<double>> values(const std::string& query, const Grid& grid) const {
    TRY(const auto result, engine.range(query, grid.first, grid.last, grid.step, limits));
    std::vector<double> values(grid.size(), 0);
    for (const auto& series : result.series) {
      for (const auto& sample : series.samples) {
        const auto after = from_unix_ms(sample.time_ms) - grid.first;
        const auto i = static_cast<std::size_t>(after / grid.step);
        if (i < values.size()) values[i] = sample.value;
      }
    }
    return values;
  }

  /// What was counted over `length` until each moment of the grid.
  Result<std::vector<EventCounts>> counts(const catalog::Slo& slo, Duration length,
                                          const Grid& grid) const {
    const auto queries = sli_queries(slo, length);
    TRY(const auto good, values(queries.good, grid));
    TRY(const auto total, values(queries.total, grid));
    std::vector<EventCounts> counts;
    for (std::size_t i = 0; i < total.size(); ++i)
      if (std::isnan(good[i]) || std::isnan(total[i]))
        counts.push_back({0, 0});  // not known, as for the evaluator; the bins after it are
      else
        counts.push_back({queries.bad ? total[i] - good[i] : good[i], total[i]});
    return counts;
  }
};

}  // namespace

Result<std::vector<BudgetBin>> budget_bins(const promql::Engine& engine, const catalog::Slo& slo,
                                           const catalog::SloPeriod& period, Timestamp now,
                                           const promql::QueryLimits& limits) {
  const auto length = bin_length(slo, period);
  const auto whole = [&](Timestamp time) {
    return from_unix_ms((to_unix_ms(time) + length.count() - 1) / length.count() * length.count());
  };
  const auto first = whole(period.start + Duration{1});
  const auto last = whole(std::min(now, period.end));
  std::vector<BudgetBin> bins;
  if (last < first) return bins;
  const Asking asking{engine, limits};
  // A whole bin would reach into the period before, whose failures are not this one's.
  const Grid alone{first, first, length};
  TRY(const auto begun, asking.counts(slo, first - period.start, alone));
  bins.push_back({std::min(first, now), begun.front()});
  if (last == first) return bins;
  const Grid rest{first + length, last, length};
  TRY(const auto counts, asking.counts(slo, length, rest));
  for (std::size_t i = 0; i < counts.size(); ++i)
    bins.push_back({std::min(rest.at(i), now), counts[i]});
  return bins;
}

}  // namespace wellrun::health
