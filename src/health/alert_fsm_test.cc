#include "health/alert_fsm.h"

#include <cmath>
#include <gtest/gtest.h>

namespace wellrun::health {
namespace {

using namespace std::chrono_literals;
const Timestamp kStart = from_unix_ms(1'767'225'600'000);

AlertRule rule_holding(Duration hold, Duration keep = 0ms) {
  AlertRule rule;
  rule.key = "rules/shop/HighErrors";
  rule.alert = "HighErrors";
  rule.hold = hold;
  rule.keep_firing_for = keep;
  rule.labels = {{"severity", "page"}};
  rule.annotations = {{"summary", "{{ $labels.job }} at {{ $value | humanizePercentage }}"}};
  return rule;
}

telemetry::InstantSeries series(const char* job, double value = 0.5) {
  return {Labels{{"__name__", "errors"}, {"job", job}}, value};
}

EvaluationContext at(Timestamp now) {
  return {.now = now, .external_labels = {}, .external_url = {}, .restored = {}};
}

/// A story a line: one character an evaluation, a minute apart; '#' the expression holds, '.' it
/// does not. Answer: 'i' absent, 'p' pending, 'f' firing.
std::string run_story(std::string_view story, Duration hold, Duration keep) {
  const auto rule = rule_holding(hold, keep);
  ActiveAlerts alerts;
  std::string states;
  Timestamp now = kStart;
  for (const char c : story) {
    std::vector<telemetry::InstantSeries> result;
    if (c == '#') result.push_back(series("shop"));
    alerts = evaluate(rule, alerts, result, at(now))->alerts;
    states += alerts.empty()                                        ? 'i'
              : alerts.begin()->second.state == AlertState::kFiring ? 'f'
                                                                    : 'p';
    now += 1min;
  }
  return states;
}

TEST(AlertFsm, FollowsForAndKeepFiringForAsPrometheusDoes) {
  EXPECT_EQ(run_story("##..", 0min, 0min), "ffii");
  EXPECT_EQ(run_story("#####", 2min, 0min), "ppfff");
  EXPECT_EQ(run_story("##.###", 2min, 0min), "ppippf") << "a gap starts the wait anew";
  EXPECT_EQ(run_story("#....", 0min, 2min), "fffii");
  EXPECT_EQ(run_story("#.#...", 0min, 2min), "fffffi")
      << "keeping begins anew after the expression held again";
  EXPECT_EQ(run_story("#.", 5min, 5min), "pi") << "a pending alert is not kept";
}

TEST(AlertFsm, IdentifiesAlertsByLabelsAndIgnoresTheMetricName) {
  const auto rule = rule_holding(0ms);
  const auto alerts = evaluate(rule, {}, {series("a"), series("b")}, at(kStart))->alerts;
  ASSERT_EQ(alerts.size(), 2U);
  const auto& alert = alerts.begin()->second;
  EXPECT_FALSE(alert.labels.has("__name__"));
  EXPECT_EQ(alert.labels.get("alertname"), "HighErrors");
  EXPECT_EQ(alert.severity(), "page");
  EXPECT_TRUE(alert.annotations.at("summary").ends_with(" at 50%"));
}

TEST(AlertFsm, RefusesSeriesThatBecomeTheSameAndKeepsWhatWas) {
  auto rule = rule_holding(0ms);
  rule.labels["job"] = "all";
  const auto result = evaluate(rule, {}, {series("a"), series("b")}, at(kStart));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
}

TEST(AlertFsm, OfMoreSeriesThanAreFollowedThoseThatAreActiveComeFirst) {
  auto rule = rule_holding(0ms);
  rule.labels["team"] = "{{ $labels.job }}s";
  auto context = at(kStart);
  context.most_alerts = 3;
  std::vector<telemetry::InstantSeries> all;
  for (int i = 0; i < 50; ++i) all.push_back(series(fmt::format("job-{:02}", i).c_str()));
  const auto first = *evaluate(rule, {}, {all.begin() + 40, all.begin() + 43}, context);
  EXPECT_FALSE(first.left_out);
  const auto second = *evaluate(rule, first.alerts, all, context);
  ASSERT_TRUE(second.left_out);
  EXPECT_EQ(second.left_out->code, ErrorCode::kTooLarge);
  const auto names = [](const ActiveAlerts& alerts) {
    std::vector<std::string> names;
    for (const auto& [fingerprint, alert] : alerts) names.push_back(fingerprint);
    return names;
  };
  EXPECT_EQ(names(second.alerts), names(first.alerts));

  const auto any = *evaluate(rule, {}, all, context);
  EXPECT_EQ(any.alerts.size(), 3U);
  std::ranges::reverse(all);
  EXPECT_EQ(names(evaluate(rule, {}, all, context)->alerts), names(any.alerts))
      << "the same of them each time, also after a restart";
}

TEST(AlertFsm, TheRulesOwnLimitIsLookedAtBeforeTheServers) {
  auto rule = rule_holding(0ms);
  rule.limit = 4;
  auto context = at(kStart);
  context.most_alerts = 3;
  std::vector<telemetry::InstantSeries> all;
  for (int i = 0; i < 5; ++i) all.push_back(series(fmt::format("job-{}", i).c_str()));
  EXPECT_EQ(evaluate(rule, {}, all, context).error().code, ErrorCode::kExhausted);
}

TEST(AlertFsm, AnActiveSeriesCountsWhateverItsValue) {
  for (const double value : {0.0, std::nan(""), -1.0}) {
    const auto alerts = evaluate(rule_holding(0ms), {}, {series("a", value)}, at(kStart))->alerts;
    EXPECT_EQ(alerts.size(), 1U) << value;
  }
}

TEST(AlertFsm, ARestoredPendingAlertFiresAtItsOriginalDueTime) {
  const auto rule = rule_holding(5min);
  const Labels labels{{"alertname", "HighErrors"}, {"job", "shop"}, {"severity", "page"}};
  auto context = at(kStart + 5min);
  context.restored[labels] = kStart;
  const auto alerts = evaluate(rule, {}, {series("shop")}, context)->alerts;
  EXPECT_EQ(alerts.begin()->second.state, AlertState::kFiring);
  EXPECT_EQ(alerts.begin()->second.active_at, kStart);
}

TEST(AlertFsm, AFailingTemplateSaysSoInTheText) {
  auto rule = rule_holding(0ms);
  rule.annotations["summary"] = "{{ nonsense }}";
  const auto alerts = evaluate(rule, {}, {series("a")}, at(kStart))->alerts;
  EXPECT_TRUE(
      alerts.begin()->second.annotations.at("summary").starts_with("<error expanding template"));
}

}  // namespace
}  // namespace wellrun::health
