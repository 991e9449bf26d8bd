// info(v, {selector}): adds the labels of matching info metrics to the series of v.
// Source: https://prometheus.io/docs/prometheus/latest/querying/functions/#info

#include <algorithm>
#include <fmt/format.h>

#include "telemetry/matching.h"
#include "telemetry/promql/evaluator.h"

namespace wellrun::telemetry::promql {
namespace {

constexpr std::string_view kIdentifying[] = {"instance", "job"};

Labels identity(const Labels& labels) {
  std::vector<Label> out;
  for (auto name : kIdentifying)
    if (auto value = labels.get(name); !value.empty())
      out.push_back({std::string(name), std::string(value)});
  return Labels(std::move(out));
}

}  // namespace

/// When the samples of `expr` are read from, by its first selector and the subqueries around it.
std::optional<Evaluator::Placement> Evaluator::reference_time(const Expr& expr) const {
  if (const auto* node = expr.as<VectorSelector>()) return placement(node->shift);
  if (const auto* node = expr.as<MatrixSelector>()) return reference_time(*node->selector);
  if (const auto* node = expr.as<Paren>()) return reference_time(*node->expr);
  if (const auto* node = expr.as<Unary>()) return reference_time(*node->expr);
  if (const auto* node = expr.as<Aggregate>()) return reference_time(*node->expr);
  if (const auto* node = expr.as<Subquery>()) {
    auto inner = reference_time(*node->expr);
    if (!inner || inner->fixed_ms) return inner;
    const Placement outer = placement(node->shift);
    if (outer.fixed_ms) return Placement{0, *outer.fixed_ms - inner->offset_ms};
    return Placement{outer.offset_ms + inner->offset_ms, std::nullopt};
  }
  if (const auto* node = expr.as<Binary>()) {
    auto left = reference_time(*node->left);
    return left ? left : reference_time(*node->right);
  }
  if (const auto* node = expr.as<promql::Call>())
    for (const auto& arg : node->args)
      if (auto found = reference_time(*arg)) return found;
  return std::nullopt;
}

Result<Columns> Evaluator::info(const Call& call, const Steps& steps) {
  const std::size_t count = steps.count();
  TRY(Columns base, vector(*call.args[0], steps));
  std::vector<Matcher> names, data;
  if (call.args.size() > 1)
    for (const auto& matcher : std::get<VectorSelector>(call.args[1]->node).matchers)
      (matcher.name == kMetricNameLabel ? names : data).push_back(matcher);
  const bool positive = std::ranges::any_of(names, [](const Matcher& m) {
    return m.kind == Matcher::Kind::kEqual || m.kind == Matcher::Kind::kRegex;
  });
  VectorSelector selector;
  selector.matchers = names;
  if (names.empty())
    selector.matchers.push_back(
        {Matcher::Kind::kEqual, std::string(kMetricNameLabel), "target_info"});
  if (!names.empty() && !positive)
    selector.matchers.push_back({Matcher::Kind::kRegex, std::string(kMetricNameLabel), ".+_info"});
  for (const auto& matcher : data) selector.matchers.push_back(matcher);
  if (const auto reference = reference_time(*call.args[0])) {
    if (reference->fixed_ms) {
      selector.shift.at = TimeShift::At::kTimestamp;
      selector.shift.at_ms = *reference->fixed_ms;
    } else if (reference->offset_ms != 0) {
      selector.shift.offset = std::make_unique<DurationExpr>();
      selector.shift.offset->seconds = static_cast<double>(reference->offset_ms) / 1000;
    }
  }
  std::vector<Matcher> of_name;
  std::ranges::copy_if(selector.matchers, std::back_inserter(of_name),
                       [](const Matcher& m) { return m.name == kMetricNameLabel; });
  TRY(const auto info_names, MatcherSet::compile(of_name));
  TRY(const auto info_labels, MatcherSet::compile(data));
  const auto is_info_series = [&](const Labels& labels) { return info_names.matches(labels); };
  TRY(Columns infos, vector_selector(selector, steps, Wanted::kValue));
  std::erase_if(infos, [](const Column& column) { return identity(column.labels).empty(); });
  TRY(Columns times, vector_selector(selector, steps, Wanted::kSampleTime));
  std::erase_if(times, [](const Column& column) { return identity(column.labels).empty(); });
  std::unordered_map<Labels, std::vector<std::size_t>, LabelsHash> by_identity;
  for (std::size_t s = 0; s < infos.size(); ++s)
    by_identity[identity(infos[s].labels)].push_back(s);
  const bool needs_match = !info_labels.matches({});  // what is absent is empty

  Columns out;
  std::unordered_map<Labels, std::size_t, LabelsHash> index;
  for (auto& column : base) {
    if (is_info_series(column.labels) && !column.drop_name) {
      index.emplace(column.labels, out.size());
      out.push_back(std::move(column));
      continue;
    }
    const auto found = by_identity.find(identity(column.labels));
    for (std::size_t i = 0; i < count; ++i) {
      if (column.cells[i] == Cell::kAbsent) continue;
      TRY_STATUS(check_alive());
      // Of several info series of one name the one with the latest sample counts.
      std::map<std::string_view, std::size_t> latest;
      if (found != by_identity.end())
        for (std::size_t s : found->second) {
          if (infos[s].cells[i] == Cell::kAbsent) continue;
          auto [at, fresh] = latest.emplace(infos[s].labels.metric_name(), s);
          if (fresh) continue;
          if (times[s].floats[i] == times[at->second].floats[i])
            return fail(
                ErrorCode::kUnsupported,
                fmt::format("found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                            labels_text(infos[at->second].labels),
                            static_cast<std::int64_t>(times[at->second].floats[i] * 1000),
                            labels_text(infos[s].labels),
                            static_cast<std::int64_t>(times[s].floats[i] * 1000)));
          if (times[s].floats[i] > times[at->second].floats[i]) at->second = s;
        }
      Labels labels = column.labels;
      std::map<std::string, std::string> added;
      for (const auto& [name, s] : latest)
        for (const auto& label : infos[s].labels) {
          if (label.name == kMetricNameLabel || label.name == "instance" || label.name == "job")
            continue;
          if (column.labels.has(label.name)) continue;
          if (!data.empty() &&
              std::ranges::none_of(data, [&](const Matcher& m) { return m.name == label.name; }))
            continue;
          auto [at, fresh] = added.emplace(label.name, label.value);
          if (!fresh && at->second != label.value)
            return fail(ErrorCode::kUnsupported, fmt::format("conflicting label: {}", label.name));
        }
      if (latest.empty() && needs_match) continue;
      for (const auto& [name, value] : added) labels.set(name, value);
      auto [at, fresh] = index.emplace(labels, out.size());
      if (fresh) {
        TRY_STATUS(count_samples(count));
        out.emplace_back(count).labels = labels;
        out.back().drop_name = column.drop_name;
      }
      Column& into = out[at->second];
      if (into.cells[i] != Cell::kAbsent)
        return fail(ErrorCode::kUnsupported,
                    "vector cannot contain metrics with the same labelset");
      if (column.cells[i] == Cell::kFloat)
        into.set(i, column.floats[i]);
      else
        into.set(i, column.histograms[i]);
    }
  }
  return out;
}

}  // namespace wellrun::telemetry::promql
