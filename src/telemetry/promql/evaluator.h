#pragma once

// Evaluates a checked tree, node by node, each over all steps at once. One Evaluator serves one
// query on one thread.

#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "telemetry/promql/engine.h"
#include "telemetry/promql/float_totals.h"
#include "telemetry/promql/float_windows.h"
#include "telemetry/promql/kahan.h"
#include "telemetry/promql/result_cache.h"
#include "telemetry/promql/value.h"

namespace wellrun::telemetry::promql {

struct Value {
  ValueType type = ValueType::kVector;
  Columns columns;              ///< of a vector
  std::vector<double> scalars;  ///< of a scalar, one a step
  std::string text;             ///< of a string
};

/// A series' samples for functions over time, without stale markers.
struct RangeSeries {
  Labels labels;
  bool drop_name = false;
  std::vector<Sample> samples;
  std::vector<HistogramSample> histograms;
  std::vector<std::int64_t> sample_starts,
      histogram_starts;  ///< start timestamps; empty when there are none
};

/// What a function over time sees at one step: the samples in (start_ms, end_ms].
struct Window {
  std::span<const Sample> floats;
  std::span<const HistogramSample> histograms;
  std::span<const std::int64_t> float_starts, histogram_starts;
  std::int64_t start_ms = 0, end_ms = 0;
  std::int64_t now_ms = 0;  ///< the step's time
  const Labels* labels = nullptr;
  Position position;  ///< of the argument, for annotations
  bool anchored = false, smoothed = false;
};

/// Nothing, a float, or a histogram.
using Point = std::variant<std::monostate, double, HistogramPtr>;

class Evaluator {
 public:
  Evaluator(std::string_view query, const MetricReader& reader, const EngineOptions& options,
            const QueryLimits& limits, const Steps& whole, std::int64_t step_for_durations_ms,
            ResultCache* results = nullptr);

  Result<Value> evaluate(const Expr& expr, const Steps& steps);

  /// kInvalid where a duration below `expr` comes to none. Before anything else is asked of it.
  Status check_durations(const Expr& expr) const;

  /// What a range vector holds at the last of `steps`.
  Result<std::vector<ResultSeries>> range_vector(const Expr& expr, const Steps& steps);

  /// Drops the names that delayed name removal kept, joins series that became one.
  Status finish(Columns& columns);

  /// Reads what the selectors below `expr` look at once more, and counts it. What info() looks up
  /// is not counted.
  Result<SampleCounts> sample_counts(const Expr& expr, const Steps& steps) const;

  Annotations& annotations() { return annotations_; }
  const QueryStats& stats() const { return stats_; }

 private:
  struct RangeInput {
    std::vector<RangeSeries> series;
    std::int64_t range_ms = 0;
    std::int64_t offset_ms = 0;
    std::optional<std::int64_t> fixed_ms;  ///< with @: the window's end at every step
    Position position;
    bool anchored = false, smoothed = false;
  };

  struct Placement {
    std::int64_t offset_ms = 0;
    std::optional<std::int64_t> fixed_ms;  ///< with @, offset already taken off
  };

  // evaluator.cc
  Result<Value> evaluate_node(const Expr& expr, const Steps& steps);
  Result<Columns> vector(const Expr& expr, const Steps& steps);
  Result<std::vector<double>> scalar(const Expr& expr, const Steps& steps);
  Result<std::string> text(const Expr& expr) const;
  Placement placement(const TimeShift& shift) const;
  Result<double> seconds_of(const DurationExpr& expr) const;
  std::int64_t milliseconds(const DurationExpr& expr) const;
  Result<std::vector<SeriesData>> select(const std::vector<Matcher>& matchers, TimeRange range);
  Result<std::unique_ptr<SeriesScan>> scan(const std::vector<Matcher>& matchers, TimeRange range,
                                           SamplesWanted wanted) const;
  ReadLimits read_limits() const;
  Error read_error(Error error) const;
  enum class Wanted { kValue, kSampleTime, kStartTime };
  Result<Columns> vector_selector(const VectorSelector& selector, const Steps& steps,
                                  Wanted wanted);
  Result<Columns> smoothed_selector(const VectorSelector& selector, const Steps& steps);
  Result<RangeInput> range_input(const Expr& expr, const Steps& steps);
  Result<RangeInput> subquery_input(const Expr& expr, const Subquery& subquery, const Steps& steps);
  Result<Columns> unary(const Unary& node, const Steps& steps);
  bool is_step_invariant(const Expr& expr) const;
  void count_read(std::size_t series, std::size_t samples);
  Status count_samples(std::size_t samples);
  Status check_alive();
  void drop_name(Column& column) const;
  Status join_same_labels(Columns& columns) const;

  // sample_counts.cc
  Result<SampleCounts> counts_of_selector(const VectorSelector& selector,
                                          std::optional<std::int64_t> range_ms,
                                          const Steps& steps) const;
  Result<SampleCounts> counts_of_subquery(const Subquery& subquery, const Steps& steps) const;

  // kept_results.cc
  std::optional<Reach> keepable(const Expr& expr, const Steps& steps) const;
  Result<Value> evaluate_kept(const Expr& expr, const Reach& reach, const Steps& given);
  Result<Columns> compute_part(const Expr& expr, const Steps& part);

  // range_functions.cc
  Result<Columns> range_call(const Expr& expr, const Call& call, const Steps& steps);
  Result<Columns> absent_over_time(const Call& call, const Steps& steps);
  void note_unless_counter(const Call& call, const Labels& labels, Position where);

  // float_scan.cc
  struct FloatScan;
  struct ColumnsPart;
  struct ColumnsSoFar;
  Result<std::optional<Columns>> scanned_floats(const FloatScan& asked);
  void scan_columns(const SeriesScan& scan, const FloatScan& asked, ColumnsSoFar& so_far,
                    ColumnsPart& part) const;
  Result<std::optional<Columns>> scanned_selector(const VectorSelector& selector,
                                                  const Steps& steps);
  Result<std::optional<Columns>> scanned_call(const Call& call, const Expr& argument,
                                              const Steps& steps,
                                              const std::vector<std::vector<double>>& scalars);

  // vector_functions.cc
  Result<Value> call(const Expr& expr, const Call& call, const Steps& steps);
  Result<Columns> vector_call(const Expr& expr, const Call& call, const Steps& steps);
  Result<Columns> absent(const Call& call, const Steps& steps);
  Result<Columns> calendar(const Call& call, const Steps& steps);
  Result<Columns> label_replace(const Call& call, const Steps& steps);
  Result<Columns> label_join(const Call& call, const Steps& steps);
  Result<Columns> sorted(const Expr& expr, const Call& call, const Steps& steps);
  Result<Columns> clamped(const Call& call, const Steps& steps);

  /// Evaluates the argument of a function that wants only count and sum of histograms, or that
  /// wants all of them.
  Result<Columns> histograms(const Expr& expr, const Steps& steps, bool statistics_only);

  // histogram_functions.cc
  Result<Columns> histogram_value(const Call& call, const Steps& steps);
  Result<Columns> histogram_quantile(const Call& call, const Steps& steps);
  Result<Columns> histogram_quantiles(const Call& call, const Steps& steps);
  Result<Columns> histogram_fraction(const Call& call, const Steps& steps);

  // info.cc
  std::optional<Placement> reference_time(const Expr& expr) const;
  Result<Columns> info(const Call& call, const Steps& steps);

  // pushdown.cc
  struct Pushdown;
  struct TotalsPart;
  std::optional<Pushdown> pushdown_of(const Aggregate& node) const;
  Result<std::optional<Columns>> pushed_down(const Aggregate& node, const Steps& steps);
  Result<std::optional<FloatTotals>> scan_totals(const SeriesScan& scan, const SeriesGroups& groups,
                                                 const Pushdown& push, AggregateOp op,
                                                 const WindowSteps& windows);
  void scan_part(const SeriesScan& scan, const SeriesGroups& groups, const Pushdown& push,
                 const WindowSteps& steps, std::size_t first, std::size_t last,
                 TotalsPart& part) const;

  // aggregate.cc
  Result<Columns> aggregate(const Expr& expr, const Aggregate& node, const Steps& steps);

  // binary.cc
  Result<Value> binary(const Expr& expr, const Binary& node, const Steps& steps);
  Result<Value> operation(const Expr& expr, const Binary& node, const Steps& steps);
  Result<Columns> vector_scalar(const Expr& expr, const Binary& node, Columns columns,
                                const std::vector<double>& scalars, bool scalar_is_left,
                                const Steps& steps);
  Result<Columns> set_operation(const Binary& node, Columns left, Columns right,
                                const Steps& steps);
  Result<Columns> vector_vector(const Expr& expr, const Binary& node, Columns left, Columns right,
                                const Steps& steps);

  void warn(const std::string& what, Position where);
  void inform(const std::string& what, Position where);

  std::string_view query_;
  const MetricReader& reader_;
  const EngineOptions& options_;
  const QueryLimits& limits_;
  Steps whole_;  ///< of the query, for start(), end(), range()
  std::int64_t duration_step_ms_;
  std::int64_t lookback_ms_;
  Annotations annotations_;
  QueryStats stats_;
  bool statistics_only_ = false;  ///< see histograms()
  ResultCache* results_;          ///< null: nothing is kept
  bool is_keeping_ = false;       ///< what is computed is part of what will be kept
  std::size_t held_samples_ = 0;
  std::size_t alive_checks_ = 0;
};

/// The multiples of `step_ms` in (start_ms, end_ms]: when a subquery evaluates what is in it.
Steps subquery_steps(std::int64_t start_ms, std::int64_t end_ms, std::int64_t step_ms);

/// The metric's name as annotations quote it.
std::string metric_name_for_messages(const Labels& labels);

/// Without __name__, __type__ and __unit__.
Labels without_name(const Labels& labels);
void remove_name(Labels& labels);

/// Then no two are alike. Mostly they do: columns begin in that order, and hardly anything changes
/// it.
bool do_labels_ascend(const Columns& columns);

/// Prometheus' label form: {__name__="up", job="a"}.
std::string labels_text(const Labels& labels);

/// Go's %q for text, %g for numbers.
std::string go_quoted(std::string_view text);
std::string go_number(double value);

/// The shortest digits that read back as `value`, never with an exponent: 1e22 is a one with 22
/// zeros. Infinite and NaN as go_number() has them. Source: Go's strconv.FormatFloat(v, 'f', -1).
std::string go_decimal(double value);

/// The phi-quantile by linear interpolation; `values` is sorted in place (NaN first). Empty: NaN.
double quantile_of(double phi, std::vector<double>& values);

}  // namespace wellrun::telemetry::promql
