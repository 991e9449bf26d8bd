// Aggregation operators. Each input series is one pass over its column; accumulators stand per
// group and step.

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "core/text.h"
#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/histogram.h"

namespace wellrun::telemetry::promql {
namespace {

struct Grouping {
  std::vector<std::size_t> group_of;  ///< of each input column
  std::vector<Labels> labels;         ///< of each group
  std::vector<bool> drop_name;
};

Grouping group(const Columns& columns, const Aggregate& node) {
  Grouping made;
  std::unordered_map<Labels, std::size_t, LabelsHash> index;
  const GroupBy by{node.without, node.grouping};
  for (const auto& column : columns) {
    auto [at, fresh] = index.emplace(group_labels(column.labels, by), made.labels.size());
    if (fresh) {
      made.labels.push_back(at->first);
      made.drop_name.push_back(column.drop_name);
    } else if (column.drop_name) {
      made.drop_name[at->second] = true;
    }
    made.group_of.push_back(at->second);
  }
  return made;
}

/// The totals of columns that hold floats only; nothing when some do not, or an average overflowed.
std::optional<FloatTotals> float_totals(const Columns& columns, const Grouping& grouping,
                                        AggregateOp op, std::size_t steps) {
  const auto has_histograms = [](const Column& column) { return !column.histograms.empty(); };
  if (!is_running_total(op) || std::ranges::any_of(columns, has_histograms)) return std::nullopt;
  FloatTotals totals(op, grouping.labels.size(), steps);
  LaneBuffer buffer(steps);
  const auto lane = buffer.lane();
  for (std::size_t s = 0; s < columns.size(); ++s) {
    lane.clear();
    for (std::size_t i = 0; i < steps; ++i)
      if (columns[s].cells[i] == Cell::kFloat) lane.put(i, columns[s].floats[i]);
    totals.add(grouping.group_of[s], lane);
  }
  return totals.is_exact() ? std::optional(std::move(totals)) : std::nullopt;
}

/// Of one group at one step.
struct Accumulator {
  double value = 0;  ///< sum, mean, minimum … by operator
  double compensation = 0;
  double second = 0;  ///< of stddev: sum of squared distances; of avg: the count so far
  std::size_t count = 0;
  bool floats = false;
  bool incremental = false;  ///< avg: the sum overflowed, so the mean is kept instead
  bool broken = false;       ///< no result: floats met histograms, or layouts differ
  std::vector<const Histogram*> histograms;  ///< of the input, which outlives this
};

void add_to_average(Accumulator& acc, double value) {
  ++acc.count;
  if (!acc.incremental) {
    double sum = acc.value, compensation = acc.compensation;
    kahan_add(value, sum, compensation);
    if (acc.count == 1 || !std::isinf(sum)) {
      acc.value = sum;
      acc.compensation = compensation;
      return;
    }
    acc.incremental = true;
    const double before = static_cast<double>(acc.count - 1);
    acc.value /= before;
    acc.compensation /= before;
  }
  const double count = static_cast<double>(acc.count), share = (count - 1) / count;
  acc.value *= share;
  acc.compensation *= share;
  kahan_add(value / count, acc.value, acc.compensation);
}

double average(const Accumulator& acc) {
  if (acc.incremental) return acc.value + acc.compensation;
  return (acc.value + acc.compensation) / static_cast<double>(acc.count);
}

void add_to_variance(Accumulator& acc, double value) {
  ++acc.count;
  const double delta = value - acc.value;
  acc.value += delta / static_cast<double>(acc.count);
  acc.second += delta * (value - acc.value);
}

bool ignores_histograms(AggregateOp op) {
  return op == AggregateOp::kMin || op == AggregateOp::kMax || op == AggregateOp::kStddev ||
         op == AggregateOp::kStdvar || op == AggregateOp::kQuantile || op == AggregateOp::kTopk ||
         op == AggregateOp::kBottomk;
}

void add_float(Accumulator& acc, AggregateOp op, double value) {
  switch (op) {
    case AggregateOp::kSum:
      if (acc.count++ == 0)
        acc.value = value;
      else
        kahan_add(value, acc.value, acc.compensation);
      break;
    case AggregateOp::kAvg:
      add_to_average(acc, value);
      break;
    case AggregateOp::kMin:
      if (acc.count++ == 0 || acc.value > value || std::isnan(acc.value)) acc.value = value;
      break;
    case AggregateOp::kMax:
      if (acc.count++ == 0 || acc.value < value || std::isnan(acc.value)) acc.value = value;
      break;
    case AggregateOp::kStddev:
    case AggregateOp::kStdvar:
      add_to_variance(acc, value);
      break;
    default:
      ++acc.count;
      break;
  }
}

double float_result(const Accumulator& acc, AggregateOp op) {
  switch (op) {
    case AggregateOp::kSum:
      return acc.value + acc.compensation;
    case AggregateOp::kAvg:
      return average(acc);
    case AggregateOp::kGroup:
      return 1;
    case AggregateOp::kCount:
      return static_cast<double>(acc.count);
    case AggregateOp::kStdvar:
      return acc.second / static_cast<double>(acc.count);
    case AggregateOp::kStddev:
      return std::sqrt(acc.second / static_cast<double>(acc.count));
    default:
      return acc.value;
  }
}

/// How limit_ratio places a series in [0, 1): the same for the same labels.
double ratio_offset(const Labels& labels) {
  std::uint64_t hash = stable_hash(labels);
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  hash ^= hash >> 33;
  return static_cast<double>(hash) / 18446744073709551616.0;
}

}  // namespace

namespace {

/// The name of the first series of a group whose histogram has another layout than the first.
std::string odd_one_out(const Columns& input, const Grouping& grouping, std::size_t group,
                        std::size_t step) {
  std::optional<bool> custom;
  for (std::size_t s = 0; s < input.size(); ++s) {
    if (grouping.group_of[s] != group || input[s].cells[step] != Cell::kHistogram) continue;
    const bool here = has_custom_buckets(*input[s].histograms[step]);
    if (!custom) custom = here;
    if (here != *custom) return std::string(input[s].labels.metric_name());
  }
  return {};
}

struct Notes {
  bool ignored_histogram = false;
  bool mixed = false;
  std::optional<std::string> mixed_layouts;  ///< the metric that does not fit those before it
  bool reset_collision = false;
  bool bounds_reconciled = false;
};

/// What a parameter is over all steps: it is judged as a whole, before any step is aggregated.
struct ParameterRange {
  static ParameterRange of(const std::vector<double>& values) {
    ParameterRange range;
    for (const double value : values) {
      range.any_nan |= std::isnan(value);
      range.least = std::min(range.least, value);
      range.greatest = std::max(range.greatest, value);
    }
    return range;
  }
  double least = INFINITY, greatest = -INFINITY;  ///< of those that are numbers
  bool any_nan = false;
};

Status check_ratio(const ParameterRange& range) {
  if (range.any_nan) return fail(ErrorCode::kUnsupported, "Ratio value is NaN");
  return {};
}

Status check_number_wanted(const ParameterRange& range) {
  constexpr double kGreatest = 9223372036854774784.0, kLeast = -9223372036854775808.0;
  if (range.any_nan) return fail(ErrorCode::kUnsupported, "Parameter value is NaN");
  if (range.least <= kLeast)
    return fail(ErrorCode::kUnsupported,
                fmt::format("Scalar value {} underflows int64", go_number(range.least)));
  if (range.greatest >= kGreatest)
    return fail(ErrorCode::kUnsupported,
                fmt::format("Scalar value {} overflows int64", go_number(range.greatest)));
  return {};
}

}  // namespace

Result<Columns> Evaluator::aggregate(const Expr& expr, const Aggregate& node, const Steps& steps) {
  const std::size_t count = steps.count();
  TRY(auto pushed, pushed_down(node, steps));
  if (pushed) return std::move(*pushed);
  std::vector<double> param;
  std::string label;
  if (node.op == AggregateOp::kCountValues) {
    TRY(label, text(*node.param));
  } else if (node.param) {
    TRY(param, scalar(*node.param, steps));
  }
  TRY(Columns input, vector(*node.expr, steps));
  Grouping grouping = group(input, node);
  const std::size_t groups = grouping.labels.size();
  Notes notes;
  Columns out;

  const auto result_column = [&](std::size_t g) {
    Column column(count);
    column.labels = grouping.labels[g];
    column.drop_name = grouping.drop_name[g] && column.labels.has(kMetricNameLabel);
    return column;
  };
  const auto note = [&] {
    const auto where = node.expr->position;
    const bool chooses = node.op == AggregateOp::kTopk || node.op == AggregateOp::kBottomk;
    if (notes.ignored_histogram)
      inform(fmt::format("ignored histogram in {} aggregation", name_of(node.op)),
             chooses ? expr.position : where);
    if (notes.mixed) warn("encountered a mix of histograms and floats for aggregation", where);
    if (notes.mixed_layouts)
      warn(
          "vector contains a mix of histograms with exponential and custom buckets schemas for "
          "metric name " +
              go_quoted(*notes.mixed_layouts),
          where);
    if (notes.reset_collision)
      warn("conflicting counter resets during histogram aggregation", where);
    if (notes.bounds_reconciled)
      inform("mismatched custom buckets were reconciled during aggregation", where);
  };

  switch (node.op) {
    case AggregateOp::kCountValues: {
      if (label.empty() || !is_valid_utf8(label))
        return fail(ErrorCode::kUnsupported, "invalid label name " + go_quoted(label));
      // The label of the value is set first, and then those are dropped that are grouped away.
      const bool label_is_dropped =
          node.without && (label == kMetricNameLabel ||
                           std::ranges::find(node.grouping, label) != node.grouping.end());
      std::unordered_map<Labels, std::size_t, LabelsHash> column_of;
      for (std::size_t s = 0; s < input.size(); ++s) {
        TRY_STATUS(check_alive());
        for (std::size_t i = 0; i < count; ++i) {
          if (input[s].cells[i] == Cell::kAbsent) continue;
          Labels labels = grouping.labels[grouping.group_of[s]];
          if (!label_is_dropped)
            labels.set(label, input[s].cells[i] == Cell::kFloat
                                  ? go_decimal(input[s].floats[i])
                                  : to_string(*input[s].histograms[i]));
          auto [at, fresh] = column_of.emplace(labels, out.size());
          if (fresh) {
            TRY_STATUS(count_samples(count));
            out.emplace_back(count).labels = std::move(labels);
          }
          Column& column = out[at->second];
          column.set(i, column.cells[i] == Cell::kAbsent ? 1 : column.floats[i] + 1);
        }
      }
      return out;
    }
    case AggregateOp::kQuantile: {
      std::vector<std::vector<std::size_t>> members(groups);
      for (std::size_t s = 0; s < input.size(); ++s) members[grouping.group_of[s]].push_back(s);
      const auto range = ParameterRange::of(param);
      const auto odd = [&](double phi) {
        warn(fmt::format("quantile value should be between 0 and 1, got {}", go_number(phi)),
             node.param->position);
      };
      if (range.any_nan) odd(NAN);
      if (range.greatest > 1) odd(range.greatest);
      if (range.least < 0) odd(range.least);
      for (std::size_t g = 0; g < groups; ++g) {
        Column column = result_column(g);
        std::vector<double> values;
        for (std::size_t i = 0; i < count; ++i) {
          TRY_STATUS(check_alive());
          values.clear();
          for (std::size_t s : members[g]) {
            if (input[s].cells[i] == Cell::kFloat) values.push_back(input[s].floats[i]);
            if (input[s].cells[i] == Cell::kHistogram) notes.ignored_histogram = true;
          }
          if (!values.empty()) column.set(i, quantile_of(param[i], values));
        }
        if (!column.empty()) out.push_back(std::move(column));
      }
      note();
      return out;
    }
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio: {
      const auto range = ParameterRange::of(param);
      if (node.op == AggregateOp::kLimitRatio) {
        TRY_STATUS(check_ratio(range));
        for (const double odd : {range.greatest, range.least})
          if (odd < -1 || odd > 1)
            warn(fmt::format("ratio value should be between -1 and 1, got {}, capping to {}",
                             go_number(odd), odd > 1 ? 1 : -1),
                 node.param->position);
      } else {
        if (range.greatest < 1 && !range.any_nan) return out;
        TRY_STATUS(check_number_wanted(range));
      }
      std::vector<std::vector<std::size_t>> members(groups);
      for (std::size_t s = 0; s < input.size(); ++s) members[grouping.group_of[s]].push_back(s);
      std::vector<std::vector<bool>> chosen(input.size(), std::vector<bool>(count));
      std::vector<std::size_t> order;  // of an instant query's answer
      for (std::size_t i = 0; i < count; ++i) {
        TRY_STATUS(check_alive());
        double wanted = param[i];
        if (node.op == AggregateOp::kLimitRatio) {
          wanted = std::clamp(wanted, -1.0, 1.0);
        } else if (wanted < 1) {
          continue;
        }
        for (std::size_t g = 0; g < groups; ++g) {
          std::vector<std::size_t> candidates;
          for (std::size_t s : members[g]) {
            if (input[s].cells[i] == Cell::kAbsent) continue;
            if (input[s].cells[i] == Cell::kHistogram && ignores_histograms(node.op)) {
              notes.ignored_histogram = true;
              continue;
            }
            candidates.push_back(s);
          }
          if (node.op == AggregateOp::kLimitRatio) {
            std::erase_if(candidates, [&](std::size_t s) {
              const double offset = ratio_offset(input[s].labels);
              return !(wanted >= 0 ? offset < wanted : offset >= 1 + wanted);
            });
          } else if (node.op != AggregateOp::kLimitk) {
            const bool top = node.op == AggregateOp::kTopk;
            std::ranges::stable_sort(candidates, [&](std::size_t a, std::size_t b) {
              const double x = input[a].floats[i], y = input[b].floats[i];
              if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
              return top ? x > y : x < y;
            });
          }
          if (node.op != AggregateOp::kLimitRatio &&
              static_cast<double>(candidates.size()) > wanted)
            candidates.resize(static_cast<std::size_t>(wanted));
          for (std::size_t s : candidates) {
            chosen[s][i] = true;
            if (count == 1) order.push_back(s);
          }
        }
      }
      if (count != 1)
        for (std::size_t s = 0; s < input.size(); ++s) order.push_back(s);
      for (std::size_t s : order) {
        for (std::size_t i = 0; i < count; ++i)
          if (!chosen[s][i]) input[s].cells[i] = Cell::kAbsent;
        if (!input[s].empty()) out.push_back(std::move(input[s]));
      }
      note();
      return out;
    }
    default:
      break;
  }

  TRY_STATUS(count_samples(count * groups));
  const auto totals =
      options_.general_only ? std::nullopt : float_totals(input, grouping, node.op, count);
  for (std::size_t g = 0; totals && g < groups; ++g) {
    Column column = result_column(g);
    if (totals->result(g, {column.cells, column.floats})) out.push_back(std::move(column));
  }
  if (totals) return out;

  const bool counts = node.op == AggregateOp::kCount || node.op == AggregateOp::kGroup;
  std::vector<std::vector<Accumulator>> accumulators(groups);
  for (auto& row : accumulators) row.resize(count);
  for (std::size_t s = 0; s < input.size(); ++s) {
    TRY_STATUS(check_alive());
    auto& row = accumulators[grouping.group_of[s]];
    const Column& column = input[s];
    for (std::size_t i = 0; i < count; ++i) {
      if (column.cells[i] == Cell::kAbsent) continue;
      Accumulator& acc = row[i];
      if (column.cells[i] == Cell::kHistogram && !counts) {
        if (ignores_histograms(node.op)) {
          notes.ignored_histogram = true;
          continue;
        }
        if (acc.floats) acc.broken = notes.mixed = true;
        acc.histograms.push_back(column.histograms[i].get());
        continue;
      }
      if (!acc.histograms.empty()) acc.broken = notes.mixed = true;
      acc.floats = true;
      if (!acc.broken) add_float(acc, node.op, counts ? 0 : column.floats[i]);
    }
  }
  for (std::size_t g = 0; g < groups; ++g) {
    Column column = result_column(g);
    for (std::size_t i = 0; i < count; ++i) {
      Accumulator& acc = accumulators[g][i];
      if (acc.broken) continue;
      if (!acc.histograms.empty()) {
        auto total =
            total_of(acc.histograms, node.op == AggregateOp::kAvg ? Total::kMean : Total::kSum);
        if (!total) {
          if (!notes.mixed_layouts) notes.mixed_layouts = odd_one_out(input, grouping, g, i);
          continue;
        }
        notes.reset_collision |= total->reset_hint_collision;
        notes.bounds_reconciled |= total->bounds_reconciled;
        column.set(i, std::make_shared<const Histogram>(compacted(total->histogram)));
      } else if (acc.floats) {
        column.set(i, float_result(acc, node.op));
      }
    }
    if (!column.empty()) out.push_back(std::move(column));
  }
  note();
  return out;
}

}  // namespace wellrun::telemetry::promql
