#include "telemetry/promql/evaluator.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <map>

#include "core/text.h"
#include "telemetry/promql/functions.h"
#include "telemetry/promql/histogram.h"
#include "telemetry/sample_weight.h"

namespace wellrun::telemetry::promql {

namespace {

bool is_stale(double value) {
  return std::bit_cast<std::uint64_t>(value) == kStaleNanBits;
}

/// Removes what `stale` says, and the start timestamps beside it.
template <typename Item, typename Stale>
void remove_stale(std::vector<Item>& items, std::vector<std::int64_t>& starts, Stale stale) {
  if (starts.empty()) {
    std::erase_if(items, stale);
    return;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (stale(items[i])) continue;
    starts[kept] = starts[i];
    if (kept != i) items[kept] = std::move(items[i]);
    ++kept;
  }
  items.resize(kept);
  starts.resize(kept);
}

/// Steps may skip or repeat samples, so what a sample says about the one before it does not hold
/// between steps.
HistogramPtr without_hint(const HistogramPtr& histogram) {
  if (histogram->reset_hint == Histogram::ResetHint::kGauge ||
      histogram->reset_hint == Histogram::ResetHint::kUnknown)
    return histogram;
  Histogram copy = *histogram;
  copy.reset_hint = Histogram::ResetHint::kUnknown;
  return std::make_shared<const Histogram>(std::move(copy));
}

/// Where only count and sum are wanted, Prometheus reads histograms one after the other and says of
/// each whether the counter was reset before it; elsewhere only of those that do not begin a chunk.
/// Drops what is at or before `start_ms`, which was read for the first one's sake.
void derive_hints(std::vector<HistogramSample>& samples, std::int64_t start_ms) {
  const Histogram* before = nullptr;
  HistogramPtr kept;
  std::vector<HistogramSample> out;
  for (auto& sample : samples) {
    const HistogramPtr raw = sample.histogram;
    if (before != nullptr && raw->reset_hint == Histogram::ResetHint::kUnknown) {
      const bool reset = detect_reset(*raw, *before);
      // Of the first in the range no reset is known, only its absence.
      if (!reset || !out.empty()) {
        Histogram told = *raw;
        told.reset_hint = reset ? Histogram::ResetHint::kReset : Histogram::ResetHint::kNoReset;
        sample.histogram = std::make_shared<const Histogram>(std::move(told));
      }
    }
    kept = raw;
    before = kept.get();
    if (sample.time_ms > start_ms) out.push_back(std::move(sample));
  }
  samples = std::move(out);
}

/// Its result is a part of its input, in an order of its own.
bool chooses_elements(AggregateOp op) {
  return op == AggregateOp::kTopk || op == AggregateOp::kBottomk || op == AggregateOp::kLimitk ||
         op == AggregateOp::kLimitRatio;
}

}  // namespace

Steps subquery_steps(std::int64_t start_ms, std::int64_t end_ms, std::int64_t step_ms) {
  std::int64_t rest = start_ms % step_ms;
  if (rest < 0) rest += step_ms;
  return {start_ms - rest + step_ms, end_ms, step_ms};
}

Evaluator::Evaluator(std::string_view query, const MetricReader& reader,
                     const EngineOptions& options, const QueryLimits& limits, const Steps& whole,
                     std::int64_t step_for_durations_ms, ResultCache* results)
    : query_(query),
      reader_(reader),
      options_(options),
      limits_(limits),
      whole_(whole),
      duration_step_ms_(step_for_durations_ms),
      lookback_ms_(limits.lookback.count() > 0 ? limits.lookback.count()
                                               : options.lookback.count()),
      results_(results) {}

void Evaluator::warn(const std::string& what, Position where) {
  annotations_.warn(
      fmt::format("PromQL warning: {} ({})", what, line_and_column(query_, where.start)));
}

void Evaluator::inform(const std::string& what, Position where) {
  annotations_.info(
      fmt::format("PromQL info: {} ({})", what, line_and_column(query_, where.start)));
}

Status Evaluator::check_alive() {
  if (++alive_checks_ % 256 != 1) return {};
  if (limits_.cancelled && limits_.cancelled())
    return fail(ErrorCode::kCancelled, "query was canceled in expression evaluation");
  if (limits_.timed_out && limits_.timed_out())
    return fail(ErrorCode::kDeadline, "query timed out in expression evaluation");
  return {};
}

void Evaluator::count_read(std::size_t series, std::size_t samples) {
  stats_.series_read += series;
  stats_.samples_read += samples;
  if (limits_.cost == nullptr) return;
  limits_.cost->series.store(stats_.series_read, std::memory_order_relaxed);
  limits_.cost->samples.store(stats_.samples_read, std::memory_order_relaxed);
}

Status Evaluator::count_samples(std::size_t samples) {
  held_samples_ += samples;
  stats_.peak_samples = std::max(stats_.peak_samples, held_samples_);
  if (held_samples_ > options_.max_samples)
    return fail(ErrorCode::kTooLarge,
                "query processing would load too many samples into memory in query execution");
  return check_alive();
}

Evaluator::Placement Evaluator::placement(const TimeShift& shift) const {
  Placement place;
  if (shift.offset) place.offset_ms = milliseconds(*shift.offset);
  if (shift.at == TimeShift::At::kTimestamp) place.fixed_ms = shift.at_ms - place.offset_ms;
  if (shift.at == TimeShift::At::kStart) place.fixed_ms = whole_.start_ms - place.offset_ms;
  if (shift.at == TimeShift::At::kEnd) place.fixed_ms = whole_.end_ms - place.offset_ms;
  return place;
}

bool Evaluator::is_step_invariant(const Expr& expr) const {
  if (expr.as<NumberLiteral>() || expr.as<StringLiteral>()) return true;
  if (const auto* node = expr.as<VectorSelector>()) return node->shift.at != TimeShift::At::kNone;
  if (const auto* node = expr.as<MatrixSelector>()) return is_step_invariant(*node->selector);
  if (const auto* node = expr.as<Subquery>()) return node->shift.at != TimeShift::At::kNone;
  if (const auto* node = expr.as<Paren>()) return is_step_invariant(*node->expr);
  if (const auto* node = expr.as<Unary>()) return is_step_invariant(*node->expr);
  if (const auto* node = expr.as<Binary>())
    return is_step_invariant(*node->left) && is_step_invariant(*node->right);
  if (const auto* node = expr.as<Aggregate>())
    return is_step_invariant(*node->expr) && (!node->param || is_step_invariant(*node->param));
  const auto& call = std::get<Call>(expr.node);
  const auto name = call.function->name;
  if (name == "time" || name == "predict_linear" || name == "timestamp" || name == "info")
    return false;
  const bool calendar = call.function->variadic == 1 && call.function->args.size() == 1;
  if (calendar && call.args.empty()) return false;
  return std::ranges::all_of(call.args,
                             [&](const ExprPtr& arg) { return is_step_invariant(*arg); });
}

Result<Value> Evaluator::evaluate(const Expr& expr, const Steps& steps) {
  TRY_STATUS(check_alive());
  if (const auto reach = keepable(expr, steps)) return evaluate_kept(expr, *reach, steps);
  const std::size_t count = steps.count();
  const bool leaf =
      expr.as<NumberLiteral>() || expr.as<StringLiteral>() || expr.as<VectorSelector>();
  if (count <= 1 || leaf || !is_step_invariant(expr)) return evaluate_node(expr, steps);
  TRY(Value value, evaluate_node(expr, Steps{steps.start_ms, steps.start_ms, steps.step_ms}));
  if (value.type == ValueType::kScalar) value.scalars.resize(count, value.scalars.at(0));
  for (auto& column : value.columns) {
    TRY_STATUS(count_samples(count));
    column.cells.resize(count, column.cells[0]);
    column.floats.resize(count, column.floats[0]);
    if (!column.histograms.empty()) column.histograms.resize(count, column.histograms[0]);
  }
  return value;
}

Result<Value> Evaluator::evaluate_node(const Expr& expr, const Steps& steps) {
  Value value;
  value.type = expr.type;
  if (const auto* number = expr.as<NumberLiteral>()) {
    value.scalars.assign(steps.count(), number->value);
  } else if (const auto* literal = expr.as<StringLiteral>()) {
    value.text = literal->value;
  } else if (const auto* selector = expr.as<VectorSelector>()) {
    TRY(value.columns, selector->smoothed ? smoothed_selector(*selector, steps)
                                          : vector_selector(*selector, steps, Wanted::kValue));
  } else if (const auto* paren = expr.as<Paren>()) {
    return evaluate(*paren->expr, steps);
  } else if (const auto* node = expr.as<Unary>()) {
    if (expr.type == ValueType::kScalar) {
      TRY(value.scalars, scalar(*node->expr, steps));
      if (node->negative)
        for (double& number : value.scalars) number = -number;
    } else {
      TRY(value.columns, unary(*node, steps));
    }
  } else if (const auto* called = expr.as<Call>()) {
    return call(expr, *called, steps);
  } else if (const auto* aggregated = expr.as<Aggregate>()) {
    TRY(value.columns, aggregate(expr, *aggregated, steps));
    // In an order that does not depend on which series the steps met first.
    if (!chooses_elements(aggregated->op)) std::ranges::sort(value.columns, {}, &Column::labels);
  } else if (const auto* operation = expr.as<Binary>()) {
    return binary(expr, *operation, steps);
  } else {
    return fail(ErrorCode::kUnsupported, "a range vector stands where an instant vector is wanted");
  }
  return value;
}

Result<Columns> Evaluator::vector(const Expr& expr, const Steps& steps) {
  TRY(Value value, evaluate(expr, steps));
  return std::move(value.columns);
}

Result<Columns> Evaluator::histograms(const Expr& expr, const Steps& steps, bool statistics_only) {
  const bool outer = std::exchange(statistics_only_, statistics_only);
  auto columns = vector(expr, steps);
  statistics_only_ = outer;
  return columns;
}

Result<std::vector<double>> Evaluator::scalar(const Expr& expr, const Steps& steps) {
  TRY(Value value, evaluate(expr, steps));
  return std::move(value.scalars);
}

Result<std::string> Evaluator::text(const Expr& expr) const {
  if (const auto* literal = unwrapped(expr).as<StringLiteral>()) return literal->value;
  return fail(ErrorCode::kInternal, "a string argument that is no literal");
}

ReadLimits Evaluator::read_limits() const {
  ReadLimits limits;
  limits.max_samples = options_.max_samples;
  limits.max_series = options_.max_series;
  limits.cancelled = [this] {
    return (limits_.cancelled && limits_.cancelled()) || (limits_.timed_out && limits_.timed_out());
  };
  return limits;
}

/// A reader knows only that it was to stop.
Error Evaluator::read_error(Error error) const {
  if (error.code != ErrorCode::kCancelled || !limits_.timed_out || !limits_.timed_out())
    return error;
  return {ErrorCode::kDeadline, "query timed out in expression evaluation", {}};
}

Result<std::vector<SeriesData>> Evaluator::select(const std::vector<Matcher>& matchers,
                                                  TimeRange range) {
  auto series = reader_.select(matchers, range, read_limits());
  if (!series) return std::unexpected(read_error(std::move(series).error()));
  std::size_t samples = 0;
  std::size_t weight = 0;
  for (const auto& one : *series) {
    samples += one.samples.size() + one.histograms.size();
    weight += one.samples.size() + weight_of(one.histograms);
  }
  count_read(series->size(), samples);
  TRY_STATUS(count_samples(weight));
  return series;
}

Result<std::unique_ptr<SeriesScan>> Evaluator::scan(const std::vector<Matcher>& matchers,
                                                    TimeRange range, SamplesWanted wanted) const {
  auto begun = reader_.scan(matchers, range, wanted, read_limits());
  if (!begun) return std::unexpected(read_error(std::move(begun).error()));
  return begun;
}

namespace {

/// Walks a series forward: the latest sample at or before ever later times.
class Cursor {
 public:
  Cursor(const SeriesData& series, std::int64_t lookback_ms)
      : series_(series), lookback_ms_(lookback_ms) {}

  struct Found {
    Cell cell = Cell::kAbsent;
    std::size_t index = 0;
    std::int64_t time_ms = 0;
  };

  Found at(std::int64_t time_ms) {
    while (float_end_ < series_.samples.size() && series_.samples[float_end_].time_ms <= time_ms)
      ++float_end_;
    while (histogram_end_ < series_.histograms.size() &&
           series_.histograms[histogram_end_].time_ms <= time_ms)
      ++histogram_end_;
    Found found;
    if (float_end_ > 0)
      found = {Cell::kFloat, float_end_ - 1, series_.samples[float_end_ - 1].time_ms};
    if (histogram_end_ > 0) {
      const auto& sample = series_.histograms[histogram_end_ - 1];
      if (found.cell == Cell::kAbsent || sample.time_ms > found.time_ms)
        found = {Cell::kHistogram, histogram_end_ - 1, sample.time_ms};
    }
    if (found.cell == Cell::kAbsent || found.time_ms <= time_ms - lookback_ms_) return {};
    const double marker = found.cell == Cell::kFloat
                              ? series_.samples[found.index].value
                              : series_.histograms[found.index].histogram->sum;
    if (is_stale(marker)) return {};
    return found;
  }

 private:
  const SeriesData& series_;
  std::int64_t lookback_ms_;
  std::size_t float_end_ = 0, histogram_end_ = 0;
};

}  // namespace

Result<Columns> Evaluator::vector_selector(const VectorSelector& selector, const Steps& steps,
                                           Wanted wanted) {
  const std::size_t count = steps.count();
  Columns columns;
  if (count == 0) return columns;
  if (wanted == Wanted::kValue) {
    TRY(auto scanned, scanned_selector(selector, steps));
    if (scanned) return std::move(*scanned);
  }
  const Placement place = placement(selector.shift);
  const std::int64_t first = place.fixed_ms.value_or(steps.start_ms - place.offset_ms);
  const std::int64_t last = place.fixed_ms.value_or(steps.at(count - 1) - place.offset_ms);
  TRY(auto series, select(selector.matchers, {first - lookback_ms_ + 1, last}));
  columns.reserve(series.size());
  for (auto& one : series) {
    Column column(count);
    Cursor cursor(one, lookback_ms_);
    bool any = false;
    Cursor::Found found;
    for (std::size_t i = 0; i < count; ++i) {
      if (i == 0 || !place.fixed_ms)
        found = cursor.at(place.fixed_ms.value_or(steps.at(i) - place.offset_ms));
      if (found.cell == Cell::kAbsent) continue;
      any = true;
      if (wanted == Wanted::kSampleTime) {
        column.set(i, static_cast<double>(found.time_ms) / 1000);
      } else if (wanted == Wanted::kStartTime) {
        const auto& starts = found.cell == Cell::kFloat ? one.sample_starts : one.histogram_starts;
        const std::int64_t start = starts.empty() ? 0 : starts[found.index];
        column.set(i, static_cast<double>(start) / 1000);
      } else if (found.cell == Cell::kFloat) {
        column.set(i, one.samples[found.index].value);
      } else {
        column.set(i, one.histograms[found.index].histogram);
      }
    }
    if (!any) continue;
    TRY_STATUS(count_samples(count));
    column.labels = std::move(one.labels);
    columns.push_back(std::move(column));
  }
  return columns;
}

Result<Columns> Evaluator::smoothed_selector(const VectorSelector& selector, const Steps& steps) {
  const std::size_t count = steps.count();
  Columns columns;
  if (count == 0) return columns;
  const Placement place = placement(selector.shift);
  const std::int64_t first = place.fixed_ms.value_or(steps.start_ms - place.offset_ms);
  const std::int64_t last = place.fixed_ms.value_or(steps.at(count - 1) - place.offset_ms);
  TRY(auto series, select(selector.matchers, {first - lookback_ms_ + 1, last + lookback_ms_}));
  for (auto& one : series) {
    std::erase_if(one.samples, [](const Sample& sample) { return is_stale(sample.value); });
    std::erase_if(one.histograms,
                  [](const HistogramSample& sample) { return is_stale(sample.histogram->sum); });
    const auto around = [&](const auto& samples, std::int64_t time) {
      auto after = std::ranges::lower_bound(samples, time, {},
                                            [](const auto& sample) { return sample.time_ms; });
      const auto* next =
          after != samples.end() && after->time_ms <= time + lookback_ms_ ? &*after : nullptr;
      const auto* before = after != samples.begin() && (after - 1)->time_ms > time - lookback_ms_
                               ? &*(after - 1)
                               : nullptr;
      return std::pair(before, next);
    };
    Column column(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t time = place.fixed_ms.value_or(steps.at(i) - place.offset_ms);
      if (const auto [before, next] = around(one.samples, time); next && next->time_ms == time) {
        column.set(i, next->value);
      } else if (before && next) {
        const double part = static_cast<double>(time - before->time_ms) /
                            static_cast<double>(next->time_ms - before->time_ms);
        column.set(i, before->value + (next->value - before->value) * part);
      } else if (before) {
        column.set(i, before->value);
      }
      if (const auto [before, next] = around(one.histograms, time); next && next->time_ms == time) {
        column.set(i, next->histogram);
      } else if (before && next) {
        const double part = static_cast<double>(time - before->time_ms) /
                            static_cast<double>(next->time_ms - before->time_ms);
        const bool gauge = next->histogram->reset_hint == Histogram::ResetHint::kGauge;
        if (auto between = interpolated(*before->histogram, *next->histogram, part,
                                        gauge ? Reading::kGauge : Reading::kCounter))
          column.set(i, std::make_shared<const Histogram>(std::move(*between)));
      } else if (before) {
        column.set(i, before->histogram);
      }
    }
    if (column.empty()) continue;
    TRY_STATUS(count_samples(count));
    column.labels = std::move(one.labels);
    columns.push_back(std::move(column));
  }
  return columns;
}

Result<Evaluator::RangeInput> Evaluator::range_input(const Expr& expr, const Steps& steps) {
  const Expr& inner = unwrapped(expr);
  if (const auto* subquery = inner.as<Subquery>()) return subquery_input(inner, *subquery, steps);
  const auto& matrix = std::get<MatrixSelector>(inner.node);
  const auto& selector = std::get<VectorSelector>(matrix.selector->node);
  RangeInput input;
  const Placement place = placement(selector.shift);
  input.range_ms = milliseconds(*matrix.range);
  if (input.range_ms <= 0)
    return fail(ErrorCode::kInvalid, fmt::format("{}: duration must be greater than 0",
                                                 line_and_column(query_, inner.position.start)));
  input.offset_ms = place.offset_ms;
  input.fixed_ms = place.fixed_ms;
  input.position = expr.position;
  input.anchored = selector.anchored;
  input.smoothed = selector.smoothed;
  const std::size_t count = steps.count();
  if (count == 0) return input;
  const std::int64_t first = place.fixed_ms.value_or(steps.start_ms - place.offset_ms);
  const std::int64_t last = place.fixed_ms.value_or(steps.at(count - 1) - place.offset_ms);
  const bool extended = selector.anchored || selector.smoothed;
  const bool hints = statistics_only_ && !extended;
  const std::int64_t before = extended || hints ? lookback_ms_ : 0;
  const std::int64_t after = selector.smoothed ? lookback_ms_ : 0;
  TRY(auto series, select(selector.matchers, {first - input.range_ms - before + 1, last + after}));
  for (auto& one : series) {
    RangeSeries made;
    made.labels = std::move(one.labels);
    if (may_hold_stale_markers(one.samples))
      remove_stale(one.samples, one.sample_starts,
                   [](const Sample& sample) { return is_stale(sample.value); });
    remove_stale(one.histograms, one.histogram_starts,
                 [](const HistogramSample& sample) { return is_stale(sample.histogram->sum); });
    if (hints) {
      const auto start = first - input.range_ms;
      const auto early = std::ranges::upper_bound(one.samples, start, {}, &Sample::time_ms);
      const auto skipped = early - one.samples.begin();
      one.samples.erase(one.samples.begin(), early);
      if (!one.sample_starts.empty())
        one.sample_starts.erase(one.sample_starts.begin(), one.sample_starts.begin() + skipped);
      const auto all = one.histograms.size();
      derive_hints(one.histograms, start);
      if (!one.histogram_starts.empty())
        one.histogram_starts.erase(one.histogram_starts.begin(),
                                   one.histogram_starts.begin() +
                                       static_cast<std::ptrdiff_t>(all - one.histograms.size()));
    }
    made.samples = std::move(one.samples);
    made.histograms = std::move(one.histograms);
    if (made.samples.empty() && made.histograms.empty()) continue;
    if (options_.use_start_timestamps) {
      made.sample_starts = std::move(one.sample_starts);
      made.histogram_starts = std::move(one.histogram_starts);
    }
    input.series.push_back(std::move(made));
  }
  return input;
}

Result<Evaluator::RangeInput> Evaluator::subquery_input(const Expr& expr, const Subquery& subquery,
                                                        const Steps& steps) {
  RangeInput input;
  const Placement place = placement(subquery.shift);
  input.range_ms = milliseconds(*subquery.range);
  const std::int64_t step_ms =
      subquery.step ? milliseconds(*subquery.step) : options_.default_subquery_interval.count();
  if (input.range_ms <= 0 || step_ms <= 0)
    return fail(ErrorCode::kInvalid, fmt::format("{}: duration must be greater than 0",
                                                 line_and_column(query_, expr.position.start)));
  input.offset_ms = place.offset_ms;
  input.fixed_ms = place.fixed_ms;
  input.position = expr.position;
  const std::size_t count = steps.count();
  if (count == 0) return input;
  const std::int64_t first =
      place.fixed_ms.value_or(steps.start_ms - place.offset_ms) - input.range_ms;
  const std::int64_t last = place.fixed_ms.value_or(steps.at(count - 1) - place.offset_ms);
  const Steps inner = subquery_steps(first, last, step_ms);
  if (inner.count() > options_.max_samples)
    return fail(ErrorCode::kTooLarge,
                "query processing would load too many samples into memory in query execution");
  const std::size_t held = held_samples_;
  // The inner steps are others than the outer ones: kept for themselves.
  const bool outer = std::exchange(is_keeping_, false);
  auto evaluated = vector(*subquery.expr, inner);
  is_keeping_ = outer;
  TRY(Columns columns, std::move(evaluated));
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(columns));
  std::size_t samples = 0;
  for (auto& column : columns) {
    RangeSeries made;
    made.labels = std::move(column.labels);
    made.drop_name = column.drop_name;
    for (std::size_t i = 0; i < column.cells.size(); ++i) {
      if (column.cells[i] == Cell::kFloat)
        made.samples.push_back({.time_ms = inner.at(i), .value = column.floats[i]});
      if (column.cells[i] == Cell::kHistogram)
        made.histograms.push_back(
            {.time_ms = inner.at(i), .histogram = without_hint(column.histograms[i])});
    }
    samples += made.samples.size() + weight_of(made.histograms);
    if (!made.samples.empty() || !made.histograms.empty()) input.series.push_back(std::move(made));
  }
  held_samples_ = held;
  TRY_STATUS(count_samples(samples));
  return input;
}

namespace {

/// Series that are told apart by nothing but their dropped names become one, unless they have
/// samples at the same time.
Status join_same_series(std::vector<ResultSeries>& series) {
  std::unordered_map<Labels, std::size_t, LabelsHash> first;
  std::vector<ResultSeries> joined;
  const auto add = [](auto& to, auto& from) {
    to.insert(to.end(), from.begin(), from.end());
    using Row = std::decay_t<decltype(to.front())>;
    std::ranges::stable_sort(to, {}, &Row::time_ms);
    return std::ranges::adjacent_find(to, {}, &Row::time_ms) == to.end();
  };
  for (auto& one : series) {
    const auto [at, fresh] = first.emplace(one.labels, joined.size());
    if (fresh) {
      joined.push_back(std::move(one));
    } else if (auto& into = joined[at->second];
               !add(into.samples, one.samples) || !add(into.histograms, one.histograms)) {
      return fail(ErrorCode::kUnsupported, "vector cannot contain metrics with the same labelset");
    }
  }
  series = std::move(joined);
  return {};
}

}  // namespace

Result<std::vector<ResultSeries>> Evaluator::range_vector(const Expr& expr, const Steps& steps) {
  TRY(RangeInput input, range_input(expr, steps));
  std::vector<ResultSeries> out;
  const std::int64_t end = input.fixed_ms.value_or(steps.end_ms - input.offset_ms);
  const auto outside = [&](const auto& sample) {
    return sample.time_ms <= end - input.range_ms || sample.time_ms > end;
  };
  for (auto& series : input.series) {
    ResultSeries made;
    made.labels = series.drop_name ? without_name(series.labels) : std::move(series.labels);
    made.samples = std::move(series.samples);
    made.histograms = std::move(series.histograms);
    std::erase_if(made.samples, outside);
    std::erase_if(made.histograms, outside);
    if (!made.samples.empty() || !made.histograms.empty()) out.push_back(std::move(made));
  }
  TRY_STATUS(join_same_series(out));
  return out;
}

void Evaluator::drop_name(Column& column) const {
  if (options_.delayed_name_removal) {
    column.drop_name = true;
  } else {
    remove_name(column.labels);
  }
}

Status Evaluator::join_same_labels(Columns& columns) const {
  if (do_labels_ascend(columns)) return {};
  std::unordered_map<Labels, std::size_t, LabelsHash> first;
  first.reserve(columns.size());
  Columns joined;
  bool any = false;
  std::vector<std::size_t> target(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto [at, fresh] = first.emplace(columns[i].labels, i);
    target[i] = at->second;
    any |= !fresh;
  }
  if (!any) return {};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (target[i] == i) continue;
    Column &into = columns[target[i]], &from = columns[i];
    for (std::size_t step = 0; step < from.cells.size(); ++step) {
      if (from.cells[step] == Cell::kAbsent) continue;
      if (into.cells[step] != Cell::kAbsent)
        return fail(ErrorCode::kUnsupported,
                    "vector cannot contain metrics with the same labelset");
      if (from.cells[step] == Cell::kFloat) {
        into.set(step, from.floats[step]);
      } else {
        into.set(step, from.histograms[step]);
      }
    }
    into.drop_name = into.drop_name && from.drop_name;
  }
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (target[i] == i) joined.push_back(std::move(columns[i]));
  columns = std::move(joined);
  return {};
}

Status Evaluator::finish(Columns& columns) {
  for (auto& column : columns)
    if (column.drop_name) remove_name(column.labels);
  return join_same_labels(columns);
}

std::string metric_name_for_messages(const Labels& labels) {
  return std::string(labels.metric_name());
}

Labels without_name(const Labels& labels) {
  Labels out = labels;
  remove_name(out);
  return out;
}

void remove_name(Labels& labels) {
  for (const char* name : {"__name__", "__type__", "__unit__"}) labels.remove(name);
}

bool do_labels_ascend(const Columns& columns) {
  const auto not_before = [](const Column& a, const Column& b) { return a.labels >= b.labels; };
  return std::ranges::adjacent_find(columns, not_before) == columns.end();
}

std::string go_quoted(std::string_view text) {
  return quote(text);
}

std::string labels_text(const Labels& labels) {
  std::string out = "{";
  for (const auto& label : labels) {
    if (out.size() > 1) out += ", ";
    const bool plain = !label.name.empty() && std::ranges::all_of(label.name, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
    }) && !(label.name[0] >= '0' && label.name[0] <= '9');
    out += plain ? label.name : quote(label.name);
    out += '=';
    out += quote(label.value);
  }
  return out + "}";
}

std::string go_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  const double size = std::abs(value);
  char buffer[40];
  const bool exponent = size != 0 && (size < 1e-4 || size >= 1e6);
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                           exponent ? std::chars_format::scientific : std::chars_format::fixed)
                 .ptr;
  return {buffer, end};
}

std::string go_decimal(double value) {
  if (!std::isfinite(value)) return go_number(value);
  char buffer[40];
  char* const end =
      std::to_chars(buffer, buffer + sizeof buffer, std::abs(value), std::chars_format::scientific)
          .ptr;
  char* const mark = std::find(buffer, end, 'e');
  std::string digits(buffer, mark);
  if (digits.size() > 1) digits.erase(1, 1);  // the point
  int exponent = 0;
  std::from_chars(mark + (mark[1] == '+' ? 2 : 1), end, exponent);
  const std::string sign = std::signbit(value) ? "-" : "";
  if (exponent < 0)
    return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0');
  return sign + digits.insert(whole, ".");
}

double quantile_of(double phi, std::vector<double>& values) {
  if (values.empty() || std::isnan(phi)) return std::nan("");
  if (phi < 0) return -INFINITY;
  if (phi > 1) return INFINITY;
  std::ranges::sort(values,
                    [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const double rank = phi * (static_cast<double>(values.size()) - 1);
  const auto lower = static_cast<std::size_t>(std::max(0.0, std::floor(rank)));
  const auto upper = std::min(values.size() - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[lower] * (1 - weight) + values[upper] * weight;
}

}  // namespace wellrun::telemetry::promql
