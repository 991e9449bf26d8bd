#include "change/change_domain.h"

#include <gtest/gtest.h>

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

  ChangeDomain domain;
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
  EXPECT_EQ(figures.time_to_restore_median, 40min);
  EXPECT_EQ(dora(d.domain.deployments(), "other", d.now, 24h * 30).change_failure_rate,
            std::nullopt);
}

TEST(Dora, AnIncidentLongAfterOrElsewhereIsNotBlamedOnADeployment) {
  Domain d;
  d.accept(d.domain.record(release("1.1.0", "succeeded"), "token:ci"));
  d.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "billing"}});
  d.now += 2h;
  d.tell("incident.opened", {{"incident", "inc-0002"}, {"workload", "shop"}});
  EXPECT_FALSE(d.domain.deployments().front().caused_failure);
}

TEST(ChangeDomain, SurvivesASnapshot) {
  Domain d;
  d.accept(d.domain.record(release("1.0.0", "succeeded"), "token:ci"));
  d.accept(d.domain.record(
      facts::ChangeRecorded{.kind = "flag", .workload = "shop", .summary = "off"}, "person:ana"));
  ChangeDomain restored;
  ASSERT_TRUE(restored.restore(d.domain.snapshot()));
  EXPECT_EQ(restored.snapshot(), d.domain.snapshot());
  EXPECT_EQ(restored.next_id("dep"), d.domain.next_id("dep"));
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
