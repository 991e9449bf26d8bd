// Aggregation where the samples are read: sum, avg, min, max, count and group of an instant
// selector or of a function over a range selector, without a column or a set of labels for each
// series. For floats only; whatever is unusual (histograms, start timestamps, overflow in an
// average) takes the general way.

#include <algorithm>

#include "platform/runtime/parallel.h"
#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/float_totals.h"
#include "telemetry/promql/float_windows.h"
#include "telemetry/promql/functions.h"

namespace wellrun::telemetry::promql {
namespace {

/// Below this many samples and values a second thread costs more than it saves.
constexpr std::size_t kWorthAThread = 20'000;
constexpr std::size_t kFixedCost = 16;  ///< of a series, in values; each minute read costs one more
constexpr std::size_t kMaxPartCells = 1U << 20;  ///< of one thread's totals

bool names_the_name(const std::vector<std::string>& labels) {
  return std::ranges::any_of(labels, [](const std::string& label) {
    return label == kMetricNameLabel || label == "__type__" || label == "__unit__";
  });
}

/// The one name that all series of the selector have, or empty.
std::string name_asked_for(const VectorSelector& selector) {
  for (const auto& matcher : selector.matchers)
    if (matcher.name == kMetricNameLabel && matcher.kind == Matcher::Kind::kEqual)
      return matcher.value;
  return {};
}

}  // namespace

/// What is read, and what is made of each series.
struct Evaluator::Pushdown {
  const VectorSelector* selector = nullptr;
  const MatrixSelector* matrix = nullptr;  ///< of `function`
  const Call* call = nullptr;
  WindowFunction function = nullptr;  ///< null: the instant selector itself
};

std::optional<Evaluator::Pushdown> Evaluator::pushdown_of(const Aggregate& node) const {
  if (!is_running_total(node.op) || options_.general_only) return std::nullopt;
  Pushdown found;
  const Expr& inner = unwrapped(*node.expr);
  found.selector = inner.as<VectorSelector>();
  if (found.selector == nullptr) {
    found.call = inner.as<Call>();
    if (found.call == nullptr || found.call->args.size() != 1) return std::nullopt;
    found.matrix = unwrapped(*found.call->args[0]).as<MatrixSelector>();
    found.function = window_function(found.call->function->name);
    if (found.matrix == nullptr || found.function == nullptr) return std::nullopt;
    found.selector = found.matrix->selector->as<VectorSelector>();
    // Functions drop the name: series that differ in nothing else, and groups that are told apart
    // by it, need the general way.
    if (name_asked_for(*found.selector).empty() || names_the_name(node.grouping))
      return std::nullopt;
    if (options_.type_and_unit_labels) return std::nullopt;
  }
  if (found.selector->anchored || found.selector->smoothed) return std::nullopt;
  return found;
}

/// One thread's share of the series.
struct Evaluator::TotalsPart {
  FloatTotals totals;
  Status status;
  bool unusual = false;    ///< something that is no float was met
  bool any_value = false;  ///< of a step
  std::size_t series = 0, samples = 0;
};

void Evaluator::scan_part(const SeriesScan& scan, const SeriesGroups& groups, const Pushdown& push,
                          const WindowSteps& steps, std::size_t first, std::size_t last,
                          TotalsPart& part) const {
  LaneBuffer buffer(steps.count);
  Windows windows(steps);
  std::vector<Sample> kept;
  part.status = scan.read(first, last, [&](std::size_t series, const SeriesSamples& samples) {
    const bool has_starts = options_.use_start_timestamps && !samples.float_starts.empty();
    if (!samples.histograms.empty() || (push.function && has_starts)) {
      part.unusual = true;
      return false;
    }
    ++part.series;
    part.samples += samples.floats.size();
    const auto lane = buffer.lane();
    lane.clear();
    if (push.function) {
      part.any_value |= push.function(without_stale_markers(samples.floats, kept), windows, lane);
    } else {
      latest_values(samples.floats, windows, lane);
    }
    part.totals.add(groups.group_of[series], lane);
    return true;
  });
}

/// Nothing when the general way has to be taken.
Result<std::optional<FloatTotals>> Evaluator::scan_totals(const SeriesScan& scan,
                                                          const SeriesGroups& groups,
                                                          const Pushdown& push, AggregateOp op,
                                                          const WindowSteps& windows) {
  const std::size_t size = scan.size(), cells = groups.labels.size() * windows.count;
  const std::int64_t length_ms =
      windows.range_ms + windows.step_ms * static_cast<std::int64_t>(windows.count);
  const std::size_t cost =
      kFixedCost + windows.count + static_cast<std::size_t>(length_ms / 60'000);
  const bool is_shared = size * cost > kWorthAThread && cells < kMaxPartCells;
  // Always the same halves: sums do not depend on who was quicker.
  const std::size_t count = is_shared ? 2 : 1;
  std::vector<TotalsPart> parts(count,
                                TotalsPart{FloatTotals(op, groups.labels.size(), windows.count)});
  in_parallel(options_.helpers, count, [&](std::size_t i) {
    scan_part(scan, groups, push, windows, size * i / count, size * (i + 1) / count, parts[i]);
  });
  bool any_value = false, unusual = false;
  for (auto& part : parts) {
    if (!part.status) return std::unexpected(read_error(std::move(part.status).error()));
    unusual |= part.unusual;
    any_value |= part.any_value;
    count_read(part.series, part.samples);
    TRY_STATUS(count_samples(part.samples));
  }
  if (unusual) return std::nullopt;
  if (any_value)
    note_unless_counter(*push.call,
                        Labels{{std::string(kMetricNameLabel), name_asked_for(*push.selector)}},
                        push.call->args[0]->position);
  for (std::size_t i = 1; i < count; ++i) parts[0].totals.merge(parts[i].totals);
  return std::move(parts[0].totals);
}

Result<std::optional<Columns>> Evaluator::pushed_down(const Aggregate& node, const Steps& steps) {
  const auto push = pushdown_of(node);
  const std::size_t count = steps.count();
  if (!push || count == 0) return std::nullopt;
  const auto place = placement(push->selector->shift);
  if (place.fixed_ms && count > 1) return std::nullopt;
  const std::int64_t range_ms = push->matrix ? milliseconds(*push->matrix->range) : lookback_ms_;
  if (range_ms <= 0) return std::nullopt;
  const WindowSteps windows{place.fixed_ms.value_or(steps.start_ms - place.offset_ms),
                            steps.step_ms, range_ms, count};
  const TimeRange range{windows.first_end_ms - range_ms + 1, windows.end_ms(count - 1)};
  const bool latest = push->function == nullptr && count == 1;
  TRY(const auto found,
      scan(push->selector->matchers, range, latest ? SamplesWanted::kLatest : SamplesWanted::kAll));
  if (push->function && (found->any_has("__type__") || found->any_has("__unit__")))
    return std::nullopt;
  const auto groups = found->groups({node.without, node.grouping});
  TRY(auto totals, scan_totals(*found, groups, *push, node.op, windows));
  if (!totals || !totals->is_exact()) return std::nullopt;
  Columns out;
  for (std::size_t g = 0; g < groups.labels.size(); ++g) {
    Column column(count);
    if (!totals->result(g, {column.cells, column.floats})) continue;
    TRY_STATUS(count_samples(count));
    column.labels = groups.labels[g];
    out.push_back(std::move(column));
  }
  std::ranges::sort(out, {}, &Column::labels);
  return out;
}

}  // namespace wellrun::telemetry::promql
