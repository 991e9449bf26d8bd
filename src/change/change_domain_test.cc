#include "change/change_domain.h"

#include <gtest/gtest.h>

#include "catalog/kinds/environment.h"
#include "change/change_api.h"

namespace wellrun::change {
namespace {

using namespace std::chrono_literals;

struct Domain {
  void accept(const Result<journal::Decision>& decision) {
    ASSERT_TRUE(decision.has_value()) << to_string(decision.error());
    for (const auto& fact : decision->facts) tell(fact.type, fact.body);
  }
  void tell(std::string type, Json body) {
    domain.apply({.seq = ++seq, .time = now, .type = std::move(type), .body = std::move(body)});
  }

  Domain() {
    for (const auto& [name, production] : {std::pair{"live", true}, std::pair{"staging", false}}) {
      catalog::Environment environment;
      environment.metadata.name = name;
      environment.production = production;
      catalog::Resource resource;
      resource.kind = catalog::Environment::kKind;
      resource.name = name;
      resource.value = std::make_shared<catalog::Environment>(environment);
      catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
    }
  }

  catalog::Catalog catalog;
  ChangeDomain domain{catalog};
  Timestamp now = from_unix_ms(1'000'000'000'000);
  journal::Sequence seq = 0;
};

DeploymentReport release(std::string version, std::string outcome = "") {
  return {.workload = "shop",
          .component = "checkout",
          .version = std::move(version),
          .outcome = std::move(outcome)};
}

TEST(Deployments, KnowWhatTheyReplace) {
  Domain d;
  d.accept(d.domain.record(release("1.0.0", "succeeded"), "token:ci"));
  d.accept(d.domain.record(release("1.1.0"), "token:ci"));
  EXPECT_EQ(d.domain.deployments().back().what.previous_version, "1.0.0");
  EXPECT_EQ(d.domain.deployments().back().state, "started");
}

TEST(CdEvents, WhateverASenderMakesOfOneIsReadOrRefused) {
  const Json good{
      {"context", {{"type", "dev.cdevents.service.deployed.0.1.1"}, {"id", "deploy-1"}}},
      {"subject",
       {{"id", "checkout"},
        {"content",
         {{"environment", {{"id", "live"}}}, {"artifactId", "pkg:oci/checkout@1.2.3"}}}}},
      {"customData", {{"workload", "shop"}}}};
  const auto report = read_cdevent(good);
  ASSERT_TRUE(report && *report);
  EXPECT_EQ((*report)->environment, "live");
  EXPECT_EQ((*report)->version, "1.2.3");
  EXPECT_EQ((*report)->workload, "shop");

  const Json odd[] = {"x", 5, nullptr, Json::array({1}), Json::object()};
  for (const auto& value : odd) {
    EXPECT_FALSE(read_cdevent(value)) << value;
    for (const auto* place :
         {"/context", "/subject", "/subject/content", "/subject/content/environment", "/customData",
          "/context/type", "/subject/id", "/subject/content/artifactId"}) {
      auto event = good;
      event[Json::json_pointer(place)] = value;
      (void)read_cdevent(event);
    }
  }
}

Json budget_step(double at, const char* then) {
  return {{"slo", "orders"}, {"workload", "shop"}, {"policy", "freeze"},
          {"at", at},        {"used", at},         {"then", Json::array({then})}};
}

TEST(BudgetGate, IsFlaggedThenRefusedThenOpenAgain) {
  Domain d;
  const auto state = [&] { return d.domain.budget_gate().state("shop"); };
  EXPECT_EQ(state(), "open");
  d.tell("budget.step_reached", budget_step(50, "flag-deployments"));
  EXPECT_EQ(state(), "flagged");
  d.tell("budget.step_reached", budget_step(80, "ticket"));
  EXPECT_EQ(d.domain.budget_gate().reasons("shop").size(), 1U) << "a ticket closes nothing";
  d.tell("budget.step_reached", budget_step(100, "refuse-deployments"));
  EXPECT_EQ(state(), "refused");
  EXPECT_TRUE(d.domain.budget_gate().reasons("shop").front().refuses);
  EXPECT_EQ(d.domain.budget_gate().state("other"), "open");
  d.tell("budget.step_left", budget_step(100, ""));
  EXPECT_EQ(state(), "flagged");
  d.tell("budget.step_left", budget_step(50, ""));
  EXPECT_EQ(state(), "open");
}

TEST(BudgetGate, ADeploymentAgainstItIsRecordedWithItsState) {
  Domain d;
  d.tell("budget.step_reached", budget_step(100, "refuse-deployments"));
  auto report = release("2.0.0");
  report.environment = "live";
  d.accept(d.domain.record(report, "token:ci"));
  EXPECT_EQ(d.domain.deployments().back().gate, "refused");
  report.environment = "staging";
  d.accept(d.domain.record(report, "token:ci"));
  EXPECT_EQ(d.domain.deployments().back().gate, "open") << "budgets are about production";
  ChangeDomain again(d.catalog);
  ASSERT_TRUE(again.restore(d.domain.snapshot()));
  EXPECT_EQ(again.snapshot(), d.domain.snapshot());
  EXPECT_EQ(again.budget_gate().state("shop"), "refused");
}

TEST(Deployments, ReportedTwiceUnderOneIdAreRecordedOnce) {
  Domain d;
  auto report = release("1.0.0");
  report.id = "pipeline-7";
  d.accept(d.domain.record(report, "token:ci"));
  d.accept(d.domain.record(report, "token:ci"));
  report.outcome = "succeeded";
  d.accept(d.domain.record(report, "token:ci"));
  d.accept(d.domain.record(report, "token:ci"));
  ASSERT_EQ(d.domain.deployments().size(), 1U);
  EXPECT_EQ(d.domain.deployments().front().state, "succeeded");
  EXPECT_EQ(d.seq, 2U);
}

TEST(Deployments, WithoutAnIdGetOneThatNoReporterHasUsed) {
  Domain d;
  const auto record = [&](const char* id, const char* version) {
    auto report = release(version);
    report.id = id;
    d.accept(d.domain.record(report, "token:ci"));
    return d.domain.deployments().back().what.deployment;
  };
  EXPECT_EQ(record("dep-0002", "1.0"), "dep-0002");
  EXPECT_EQ(record("", "1.1"), "dep-0003");
  EXPECT_EQ(record("chg-0004", "1.2"), "chg-0004");
  EXPECT_EQ(record("", "1.3"), "dep-0004");
  EXPECT_EQ(d.domain.deployments().size(), 4U);
  d.accept(d.domain.record(
      facts::ChangeRecorded{.kind = "flag", .workload = "shop", .summary = "off"}, "person:ana"));
  EXPECT_EQ(d.domain.changes().back().what.change, "chg-0005");
  record("chg-0007", "1.4");
  EXPECT_EQ(d.domain.next_id("chg"), "chg-0008");
}

TEST(Deployments, RefuseWhatCannotBeRecordedAndSayWhy) {
  Domain d;
  EXPECT_EQ(d.domain.record({.version = "1"}, "x").error().context, "workload");
  EXPECT_EQ(d.domain.record(release("1", "suceeded"), "x").error().message,
            "outcome \"suceeded\" is none of succeeded, failed and rolled_back (did you mean "
            "\"succeeded\"?)");
  EXPECT_EQ(d.domain.finish("dep-9", "failed", "x").error().code, ErrorCode::kNotFound);
}

TEST(Dora, CountsAnIncidentSoonAfterADeploymentAgainstIt) {
  Domain d;
  auto report = release("1.1.0", "succeeded");
  report.commit_time = format_rfc3339(d.now - 2h);
  d.accept(d.domain.record(report, "token:ci"));
  d.now += 10min;
  d.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "shop"}});
  d.now += 30min;
  d.tell("incident.resolved", {{"incident", "inc-0001"}});
  const auto figures = dora(d.domain.deployments(), "shop", d.now, 24h * 30);
  EXPECT_EQ(figures.deployments, 1U);
  EXPECT_EQ(figures.change_failure_rate, 1.0);
  EXPECT_EQ(figures.lead_time_median, 2h);
  EXPECT_EQ(figures.time_to_restore_median, 30min);
  EXPECT_EQ(dora(d.domain.deployments(), "other", d.now, 24h * 30).change_failure_rate,
            std::nullopt);
}

TEST(Dora, AnIncidentLongAfterOrElsewhereIsNotBlamedOnADeployment) {
  Domain d;
  d.accept(d.domain.record(release("1.1.0", "succeeded"), "token:ci"));
  d.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "billing"}});
  d.now += 2h;
  d.tell("incident.opened", {{"incident", "inc-0002"}, {"workload", "shop"}});
  EXPECT_FALSE(d.domain.deployments().front().caused_failure());
}

TEST(Dora, FourFiguresOfAMonthAsCountedByHand) {
  Domain d;
  const auto began = d.now;
  const auto deploy = [&](const char* version, const char* environment, Duration since_commit,
                          const char* outcome) {
    auto report = release(version, outcome);
    report.id = fmt::format("{}-{}", version, environment);
    report.environment = environment;
    report.commit_time = format_rfc3339(d.now - since_commit);
    d.accept(d.domain.record(report, "token:ci"));
  };
  // Five reach customers, one does not get there, and what is tried elsewhere does not count.
  deploy("1.0", "staging", 10min, "succeeded");
  deploy("1.0", "live", 1h, "succeeded");
  d.now += 24h;
  deploy("1.1", "live", 3h, "succeeded");
  d.now += 24h;
  deploy("1.2", "live", 5h, "succeeded");
  d.now += 20min;
  d.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "shop"}});
  d.now += 5min;
  d.tell("incident.opened", {{"incident", "inc-0002"}, {"workload", "shop"}});
  d.now += 35min;
  d.tell("incident.resolved", {{"incident", "inc-0001"}});
  d.now += 24h;
  deploy("1.3", "live", 7h, "succeeded");
  d.now += 2h;
  d.accept(d.domain.finish("1.3-live", "rolled_back", "token:ci"));
  d.now += 24h;
  deploy("1.4", "live", 300h, "failed");
  d.now += 24h;
  deploy("1.5", "live", 9h, "succeeded");
  d.now += 1h;
  deploy("1.6", "staging", 1h, "succeeded");
  d.tell("incident.opened", {{"incident", "inc-0003"}, {"workload", "shop"}});

  d.now = began + 24h * 30;
  const auto figures = dora(d.domain.deployments(), "shop", d.now, 24h * 30);
  EXPECT_EQ(figures.deployments, 6U);
  EXPECT_DOUBLE_EQ(figures.deployments_per_day, 6.0 / 30);
  EXPECT_EQ(figures.lead_time_median, 5h) << "of 1, 3, 5, 7 and 9 h";
  EXPECT_EQ(figures.failures, 4U)
      << "1.2 (two incidents, one failure), 1.3 (rolled back), 1.4 (failed), 1.5 (an incident)";
  EXPECT_DOUBLE_EQ(figures.change_failure_rate.value(), 4.0 / 6);
  EXPECT_EQ(figures.time_to_restore_median, 1h + 20min) << "of 40 min (1.2) and 2 h (1.3)";

  const auto week = dora(d.domain.deployments(), "shop", began + 24h * 7, 24h * 4);
  EXPECT_EQ(week.deployments, 3U) << "1.3, 1.4 and 1.5";
}

TEST(Dora, ACommitThatIsSaidToBeLaterThanItsDeploymentHasNoLeadTime) {
  Domain d;
  const auto deploy = [&](const char* version, Duration since_commit) {
    auto report = release(version, "succeeded");
    report.commit_time = format_rfc3339(d.now - since_commit);
    d.accept(d.domain.record(report, "token:ci"));
  };
  const auto lead_time = [&] {
    return dora(d.domain.deployments(), "shop", d.now, 24h * 30).lead_time_median;
  };
  deploy("1.0", -24h * 365);
  EXPECT_EQ(lead_time(), std::nullopt);
  deploy("1.1", 2h);
  EXPECT_EQ(lead_time(), 2h);
}

std::optional<Duration> time_to_restore(const Domain& d) {
  return dora(d.domain.deployments(), "shop", d.now, 24h * 30).time_to_restore_median;
}

TEST(Dora, ARollBackThatIsTheFirstOutcomeTookAsLongAsTheDeployment) {
  Domain d;
  d.accept(d.domain.record(release("1.1.0"), "token:ci"));
  d.now += 10min;
  d.accept(d.domain.finish("dep-0001", "rolled_back", "token:ci"));
  EXPECT_EQ(time_to_restore(d), 10min);
}

TEST(Dora, AnOutcomeThatComesAfterTheIncidentDoesNotTurnTimeRound) {
  Domain d;
  d.accept(d.domain.record(release("1.1.0"), "token:ci"));
  d.now += 5min;
  d.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "shop"}});
  d.now += 15min;
  d.tell("incident.resolved", {{"incident", "inc-0001"}});
  d.now += 10min;
  d.accept(d.domain.finish("dep-0001", "succeeded", "token:ci"));
  EXPECT_EQ(time_to_restore(d), 15min);
}

TEST(Dora, WhatWasRestoredStaysSoWhenTheRollBackIsReportedTheNextDay) {
  Domain d;
  d.accept(d.domain.record(release("1.1.0", "succeeded"), "token:ci"));
  d.now += 5min;
  d.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "shop"}});
  d.now += 15min;
  d.tell("incident.resolved", {{"incident", "inc-0001"}});
  d.now += 24h;
  d.accept(d.domain.finish("dep-0001", "rolled_back", "token:ci"));
  EXPECT_EQ(time_to_restore(d), 15min);
  EXPECT_EQ(d.domain.deployments().front().state, "rolled_back");
}

TEST(Changes, TakeBackOnlyWhatIsKnown) {
  Domain d;
  const auto change = [](const char* reverses) {
    return facts::ChangeRecorded{
        .kind = "flag", .workload = "shop", .summary = "off", .reverses = reverses};
  };
  const auto refused = d.domain.record(change("anything"), "person:ana");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(refused.error().context, "reverses");
  d.accept(d.domain.record(release("1.1.0", "succeeded"), "token:ci"));
  d.accept(d.domain.record(change("dep-0001"), "person:ana"));
  d.accept(d.domain.record(change("chg-0002"), "person:ana"));
}

TEST(CdEvents, GoingBackToAVersionTakesBackTheOneThatWasThere) {
  Domain d;
  d.accept(d.domain.record(release("1.0", "succeeded"), "token:ci"));
  d.accept(d.domain.record(release("1.1", "succeeded"), "token:ci"));
  const auto taken_back = d.domain.taken_back_by(release("1.0"));
  ASSERT_NE(taken_back, nullptr);
  EXPECT_EQ(taken_back->what.version, "1.1");
  d.accept(d.domain.finish(taken_back->what.deployment, "rolled_back", "token:ci"));
  EXPECT_EQ(d.domain.taken_back_by(release("1.0")), nullptr) << "told twice";
  const auto figures = dora(d.domain.deployments(), "shop", d.now, 24h * 30);
  EXPECT_EQ(figures.deployments, 2U);
  EXPECT_EQ(figures.failures, 1U);
  d.accept(d.domain.record(release("1.2"), "token:ci"));
  EXPECT_EQ(d.domain.deployments().back().what.previous_version, "1.0");
  auto elsewhere = release("1.0");
  elsewhere.environment = "staging";
  EXPECT_EQ(d.domain.taken_back_by(elsewhere), nullptr);
}

TEST(ChangeDomain, SurvivesASnapshot) {
  Domain d;
  d.accept(d.domain.record(release("1.0.0", "succeeded"), "token:ci"));
  d.now += 5min;
  d.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "shop"}});
  d.accept(d.domain.record(
      facts::ChangeRecorded{.kind = "flag", .workload = "shop", .summary = "off"}, "person:ana"));
  ChangeDomain restored(d.catalog);
  ASSERT_TRUE(restored.restore(d.domain.snapshot()));
  EXPECT_EQ(restored.snapshot(), d.domain.snapshot());
  EXPECT_EQ(restored.next_id("dep"), d.domain.next_id("dep"));
}

TEST(CdEvents, OneIdFromTwoSourcesIsTwoDeployments) {
  const auto told = [](const char* source) {
    return read_cdevent({{"context",
                          {{"type", "dev.cdevents.service.deployed.0.2.0"},
                           {"id", "42"},
                           {"source", source}}},
                         {"subject", {{"id", "checkout"}}}})
        .value()
        .value();
  };
  EXPECT_TRUE(told("/ci/a").id.starts_with("42-"));
  EXPECT_EQ(told("/ci/a").id, told("/ci/a").id) << "told again it is the same";
  EXPECT_NE(told("/ci/a").id, told("/ci/b").id);
}

TEST(CdEvents, ADeployedServiceIsADeployment) {
  const Json event{
      {"context",
       {{"type", "dev.cdevents.service.deployed.0.2.0"}, {"id", "e-1"}, {"source", "/ci"}}},
      {"subject",
       {{"id", "checkout"},
        {"content",
         {{"environment", {{"id", "production"}}}, {"artifactId", "pkg:generic/checkout@1.2.3"}}}}},
      {"customData", {{"workload", "shop"}}}};
  const auto report = read_cdevent(event).value().value();
  EXPECT_EQ(report.workload, "shop");
  EXPECT_EQ(report.version, "1.2.3");
  EXPECT_EQ(report.environment, "production");
  EXPECT_EQ(report.outcome, "succeeded");
  EXPECT_FALSE(read_cdevent({{"context", {{"type", "dev.cdevents.build.started.0.2.0"}}},
                             {"subject", Json::object()}})
                   .value());
  EXPECT_FALSE(read_cdevent(Json::object()));
}

}  // namespace
}  // namespace wellrun::change
