#include "health/operations/figures.h"

#include <gtest/gtest.h>

#include "health/operations/operations_domain.h"

namespace wellrun::health::operations {
namespace {

using namespace std::chrono_literals;

const auto kStart = from_unix_ms(1'767'225'600'000);

struct FiguresTest : testing::Test {
  catalog::Catalog catalog;
  OperationsDomain domain{catalog};
  Duration now = 0s;

  void tell(Duration after, const char* type, Json body) {
    journal::Fact fact;
    fact.type = type;
    fact.time = kStart + after;
    fact.body = std::move(body);
    domain.apply(fact);
    now = after;
  }

  Figure of(std::string_view name, const char* workload = "shop") {
    return figure(domain.record(), name, workload, kStart + 7 * 24h, 7 * 24h);
  }

  void incident(const char* id, Duration opened, Duration began, Duration acknowledged,
                Duration mitigated, Duration resolved, const char* workload = "shop") {
    tell(opened, "alert.fired",
         {{"fingerprint", id}, {"active_since", format_rfc3339(kStart + began)}});
    tell(opened, "incident.opened",
         {{"incident", id}, {"workload", workload}, {"fingerprint", id}});
    tell(acknowledged, "incident.acknowledged", {{"incident", id}});
    tell(mitigated, "incident.mitigated", {{"incident", id}});
    tell(resolved, "incident.resolved", {{"incident", id}});
  }

  void deployment(const char* id, Duration started, Duration finished, const char* outcome,
                  Duration committed = 0s) {
    tell(started, "deployment.started",
         {{"deployment", id},
          {"workload", "shop"},
          {"component", "checkout"},
          {"environment", "production"},
          {"commit_time", format_rfc3339(kStart + committed)}});
    tell(finished, "deployment.finished",
         {{"deployment", id}, {"workload", "shop"}, {"outcome", outcome}});
  }
};

TEST_F(FiguresTest, ResponseTimesAreMediansOfWhatHappened) {
  incident("a", 10min, 8min, 11min, 30min, 40min);
  incident("b", 100min, 96min, 103min, 160min, 170min);
  incident("c", 200min, 100min, 300min, 900min, 1000min, "other");
  EXPECT_EQ(*of("time-to-detect").value, 180);
  EXPECT_EQ(*of("time-to-acknowledge").value, 120);
  EXPECT_EQ(*of("time-to-mitigate").value, 40 * 60);
  EXPECT_EQ(*of("time-to-resolve").value, 50 * 60);
  EXPECT_EQ(of("time-to-resolve").count, 2U);
  EXPECT_EQ(of("time-to-resolve", "").count, 3U) << "of all workloads";
}

TEST_F(FiguresTest, AnIncidentThatAPersonOpenedHasNoTimeToDetect) {
  tell(10min, "incident.opened", {{"incident", "a"}, {"workload", "shop"}, {"fingerprint", ""}});
  EXPECT_EQ(of("time-to-detect").value, std::nullopt);
  EXPECT_EQ(of("time-to-acknowledge").value, std::nullopt) << "nobody has yet";
}

TEST_F(FiguresTest, DeploymentsGiveTheFourFiguresAndRework) {
  deployment("d1", 1h, 70min, "succeeded", 10min);
  incident("a", 80min, 79min, 81min, 90min, 100min);  // blamed on d1
  deployment("d2", 2h, 130min, "succeeded", 100min);  // repairs d1
  deployment("d3", 72h, 73h, "rolled_back", 71h);
  deployment("d4", 120h, 121h, "succeeded", 119h);
  EXPECT_NEAR(*of("deployment-frequency").value, 4.0 / 7, 1e-9);
  EXPECT_EQ(of("change-failure-rate").value, 0.5) << "d1 by its incident, d3 by itself";
  EXPECT_EQ(of("rework-rate").value, 0.25) << "d2; d4 is two days after a failure";
  EXPECT_EQ(*of("lead-time").value, (60 * 60 + 120 * 60) / 2);
  EXPECT_EQ(*of("time-to-restore").value, (20 * 60 + 60 * 60) / 2)
      << "d1 from its incident on, d3 from its start, since going back was its first outcome";
}

TEST_F(FiguresTest, ACommitThatIsSaidToBeLaterThanItsDeploymentHasNoLeadTime) {
  deployment("d1", 1h, 70min, "succeeded", 400h);
  EXPECT_EQ(of("lead-time").value, std::nullopt);
  deployment("d2", 2h, 130min, "succeeded", 70min);
  EXPECT_EQ(of("lead-time").value, 3600);
}

TEST_F(FiguresTest, OtherEnvironmentsDoNotCount) {
  tell(1h, "deployment.started",
       {{"deployment", "d"}, {"workload", "shop"}, {"environment", "staging"}});
  tell(2h, "deployment.finished", {{"deployment", "d"}, {"outcome", "failed"}});
  EXPECT_EQ(of("deployment-frequency").value, std::nullopt);
}

TEST_F(FiguresTest, WorkByHandIsToilAndWorkByItselfIsNot) {
  const auto run = [&](const char* id, const char* by, int minutes) {
    tell(1h, "run.started", {{"run", id}, {"workload", "shop"}, {"by", by}});
    tell(2h, "run.finished", {{"run", id}, {"duration_ms", minutes * 60'000}});
  };
  run("r1", "person:ana", 30);
  run("r2", "automation:restart", 30);
  run("r3", "automation:restart", 30);
  incident("a", 3h, 3h, 3h + 10min, 3h + 40min, 4h);
  EXPECT_NEAR(*of("toil").value, 1, 1e-9) << "half an hour of a run, half of an incident";
  EXPECT_NEAR(*of("automation-share").value, 2.0 / 3, 1e-9);
}

TEST_F(FiguresTest, PagesCountForThePersonWhoGotMost) {
  tell(1h, "incident.opened", {{"incident", "a"}, {"workload", "shop"}});
  for (const auto* person : {"ana", "ben", "ana"})
    tell(2h, "page.sent", {{"incident", "a"}, {"person", person}});
  EXPECT_NEAR(*of("page-load").value, 2, 1e-9);
  EXPECT_EQ(of("page-load", "other").value, std::nullopt);
}

TEST_F(FiguresTest, OpenActionsAge) {
  tell(24h, "action.created", {{"action", "a"}});
  tell(48h, "action.created", {{"action", "b"}});
  tell(49h, "action.finished", {{"action", "b"}});
  EXPECT_EQ(*of("backlog-age").value, 6 * 86'400);
  EXPECT_EQ(of("backlog-age").count, 1U);
}

TEST_F(FiguresTest, SayingWhatAnActionIsToChangeOrJudgingItFinishesNothing) {
  tell(24h, "action.created", {{"action", "a"}});
  tell(25h, "action.effect_expected", {{"action", "a"}});
  EXPECT_EQ(of("backlog-age").count, 1U) << "as open as before";
  tell(48h, "action.finished", {{"action", "a"}});
  tell(6 * 24h, "action.effect_judged", {{"action", "a"}, {"look", 1}});
  EXPECT_EQ(domain.record().actions.at("a").finished_at, kStart + 48h);
}

TEST_F(FiguresTest, WithoutFactsThereAreNoFiguresAndNoneIsZero) {
  for (const auto& kind : figure_kinds()) EXPECT_EQ(of(kind.name).value, std::nullopt) << kind.name;
  EXPECT_EQ(of("no-such-figure").value, std::nullopt);
}

TEST_F(FiguresTest, TheRecordSurvivesARestart) {
  incident("a", 10min, 8min, 11min, 30min, 40min);
  deployment("d1", 1h, 70min, "succeeded");
  tell(2h, "run.started", {{"run", "r"}, {"by", "automation:x"}, {"workload", "shop"}});
  OperationsDomain again(catalog);
  ASSERT_TRUE(again.restore(domain.snapshot()));
  EXPECT_EQ(again.snapshot(), domain.snapshot());
  tell(3h, "run.finished", {{"run", "r"}, {"duration_ms", 1000}});
  EXPECT_EQ(of("automation-share").value, 1);
}

}  // namespace
}  // namespace wellrun::health::operations
