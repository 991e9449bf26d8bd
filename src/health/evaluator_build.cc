// What a rule group's rules are when it was declared, edited or taken up after a restart, and with
// which alerts they go on. See docs/rules.md.

#include "health/alert_size.h"
#include "health/evaluator_state.h"

namespace wellrun::health {

using telemetry::SeriesWrite;

namespace {

AlertRule alert_rule(const catalog::RuleGroup& group, const catalog::Rule& rule) {
  AlertRule made;
  made.key = fmt::format("rules/{}/{}", group.metadata.name, rule.alert);
  made.alert = rule.alert;
  made.expr = rule.expr;
  made.hold = rule.for_;
  made.keep_firing_for = rule.keep_firing_for;
  made.limit = group.limit;
  made.labels = {rule.labels.begin(), rule.labels.end()};
  made.annotations = {rule.annotations.begin(), rule.annotations.end()};
  made.workload = group.workload.name;
  made.procedure = rule.procedure.name;
  return made;
}

GroupRule made_rule(const catalog::RuleGroup& group, const catalog::Rule& declared) {
  GroupRule rule;
  rule.declared = declared;
  rule.inputs = rules::inputs_of(declared.expr);
  if (declared.is_alert()) rule.alert = alert_rule(group, declared);
  rule.reading.recording = !declared.is_alert();
  rule.reading.name = declared.is_alert() ? declared.alert : declared.record;
  rule.reading.expr = declared.expr;
  rule.reading.hold = declared.for_;
  rule.reading.keep_firing_for = declared.keep_firing_for;
  rule.reading.labels = {declared.labels.begin(), declared.labels.end()};
  rule.reading.annotations = {declared.annotations.begin(), declared.annotations.end()};
  return rule;
}

/// What the alerts of one mean is what those of the other do: they have the same labels.
bool continues(const RuleReading& rule, const RuleReading& old) {
  return rule.name == old.name && rule.recording == old.recording && rule.labels == old.labels;
}

/// For each of `rules` the one of `before` that it goes on with, or null; none goes on in two. Of
/// several with one name and the same labels that is the one with its expression, else the first
/// that is left.
std::vector<GroupRule*> predecessors(const std::vector<GroupRule>& rules,
                                     std::vector<GroupRule>& before) {
  std::vector<GroupRule*> found(rules.size(), nullptr);
  const auto match = [&](bool by_expression) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (found[i] != nullptr) continue;
      const auto& rule = rules[i].reading;
      const auto old = std::ranges::find_if(before, [&](GroupRule& each) {
        return continues(rule, each.reading) && std::ranges::find(found, &each) == found.end() &&
               (!by_expression || each.reading.expr == rule.expr);
      });
      if (old != before.end()) found[i] = &*old;
    }
  };
  match(true);
  match(false);
  return found;
}

/// Whether an alert of the journal may be of the rule, which is one of several of its name: it has
/// the labels that the rule gives to all of its alerts.
bool may_be_of(const GroupRule& rule, const facts::AlertFired& fired) {
  return rule.declared.is_alert() && fired.rule == rule.alert.key &&
         has_fixed_labels(fired.labels, rule.alert.labels);
}

}  // namespace

/// What rules followed before goes on: the old alerts of the same rule, and what the journal says
/// fires. An alert of which the journal does not tell whose it is, is everyone's that it may be of:
/// it ends when none of them, once evaluated, has it.
void Evaluator::State::build_rules(Job& job) {
  const auto* group = catalog.find<catalog::RuleGroup>(job.name);
  job.query_offset = group->query_offset;
  job.limit = group->limit;
  if (job.evaluated == std::chrono::nanoseconds{}) job.evaluated = counts_as_evaluated(job);
  auto before = std::exchange(job.rules, {});
  for (const auto& declared : group->rules) {
    job.rules.push_back(made_rule(*group, declared));
    job.rules.back().evaluated = counts_as_evaluated(job);
  }
  std::set<std::string> taken;  ///< fingerprints that a rule has already gone on with
  const auto olds = predecessors(job.rules, before);
  for (std::size_t i = 0; i < olds.size(); ++i) {
    if (olds[i] == nullptr) continue;
    auto& rule = job.rules[i];
    rule.written.last = std::exchange(olds[i]->written.last, {});
    rule.evaluated = olds[i]->evaluated;
    rule.reading.alerts = std::move(olds[i]->reading.alerts);
    for (const auto& [fingerprint, alert] : rule.reading.alerts) taken.insert(fingerprint);
  }
  for (auto& old : before) job.dropped.merge(old.written.last);
  for (const auto& [fingerprint, recorded] : domain.firing()) {
    if (taken.contains(fingerprint)) continue;
    for (auto& rule : job.rules) {
      if (may_be_of(rule, recorded.fired))
        rule.reading.alerts.emplace(fingerprint, from_journal(recorded));
    }
  }
}

/// Stale markers for those of `series` that no rule or SLO writes now.
std::vector<SeriesWrite> Evaluator::State::ends_of(std::set<Labels> series, Timestamp time) const {
  const auto leave_out = [&series](const rules::WrittenSeries& written) {
    for (const auto& labels : written.last) series.erase(labels);
  };
  for (const auto& [key, job] : jobs) {
    if (series.empty()) break;
    leave_out(job.burn_written);
    for (const auto& rule : job.rules) leave_out(rule.written);
  }
  std::vector<SeriesWrite> writes;
  for (const auto& labels : series) writes.push_back(rules::stale_marker(labels, time));
  return writes;
}

/// Not at once: a group that only got another name goes on with the same series, which must not be
/// interrupted. Source: Prometheus' rules/group.go (Group.run), which waits as long.
void Evaluator::State::end_series(const Job& removed) {
  auto series = removed.dropped;
  series.insert(removed.burn_written.last.begin(), removed.burn_written.last.end());
  for (const auto& rule : removed.rules)
    series.insert(rule.written.last.begin(), rule.written.last.end());
  if (series.empty()) return;
  const auto id = ++generations;
  endings[id] = runtime.strand.after(2 * removed.interval, [this, id, series = std::move(series)] {
    const auto running = std::move(endings.extract(id).mapped());  // must outlive this call
    runtime.workers.run([writes = ends_of(series, runtime.clock.now()),
                         &writer = writer]() mutable { (void)writer.write(std::move(writes)); });
  });
}

}  // namespace wellrun::health
