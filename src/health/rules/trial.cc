#include "health/rules/trial.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>

#include "core/text.h"
#include "health/alert_template.h"
#include "telemetry/promql/parser.h"

namespace wellrun::health::rules {
namespace {

namespace promql = telemetry::promql;

constexpr std::int64_t kStepsAtOnce = 500;
constexpr Duration kHour = std::chrono::hours(1);

Status read_labels(const Json& json, AlertRule& rule) {
  const auto labels = json.find("labels");
  if (labels == json.end()) return {};
  if (!labels->is_object())
    return fail(ErrorCode::kInvalid, "labels is a map of texts", "rule.labels");
  for (const auto& [name, value] : labels->items()) {
    if (!value.is_string())
      return fail(ErrorCode::kInvalid, "labels is a map of texts", "rule.labels." + name);
    auto checked = check_template(value.get<std::string>());
    if (!checked) return fail(ErrorCode::kInvalid, checked.error().message, "rule.labels." + name);
    rule.labels[name] = value.get<std::string>();
  }
  return {};
}

/// By evaluation, what the rule saw.
using Evaluations = std::vector<std::vector<telemetry::InstantSeries>>;

Evaluations by_step(const promql::QueryResult& result, Timestamp start, Duration interval,
                    std::size_t count) {
  Evaluations evaluations(count);
  const auto put = [&](const Labels& labels, std::int64_t time, double value) {
    const auto step = static_cast<std::size_t>((time - to_unix_ms(start)) / interval.count());
    if (step < count) evaluations[step].push_back({labels, value});
  };
  for (const auto& series : result.series) {
    for (const auto& sample : series.samples) put(series.labels, sample.time_ms, sample.value);
    for (const auto& sample : series.histograms) put(series.labels, sample.time_ms, 0);
  }
  return evaluations;
}

/// Whether anything that matches was measured in [from, to]. More series than may be listed: yes.
Result<bool> is_measured(const std::vector<telemetry::Matcher>& matchers, Timestamp from,
                         Timestamp to, const telemetry::MetricReader& reader) {
  const auto series = reader.series({matchers}, {to_unix_ms(from), to_unix_ms(to)}, {});
  if (series) return !series->empty();
  if (series.error().code == ErrorCode::kTooLarge) return true;
  return std::unexpected(series.error());
}

/// "errors_total", or with its matchers where they are what finds nothing.
std::string in_words(const std::vector<telemetry::Matcher>& matchers) {
  static constexpr std::array kOperators = {"=", "!=", "=~", "!~"};
  std::string name;
  std::vector<std::string> others;
  for (const auto& matcher : matchers) {
    if (matcher.name == kMetricNameLabel && matcher.kind == telemetry::Matcher::Kind::kEqual)
      name = matcher.value;
    else
      others.push_back(matcher.name + kOperators.at(static_cast<std::size_t>(matcher.kind)) +
                       quote(matcher.value));
  }
  return others.empty() ? name : fmt::format("{}{{{}}}", name, fmt::join(others, ", "));
}

/// The hour in which the first sample in [from, to] is; there is one.
Result<Timestamp> first_hour(const std::vector<telemetry::Matcher>& matchers, Timestamp from,
                             Timestamp to, const telemetry::MetricReader& reader) {
  std::int64_t before = 0,
               until = (to - from) / kHour + 1;  // in hours: the first is in (before, until]
  while (until - before > 1) {
    const auto middle = std::midpoint(before, until);
    TRY(const bool there, is_measured(matchers, from, from + kHour * middle, reader));
    (there ? until : before) = middle;
  }
  return from + kHour * before;
}

}  // namespace

Result<Duration> duration_field(const Json& json, const char* name, Duration otherwise) {
  const auto text = text_or(json, name);
  if (text.empty()) return otherwise;
  auto duration = parse_duration(text);
  if (!duration) return fail(ErrorCode::kInvalid, duration.error().message, name);
  if (*duration > kLongestField)
    return fail(ErrorCode::kInvalid,
                fmt::format("at most {}, found {}", format_duration(kLongestField), text), name);
  return *duration;
}

Result<AlertRule> rule_of(const Json& json) {
  AlertRule rule;
  rule.expr = text_or(json, "expr");
  rule.alert = text_or(json, "alert", "Backtest");
  rule.key = "backtest/" + rule.alert;
  if (rule.expr.empty())
    return fail(ErrorCode::kInvalid, "a rule needs expr, its PromQL", "rule.expr");
  if (const auto parsed = promql::parse(rule.expr); !parsed)
    return fail(ErrorCode::kInvalid, parsed.error().message, "rule.expr");
  TRY(rule.hold, duration_field(json, "for", Duration{0}));
  TRY(rule.keep_firing_for, duration_field(json, "keep_firing_for", Duration{0}));
  TRY_STATUS(read_labels(json, rule));
  return rule;
}

Result<Firings> fire(const Trial& trial, const promql::Engine& engine,
                     const std::function<bool()>& timed_out) {
  promql::QueryLimits limits;
  limits.timed_out = timed_out;
  Backtest backtest(trial.rule);
  for (auto begin = trial.start; begin <= trial.end; begin += trial.interval * kStepsAtOnce) {
    if (timed_out()) return fail(ErrorCode::kDeadline, "the rule takes too long over this time");
    const auto last = std::min(begin + trial.interval * (kStepsAtOnce - 1), trial.end);
    TRY(const auto result, engine.range(trial.rule.expr, begin, last, trial.interval, limits));
    const auto count = static_cast<std::size_t>((last - begin) / trial.interval) + 1;
    auto now = begin;
    for (const auto& series : by_step(result, begin, trial.interval, count)) {
      TRY_STATUS(backtest.step(now, series));
      now += trial.interval;
    }
  }
  return backtest.finish();
}

Result<Measured> measured(const std::string& promql, Timestamp from, Timestamp to,
                          const telemetry::MetricReader& reader) {
  Measured found;
  const auto parsed = promql::parse(promql);
  const auto selectors =
      parsed ? promql::selectors_of(**parsed) : std::vector<const promql::VectorSelector*>{};
  if (selectors.empty()) found.since = from;
  for (const auto* selector : selectors) {
    TRY(const bool there, is_measured(selector->matchers, from, to, reader));
    if (!there) {
      found.never.push_back(in_words(selector->matchers));
      continue;
    }
    TRY(const auto since, first_hour(selector->matchers, from, to, reader));
    found.since = std::max(found.since.value_or(since), since);
  }
  std::ranges::sort(found.never);
  const auto repeated = std::ranges::unique(found.never);
  found.never.erase(repeated.begin(), repeated.end());
  return found;
}

}  // namespace wellrun::health::rules
