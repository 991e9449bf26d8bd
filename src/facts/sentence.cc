#include "facts/sentence.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace wellrun::facts {
namespace {

struct Pattern {
  std::string_view type, words;
};

// {field}, {field.of it}, {field|words} for a name whose underscores are spaces, {field|if true|if
// false}, {field|ms} for milliseconds, {field|day} for the date of a time, {field|short} for a
// commit. [only when its fields are there].
constexpr auto kPatterns = std::to_array<Pattern>({
    {"action.created", "action {action} for {owner}: {title}[ (due {due|day})]"},
    {"action.effect_expected",
     "action {action} is to make {expects.metric} {expects.direction} by a share of "
     "{expects.smallest} or more within {expects.watch}"},
    {"action.effect_judged",
     "effect of action {action}: {verdict.state}[ ({verdict.doubt})][: {verdict.reason}]"},
    {"action.finished", "action {action} finished[: {proof}]"},
    {"alert.fired", "alert {alert} fired[ at {value}]"},
    {"alert.resolved", "alert {alert} resolved[: {reason}]"},
    {"alert.verdict_given", "alert {alert} was {verdict}[ ({comment})][, says {by}]"},
    {"analysis.drafted", "analysis {analysis} drafted"},
    {"analysis.edited", "analysis {analysis}: {section} edited"},
    {"analysis.signed", "analysis {analysis} signed[ by {by}]"},
    {"assessment.made", "assessed: {score} of 100, {practised} practised, {partly} partly"},
    {"automation.suppressed", "automation {automation} held back[: {reason}]"},
    {"automation.triggered", "automation {automation} started {runbook}[ ({run})]"},
    {"budget.step_left", "budget of {slo} back below {at} %[: {reason}]"},
    {"budget.step_reached", "budget of {slo} {used} % used: {policy} acts at {at} %"},
    {"catalog.applied",
     "operations repository applied: {created} created, {changed} changed, {deleted} deleted"
     "[ (commit {commit|short})]"},
    {"change.recorded", "{kind} changed: {summary}[ (takes back {reverses})]"},
    {"deployment.finished", "deployment {deployment} of[ {component}] {version} {outcome|words}"},
    {"deployment.started",
     "deployment {deployment} of[ {component}] {version}[ to {environment}] started"},
    {"event.recorded", "alert {alert} became event {event}[, part of {incident}]"},
    {"experiment.ended", "experiment {experiment} ended: {state}[: {reason}][, says {by}]"},
    {"experiment.judged",
     "experiment {experiment}: {verdict.state}[ ({verdict.doubt})][: {verdict.reason}]"},
    {"experiment.learned", "learnt from experiment {experiment}: {text}[, says {by}]"},
    {"experiment.started", "experiment {experiment} started[ by {by}]: {hypothesis}"},
    {"finding.changed", "finding {finding}: {summary}"},
    {"finding.closed", "finding {finding} closed[: {reason}]"},
    {"finding.opened", "finding {finding} opened: {summary}"},
    {"incident.acknowledged", "acknowledged[ by {by}][ ({via})]"},
    {"incident.alert_added", "alert {alert} joined"},
    {"incident.alert_resolved", "alert {alert} resolved"},
    {"incident.escalated", "escalated to level {level}[: {reason}]"},
    {"incident.mitigated", "mitigated: customers are well again[ ({reason})]"},
    {"incident.note_added", "{text}"},
    {"incident.opened", "opened with severity {severity}: {title}[ ({reason})]"},
    {"incident.resolved", "resolved[: {reason}]"},
    {"incident.role_assigned", "{person} is {role}"},
    {"incident.severity_changed", "severity {from} → {to}[: {reason}]"},
    {"kpi.reviewed", "{kpi} reviewed[ by {by}][: {decision}]"},
    {"kpi.status_changed", "{kpi} went from {from|words} to {to|words}[ at {value}]"},
    {"kpi.viewed", "somebody looked at {kpi}"},
    {"page.failed", "page to {person} by {channel} failed[: {error}]"},
    {"page.requested", "paging {person} by {channel}"},
    {"page.sent", "{person} was paged by {channel}"},
    {"resource.applied", "{kind} {name} applied[ from {file}:{line}]"},
    {"resource.deleted", "{kind} {name} deleted"},
    {"resource.part", "part {part} of {kind} {name}"},
    {"run.approval_requested", "step “{step}” asks[: {prompt}]"},
    {"run.approved", "step “{step}” was {approved|approved|refused}[ by {by}][: {comment}]"},
    {"run.finished", "procedure {runbook} {outcome}[ in {duration_ms|ms}]"},
    {"run.resumed", "step “{step}”, whose outcome was unknown: {decision}[ (by {by})]"},
    {"run.started", "procedure {runbook} started[ ({run})]"},
    {"run.step_finished", "step “{step}” {outcome}[: {error}]"},
    {"run.step_started", "step “{step}” began"},
    {"run.verdict_given", "procedure {runbook} {helped|helped|did not help}[: {comment}]"},
    {"series.deleted", "{samples} samples of {series} series were deleted[, then: {error}]"},
    {"series.deletion_requested", "deletion of {matchers} asked for"},
    {"series_limit.cleared",
     "{workload}{job} has {series} series, below its limit of {limit} again"},
    {"series_limit.reached",
     "{workload}{job} reached its limit of {limit} series: new ones are refused[, first "
     "{refused_series}]"},
    {"status.posted", "told customers ({state}): {text}"},
    {"status.update_due", "the update promised for {due} is overdue"},
});
static_assert(std::ranges::is_sorted(kPatterns, {}, &Pattern::type));

/// "person:ana" is ana; "token:ci" and "automation:restart" are said with what they are.
std::string spoken(std::string text) {
  constexpr std::string_view kPerson = "person:";
  if (text.starts_with(kPerson)) return text.substr(kPerson.size());
  for (const std::string_view kind : {"token:", "automation:"}) {
    if (text.starts_with(kind)) text[kind.size() - 1] = ' ';
  }
  return text;
}

std::string milliseconds(const Json& value) {
  const double seconds = value.get<double>() / 1000;
  return seconds < 120 ? fmt::format("{:.3g} s", seconds) : fmt::format("{:.3g} min", seconds / 60);
}

std::string as_text(const Json& value) {
  if (value.is_string()) return spoken(value.get<std::string>());
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  return value.is_null() || value.empty() ? std::string() : value.dump();
}

/// `name` in `body`; "verdict.state": the state in its verdict. Null when it is not there.
const Json* find_in(const Json& body, std::string_view name) {
  const auto dot = name.find('.');
  const auto at = body.find(name.substr(0, dot));
  if (at == body.end()) return nullptr;
  return dot == std::string_view::npos ? &*at : find_in(*at, name.substr(dot + 1));
}

/// `field` is what stands between braces.
std::string value_of(const Json& body, std::string_view field) {
  const auto bar = field.find('|');
  const auto* at = find_in(body, field.substr(0, bar));
  if (at == nullptr) return {};
  const auto how = bar == std::string_view::npos ? std::string_view() : field.substr(bar + 1);
  if (how == "ms") return at->is_number() ? milliseconds(*at) : std::string();
  if (const auto second = how.find('|'); second != std::string_view::npos)
    return std::string(*at == true ? how.substr(0, second) : how.substr(second + 1));
  auto text = as_text(*at);
  if (how == "day") text.resize(std::min<std::size_t>(text.size(), 10));
  if (how == "short") text.resize(std::min<std::size_t>(text.size(), 12));
  if (how == "words") std::ranges::replace(text, '_', ' ');
  return text;
}

/// `words` with each field filled in; `whole` becomes false when one of them is empty.
std::string filled(std::string_view words, const Json& body, bool& whole) {
  std::string text;
  while (!words.empty()) {
    const auto open = words.find('{');
    text += words.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = words.find('}', open);
    const auto value = value_of(body, words.substr(open + 1, close - open - 1));
    whole = whole && !value.empty();
    text += value;
    words.remove_prefix(close + 1);
  }
  return text;
}

}  // namespace

std::string_view sentence_pattern(std::string_view type) {
  const auto at = std::ranges::lower_bound(kPatterns, type, {}, &Pattern::type);
  return at != kPatterns.end() && at->type == type ? at->words : std::string_view();
}

std::string sentence(std::string_view type, const Json& body) {
  auto words = sentence_pattern(type);
  if (words.empty()) return std::string(type);
  std::string text;
  bool whole = true;
  while (!words.empty()) {
    const auto open = words.find('[');
    text += filled(words.substr(0, open), body, whole);
    if (open == std::string_view::npos) break;
    const auto close = words.find(']', open);
    bool said = true;
    const auto part = filled(words.substr(open + 1, close - open - 1), body, said);
    if (said) text += part;
    words.remove_prefix(close + 1);
  }
  return text;
}

}  // namespace wellrun::facts
