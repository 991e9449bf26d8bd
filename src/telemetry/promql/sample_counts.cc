#include <algorithm>
#include <bit>
#include <numeric>

#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/functions.h"
#include "telemetry/sample_weight.h"

namespace wellrun::telemetry::promql {
namespace {

struct Counted {
  std::int64_t time_ms = 0;
  std::int64_t weight = 0;  ///< 0: a stale marker
};

bool is_stale(double value) {
  return std::bit_cast<std::uint64_t>(value) == kStaleNanBits;
}

std::vector<Counted> counted(const SeriesSamples& samples) {
  std::vector<Counted> floats, histograms, all;
  for (const auto& [time, value] : samples.floats)
    floats.push_back({time, is_stale(value) ? 0 : 1});
  for (const auto& [time, histogram] : samples.histograms)
    histograms.push_back(
        {time, is_stale(histogram->sum) ? 0 : static_cast<std::int64_t>(weight_of(*histogram))});
  if (histograms.empty()) return floats;
  std::ranges::merge(floats, histograms, std::back_inserter(all), {}, &Counted::time_ms,
                     &Counted::time_ms);
  return all;
}

/// Where the windows of a query's steps end, before offset and @ as after.
struct WindowEnds {
  Steps steps;
  std::int64_t offset_ms = 0;
  std::optional<std::int64_t> fixed_ms;

  std::int64_t at(std::size_t step) const { return fixed_ms.value_or(steps.at(step) - offset_ms); }
  std::int64_t first() const { return at(0); }
  std::int64_t last() const { return at(steps.count() - 1); }
};

/// Adds the latest of `samples` at each step, unless it is stale or too old.
void add_latest(SampleCounts& counts, const std::vector<Counted>& samples, const WindowEnds& ends,
                std::int64_t lookback_ms) {
  std::size_t taken = 0;
  for (std::size_t step = 0; step < counts.queryable.size(); ++step) {
    const auto end = ends.at(step);
    while (taken < samples.size() && samples[taken].time_ms <= end) ++taken;
    if (taken == 0 || samples[taken - 1].time_ms <= end - lookback_ms) continue;
    const auto weight = samples[taken - 1].weight;
    counts.queryable[step] += weight;
    if (step == 0 || !ends.fixed_ms) counts.read[step] += weight;
  }
}

/// Adds those of `samples` that are in (end - range, end] of each step.
void add_windows(SampleCounts& counts, const std::vector<Counted>& samples, const WindowEnds& ends,
                 std::int64_t range_ms) {
  std::size_t begin = 0, taken = 0;
  std::int64_t held = 0;
  for (std::size_t step = 0; step < counts.queryable.size(); ++step) {
    const auto end = ends.at(step);
    for (; taken < samples.size() && samples[taken].time_ms <= end; ++taken) {
      held += samples[taken].weight;
      if (samples[taken].time_ms > end - range_ms) counts.read[step] += samples[taken].weight;
    }
    for (; begin < taken && samples[begin].time_ms <= end - range_ms; ++begin)
      held -= samples[begin].weight;
    counts.queryable[step] += held;
  }
}

SampleCounts none(const Steps& steps) {
  return {std::vector<std::int64_t>(steps.count()), std::vector<std::int64_t>(steps.count())};
}

}  // namespace

Result<SampleCounts> Evaluator::sample_counts(const Expr& expr, const Steps& steps) const {
  auto counts = none(steps);
  if (steps.count() == 0) return counts;
  if (const auto* selector = expr.as<VectorSelector>())
    return counts_of_selector(*selector, std::nullopt, steps);
  if (const auto* matrix = expr.as<MatrixSelector>())
    return counts_of_selector(std::get<VectorSelector>(matrix->selector->node),
                              milliseconds(*matrix->range), steps);
  if (const auto* subquery = expr.as<Subquery>()) return counts_of_subquery(*subquery, steps);
  auto children = children_of(expr);
  // info()'s second argument chooses labels, and is not evaluated.
  if (const auto* call = expr.as<Call>(); call && call->function->name == "info")
    children.resize(1);
  for (const auto* child : children) {
    TRY(const auto below, sample_counts(*child, steps));
    std::ranges::transform(counts.queryable, below.queryable, counts.queryable.begin(),
                           std::plus());
    std::ranges::transform(counts.read, below.read, counts.read.begin(), std::plus());
  }
  return counts;
}

Result<SampleCounts> Evaluator::counts_of_selector(const VectorSelector& selector,
                                                   std::optional<std::int64_t> range_ms,
                                                   const Steps& steps) const {
  auto counts = none(steps);
  const auto place = placement(selector.shift);
  const WindowEnds ends{steps, place.offset_ms, place.fixed_ms};
  const TimeRange range{ends.first() - range_ms.value_or(lookback_ms_) + 1, ends.last()};
  TRY(const auto found, scan(selector.matchers, range, SamplesWanted::kAll));
  const auto visit = [&](std::size_t, const SeriesSamples& samples) {
    if (range_ms)
      add_windows(counts, counted(samples), ends, *range_ms);
    else
      add_latest(counts, counted(samples), ends, lookback_ms_);
    return true;
  };
  if (auto read = found->read(0, found->size(), visit); !read)
    return std::unexpected(read_error(std::move(read).error()));
  return counts;
}

/// Each step counts what its window's steps of the subquery count.
Result<SampleCounts> Evaluator::counts_of_subquery(const Subquery& subquery,
                                                   const Steps& steps) const {
  auto counts = none(steps);
  const auto place = placement(subquery.shift);
  const WindowEnds ends{steps, place.offset_ms, place.fixed_ms};
  const auto range_ms = milliseconds(*subquery.range);
  const auto step_ms =
      subquery.step ? milliseconds(*subquery.step) : options_.default_subquery_interval.count();
  const auto inner = subquery_steps(ends.first() - range_ms, ends.last(), step_ms);
  TRY(const auto below, sample_counts(*subquery.expr, inner));
  std::vector<Counted> queryable, read;
  for (std::size_t i = 0; i < inner.count(); ++i) {
    queryable.push_back({inner.at(i), below.queryable[i]});
    read.push_back({inner.at(i), below.read[i]});
  }
  auto reads = none(steps);
  add_windows(counts, queryable, ends, range_ms);
  add_windows(reads, read, ends, range_ms);
  counts.read = std::move(reads.read);
  return counts;
}

}  // namespace wellrun::telemetry::promql
