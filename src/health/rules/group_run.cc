#include "health/rules/group_run.h"

#include <algorithm>

#include "telemetry/promql/querier.h"

namespace wellrun::health::rules {
namespace {

telemetry::promql::EngineOptions engine_options(Duration subquery_interval) {
  telemetry::promql::EngineOptions options;
  options.default_subquery_interval = subquery_interval;
  return options;
}

}  // namespace

World::World(Duration subquery_interval) : engine_(store_, engine_options(subquery_interval)) {}

void World::add_input(Labels labels, std::vector<SequenceValue> values, Timestamp start,
                      Duration interval) {
  input_.push_back({std::move(labels), std::move(values), start, interval});
}

void World::reveal(Input& input, std::size_t count) {
  telemetry::SeriesWrite write;
  write.labels = input.labels;
  for (; input.revealed < std::min(count, input.values.size()); ++input.revealed) {
    const auto& value = input.values[input.revealed];
    const auto time = to_unix_ms(input.start) +
                      static_cast<std::int64_t>(input.revealed) * input.interval.count();
    if (value.number) write.samples.push_back({time, *value.number});
    if (value.histogram != nullptr) write.histograms.push_back({time, value.histogram});
  }
  if (!write.samples.empty() || !write.histograms.empty()) store_.add(std::move(write));
}

void World::reveal_until(Timestamp now) {
  for (auto& input : input_) {
    if (now >= input.start)
      reveal(input, static_cast<std::size_t>((now - input.start) / input.interval) + 1);
  }
}

void World::reveal_all() {
  for (auto& input : input_) reveal(input, input.values.size());
}

void World::write(std::vector<telemetry::SeriesWrite> writes) {
  for (auto& each : writes) store_.add(std::move(each));
}

Result<telemetry::InstantResult> World::query(const std::string& promql, Timestamp time) const {
  TRY(auto result, engine_.instant(promql, time));
  return telemetry::promql::instant_result(std::move(result));
}

GroupRun::GroupRun(const catalog::RuleFileGroup& group, const GroupSettings& settings)
    : group_(group), settings_(settings) {
  for (const auto& each : group.rules) {
    auto& rule = rules_.emplace_back();
    rule.recording = {each.record, each.labels, group.limit};
    rule.alert.key = fmt::format("rules/{}/{}", group.name, each.alert);
    rule.alert.alert = each.alert;
    rule.alert.hold = each.for_;
    rule.alert.keep_firing_for = each.keep_firing_for;
    rule.alert.limit = group.limit;
    rule.alert.labels = each.labels;
    rule.alert.annotations = each.annotations;
  }
}

Result<std::vector<telemetry::SeriesWrite>> GroupRun::outcome(RuleRun& rule, const World& world,
                                                              Timestamp now) const {
  const auto& declared = group_.rules[static_cast<std::size_t>(&rule - rules_.data())];
  const auto asked_at = now - group_.query_offset;
  TRY(auto result, world.query(declared.expr, asked_at));
  if (!declared.is_alert()) return recorded_series(rule.recording, result, asked_at);

  EvaluationContext context{
      .now = now,
      .external_labels = settings_.external_labels,
      .external_url = settings_.external_url,
      .restored = {},
      .query = [&](const std::string& promql) { return world.query(promql, now); },
      .most_alerts = 1'000'000};
  for (auto& each : result.histograms) result.series.push_back({std::move(each.labels), 0});
  auto alerts = health::evaluate(rule.alert, rule.alerts, result.series, context);
  if (!alerts) return std::unexpected(alerts.error());
  rule.alerts = std::move(alerts->alerts);
  std::vector<telemetry::SeriesWrite> writes;
  write_alerts(rule.alerts, asked_at, writes);
  return writes;
}

std::vector<GroupRun::Problem> GroupRun::evaluate(World& world, Timestamp now) {
  std::vector<Problem> problems;
  for (auto& rule : rules_) {
    auto writes = outcome(rule, world, now);
    if (!writes) {
      problems.push_back({rule.alert.alert.empty() ? rule.recording.record : rule.alert.alert,
                          writes.error().message});
      continue;
    }
    rule.written.finish(*writes, now - group_.query_offset);
    world.write(std::move(*writes));
  }
  return problems;
}

void GroupRun::collect_firing(const std::string& alertname,
                              std::vector<LabelledAlert>& into) const {
  for (const auto& rule : rules_) {
    if (rule.alert.alert != alertname) continue;
    for (const auto& [fingerprint, alert] : rule.alerts) {
      if (alert.state != AlertState::kFiring) continue;
      LabelledAlert found;
      for (const auto& label : alert.labels) found.labels[label.name] = label.value;
      for (const auto& [name, text] : alert.annotations) {
        if (!text.empty()) found.annotations[name] = text;
      }
      into.push_back(std::move(found));
    }
  }
}

}  // namespace wellrun::health::rules
