#include "improve/effect/effect_performer.h"

#include <cmath>
#include <fmt/format.h>
#include <map>

#include "catalog/kinds/kpi.h"
#include "health/verdict/shift_judge.h"
#include "improve/effect/effect.h"

namespace wellrun::improve {
namespace {

using health::ShiftReading;
using telemetry::promql::Engine;
using telemetry::promql::QueryLimits;

constexpr int kReadings = 8;           ///< in a step; its value is their mean
constexpr int kEnoughReadings = 4;     ///< fewer: the step has no value
constexpr Duration kLongest{300'000};  ///< that a look may take to read
constexpr double kErrorRate = 0.05;

/// Each step's mean, at its middle. Steps are counted from the change, so that none holds both
/// sides of it; a reading belongs to the time before it, as PromQL looks back.
using Steps = std::map<std::int64_t, double>;

Steps steps_of(const telemetry::promql::ResultSeries& series, Timestamp changed_at, Duration step) {
  struct Sum {
    double value = 0;
    int count = 0;
  };
  std::map<std::int64_t, Sum> sums;
  for (const auto& sample : series.samples) {
    if (!std::isfinite(sample.value)) continue;
    const auto after_ms = sample.time_ms - to_unix_ms(changed_at);
    auto& sum = sums[static_cast<std::int64_t>(
        std::ceil(static_cast<double>(after_ms) / static_cast<double>(step.count())) - 1)];
    sum.value += sample.value;
    ++sum.count;
  }
  Steps steps;
  for (const auto& [index, sum] : sums)
    if (sum.count >= kEnoughReadings) steps[index] = sum.value / sum.count;
  return steps;
}

Result<Steps> read_steps(const std::string& promql, const EffectQuestion& question,
                         const health::ShiftWindow& window, const Engine& engine,
                         const QueryLimits& limits) {
  const auto every = window.step / kReadings;
  const auto until = std::min(question.now, window.until);
  const auto before = (question.changed_at - window.from) / window.step * window.step;
  const auto result =
      engine.range(promql, question.changed_at - before + every, until, every, limits);
  if (!result) return std::unexpected(result.error());
  if (result->series.size() > 1)
    return fail(ErrorCode::kInvalid, fmt::format("{} gives {} series; one is needed: sum or choose",
                                                 promql, result->series.size()));
  if (result->series.empty()) return Steps{};
  return steps_of(result->series.front(), question.changed_at, window.step);
}

/// Of the group to its control, where both have a value.
Steps ratio(const Steps& group, const Steps& control) {
  Steps steps;
  for (const auto& [index, value] : group)
    if (const auto found = control.find(index); found != control.end() && found->second > 0)
      steps[index] = value / found->second;
  return steps;
}

std::string state_of(health::Finding finding, bool is_harm) {
  if (finding == health::Finding::kPass) return is_harm ? "broken" : "confirmed";
  if (finding == health::Finding::kFail) return is_harm ? "held" : "refuted";
  return health::state_of(finding);
}

facts::EffectVerdict blank(const EffectQuestion& question, const health::ShiftWindow& window) {
  facts::EffectVerdict verdict;
  verdict.from = format_rfc3339(window.from);
  verdict.changed = format_rfc3339(question.changed_at);
  verdict.until = format_rfc3339(std::min(question.now, window.until));
  return verdict;
}

facts::EffectVerdict unreadable(const EffectQuestion& question, const health::ShiftWindow& window,
                                const Error& error) {
  auto verdict = blank(question, window);
  verdict.state = health::state_of(health::Finding::kNoData);
  verdict.doubt = health::doubt_of(health::Finding::kNoData);
  verdict.reason = "its history could not be read: " + to_string(error);
  verdict.last = question.now >= window.until;
  return verdict;
}

facts::EffectVerdict to_fact(const health::ShiftVerdict& said, const EffectQuestion& question,
                             const health::ShiftWindow& window) {
  auto verdict = blank(question, window);
  verdict.state = state_of(said.finding, question.is_harm);
  verdict.doubt = health::doubt_of(said.finding);
  verdict.reason = said.reason;
  verdict.test = said.test;
  verdict.threshold = said.threshold;
  verdict.steps_before = static_cast<std::int64_t>(said.before.steps);
  verdict.steps_after = static_cast<std::int64_t>(said.after.steps);
  verdict.mean_before = said.before.mean;
  verdict.mean_after = said.after.mean;
  verdict.change = said.change;
  verdict.standard_error = said.standard_error;
  verdict.evidence_for = said.evidence_for;
  verdict.evidence_against = said.evidence_against;
  verdict.decides_at = said.decides_at;
  verdict.last = said.is_last;
  return verdict;
}

/// All that a look asks, with PromQL in place of names.
std::vector<EffectQuestion> questions_of(const journal::Intent& intent,
                                         const catalog::Catalog& catalog, Timestamp now) {
  const auto promql_of = [&](const std::string& metric) {
    const auto* kpi = catalog.find<catalog::Kpi>(metric);
    return kpi == nullptr ? metric : kpi->promql();
  };
  const auto changed = parse_rfc3339(text_or(intent.request, "changed")).value_or(now);
  const auto rails = intent.request.at("guard_rails").get<std::vector<facts::Expectation>>();
  std::vector<EffectQuestion> questions{{.expects = intent.request.at("expects")}};
  for (const auto& rail : rails)
    questions.push_back({.expects = rail,
                         .is_harm = true,
                         .error_rate = kErrorRate / static_cast<double>(rails.size())});
  const auto had = had_before(intent);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    auto& each = questions[i];
    each.had_before = had[i];
    each.expects.metric = promql_of(each.expects.metric);
    if (!each.expects.control.empty()) each.expects.control = promql_of(each.expects.control);
    each.changed_at = changed;
    each.now = now;
  }
  return questions;
}

}  // namespace

facts::EffectVerdict judge_effect(const EffectQuestion& question, const Engine& engine,
                                  const QueryLimits& limits) {
  const auto watch = parse_duration(question.expects.watch).value_or(Duration{0});
  const auto window = health::shift_window(question.changed_at, watch);
  auto steps = read_steps(question.expects.metric, question, window, engine, limits);
  if (!steps) return unreadable(question, window, steps.error());
  const bool has_control = !question.expects.control.empty();
  if (has_control) {
    const auto control = read_steps(question.expects.control, question, window, engine, limits);
    if (!control) return unreadable(question, window, control.error());
    steps = ratio(*steps, *control);
  }
  std::vector<ShiftReading> values;
  for (const auto& [index, value] : *steps)
    values.push_back({to_unix_seconds(question.changed_at) +
                          (static_cast<double>(index) + 0.5) * to_seconds(window.step),
                      value});
  const auto said = health::judge_shift(
      {.move = question.expects.direction == "lower" ? health::Move::kLower : health::Move::kHigher,
       .smallest = question.expects.smallest,
       .in_factors = question.expects.kind != "value",
       .has_control = has_control,
       .had_before = question.had_before,
       .error_rate = question.error_rate,
       .changed_at = question.changed_at,
       .watch = watch,
       .now = question.now},
      values);
  return to_fact(said, question, window);
}

void EffectPerformer::perform(const journal::Intent& intent,
                              std::move_only_function<void(journal::Outcome)> done) {
  const auto now = std::max(runtime_.clock.now(), intent.not_before);
  runtime_.workers.run([questions = questions_of(intent, catalog_, now), &engine = engine_,
                        &clock = runtime_.clock, stopping = stopping_,
                        done = std::move(done)]() mutable {
    QueryLimits limits;
    limits.cancelled = [stopping] { return stopping->load(); };
    limits.timed_out = [&clock, until = clock.steady() + kLongest] {
      return clock.steady() > until;
    };
    Json rails = Json::array();
    for (std::size_t i = 1; i < questions.size(); ++i)
      rails.push_back(judge_effect(questions[i], engine, limits));
    const Json verdict = judge_effect(questions.front(), engine, limits);
    done({.kind = journal::Outcome::Kind::kDone,
          .error = {},
          .detail = {{"verdict", verdict}, {"guard_rails", std::move(rails)}}});
  });
}

}  // namespace wellrun::improve
