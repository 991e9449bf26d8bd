// Binary operators: arithmetic, comparison, trimming and set operations, with vector matching and
// fill modifiers.

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <unordered_set>

#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/float_join.h"
#include "telemetry/promql/histogram.h"

namespace wellrun::telemetry::promql {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

constexpr const char* kNotOneToOne =
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
constexpr const char* kNotUnique =
    "multiple matches for labels: grouping labels must ensure unique matches";

const char* type_of(const Point& point) {
  return std::holds_alternative<HistogramPtr>(point) ? "histogram" : "float";
}

/// What an element pair gives, and what there is to say about it.
struct Outcome {
  Point value;
  bool keep = true;           ///< for comparisons: whether the condition holds
  bool incompatible = false;  ///< types that do not go together
  bool bad_layout = false;    ///< exponential against custom buckets
  bool collision = false;
  bool reconciled = false;
};

Outcome operate_on_histograms(BinaryOp op, const HistogramPtr& left, const HistogramPtr& right) {
  Outcome out;
  if (op == BinaryOp::kAdd || op == BinaryOp::kSub) {
    auto combined = combine(*left, *right, op == BinaryOp::kAdd ? Sign::kPlus : Sign::kMinus);
    if (!combined) {
      out.bad_layout = true;
      out.keep = false;
      return out;
    }
    out.collision = combined->reset_hint_collision;
    out.reconciled = combined->bounds_reconciled;
    out.value = std::make_shared<const Histogram>(compacted(combined->histogram));
    return out;
  }
  if (op == BinaryOp::kEqual || op == BinaryOp::kNotEqual) {
    out.value = left;
    out.keep = equal(*left, *right) == (op == BinaryOp::kEqual);
    return out;
  }
  out.keep = false;
  out.incompatible = true;
  return out;
}

Outcome operate(BinaryOp op, const Point& left, const Point& right) {
  const auto* left_histogram = std::get_if<HistogramPtr>(&left);
  const auto* right_histogram = std::get_if<HistogramPtr>(&right);
  Outcome out;
  if (left_histogram && right_histogram)
    return operate_on_histograms(op, *left_histogram, *right_histogram);
  if (!left_histogram && !right_histogram) {
    const double a = std::get<double>(left), b = std::get<double>(right);
    if (is_trim(op)) {
      out.keep = false;
      out.incompatible = true;
    } else if (is_comparison(op)) {
      out.value = a;
      out.keep = holds(op, a, b);
    } else {
      out.value = arithmetic(op, a, b);
    }
    return out;
  }
  if (left_histogram) {
    const double b = std::get<double>(right);
    if (op == BinaryOp::kMul) {
      out.value = std::make_shared<const Histogram>(scaled(**left_histogram, b));
      return out;
    }
    if (op == BinaryOp::kDiv) {
      out.value = std::make_shared<const Histogram>(divided(**left_histogram, b));
      return out;
    }
    if (is_trim(op)) {
      const auto side = op == BinaryOp::kTrimUpper ? TrimSide::kKeepBelow : TrimSide::kKeepAbove;
      out.value = std::make_shared<const Histogram>(compacted(trimmed(**left_histogram, b, side)));
      return out;
    }
  } else if (op == BinaryOp::kMul) {
    out.value =
        std::make_shared<const Histogram>(scaled(**right_histogram, std::get<double>(left)));
    return out;
  }
  out.keep = false;
  out.incompatible = true;
  return out;
}

Point point_at(const Column& column, std::size_t step) {
  if (column.cells[step] == Cell::kFloat) return column.floats[step];
  if (column.cells[step] == Cell::kHistogram) return column.histograms[step];
  return {};
}

void put(Column& column, std::size_t step, const Point& point) {
  if (const auto* number = std::get_if<double>(&point)) column.set(step, *number);
  if (const auto* histogram = std::get_if<HistogramPtr>(&point)) column.set(step, *histogram);
}

Labels kept_labels(const Labels& labels, const std::vector<std::string>& names) {
  std::vector<Label> out;
  for (const auto& name : names)
    if (auto value = labels.get(name); !value.empty()) out.push_back({name, std::string(value)});
  return Labels(std::move(out));
}

Labels dropped_labels(const Labels& labels, const std::vector<std::string>& names) {
  std::vector<Label> out;
  for (const auto& label : labels)
    if (std::ranges::find(names, label.name) == names.end()) out.push_back(label);
  return Labels(std::move(out));
}

Labels signature(const Labels& labels, const VectorMatching& matching) {
  if (matching.on) return kept_labels(labels, matching.labels);
  Labels out = dropped_labels(labels, matching.labels);
  out.remove(kMetricNameLabel);
  return out;
}

/// Numbers the match groups of both sides from 0.
class Groups {
 public:
  explicit Groups(const VectorMatching& matching) : matching_(matching) {}
  std::vector<std::size_t> number(const Columns& columns) {
    std::vector<std::size_t> out;
    out.reserve(columns.size());
    for (const auto& column : columns) {
      write_key(column.labels);
      out.push_back(index_.try_emplace(key_, index_.size()).first->second);
    }
    return out;
  }
  std::size_t size() const { return index_.size(); }

 private:
  /// Different for labels with different signature(), and made without making that.
  void write_key(const Labels& labels) {
    key_.clear();
    for (const auto& [name, value] : labels) {
      const bool is_listed = std::ranges::find(matching_.labels, name) != matching_.labels.end();
      if (is_listed != matching_.on || (!matching_.on && name == kMetricNameLabel)) continue;
      for (const auto* text : {&name, &value}) {
        key_ += std::to_string(text->size());
        key_ += ':';
        key_ += *text;
      }
    }
  }

  const VectorMatching& matching_;
  std::unordered_map<std::string, std::size_t> index_;
  std::string key_;
};

bool has_same_labels(const Columns& columns) {
  if (do_labels_ascend(columns)) return false;
  std::unordered_set<Labels, LabelsHash> different;
  for (const auto& column : columns) different.insert(column.labels);
  return different.size() != columns.size();
}

/// They are told in the order of their labels, whatever the order of the columns.
std::unexpected<Error> two_of_a_group(const Labels& group, std::string_view side, const Labels& a,
                                      const Labels& b) {
  const auto& [first, second] = std::minmax(a, b);
  return fail(
      ErrorCode::kUnsupported,
      fmt::format("found duplicate series for the match group {} on the {} hand-side of the "
                  "operation: [{}, {}];many-to-many matching not allowed: matching labels must be "
                  "unique on one side",
                  labels_text(group), side, labels_text(first), labels_text(second)));
}

/// Filters and trimming keep the name.
bool drops_name(const Binary& node) {
  return node.return_bool || !(is_comparison(node.op) || is_trim(node.op));
}

}  // namespace

Result<Value> Evaluator::binary(const Expr& expr, const Binary& node, const Steps& steps) {
  // What a function around an operator wants says nothing about the operands.
  const bool outer = std::exchange(statistics_only_, false);
  auto value = operation(expr, node, steps);
  statistics_only_ = outer;
  return value;
}

Result<Value> Evaluator::operation(const Expr& expr, const Binary& node, const Steps& steps) {
  Value value;
  value.type = expr.type;
  const bool left_scalar = node.left->type == ValueType::kScalar,
             right_scalar = node.right->type == ValueType::kScalar;
  if (left_scalar && right_scalar) {
    TRY(value.scalars, scalar(*node.left, steps));
    TRY(auto right, scalar(*node.right, steps));
    for (std::size_t i = 0; i < value.scalars.size(); ++i)
      value.scalars[i] = is_comparison(node.op)
                             ? (holds(node.op, value.scalars[i], right[i]) ? 1 : 0)
                             : arithmetic(node.op, value.scalars[i], right[i]);
    return value;
  }
  if (left_scalar || right_scalar) {
    TRY(auto scalars, scalar(left_scalar ? *node.left : *node.right, steps));
    TRY(auto columns, vector(left_scalar ? *node.right : *node.left, steps));
    TRY(value.columns, vector_scalar(expr, node, std::move(columns), scalars, left_scalar, steps));
    return value;
  }
  TRY(auto left, vector(*node.left, steps));
  TRY(auto right, vector(*node.right, steps));
  if (is_set_operator(node.op)) {
    TRY(value.columns, set_operation(node, std::move(left), std::move(right), steps));
  } else {
    TRY(value.columns, vector_vector(expr, node, std::move(left), std::move(right), steps));
  }
  return value;
}

Result<Columns> Evaluator::vector_scalar(const Expr& expr, const Binary& node, Columns columns,
                                         const std::vector<double>& scalars, bool scalar_is_left,
                                         const Steps& steps) {
  const std::size_t count = steps.count();
  for (auto& column : columns) {
    TRY_STATUS(check_alive());
    for (std::size_t i = 0; i < count; ++i) {
      if (column.cells[i] == Cell::kAbsent) continue;
      const Point element = point_at(column, i);
      const Point left = scalar_is_left ? Point(scalars[i]) : element;
      const Point right = scalar_is_left ? element : Point(scalars[i]);
      Outcome out = operate(node.op, left, right);
      if (out.incompatible) {
        inform(fmt::format("incompatible sample types encountered for binary operator {}: {} {} {}",
                           go_quoted(name_of(node.op)), type_of(left), name_of(node.op),
                           type_of(right)),
               expr.position);
        column.cells[i] = Cell::kAbsent;
        continue;
      }
      if (is_comparison(node.op)) {
        if (node.return_bool) {
          column.set(i, out.keep ? 1.0 : 0.0);
        } else if (!out.keep) {
          column.cells[i] = Cell::kAbsent;
        }
        continue;
      }
      put(column, i, out.value);
    }
    if (drops_name(node)) drop_name(column);
  }
  std::erase_if(columns, [](const Column& column) { return column.empty(); });
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(columns));
  return columns;
}

Result<Columns> Evaluator::set_operation(const Binary& node, Columns left, Columns right,
                                         const Steps& steps) {
  Groups groups(node.matching);
  const auto left_group = groups.number(left), right_group = groups.number(right);
  const std::size_t count = steps.count();
  const bool is_or = node.op == BinaryOp::kOr;
  const Columns& deciding = is_or ? left : right;
  const auto& deciding_group = is_or ? left_group : right_group;
  std::vector<std::vector<bool>> present(groups.size());
  for (std::size_t s = 0; s < deciding.size(); ++s) {
    auto& flags = present[deciding_group[s]];
    if (flags.empty()) flags.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      if (deciding[s].cells[i] != Cell::kAbsent) flags[i] = true;
  }
  Columns& filtered = is_or ? right : left;
  const auto& filtered_group = is_or ? right_group : left_group;
  const bool wanted = node.op == BinaryOp::kAnd;
  for (std::size_t s = 0; s < filtered.size(); ++s) {
    const auto& flags = present[filtered_group[s]];
    for (std::size_t i = 0; i < count; ++i)
      if ((!flags.empty() && flags[i]) != wanted) filtered[s].cells[i] = Cell::kAbsent;
  }
  std::erase_if(filtered, [](const Column& column) { return column.empty(); });
  if (is_or) std::ranges::move(right, std::back_inserter(left));
  if (is_or && !options_.delayed_name_removal) TRY_STATUS(join_same_labels(left));
  return left;
}

Result<Columns> Evaluator::vector_vector(const Expr& expr, const Binary& node, Columns left,
                                         Columns right, const Steps& steps) {
  const auto& matching = node.matching;
  const bool swapped = matching.cardinality == Cardinality::kOneToMany;
  const bool one_to_one = matching.cardinality == Cardinality::kOneToOne;
  // From here on `many` is the side whose elements each give a result, `one` the side that is
  // looked up.
  Columns &many = swapped ? right : left, &one = swapped ? left : right;
  // As in Prometheus the fill values go with the sides as they are after that swap.
  const auto fill_many = matching.fill_left, fill_one = matching.fill_right;
  Groups groups(matching);
  const auto many_group = groups.number(many), one_group = groups.number(one);
  const std::size_t count = steps.count(), group_count = groups.size();
  const bool without = drops_name(node);
  // Results that end up with the same labels are an error even where a filter lets only one of them
  // through. Only labels that the other side gives can make that.
  const bool all_count = is_comparison(node.op) && !one_to_one && !matching.include.empty();

  const auto result_labels = [&](const Labels* many_labels, const Labels* one_labels) {
    Labels base = many_labels ? *many_labels : signature(*one_labels, matching);
    if (without && !options_.delayed_name_removal) remove_name(base);
    if (one_to_one && many_labels)
      base =
          matching.on ? kept_labels(base, matching.labels) : dropped_labels(base, matching.labels);
    if (!one_to_one)
      for (const auto& name : matching.include)
        base.set(name, one_labels ? one_labels->get(name) : std::string_view{});
    return base;
  };

  const bool is_plain = !fill_many && !fill_one && !is_trim(node.op) && !options_.general_only;
  const auto partners =
      is_plain ? single_partners({many, many_group}, {one, one_group}, group_count, one_to_one)
               : std::nullopt;
  if (partners) {
    Columns joined;
    for (std::size_t m = 0; m < many.size(); ++m) {
      if ((*partners)[m] == kNoPartner) continue;
      const Column& other = one[(*partners)[m]];
      Column column(count);
      join_floats(node.op, node.return_bool, swapped ? other : many[m], swapped ? many[m] : other,
                  column);
      if (column.empty() && !all_count) continue;
      TRY_STATUS(count_samples(count));
      column.labels = result_labels(&many[m].labels, &other.labels);
      column.drop_name = (without && options_.delayed_name_removal) || many[m].drop_name;
      joined.push_back(std::move(column));
    }
    // Results that end up with the same labels must not meet at any step: that is looked at below.
    if (!has_same_labels(joined)) {
      if (all_count) std::erase_if(joined, [](const Column& column) { return column.empty(); });
      return joined;
    }
  }

  Columns out;
  std::unordered_map<Labels, std::size_t, LabelsHash> out_index;
  std::unordered_map<std::uint64_t, std::size_t> pair_column;
  const auto column_for = [&](std::size_t m, std::size_t o) -> Result<std::size_t> {
    const std::uint64_t key =
        (static_cast<std::uint64_t>(m + 1) << 32) | static_cast<std::uint64_t>(o + 1);
    auto [at, fresh] = pair_column.emplace(key, 0);
    if (!fresh) return at->second;
    Labels labels = result_labels(m == kNone ? nullptr : &many[m].labels,
                                  o == kNone ? nullptr : &one[o].labels);
    auto [known, first] = out_index.emplace(labels, out.size());
    if (first) {
      TRY_STATUS(count_samples(count));
      Column column(count);
      column.labels = std::move(labels);
      column.drop_name =
          (without && options_.delayed_name_removal) || (m != kNone && many[m].drop_name);
      out.push_back(std::move(column));
    }
    at->second = known->second;
    return known->second;
  };

  std::vector<std::size_t> last_step;  // of each column: 1 + the newest step with a match
  // False for two values that the operation is not made for.
  const auto compute = [&](std::size_t m, std::size_t o, std::size_t step) -> Result<bool> {
    const Point many_value = m == kNone ? Point(*fill_many) : point_at(many[m], step);
    const Point one_value = o == kNone ? Point(*fill_one) : point_at(one[o], step);
    const Point &l = swapped ? one_value : many_value, &r = swapped ? many_value : one_value;
    Outcome result = operate(node.op, l, r);
    if (result.incompatible) {
      inform(fmt::format("incompatible sample types encountered for binary operator {}: {} {} {}",
                         go_quoted(name_of(node.op)), type_of(l), name_of(node.op), type_of(r)),
             expr.position);
      return false;
    }
    if (result.bad_layout) {
      warn(fmt::format("incompatible bucket layout encountered for binary operator {}",
                       name_of(node.op)),
           expr.position);
      return false;
    }
    const char* operation = node.op == BinaryOp::kAdd ? "addition" : "subtraction";
    if (result.collision)
      warn(fmt::format("conflicting counter resets during histogram {}", operation), expr.position);
    if (result.reconciled)
      inform(fmt::format("mismatched custom buckets were reconciled during {}", operation),
             expr.position);
    const bool gives_result = node.return_bool || result.keep;
    if (!gives_result && !all_count) return true;
    if (node.return_bool) result.value = result.keep ? 1.0 : 0.0;
    TRY(const std::size_t index, column_for(m, o));
    last_step.resize(out.size());
    if (last_step[index] == step + 1)
      return fail(ErrorCode::kUnsupported, one_to_one ? kNotOneToOne : kNotUnique);
    last_step[index] = step + 1;
    if (gives_result) put(out[index], step, result.value);
    return true;
  };

  std::vector<std::size_t> one_of(group_count), many_of(group_count);
  for (std::size_t step = 0; step < count; ++step) {
    TRY_STATUS(check_alive());
    std::ranges::fill(one_of, kNone);
    std::ranges::fill(many_of, kNone);
    const bool any_many =
        std::ranges::any_of(many, [&](const Column& c) { return c.cells[step] != Cell::kAbsent; });
    if (!any_many && !fill_many && !fill_one) continue;
    for (std::size_t o = 0; o < one.size(); ++o) {
      if (one[o].cells[step] == Cell::kAbsent) continue;
      std::size_t& slot = one_of[one_group[o]];
      if (slot != kNone)
        return two_of_a_group(signature(one[o].labels, matching), swapped ? "left" : "right",
                              one[slot].labels, one[o].labels);
      slot = o;
    }
    for (std::size_t m = 0; m < many.size(); ++m) {
      if (many[m].cells[step] == Cell::kAbsent) continue;
      const std::size_t group = many_group[m];
      const std::size_t o = one_of[group];
      if (o == kNone && !fill_one) continue;
      TRY(const bool matches, compute(m, o, step));
      if (!matches) continue;
      // Filters keep only what holds; two elements of one group are an error all the same.
      if (one_to_one && many_of[group] != kNone) return fail(ErrorCode::kUnsupported, kNotOneToOne);
      many_of[group] = m;
    }
    if (!fill_many) continue;
    for (std::size_t group = 0; group < group_count; ++group)
      if (many_of[group] == kNone && one_of[group] != kNone)
        TRY_STATUS(compute(kNone, one_of[group], step));
  }
  std::erase_if(out, [](const Column& column) { return column.empty(); });
  return out;
}

}  // namespace wellrun::telemetry::promql
