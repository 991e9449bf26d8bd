// Vectors of floats computed where samples are read: an instant selector, or a function over a
// range selector. Series after series goes through the same memory, and parts of them through
// several threads when there is much to decode; what is unusual (histograms, start timestamps in
// use) takes the general way.

#include <algorithm>
#include <atomic>

#include "platform/runtime/parallel.h"
#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/functions.h"
#include "telemetry/promql/regression.h"

namespace wellrun::telemetry::promql {
namespace {

/// So many that idle workers can help, when there is enough to decode for it to pay. Columns do not
/// depend on how series are shared out.
std::size_t count_parts(std::size_t series, const WindowSteps& windows) {
  constexpr std::size_t kFixedCost = 4;  // of a series, in minutes of samples
  constexpr std::size_t kWorthHelp = 4'000, kMostParts = 4;
  const auto length_ms =
      windows.range_ms + windows.step_ms * static_cast<std::int64_t>(windows.count);
  const auto minutes =
      static_cast<std::size_t>(std::clamp<std::int64_t>(length_ms / 60'000, 0, 1'000'000));
  return series * (kFixedCost + minutes) > kWorthHelp ? std::min(kMostParts, series) : 1;
}

}  // namespace

struct Evaluator::FloatScan {
  const VectorSelector& selector;
  WindowSteps windows;
  bool is_over_time = false;           ///< a function's argument: without stale markers
  std::function<LaneFunction()> make;  ///< one for each thread
};

/// One thread's share of the series.
struct Evaluator::ColumnsPart {
  std::size_t first = 0, last = 0;  ///< series first … last - 1
  Columns columns;
  Status status;
  std::size_t series = 0, samples = 0;  ///< that were read
};

/// What all parts together have come to.
struct Evaluator::ColumnsSoFar {
  std::atomic<std::size_t> cells = 0;
  std::atomic<bool> is_unusual = false;  ///< something that is no float was met
  std::atomic<bool> is_too_much = false;
};

void Evaluator::scan_columns(const SeriesScan& scan, const FloatScan& asked, ColumnsSoFar& so_far,
                             ColumnsPart& part) const {
  const auto count = asked.windows.count;
  const bool minds_starts = asked.is_over_time && options_.use_start_timestamps;
  const auto fill = asked.make();
  std::vector<Sample> kept;
  const auto visit = [&](std::size_t series, const SeriesSamples& samples) {
    if (!samples.histograms.empty() || (minds_starts && !samples.float_starts.empty()))
      so_far.is_unusual = true;
    if (so_far.is_unusual || so_far.is_too_much) return false;
    ++part.series;
    part.samples += samples.floats.size();
    Column column(count);
    const auto floats =
        asked.is_over_time ? without_stale_markers(samples.floats, kept) : samples.floats;
    if (!fill(floats, {column.cells, column.floats})) return true;
    so_far.cells += count;
    if (so_far.cells > options_.max_samples) so_far.is_too_much = true;
    column.labels = scan.labels(series);
    part.columns.push_back(std::move(column));
    return true;
  };
  part.status = scan.read(part.first, part.last, visit);
}

/// A column for each series of which a step sees a sample, in the order of their labels; some may
/// be empty. Nothing when the general way has to be taken.
Result<std::optional<Columns>> Evaluator::scanned_floats(const FloatScan& asked) {
  const auto& windows = asked.windows;
  const TimeRange range{windows.first_end_ms - windows.range_ms + 1,
                        windows.end_ms(windows.count - 1)};
  const bool wants_latest = !asked.is_over_time && windows.count == 1;
  TRY(const auto found, scan(asked.selector.matchers, range,
                             wants_latest ? SamplesWanted::kLatest : SamplesWanted::kAll));
  const std::size_t size = found->size(), count = count_parts(size, windows);
  std::vector<ColumnsPart> parts(count);
  ColumnsSoFar so_far;
  in_parallel(options_.helpers, count, [&](std::size_t i) {
    parts[i].first = size * i / count;
    parts[i].last = size * (i + 1) / count;
    scan_columns(*found, asked, so_far, parts[i]);
  });
  Columns columns;
  for (auto& part : parts) {
    if (!part.status) return std::unexpected(read_error(std::move(part.status).error()));
    if (so_far.is_unusual) continue;
    count_read(part.series, part.samples);
    TRY_STATUS(count_samples(part.samples + part.columns.size() * windows.count));
    std::ranges::move(part.columns, std::back_inserter(columns));
  }
  if (so_far.is_unusual) return std::nullopt;
  if (!do_labels_ascend(columns)) std::ranges::sort(columns, {}, &Column::labels);
  return columns;
}

Result<std::optional<Columns>> Evaluator::scanned_selector(const VectorSelector& selector,
                                                           const Steps& steps) {
  const auto place = placement(selector.shift);
  const std::size_t count = steps.count();
  if (options_.general_only || (place.fixed_ms && count > 1)) return std::nullopt;
  const WindowSteps windows{place.fixed_ms.value_or(steps.start_ms - place.offset_ms),
                            steps.step_ms, lookback_ms_, count};
  const auto make = [&]() -> LaneFunction {
    return [in = Windows(windows)](std::span<const Sample> samples, Lane out) mutable {
      return latest_values(samples, in, out);
    };
  };
  TRY(auto columns, scanned_floats({selector, windows, /*is_over_time=*/false, make}));
  if (columns) std::erase_if(*columns, [](const Column& column) { return column.empty(); });
  return columns;
}

namespace {

/// Of the functions that follow from the floats in the window alone; null for any other.
std::function<LaneFunction()> lane_maker(std::string_view function, const WindowSteps& windows,
                                         const Steps& steps,
                                         const std::vector<std::vector<double>>& scalars) {
  if (const auto known = window_function(function))
    return [=] {
      return [known, in = Windows(windows)](std::span<const Sample> samples, Lane out) mutable {
        return known(samples, in, out);
      };
    };
  if (function == "deriv")
    return [=] {
      return [in = Windows(windows), lines = Regression()](std::span<const Sample> samples,
                                                           Lane out) mutable {
        return deriv_windows(samples, in, lines, out);
      };
    };
  if (function == "predict_linear")
    return [=, &scalars] {
      return [&scalars, start_ms = steps.start_ms, in = Windows(windows), lines = Regression()](
                 std::span<const Sample> samples, Lane out) mutable {
        return predict_linear_windows(samples, in, lines, {start_ms, scalars[0]}, out);
      };
    };
  return nullptr;
}

}  // namespace

Result<std::optional<Columns>> Evaluator::scanned_call(
    const Call& call, const Expr& argument, const Steps& steps,
    const std::vector<std::vector<double>>& scalars) {
  const auto* matrix = unwrapped(argument).as<MatrixSelector>();
  const std::size_t count = steps.count();
  if (options_.general_only || matrix == nullptr || count == 0) return std::nullopt;
  const auto& selector = std::get<VectorSelector>(matrix->selector->node);
  const auto place = placement(selector.shift);
  const auto range_ms = milliseconds(*matrix->range);
  if (selector.anchored || selector.smoothed || range_ms <= 0 || (place.fixed_ms && count > 1))
    return std::nullopt;
  const WindowSteps windows{place.fixed_ms.value_or(steps.start_ms - place.offset_ms),
                            steps.step_ms, range_ms, count};
  const auto make = lane_maker(call.function->name, windows, steps, scalars);
  if (!make) return std::nullopt;
  TRY(auto columns, scanned_floats({selector, windows, /*is_over_time=*/true, make}));
  if (!columns) return std::nullopt;
  std::erase_if(*columns, [](const Column& column) { return column.empty(); });
  for (const auto& column : *columns) note_unless_counter(call, column.labels, argument.position);
  if (call.function->name != "last_over_time")
    for (auto& column : *columns) drop_name(column);
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(*columns));
  return columns;
}

}  // namespace wellrun::telemetry::promql
