// Rule groups of the evaluator: at their interval, and in between when samples that their alerts
// read were committed. See docs/flows/an-alert-fires.md.

#include <cmath>
#include <re2/re2.h>

#include "core/text.h"
#include "health/evaluator_state.h"
#include "health/rules/evidence.h"

namespace wellrun::health {
namespace {

using rules::one_sample;
using rules::write_alerts;
using telemetry::InstantResult;
using telemetry::SeriesWrite;

constexpr std::string_view kLastEvaluation = "wellrun_rule_group_last_evaluation_timestamp_seconds";
constexpr Duration kLongestOutage{3'600'000};  ///< older pending states are not taken up again
constexpr std::size_t kMostParts = 2;          ///< groups of which parts are evaluated at one time
constexpr Duration kLookAgain{20};             ///< while groups that are due are busy
constexpr Duration kLongestRest{20};

/// Which alerts are in which state.
std::map<std::string, AlertState> states_of(const ActiveAlerts& alerts) {
  std::map<std::string, AlertState> states;
  for (const auto& [fingerprint, alert] : alerts) states.emplace(fingerprint, alert.state);
  return states;
}

/// The rule's alerts that were not firing before.
std::vector<std::string> newly_firing(const ActiveAlerts& before, const ActiveAlerts& after) {
  std::vector<std::string> fired;
  for (const auto& [fingerprint, alert] : after) {
    const auto old = before.find(fingerprint);
    const bool fired_before = old != before.end() && old->second.state == AlertState::kFiring;
    if (alert.state == AlertState::kFiring && !fired_before) fired.push_back(fingerprint);
  }
  return fired;
}

/// Whether other alerting rules may change what it sees.
bool reads_alerts(const rules::RuleInputs& inputs) {
  return inputs.anything || std::ranges::any_of(inputs.names, [](const std::string& name) {
           return name.starts_with("ALERTS");
         });
}

bool waits(const GroupRule& rule) {
  return rule.declared.is_alert() && rule.alert.hold > Duration::zero();
}

/// The label of its evaluation_mark().
std::string marked_group(const Job& job) {
  return job.kind == "rules" ? job.name : job.key();
}

/// ALERTS_FOR_STATE of all of the group's rules that wait, or of the SLO's burns.
std::string states_selector(const Job& job) {
  if (job.kind == "slos")
    return fmt::format("ALERTS_FOR_STATE{{alertname=\"{}\",slo=\"{}\"}}", kBurnAlert, job.name);
  std::string names;
  for (const auto& rule : job.rules) {
    if (!waits(rule)) continue;
    if (!names.empty()) names += '|';
    names += RE2::QuoteMeta(rule.alert.alert);
  }
  return fmt::format("ALERTS_FOR_STATE{{alertname=~{}}}", quote(names));
}

void take_starts(Job& job, const InstantResult& result) {
  for (const auto& series : result.series) {
    auto labels = series.labels;
    labels.remove(kMetricNameLabel);
    if (!std::isfinite(series.value)) continue;
    if (job.kind == "slos")
      job.burns_restored[labels] = from_unix_ms(std::llround(series.value * 1000));
    for (auto& rule : job.rules) {
      if (waits(rule) && rule.alert.alert == labels.get("alertname"))
        rule.restored[labels] = from_unix_ms(std::llround(series.value * 1000));
    }
  }
}

}  // namespace

SeriesWrite evaluation_mark(const Job& job, Timestamp now) {
  return one_sample(Labels{{"rule_group", marked_group(job)}}, kLastEvaluation, now,
                    to_unix_seconds(now));
}

// ---- taking up what was pending before a restart ----

/// First when the group was last evaluated, then who was pending at that moment or has become so
/// since: the end may have come in the middle of an evaluation.
void Evaluator::State::restore_pending(Job& job, Timestamp now) {
  const auto* slo = job.kind == "slos" ? catalog.find<catalog::Slo>(job.name) : nullptr;
  const bool waiting = slo != nullptr ? burns_wait(*slo) : std::ranges::any_of(job.rules, waits);
  if (job.restored || !waiting) return begin_restored(job, now);
  auto promql = fmt::format("last_over_time({}{{rule_group=\"{}\"}}[{}])", kLastEvaluation,
                            marked_group(job), format_duration(kLongestOutage));
  ask(job, std::move(promql), now, [this, now](Job& asked, const Result<InstantResult>& result) {
    if (!result) return give_up_restoring(asked, result.error());
    const auto last = single_value(*result);
    if (!last) return begin_restored(asked, now);
    restore_alerts(asked, from_unix_ms(std::llround(*last * 1000)), now);
  });
}

void Evaluator::State::restore_alerts(Job& job, Timestamp last, Timestamp now) {
  const auto selector = states_selector(job);
  ask(job, selector, last,
      [this, selector, last, now](Job& asked, const Result<InstantResult>& result) {
        if (!result) return give_up_restoring(asked, result.error());
        take_starts(asked, *result);
        const auto since = std::max(now - last, Duration{1});
        auto later = fmt::format("last_over_time({}[{}])", selector, format_duration(since));
        ask(asked, std::move(later), now,
            [this, now](Job& again, const Result<InstantResult>& answer) {
              if (!answer) return give_up_restoring(again, answer.error());
              take_starts(again, *answer);
              begin_restored(again, now);
            });
      });
}

void Evaluator::State::begin_restored(Job& job, Timestamp now) {
  job.restored = true;
  if (job.kind == "slos") return run_slo(job, now);
  evaluate_all(job, now);
}

/// Without the past nothing may be decided: it is asked again at the next turn.
void Evaluator::State::give_up_restoring(Job& job, const Error& error) {
  for (auto& rule : job.rules) {
    rule.reading.health = "err";
    rule.reading.last_error = to_string(error);
    rule.restored.clear();
  }
  if (job.kind == "slos") job.slo.error = to_string(error);
  job.burns_restored.clear();
  job.under_way = false;
  parts_under_way.erase(job.key());
}

// ---- one evaluation ----

void Evaluator::State::evaluate_all(Job& job, Timestamp now) {
  job.evaluation = {.now = now};
  for (std::size_t i = 0; i < job.rules.size(); ++i) {
    job.evaluation.rules.push_back(i);
    due.evaluated({job.key(), i}, moment());
  }
  next_rule(job);
}

/// Only alerting rules are in a part, all at one moment: their questions go out together, and are
/// decided on in order. Rules that read what others of the part may write are asked in their turn.
void Evaluator::State::evaluate_part(Job& job, std::vector<std::size_t> rules, Timestamp now) {
  std::vector<std::string> questions;
  for (const auto index : rules) {
    if (!reads_alerts(job.rules[index].inputs)) questions.push_back(job.rules[index].declared.expr);
  }
  job.under_way = true;
  job.evaluation = {.now = now, .rules = std::move(rules), .whole = false};
  ask_all(
      job, std::move(questions), now - job.query_offset,
      [](Job& asked, const std::string& promql, const Result<InstantResult>& answer) {
        asked.evaluation.answers.emplace(promql, answer);
      },
      [this](Job& asked) { next_rule(asked); });
}

void Evaluator::State::next_rule(Job& job) {
  auto& evaluation = job.evaluation;
  if (evaluation.at == evaluation.rules.size()) return finish_group(job);
  const RuleTurn turn{evaluation.rules[evaluation.at], runtime.clock.steady()};
  const auto& expr = job.rules[turn.index].declared.expr;
  const auto known = evaluation.answers.find(expr);
  if (known == evaluation.answers.end()) {
    return ask(job, expr, evaluation.now - job.query_offset,
               [this, turn](Job& asked, Result<InstantResult> result) {
                 rule_answered(asked, turn, std::move(result));
               });
  }
  // Through the strand: a long group must not become a deep stack.
  runtime.strand.post([weak = weak_from_this(), key = job.key(), generation = job.generation, turn,
                       answer = known->second]() mutable {
    const auto state = weak.lock();
    auto* asked = state ? state->live(key, generation) : nullptr;
    if (asked != nullptr) state->rule_answered(*asked, turn, std::move(answer));
  });
}

void Evaluator::State::rule_answered(Job& job, RuleTurn turn, Result<InstantResult> result) {
  auto& rule = job.rules[turn.index];
  if (!result) return finish_rule(job, turn, {}, result.error());
  if (rule.declared.is_alert()) {
    for (auto& each : result->histograms) result->series.push_back({std::move(each.labels), 0});
    return decide_alerts(job, turn, std::make_shared<const InstantResult>(std::move(*result)),
                         std::make_shared<TemplateQueries>());
  }
  const auto time = job.evaluation.now - job.query_offset;
  const rules::Recording recording{rule.declared.record, rule.declared.labels, job.limit};
  auto writes = rules::recorded_series(recording, *result, time);
  if (!writes) return finish_rule(job, turn, {}, writes.error());
  rule.written.finish(*writes, time);
  finish_rule(job, turn, std::move(*writes), std::nullopt);
}

/// Taken again as long as templates ask what is not known yet.
void Evaluator::State::decide_alerts(Job& job, RuleTurn turn,
                                     const std::shared_ptr<const InstantResult>& result,
                                     const std::shared_ptr<TemplateQueries>& queries) {
  auto& rule = job.rules[turn.index];
  auto context = context_at(job.evaluation.now);
  context.restored = rule.restored;
  context.query = queries->port();
  auto alerts = evaluate(rule.alert, rule.reading.alerts, result->series, context);
  if (alerts) {
    rule.left_out = std::move(alerts->left_out);
    return alerts_decided(job, turn, std::move(alerts->alerts));
  }
  if (alerts.error().code == ErrorCode::kUnavailable) {
    const auto put = [queries](Job&, const std::string& promql,
                               const Result<InstantResult>& answer) {
      queries->put(promql, answer);
    };
    return ask_all(
        job, queries->take_open(), job.evaluation.now, put,
        [this, turn, result, queries](Job& asked) { decide_alerts(asked, turn, result, queries); });
  }
  if (alerts.error().code == ErrorCode::kExhausted) rule.reading.alerts.clear();
  finish_rule(job, turn, {}, alerts.error());
}

void Evaluator::State::alerts_decided(Job& job, RuleTurn turn, ActiveAlerts alerts) {
  auto& rule = job.rules[turn.index];
  const bool changed = states_of(rule.reading.alerts) != states_of(alerts);
  const auto fired = newly_firing(rule.reading.alerts, alerts);
  rule.reading.alerts = std::move(alerts);
  rule.restored.clear();
  rule.evaluated = runtime.clock.steady();
  job.evaluation.changed = job.evaluation.changed || changed;
  plan_ahead(job, turn.index);
  if (!fired.empty()) return explain(job, turn, fired);
  write_alert_rule(job, turn, changed);
}

/// Asks for the values of the expression's parts, at the moment that it was decided on.
void Evaluator::State::explain(Job& job, RuleTurn turn, const std::vector<std::string>& fired) {
  const auto add = [turn, fired](Job& asked, const std::string& promql,
                                 const Result<InstantResult>& answer) {
    auto& rule = asked.rules[turn.index];
    for (const auto& fingerprint : fired) {
      const auto alert = rule.reading.alerts.find(fingerprint);
      if (alert == rule.reading.alerts.end()) continue;
      alert->second.evidence.push_back(
          rules::part_evidence(promql, answer, rule.alert, alert->second));
    }
  };
  ask_all(job, rules::parts_of(job.rules[turn.index].declared.expr),
          job.evaluation.now - job.query_offset, add,
          [this, turn](Job& asked) { write_alert_rule(asked, turn, true); });
}

/// In between two intervals only a change is written.
void Evaluator::State::write_alert_rule(Job& job, RuleTurn turn, bool changed) {
  auto& rule = job.rules[turn.index];
  if (!job.evaluation.whole && !changed) return finish_rule(job, turn, {}, rule.left_out);
  if (changed) record(job);  // at once: the rest of the group may take its time
  const auto time = job.evaluation.now - job.query_offset;
  std::vector<SeriesWrite> writes;
  write_alerts(rule.reading.alerts, time, writes);
  rule.written.finish(writes, time);
  finish_rule(job, turn, std::move(writes), rule.left_out);
}

void Evaluator::State::finish_rule(Job& job, RuleTurn turn, std::vector<SeriesWrite> writes,
                                   const std::optional<Error>& error) {
  auto& rule = job.rules[turn.index];
  rule.reading.last_evaluation = job.evaluation.now;
  rule.reading.evaluation_time = runtime.clock.steady() - turn.began;
  rule.reading.health = error ? "err" : "ok";
  rule.reading.last_error = error ? to_string(*error) : "";
  write(job, std::move(writes), [this, turn](Job& asked, const Status& status) {
    if (!status) {
      asked.rules[turn.index].reading.health = "err";
      asked.rules[turn.index].reading.last_error = to_string(status.error());
    }
    ++asked.evaluation.at;
    next_rule(asked);
  });
}

/// Has the journal know what fires of the group, as far as it was decided.
void Evaluator::State::record(const Job& job) {
  std::map<std::string, facts::AlertFired> wanted;
  for (const auto& rule : job.rules) {
    for (const auto& [fingerprint, alert] : rule.reading.alerts) {
      if (alert.state == AlertState::kFiring)
        wanted.emplace(fingerprint, fired_fact(catalog, rule.alert, alert));
    }
  }
  reconcile(job.key() + "/", std::move(wanted), "no longer true");
}

void Evaluator::State::finish_group(Job& job) {
  const auto& evaluation = job.evaluation;
  if (!evaluation.whole && !evaluation.changed) return group_done(job);
  std::vector<SeriesWrite> writes;
  if (evaluation.whole) {
    job.last_evaluation = evaluation.now;
    record(job);  // also what the bound on transitions left out before
    writes = ends_of(std::exchange(job.dropped, {}), evaluation.now - job.query_offset);
  } else {
    // What is read back after a restart is the state of all rules at one moment.
    for (const auto& rule : job.rules)
      write_alerts(rule.reading.alerts, evaluation.now - job.query_offset, writes);
  }
  writes.push_back(evaluation_mark(job, evaluation.now));
  write(job, std::move(writes), [this, whole = evaluation.whole](Job& asked, const Status& status) {
    if (whole && status) asked.evaluated = runtime.clock.steady();
    asked.unwritten = status ? "" : to_string(status.error());
    group_done(asked);
  });
}

/// A part is followed by as much rest as it took, so that evaluations in between never take more
/// than one core, whatever is committed.
void Evaluator::State::group_done(Job& job) {
  job.under_way = false;
  if (const auto part = parts_under_way.find(job.key()); part != parts_under_way.end()) {
    unrested += runtime.clock.steady() - part->second;
    const auto rest = std::min(std::chrono::duration_cast<Duration>(unrested), kLongestRest);
    if (rest > Duration::zero()) {
      unrested = {};
      rests_until = moment() + rest;
    }
    parts_under_way.erase(part);
  }
  if (std::exchange(job.interval_passed, false)) run(job, runtime.clock.now());
  pump();
}

// ---- rules that are due besides their interval ----

/// Recording rules are left to their interval: the distance of their samples is part of what they
/// say.
void Evaluator::State::watch_commits() {
  if (options.commits == nullptr) return;
  telemetry::CommitWatch::Interest interest;
  std::map<std::string, std::size_t> index_of;
  readers.clear();
  readers_of_anything.clear();
  for (const auto& [key, job] : jobs) {
    for (std::size_t i = 0; i < job.rules.size(); ++i) {
      if (!job.rules[i].declared.is_alert()) continue;
      for (const auto& name : job.rules[i].inputs.names) {
        const auto [known, is_new] = index_of.try_emplace(name, readers.size());
        if (is_new) {
          interest.names.push_back(name);
          readers.emplace_back();
        }
        readers[known->second].push_back({key, i});
      }
      if (job.rules[i].inputs.anything) readers_of_anything.push_back({key, i});
    }
  }
  interest.everything = !readers_of_anything.empty();
  options.commits->watch(std::move(interest), [weak = weak_from_this(), &strand = runtime.strand] {
    strand.post([weak] {
      if (const auto state = weak.lock()) state->take_commits();
    });
  });
}

/// A rule that was just declared is looked at without waiting for samples.
void Evaluator::State::due_at_once(const Job& job) {
  if (options.commits == nullptr) return;
  for (std::size_t i = 0; i < job.rules.size(); ++i) {
    if (job.rules[i].declared.is_alert()) due.committed({job.key(), i}, moment());
  }
}

void Evaluator::State::take_commits() {
  const auto committed = options.commits->take();
  const auto now = moment();
  for (const auto name : committed.names) {
    if (name >= readers.size()) continue;  // told for an earlier watch
    for (const auto& rule : readers[name]) due.committed(rule, now);
  }
  if (committed.anything) {
    for (const auto& rule : readers_of_anything) due.committed(rule, now);
  }
  pump();
}

/// A pending alert is looked at again when it may fire, one that is kept firing when it may end.
void Evaluator::State::plan_ahead(const Job& job, std::size_t index) {
  if (options.commits == nullptr) return;
  const auto& rule = job.rules[index];
  const auto look_at = [&](Timestamp time) {
    due.at({job.key(), index}, moment() + (time - runtime.clock.now()));
  };
  for (const auto& [fingerprint, alert] : rule.reading.alerts) {
    if (alert.state == AlertState::kPending) look_at(alert.active_at + rule.alert.hold);
    if (alert.keep_firing_since) look_at(*alert.keep_firing_since + rule.alert.keep_firing_for);
  }
}

bool Evaluator::State::may_evaluate_part(const std::string& group) const {
  const auto job = jobs.find(group);
  return job != jobs.end() && !job->second.under_way;
}

void Evaluator::State::pump() {
  const auto now = moment();
  const auto time = runtime.clock.now();
  const bool rests = now < rests_until;
  while (!rests && parts_under_way.size() < kMostParts) {
    auto part =
        due.take(now, [this](const std::string& group) { return may_evaluate_part(group); });
    if (!part) break;
    auto& job = jobs.at(part->group);
    parts_under_way.emplace(part->group, runtime.clock.steady());
    if (!job.restored) {  // its first turn comes early, and is a whole one
      run(job, time);
      continue;
    }
    evaluate_part(job, std::move(part->rules), time);
  }
  const auto next = due.next();
  due_timer.reset();
  const auto soonest = rests ? rests_until : now + kLookAgain;
  if (next)
    due_timer = runtime.strand.after(std::max(*next, soonest) - now, [this] {
      const auto running = std::move(due_timer);  // must outlive this call
      pump();
    });
}

}  // namespace wellrun::health
