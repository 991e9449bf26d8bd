// Using again what an earlier query computed (result_cache.h): which of its steps still hold, which
// are computed now, and how the pieces become one result.

#include <algorithm>
#include <fmt/format.h>

#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/parser.h"

namespace wellrun::telemetry::promql {
namespace {

/// Below, looking costs about as much as computing.
constexpr std::size_t kFewSteps = 8;
constexpr std::int64_t kFarMs = std::int64_t{1} << 61;

bool is_empty(const Steps& steps) {
  return steps.end_ms < steps.start_ms;
}

/// From the first to the last of `steps` that lies in [first_ms, last_ms].
Steps within(const Steps& steps, std::int64_t first_ms, std::int64_t last_ms) {
  Steps part{steps.start_ms, steps.at(steps.count() - 1), steps.step_ms};
  if (is_empty(steps) || first_ms > part.end_ms || last_ms < part.start_ms)
    return {1, 0, steps.step_ms};
  if (first_ms > part.start_ms)
    part.start_ms += (first_ms - part.start_ms + part.step_ms - 1) / part.step_ms * part.step_ms;
  if (last_ms < part.end_ms)
    part.end_ms -= (part.end_ms - last_ms + part.step_ms - 1) / part.step_ms * part.step_ms;
  return part;
}

/// The steps of `result` whose samples are as they were.
Steps still_right(const KeptResult& result, const Reach& reach, const ChangeLog& changes) {
  // Far from where sums of times could overflow; a reach is shorter.
  const auto bounded = [](std::int64_t ms) { return std::clamp(ms, -kFarMs, kFarMs); };
  const auto unchanged = bounded(changes.unchanged_before(result.version));
  return within(result.steps, bounded(changes.dropped_before(result.version)) + reach.back_ms,
                unchanged - 1 - reach.ahead_ms);
}

/// Sorted, each different, floats only: two results of this kind can be put together.
bool is_simple(const Columns& columns) {
  const auto unsorted = [](const Column& a, const Column& b) { return !(a.labels < b.labels); };
  return std::ranges::adjacent_find(columns, unsorted) == columns.end() &&
         std::ranges::all_of(columns, [](const Column& one) { return one.histograms.empty(); });
}

/// Columns and the steps that they are of.
struct Piece {
  const Columns& columns;
  Steps of;
  Steps wanted;  ///< the part of `of` that is taken
};

void copy_steps(const Column& from, const Piece& piece, const Steps& whole, Column& into) {
  const auto index = [&](const Steps& steps) {
    return static_cast<std::ptrdiff_t>((piece.wanted.start_ms - steps.start_ms) / steps.step_ms);
  };
  const auto count = static_cast<std::ptrdiff_t>(piece.wanted.count());
  const auto source = index(piece.of), target = index(whole);
  std::copy_n(from.cells.begin() + source, count, into.cells.begin() + target);
  std::copy_n(from.floats.begin() + source, count, into.floats.begin() + target);
}

/// Simple pieces as one result over `whole`, sorted by labels, without empty columns.
Columns joined(std::span<const Piece> pieces, const Steps& whole) {
  struct Part {
    const Column* column;
    const Piece* piece;
  };
  std::vector<Part> parts;
  for (const auto& piece : pieces)
    for (const auto& column : piece.columns) parts.push_back({&column, &piece});
  const auto labels = [](const Part& part) -> const Labels& { return part.column->labels; };
  if (pieces.size() > 1) std::ranges::stable_sort(parts, {}, labels);
  Columns out;
  for (std::size_t i = 0; i < parts.size();) {
    Column column(whole.count());
    auto end = i;
    for (; end < parts.size() && labels(parts[end]) == labels(parts[i]); ++end)
      copy_steps(*parts[end].column, *parts[end].piece, whole, column);
    if (!column.empty()) {
      column.labels = labels(parts[i]);
      column.drop_name = parts[i].column->drop_name;
      out.push_back(std::move(column));
    }
    i = end;
  }
  return out;
}

/// Whether columns of the same labels agree in what becomes of their name.
bool agree(std::span<const Piece> pieces) {
  std::optional<bool> drops;
  for (const auto& piece : pieces)
    for (const auto& column : piece.columns) {
      if (drops.value_or(column.drop_name) != column.drop_name) return false;
      drops = column.drop_name;
    }
  return true;
}

}  // namespace

std::optional<Reach> Evaluator::keepable(const Expr& expr, const Steps& steps) const {
  if (results_ == nullptr || is_keeping_ || limits_.anew || steps.count() < kFewSteps)
    return std::nullopt;
  return reach_of(expr, lookback_ms_);
}

/// Computes a part of what is kept; nothing below it is kept beside it.
Result<Columns> Evaluator::compute_part(const Expr& expr, const Steps& part) {
  if (is_empty(part)) return Columns{};
  const bool outer = std::exchange(is_keeping_, true);
  auto value = evaluate_node(expr, part);
  is_keeping_ = outer;
  if (!value) return std::unexpected(std::move(value).error());
  return std::move(value->columns);
}

Result<Value> Evaluator::evaluate_kept(const Expr& expr, const Reach& reach, const Steps& given) {
  const Steps steps{given.start_ms, given.at(given.count() - 1), given.step_ms};
  const auto phase = ((steps.start_ms % steps.step_ms) + steps.step_ms) % steps.step_ms;
  const auto key = fmt::format("{}/{}/{}/{}/{}", steps.step_ms, phase, lookback_ms_,
                               statistics_only_ ? 1 : 0, to_string(expr));
  const auto& changes = *options_.changes;
  const auto version = changes.version();
  const auto known = results_->find(key);
  const Steps none{1, 0, steps.step_ms};
  const auto right = known ? still_right(*known, reach, changes) : none;
  const auto found = within(right, steps.start_ms, steps.end_ms);
  const auto noted = annotations_.added();
  const auto may_keep = [&](const Columns& columns, const Steps& of) {
    return annotations_.added() == noted && is_simple(columns) &&
           results_->fits(columns.size(), of.count());
  };

  Value value;
  if (is_empty(found)) {
    TRY(value.columns, compute_part(expr, steps));
    results_->count(0, steps.count());
    if (may_keep(value.columns, steps)) results_->keep(key, {steps, value.columns, version});
    return value;
  }
  Columns before, after;
  const Steps head{steps.start_ms, found.start_ms - steps.step_ms, steps.step_ms};
  const Steps tail{found.end_ms + steps.step_ms, steps.end_ms, steps.step_ms};
  TRY(before, compute_part(expr, head));
  TRY(after, compute_part(expr, tail));
  std::vector<Piece> pieces = {{known->columns, known->steps, found}};
  if (!is_empty(head)) pieces.push_back({before, head, head});
  if (!is_empty(tail)) pieces.push_back({after, tail, tail});
  if (!is_simple(before) || !is_simple(after) || !agree(pieces)) {
    TRY(value.columns, compute_part(expr, steps));
    return value;
  }
  value.columns = joined(pieces, steps);
  TRY_STATUS(count_samples(steps.count() * value.columns.size()));
  const auto computed = head.count() + tail.count();
  results_->count(found.count(), computed);

  // What is kept grows with a query that moves on, up to twice its length; a short query leaves a
  // long one's result alone until it has to compute much itself.
  const Steps both{std::min(right.start_ms, steps.start_ms), std::max(right.end_ms, steps.end_ms),
                   steps.step_ms};
  if (computed == 0 || !may_keep(value.columns, both)) return value;
  if (both.count() <= 2 * steps.count()) {
    pieces.front().wanted = right;
    results_->keep(key, {both, joined(pieces, both), version});
  } else if (computed > steps.count() / 4) {
    results_->keep(key, {steps, value.columns, version});
  }
  return value;
}

}  // namespace wellrun::telemetry::promql
