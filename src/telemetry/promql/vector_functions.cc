// Functions on instant vectors and scalars.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <numbers>
#include <re2/re2.h>
#include <set>

#include "core/text.h"
#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/functions.h"
#include "telemetry/regex_template.h"

namespace wellrun::telemetry::promql {
namespace {

using Math = double (*)(double);

double sign(double x) {
  return std::isnan(x) ? x : x < 0 ? -1 : x > 0 ? 1 : 0;
}

Math math_named(std::string_view name) {
  static const std::unordered_map<std::string_view, Math> functions = {
      {"abs", [](double x) { return std::abs(x); }},
      {"ceil", [](double x) { return std::ceil(x); }},
      {"floor", [](double x) { return std::floor(x); }},
      {"exp", [](double x) { return std::exp(x); }},
      {"sqrt", [](double x) { return std::sqrt(x); }},
      {"ln", [](double x) { return std::log(x); }},
      {"log2", [](double x) { return std::log2(x); }},
      {"log10", [](double x) { return std::log10(x); }},
      {"sgn", sign},
      {"sin", [](double x) { return std::sin(x); }},
      {"cos", [](double x) { return std::cos(x); }},
      {"tan", [](double x) { return std::tan(x); }},
      {"asin", [](double x) { return std::asin(x); }},
      {"acos", [](double x) { return std::acos(x); }},
      {"atan", [](double x) { return std::atan(x); }},
      {"sinh", [](double x) { return std::sinh(x); }},
      {"cosh", [](double x) { return std::cosh(x); }},
      {"tanh", [](double x) { return std::tanh(x); }},
      {"asinh", [](double x) { return std::asinh(x); }},
      {"acosh", [](double x) { return std::acosh(x); }},
      {"atanh", [](double x) { return std::atanh(x); }},
      {"deg", [](double x) { return x * 180 / std::numbers::pi; }},
      {"rad", [](double x) { return x * std::numbers::pi / 180; }}};
  auto found = functions.find(name);
  return found == functions.end() ? nullptr : found->second;
}

double calendar_part(std::string_view name, double unix_seconds) {
  if (!(std::abs(unix_seconds) < 0x1p63)) return std::nan("");
  using namespace std::chrono;
  const sys_seconds time{seconds{static_cast<std::int64_t>(std::trunc(unix_seconds))}};
  const auto day_start = floor<days>(time);
  // The calendar repeats itself after 400 years, weekdays included; year_month_day holds fewer
  // years.
  constexpr days kCycle{146'097};
  const auto cycles = (day_start - sys_days{1600y / January / 1}) / kCycle;
  const year_month_day date{day_start - cycles * kCycle};
  const auto in_day = time - day_start;
  if (name == "minute") return static_cast<double>(duration_cast<minutes>(in_day).count() % 60);
  if (name == "hour") return static_cast<double>(duration_cast<hours>(in_day).count());
  if (name == "day_of_week") return static_cast<double>(weekday{day_start}.c_encoding());
  if (name == "day_of_month") return static_cast<unsigned>(date.day());
  if (name == "day_of_year")
    return static_cast<double>((sys_days{date} - sys_days{date.year() / January / 1}).count() + 1);
  if (name == "days_in_month")
    return static_cast<unsigned>(year_month_day_last{date.year() / date.month() / last}.day());
  if (name == "month") return static_cast<unsigned>(date.month());
  return static_cast<double>(static_cast<int>(date.year()) + 400 * cycles);
}

/// Natural order: texts are cut into runs of digits and runs of anything else; two runs of digits
/// compare as numbers, any other two as text.
bool natural_less(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto cut_run = [&](std::string_view& text) {
    std::size_t size = 0;
    while (size < text.size() && is_digit(text[size]) == is_digit(text[0])) ++size;
    const auto run = text.substr(0, size);
    text.remove_prefix(size);
    return run;
  };
  const auto without_zeros = [](std::string_view digits) {
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    return digits;
  };
  while (!a.empty() && !b.empty()) {
    const auto x = cut_run(a), y = cut_run(b);
    if (x == y) continue;
    if (!is_digit(x[0]) || !is_digit(y[0])) return x < y;
    const auto m = without_zeros(x), n = without_zeros(y);
    if (m.size() != n.size()) return m.size() < n.size();
    if (m != n) return m < n;
    return x.size() < y.size();
  }
  return a.empty() && !b.empty();
}

/// The labels that an absent() result has: those that its selector asks for with `=`, unless it
/// goes on to say something else of them.
Labels absent_labels(const Expr& argument) {
  const VectorSelector* selector = nullptr;
  if (const auto* direct = argument.as<VectorSelector>()) selector = direct;
  if (const auto* matrix = argument.as<MatrixSelector>())
    selector = matrix->selector->as<VectorSelector>();
  if (!selector) return {};
  std::set<std::string> asked_for;
  std::map<std::string, std::string> wanted;
  for (const auto& matcher : selector->matchers) {
    if (matcher.name == kMetricNameLabel) continue;
    if (matcher.kind == Matcher::Kind::kEqual && asked_for.insert(matcher.name).second)
      wanted[matcher.name] = matcher.value;
    else
      wanted.erase(matcher.name);
  }
  std::vector<Label> labels;
  for (const auto& [name, value] : wanted) labels.push_back({name, value});
  return Labels(std::move(labels));
}

bool is_range_function(const Call& call) {
  return std::ranges::any_of(call.args,
                             [](const ExprPtr& arg) { return arg->type == ValueType::kMatrix; });
}

}  // namespace

Result<Value> Evaluator::call(const Expr& expr, const Call& call, const Steps& steps) {
  const auto name = call.function->name;
  const std::size_t count = steps.count();
  Value value;
  value.type = expr.type;
  if (expr.type != ValueType::kScalar) {
    TRY(value.columns, vector_call(expr, call, steps));
    return value;
  }
  value.scalars.resize(count);
  auto& out = value.scalars;
  if (name == "time") {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<double>(steps.at(i)) / 1000;
  } else if (name == "pi") {
    std::ranges::fill(out, std::numbers::pi);
  } else if (name == "step") {
    std::ranges::fill(out, static_cast<double>(duration_step_ms_) / 1000);
  } else if (name == "range") {
    std::ranges::fill(out, static_cast<double>(whole_.end_ms - whole_.start_ms) / 1000);
  } else if (name == "start") {
    std::ranges::fill(out, static_cast<double>(whole_.start_ms) / 1000);
  } else if (name == "end") {
    std::ranges::fill(out, static_cast<double>(whole_.end_ms) / 1000);
  } else if (name == "min_of" || name == "max_of") {
    TRY(out, scalar(*call.args[0], steps));
    TRY(auto other, scalar(*call.args[1], steps));
    for (std::size_t i = 0; i < count; ++i) {
      if (std::isnan(out[i]) || std::isnan(other[i]))
        out[i] = std::nan("");
      else
        out[i] = name == "min_of" ? std::min(out[i], other[i]) : std::max(out[i], other[i]);
    }
  } else {  // scalar()
    TRY(auto columns, vector(*call.args[0], steps));
    std::ranges::fill(out, std::nan(""));
    std::vector<std::uint8_t> seen(count);
    for (const auto& column : columns)
      for (std::size_t i = 0; i < count; ++i) {
        if (column.cells[i] != Cell::kFloat) continue;
        out[i] = seen[i] ? std::nan("") : column.floats[i];
        seen[i] = 1;
      }
  }
  return value;
}

Result<Columns> Evaluator::vector_call(const Expr& expr, const Call& call, const Steps& steps) {
  const auto name = call.function->name;
  const std::size_t count = steps.count();
  if (name == "absent_over_time") return absent_over_time(call, steps);
  if (is_range_function(call)) return range_call(expr, call, steps);
  if (name == "absent") return absent(call, steps);
  if (name == "label_replace") return label_replace(call, steps);
  if (name == "label_join") return label_join(call, steps);
  if (name.starts_with("sort")) return sorted(expr, call, steps);
  if (name.starts_with("clamp")) return clamped(call, steps);
  if (name == "histogram_quantile") return histogram_quantile(call, steps);
  if (name == "histogram_quantiles") return histogram_quantiles(call, steps);
  if (name == "histogram_fraction") return histogram_fraction(call, steps);
  if (name.starts_with("histogram_")) return histogram_value(call, steps);
  if (name == "info") return info(call, steps);
  if (call.function->variadic == 1 && name != "round") return calendar(call, steps);
  Columns out;
  if (name == "vector") {
    TRY(auto values, scalar(*call.args[0], steps));
    Column column(count);
    for (std::size_t i = 0; i < count; ++i) column.set(i, values[i]);
    out.push_back(std::move(column));
    return out;
  }
  if (name == "timestamp" || name == "start_timestamp") {
    const bool start = name == "start_timestamp";
    const auto* selector = unwrapped(*call.args[0]).as<VectorSelector>();
    if (selector) {
      TRY(out, vector_selector(*selector, steps, start ? Wanted::kStartTime : Wanted::kSampleTime));
    } else if (start) {
      return out;
    } else {
      TRY(out, vector(*call.args[0], steps));
      for (auto& column : out)
        for (std::size_t i = 0; i < count; ++i)
          if (column.cells[i] != Cell::kAbsent)
            column.set(i, static_cast<double>(steps.at(i)) / 1000);
    }
    for (auto& column : out) drop_name(column);
  } else {
    std::vector<double> nearest(count, 1);
    if (name == "round" && call.args.size() > 1) {
      TRY(nearest, scalar(*call.args[1], steps));
    }
    TRY(out, vector(*call.args[0], steps));
    const Math math = name == "round" ? nullptr : math_named(name);
    if (name != "round" && !math)
      return fail(ErrorCode::kUnsupported, fmt::format("function {} is not implemented", name));
    for (auto& column : out) {
      for (std::size_t i = 0; i < count; ++i) {
        if (column.cells[i] == Cell::kHistogram) column.cells[i] = Cell::kAbsent;
        if (column.cells[i] != Cell::kFloat) continue;
        if (math) {
          column.floats[i] = math(column.floats[i]);
        } else {
          const double inverse = 1.0 / nearest[i];
          column.floats[i] = std::floor(column.floats[i] * inverse + 0.5) / inverse;
        }
      }
      drop_name(column);
    }
  }
  std::erase_if(out, [](const Column& column) { return column.empty(); });
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(out));
  return out;
}

Result<Columns> Evaluator::unary(const Unary& node, const Steps& steps) {
  TRY(Columns out, vector(*node.expr, steps));
  if (!node.negative) return out;
  for (auto& column : out) {
    for (std::size_t i = 0; i < column.cells.size(); ++i) {
      if (column.cells[i] == Cell::kFloat) column.floats[i] = -column.floats[i];
      if (column.cells[i] == Cell::kHistogram) {
        Histogram negated = *column.histograms[i];
        for (auto* counts : {&negated.positive_counts, &negated.negative_counts})
          for (double& bucket : *counts) bucket = -bucket;
        negated.zero_count = -negated.zero_count;
        negated.count = -negated.count;
        negated.sum = -negated.sum;
        negated.reset_hint = Histogram::ResetHint::kGauge;
        column.histograms[i] = std::make_shared<const Histogram>(std::move(negated));
      }
    }
    drop_name(column);
  }
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(out));
  return out;
}

Result<Columns> Evaluator::absent(const Call& call, const Steps& steps) {
  TRY(auto columns, vector(*call.args[0], steps));
  const std::size_t count = steps.count();
  Column out(count);
  out.labels = absent_labels(unwrapped(*call.args[0]));
  for (std::size_t i = 0; i < count; ++i)
    if (std::ranges::none_of(
            columns, [&](const Column& column) { return column.cells[i] != Cell::kAbsent; }))
      out.set(i, 1);
  Columns result;
  if (!out.empty()) result.push_back(std::move(out));
  return result;
}

Result<Columns> Evaluator::absent_over_time(const Call& call, const Steps& steps) {
  TRY(auto input, range_input(*call.args[0], steps));
  const std::size_t count = steps.count();
  std::vector<bool> present(count);
  for (const auto& series : input.series) {
    const auto any_in = [](const auto& items, std::int64_t start, std::int64_t end) {
      auto at =
          std::ranges::upper_bound(items, start, {}, [](const auto& item) { return item.time_ms; });
      return at != items.end() && at->time_ms <= end;
    };
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t end = input.fixed_ms.value_or(steps.at(i) - input.offset_ms);
      if (!present[i])
        present[i] = any_in(series.samples, end - input.range_ms, end) ||
                     any_in(series.histograms, end - input.range_ms, end);
    }
  }
  Column out(count);
  out.labels = absent_labels(unwrapped(*call.args[0]));
  for (std::size_t i = 0; i < count; ++i)
    if (!present[i]) out.set(i, 1);
  Columns result;
  if (!out.empty()) result.push_back(std::move(out));
  return result;
}

Result<Columns> Evaluator::calendar(const Call& call, const Steps& steps) {
  const std::size_t count = steps.count();
  Columns out;
  if (call.args.empty()) {
    Column column(count);
    for (std::size_t i = 0; i < count; ++i)
      column.set(i, calendar_part(call.function->name, static_cast<double>(steps.at(i)) / 1000));
    out.push_back(std::move(column));
    return out;
  }
  TRY(out, vector(*call.args[0], steps));
  for (auto& column : out) {
    for (std::size_t i = 0; i < count; ++i) {
      if (column.cells[i] == Cell::kHistogram) column.cells[i] = Cell::kAbsent;
      if (column.cells[i] == Cell::kFloat)
        column.floats[i] = calendar_part(call.function->name, column.floats[i]);
    }
    drop_name(column);
  }
  std::erase_if(out, [](const Column& column) { return column.empty(); });
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(out));
  return out;
}

Result<Columns> Evaluator::label_replace(const Call& call, const Steps& steps) {
  TRY(const auto target, text(*call.args[1]));
  TRY(const auto replacement, text(*call.args[2]));
  TRY(const auto source, text(*call.args[3]));
  TRY(const auto pattern, text(*call.args[4]));
  RE2 regex("^(?s:" + pattern + ")$", RE2::Quiet);
  if (!regex.ok())
    return fail(ErrorCode::kUnsupported,
                fmt::format("invalid regular expression in label_replace(): {}", pattern));
  if (target.empty() || !is_valid_utf8(target))
    return fail(ErrorCode::kUnsupported,
                fmt::format("invalid destination label name in label_replace(): {}", target));
  TRY(Columns out, vector(*call.args[0], steps));
  std::vector<std::string_view> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) +
                                       1);
  for (auto& column : out) {
    const std::string value(column.labels.get(source));
    std::vector<re2::StringPiece> pieces(groups.size());
    if (!regex.Match(value, 0, value.size(), RE2::UNANCHORED, pieces.data(),
                     static_cast<int>(pieces.size())))
      continue;
    for (std::size_t i = 0; i < groups.size(); ++i)
      groups[i] = {pieces[i].data() ? pieces[i].data() : "", pieces[i].size()};
    column.labels.set(target, expand_template(replacement, regex, groups));
    if (target == kMetricNameLabel) column.drop_name = false;
  }
  TRY_STATUS(join_same_labels(out));
  return out;
}

Result<Columns> Evaluator::label_join(const Call& call, const Steps& steps) {
  TRY(const auto target, text(*call.args[1]));
  TRY(const auto separator, text(*call.args[2]));
  std::vector<std::string> sources;
  for (std::size_t i = 3; i < call.args.size(); ++i) {
    TRY(auto source, text(*call.args[i]));
    if (source.empty())
      return fail(ErrorCode::kUnsupported,
                  fmt::format("invalid source label name in label_join(): {}", source));
    sources.push_back(std::move(source));
  }
  if (target.empty() || !is_valid_utf8(target))
    return fail(ErrorCode::kUnsupported,
                fmt::format("invalid destination label name in label_join(): {}", target));
  TRY(Columns out, vector(*call.args[0], steps));
  for (auto& column : out) {
    std::string joined;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (i > 0) joined += separator;
      joined += column.labels.get(sources[i]);
    }
    column.labels.set(target, joined);
    if (target == kMetricNameLabel) column.drop_name = false;
  }
  TRY_STATUS(join_same_labels(out));
  return out;
}

Result<Columns> Evaluator::sorted(const Expr& expr, const Call& call, const Steps& steps) {
  const auto name = call.function->name;
  std::vector<std::string> by;
  for (std::size_t i = 1; i < call.args.size(); ++i) {
    TRY(auto label, text(*call.args[i]));
    by.push_back(std::move(label));
  }
  TRY(Columns out, vector(*call.args[0], steps));
  const bool descending = name.ends_with("_desc"), by_label = name.starts_with("sort_by_label");
  if (!by_label) {
    for (auto& column : out)
      for (auto& cell : column.cells)
        if (cell == Cell::kHistogram) cell = Cell::kAbsent;
    std::erase_if(out, [](const Column& column) { return column.empty(); });
  }
  if (whole_.start_ms != whole_.end_ms || steps.count() != 1) {
    warn("sort is ineffective for range queries since results are always ordered by labels",
         expr.position);
    return out;
  }
  if (by_label) {
    std::ranges::stable_sort(out, [&](const Column& a, const Column& b) {
      for (const auto& label : by) {
        const auto x = a.labels.get(label), y = b.labels.get(label);
        if (x != y) return descending ? natural_less(y, x) : natural_less(x, y);
      }
      return descending ? b.labels < a.labels : a.labels < b.labels;
    });
  } else {
    std::ranges::stable_sort(out, [&](const Column& a, const Column& b) {
      const double x = a.floats[0], y = b.floats[0];
      if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
      return descending ? x > y : x < y;
    });
  }
  return out;
}

Result<Columns> Evaluator::clamped(const Call& call, const Steps& steps) {
  const std::size_t count = steps.count();
  std::vector<double> low(count, -INFINITY), high(count, INFINITY);
  if (call.function->name != "clamp_max") {
    TRY(low, scalar(*call.args[1], steps));
  }
  if (call.function->name != "clamp_min") {
    TRY(high, scalar(*call.args.back(), steps));
  }
  TRY(Columns out, vector(*call.args[0], steps));
  // As Go's math.Min and math.Max: an infinity that decides wins over NaN.
  // Of two zeros −0 is the smaller one.
  const auto go_min = [](double a, double b) -> double {
    if (a == -INFINITY || b == -INFINITY) return -INFINITY;
    if (std::isnan(a) || std::isnan(b)) return std::nan("");
    return a == b && std::signbit(a) ? a : std::min(b, a);
  };
  const auto go_max = [](double a, double b) -> double {
    if (a == INFINITY || b == INFINITY) return INFINITY;
    if (std::isnan(a) || std::isnan(b)) return std::nan("");
    return a == b && std::signbit(a) ? b : std::max(a, b);
  };
  for (auto& column : out) {
    for (std::size_t i = 0; i < count; ++i) {
      if (column.cells[i] == Cell::kHistogram || high[i] < low[i]) column.cells[i] = Cell::kAbsent;
      if (column.cells[i] != Cell::kFloat) continue;
      const double capped = std::isinf(high[i]) && high[i] > 0 && std::isnan(column.floats[i])
                                ? column.floats[i]
                                : go_min(high[i], column.floats[i]);
      column.floats[i] = go_max(low[i], capped);
    }
    drop_name(column);
  }
  std::erase_if(out, [](const Column& column) { return column.empty(); });
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(out));
  return out;
}

}  // namespace wellrun::telemetry::promql
