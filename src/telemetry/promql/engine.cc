#include "telemetry/promql/engine.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "core/text.h"
#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/functions.h"

namespace wellrun::telemetry::promql {
namespace {

/// Whether the order of an instant query's answer means something.
bool is_ordered(const Expr& expr) {
  const Expr& inner = unwrapped(expr);
  if (const auto* call = inner.as<Call>()) return call->function->name.starts_with("sort");
  if (const auto* node = inner.as<Aggregate>())
    return node->op == AggregateOp::kTopk || node->op == AggregateOp::kBottomk;
  if (const auto* node = inner.as<Binary>()) {
    if (node->left->type == ValueType::kVector && is_ordered(*node->left)) return true;
    return node->right->type == ValueType::kVector && node->left->type == ValueType::kScalar &&
           is_ordered(*node->right);
  }
  return false;
}

ResultSeries series_of(Column& column, const Steps& steps) {
  ResultSeries series;
  series.labels = std::move(column.labels);
  if (column.histograms.empty()) series.samples.reserve(column.cells.size());
  for (std::size_t i = 0; i < column.cells.size(); ++i) {
    if (column.cells[i] == Cell::kFloat)
      series.samples.push_back({.time_ms = steps.at(i), .value = column.floats[i]});
    if (column.cells[i] == Cell::kHistogram)
      series.histograms.push_back(
          {.time_ms = steps.at(i), .histogram = std::move(column.histograms[i])});
  }
  return series;
}

/// How long it is since the last look; always 0 without a clock.
class Stopwatch {
 public:
  explicit Stopwatch(const Clock* clock) : clock_(clock), last_(now()) {}
  std::chrono::nanoseconds lap() {
    const auto before = std::exchange(last_, now());
    return last_ - before;
  }

 private:
  std::chrono::nanoseconds now() const {
    return clock_ == nullptr ? std::chrono::nanoseconds{0} : clock_->steady();
  }
  const Clock* clock_;
  std::chrono::nanoseconds last_;
};

}  // namespace

Status enable_features(EngineOptions& options, std::string_view features) {
  static const std::vector<std::string> kKnown = {"promql-experimental-functions",
                                                  "promql-extended-range-selectors",
                                                  "promql-binop-fill-modifiers",
                                                  "promql-duration-expr",
                                                  "promql-delayed-name-removal",
                                                  "use-start-timestamps",
                                                  "st-storage",
                                                  "promql-per-step-stats",
                                                  "type-and-unit-labels",
                                                  "search-api"};  // search_api.h
  if (trimmed(features).empty()) return {};
  for (std::string_view piece : split(features, ',')) {
    const auto name = trimmed(piece);
    if (std::ranges::find(kKnown, name) == kKnown.end())
      return fail(ErrorCode::kInvalid,
                  fmt::format("unknown feature {}{}", quote(name), did_you_mean(name, kKnown)));
    if (name == "promql-delayed-name-removal") options.delayed_name_removal = true;
    if (name == "use-start-timestamps") options.use_start_timestamps = true;
    if (name == "type-and-unit-labels") options.type_and_unit_labels = true;
    if (name == "promql-per-step-stats") options.per_step_stats = true;
  }
  return {};
}

Result<QueryResult> Engine::instant(std::string_view query, Timestamp time,
                                    const QueryLimits& limits) const {
  const std::int64_t ms = to_unix_ms(time);
  return run(query, Steps{ms, ms, 1}, /*is_range=*/false, /*default_step_ms=*/0, limits);
}

Result<QueryResult> Engine::range(std::string_view query, Timestamp start, Timestamp end,
                                  Duration step, const QueryLimits& limits) const {
  if (step.count() < 1)
    return fail(
        ErrorCode::kInvalid,
        "zero or negative query resolution step widths are not accepted. Try a positive integer");
  if (end < start) return fail(ErrorCode::kInvalid, "end timestamp must not be before start time");
  const Steps steps{to_unix_ms(start), to_unix_ms(end), step.count()};
  const std::size_t most = options_.max_steps > 0 ? options_.max_steps : options_.max_samples;
  if (steps.count() > most)
    return fail(ErrorCode::kTooLarge,
                fmt::format("the query has {} steps; at most {} are evaluated; use a larger step",
                            steps.count(), most));
  return run(query, steps, /*is_range=*/true, step.count(), limits);
}

Result<QueryResult> Engine::run(std::string_view query, const Steps& steps, bool is_range,
                                std::int64_t step_ms, const QueryLimits& limits) const {
  Stopwatch watch(limits.measured_by);
  TRY(const auto expr, parsed_.parse(query));
  if (is_range && expr->type != ValueType::kVector && expr->type != ValueType::kScalar)
    return fail(
        ErrorCode::kInvalid,
        fmt::format(
            "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
            documented_name(expr->type)));
  Evaluator evaluator(query, reader_, options_, limits, steps, step_ms,
                      results_.is_on() ? &results_ : nullptr);
  TRY_STATUS(evaluator.check_durations(*expr));
  QueryResult result;
  const auto preparation = watch.lap();
  result.type = expr->type;
  result.time = from_unix_ms(steps.end_ms);
  if (expr->type == ValueType::kMatrix) {
    TRY(result.series, evaluator.range_vector(*expr, steps));
  } else {
    TRY(Value value, evaluator.evaluate(*expr, steps));
    if (expr->type == ValueType::kString) {
      result.text = std::move(value.text);
    } else if (expr->type == ValueType::kScalar) {
      ResultSeries series;
      for (std::size_t i = 0; i < value.scalars.size(); ++i)
        series.samples.push_back({.time_ms = steps.at(i), .value = value.scalars[i]});
      result.series.push_back(std::move(series));
      if (is_range) result.type = ValueType::kMatrix;
    } else {
      // Series that were selected have their names, and each its own labels.
      if (!unwrapped(*expr).as<VectorSelector>()) TRY_STATUS(evaluator.finish(value.columns));
      std::erase_if(value.columns, [](const Column& column) { return column.empty(); });
      for (auto& column : value.columns) result.series.push_back(series_of(column, steps));
      if (is_range) result.type = ValueType::kMatrix;
    }
  }
  const auto evaluation = watch.lap();
  const bool wants_order = is_range || expr->type == ValueType::kMatrix || !is_ordered(*expr);
  if (wants_order && !std::ranges::is_sorted(result.series, {}, &ResultSeries::labels))
    std::ranges::stable_sort(result.series, {}, &ResultSeries::labels);
  result.warnings = evaluator.annotations().warnings();
  result.infos = evaluator.annotations().infos();
  const auto sorting = watch.lap();
  result.stats = evaluator.stats();
  if (limits.measured_by == nullptr) return result;
  result.stats.preparation = preparation;
  result.stats.evaluation = evaluation;
  result.stats.sorting = sorting;
  TRY(result.stats.counts, evaluator.sample_counts(*expr, steps));
  return result;
}

}  // namespace wellrun::telemetry::promql
