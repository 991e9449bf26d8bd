#include "health/slo/slo_report.h"

#include <gtest/gtest.h>

#include "catalog/check.h"
#include "catalog/load.h"
#include "facts/respond.h"

namespace wellrun::health {
namespace {

using namespace std::chrono_literals;

const auto kStart = from_unix_ms(1'767'225'600'000);

catalog::Slo availability() {
  catalog::Slo slo;
  slo.metadata.name = "checkout";
  slo.service.name = "shop";
  slo.indicator.spec.ratio_metric.emplace();
  slo.objectives = {{}};
  slo.objectives.front().target = 0.9;
  slo.time_window = {{.duration = "100m", .is_rolling = true, .calendar = {}}};
  return slo;
}

TEST(SloReport, TheBurnDownEndsAtWhatIsLeft) {
  const auto slo = availability();
  const catalog::SloPeriod period{kStart, kStart + 100min, true};
  EXPECT_EQ(bin_length(slo, period), 1min);
  std::vector<BudgetBin> bins;
  for (int i = 1; i <= 4; ++i) bins.push_back({kStart + i * 25min, {i == 2 ? 80.0 : 100.0, 100.0}});
  const auto points = burn_down(slo, period, bins);
  ASSERT_EQ(points.size(), 4U);
  EXPECT_NEAR(points[0]["remaining"].get<double>(), 1, 1e-9);
  EXPECT_NEAR(points[1]["remaining"].get<double>(), 0.5, 1e-9) << "20 of 40 allowed";
  EXPECT_NEAR(points[3]["remaining"].get<double>(), 0.5, 1e-9);
  EXPECT_EQ(points[1]["bad"], 20);
  EXPECT_NEAR(*budget_of(slo, period, {380, 400}, period.end).remaining, 0.5, 1e-9);
}

TEST(SloReport, AStepThatIsHeldBackSaysWhy) {
  const auto checked = catalog::check(catalog::load({{"ops.yaml", R"(
apiVersion: wellrun.io/v1
kind: BudgetPolicy
metadata: {name: freeze}
spec:
  workload: shop
  steps: [{at: 80, then: [refuse-deployments]}, {at: 100, then: [page]}]
)"}}),
                                      {});
  const auto slo = availability();
  SloReading reading;
  reading.use = BudgetUse{.percent = 90, .held_back = "1 bad of 10 events may be chance"};
  const auto held = [&](const std::map<std::string, BudgetStanding>& standing) {
    std::vector<std::string> texts;
    const auto report = report_json(checked.wanted, slo, reading, standing, {});
    for (const auto& step : report["steps"]) texts.push_back(step["held_back"]);
    return texts;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(held({}), (Texts{"1 bad of 10 events may be chance", ""})) << "90 % is not 100 %";
  EXPECT_EQ(held({{"checkout/freeze/80", {}}}), (Texts{"", ""})) << "it stands";
  reading.use->held_back.clear();
  EXPECT_EQ(held({}), (Texts{"", ""}));
}

TEST(SloReport, BinsAreWholeSlicesOrMinutes) {
  auto slo = availability();
  EXPECT_EQ(bin_length(slo, {kStart, kStart + 28 * 24h, true}), 404min);
  EXPECT_EQ(bin_length(slo, {kStart, kStart + 60s, true}), 1s);
  slo.budgeting_method = "Timeslices";
  slo.objectives.front().time_slice_window = "5m";
  EXPECT_EQ(bin_length(slo, {kStart, kStart + 28 * 24h, true}), 405min);
}

TEST(SloReport, SaysWhenTheBudgetIsUsedUpAtThisPace) {
  const auto slo = availability();
  SloReading reading;
  reading.period = {kStart, kStart + 100min, true};
  reading.window = {950, 1000};
  EXPECT_EQ(exhausted_in(slo, reading), std::nullopt) << "no pace is known";
  BurnRate burn;
  burn.window.long_window = 1h;
  burn.long_rate = 2;
  reading.burn_rates = {burn};
  ASSERT_TRUE(exhausted_in(slo, reading));
  EXPECT_NEAR(to_seconds(*exhausted_in(slo, reading)), 25 * 60, 1)
      << "half is left, burning twice as fast as allowed";
  reading.window = {800, 1000};
  EXPECT_EQ(exhausted_in(slo, reading), std::nullopt) << "it is used up already";
}

TEST(SloReport, AnSloThatWasNotEvaluatedYetDoesNotReachBackToTheBeginningOfTime) {
  journal::Fact opened;
  opened.type = "incident.opened";
  opened.body = {{"incident", "inc-0"}, {"workload", "shop"}};
  opened.time = kStart;
  const auto report = report_json({}, availability(), {}, {}, std::vector{opened});
  EXPECT_TRUE(report["incidents"].empty());
  EXPECT_EQ(report["status"], "no_data");

  std::map<std::string, SloReading> readings;
  readings["not yet"] = {};
  EXPECT_EQ(earliest_start(readings), std::nullopt);
  readings["month"].period = {kStart + 24h, kStart + 48h, false};
  EXPECT_EQ(earliest_start(readings), kStart + 24h);
  readings["quarter"].period = {kStart, kStart + 48h, false};
  EXPECT_EQ(earliest_start(readings), kStart);
}

TEST(SloReport, SaysSinceWhenAnythingWasCounted) {
  const auto bins = [](std::vector<double> totals) {
    Json bins = Json::array();
    for (std::size_t i = 0; i < totals.size(); ++i)
      bins.push_back({{"time", fmt::format("end of {}", i)}, {"total", totals[i]}});
    return bins;
  };
  EXPECT_EQ(counted_since(bins({0, 0, 5, 0})), "end of 1");
  EXPECT_EQ(counted_since(bins({1, 0, 5})), nullptr) << "from the beginning";
  EXPECT_EQ(counted_since(bins({0, 0})), nullptr);
  EXPECT_EQ(counted_since(bins({})), nullptr);
}

TEST(SloReport, NamesWhatHappenedInThePeriod) {
  const auto slo = availability();
  SloReading reading;
  reading.period = {kStart, kStart + 100min, true};
  std::vector<journal::Fact> facts;
  const auto add = [&](const char* type, Json body, Duration after) {
    journal::Fact fact;
    fact.type = type;
    fact.body = std::move(body);
    fact.time = kStart + after;
    facts.push_back(std::move(fact));
  };
  add("incident.opened", {{"incident", "inc-0"}, {"workload", "shop"}}, -1h);
  add("incident.opened", {{"incident", "inc-1"}, {"workload", "shop"}, {"title", "Orders"}}, 1min);
  add("incident.opened", {{"incident", "inc-2"}, {"workload", "other"}}, 2min);
  add("alert.fired", {{"fingerprint", "a"}, {"slo", "checkout"}, {"alert", "SloBurnRate"}}, 3min);
  add("alert.resolved", {{"fingerprint", "a"}}, 9min);
  add("incident.resolved", {{"incident", "inc-1"}}, 10min);
  const auto report = report_json({}, slo, reading, {}, facts);
  ASSERT_EQ(report["incidents"].size(), 1U);
  EXPECT_EQ(report["incidents"][0]["id"], "inc-1");
  EXPECT_EQ(report["incidents"][0]["to"], format_rfc3339(kStart + 10min));
  ASSERT_EQ(report["alerts"].size(), 1U);
  EXPECT_EQ(report["alerts"][0]["to"], format_rfc3339(kStart + 9min));
}

}  // namespace
}  // namespace wellrun::health
