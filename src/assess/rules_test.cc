#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <set>

#include "assess/assess_domain.h"
#include "catalog/kinds.h"

namespace wellrun::assess {
namespace {

struct World {
  void tell(std::string type, Json body, std::string actor = "system") {
    domain.apply({.seq = ++seq,
                  .time = now,
                  .type = std::move(type),
                  .actor = std::move(actor),
                  .body = std::move(body)});
  }
  Finding judged(std::string_view id) {
    return judge(id,
                 {.catalog = catalog, .record = domain.record(), .readings = readings, .now = now});
  }

  AssessDomain domain;
  catalog::Catalog catalog;
  Readings readings;
  Timestamp now = from_unix_ms(1'000'000'000'000);
  journal::Sequence seq = 0;
};

TEST(Practices, IdsAreUniqueAndEveryAreaHasSome) {
  std::set<std::string_view> ids;
  std::set<std::string_view> seen;
  for (const auto& practice : practices()) {
    EXPECT_TRUE(ids.insert(practice.id).second) << practice.id;
    seen.insert(practice.area);
  }
  EXPECT_EQ(seen.size(), areas().size());
  EXPECT_EQ(ids.size(), 84U);
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// WELLRUN_UPDATE=1 writes what should stand there.
TEST(Practices, ThePageSaysWhatTheCodeSays) {
  const auto path = std::filesystem::path(WELLRUN_SOURCE_DIR) / "docs/practices.md";
  if (std::getenv("WELLRUN_UPDATE") != nullptr) std::ofstream(path) << practices_page();
  EXPECT_EQ(text_of(path), practices_page());
}

TEST(Practices, WhatThePageNamesExists) {
  const std::filesystem::path root = WELLRUN_SOURCE_DIR;
  const auto routes = text_of(root / "web/src/platform/router.tsx");
  const auto commands =
      text_of(root / "src/cli/commands.cc") + text_of(root / "src/cli/assess_command.cc") +
      text_of(root / "src/cli/offline_commands.cc") + text_of(root / "src/cli/journal_commands.cc");
  for (const auto& practice : practices()) {
    const auto seen = witness(practice.id);
    if (!seen) continue;
    EXPECT_TRUE(std::filesystem::exists(root / seen->test)) << practice.id << ": " << seen->test;
    EXPECT_TRUE(routes.contains(fmt::format("path: '{}'", seen->page))) << practice.id;
    const auto first_word = seen->command.substr(0, seen->command.find(' '));
    EXPECT_TRUE(commands.contains(fmt::format("\"{}\"", first_word))) << practice.id;
  }
}

TEST(Assessment, WithoutRecordsNothingScores) {
  World world;
  const auto made = assess({.catalog = world.catalog,
                            .record = world.domain.record(),
                            .readings = world.readings,
                            .now = world.now});
  EXPECT_EQ(made.score, 0);
  EXPECT_EQ(made.count(Verdict::kPractised), 0);
  EXPECT_GE(made.count(Verdict::kNoEvidence), 20);
}

TEST(Assessment, APracticeWithoutARuleSaysSo) {
  World world;
  EXPECT_EQ(world.judged("V8").verdict, Verdict::kNoRule);
  EXPECT_EQ(world.judged("V8").figure, "no evidence rule yet");
}

TEST(Evidence, AnAlertThatBecameNoEventCountsAgainstTheProcess) {
  World world;
  world.tell("alert.fired", {{"fingerprint", "a"}, {"alert", "A"}, {"severity", "page"}});
  EXPECT_EQ(world.judged("E1").verdict, Verdict::kNot);
  world.tell("event.recorded", {{"fingerprint", "a"}});
  EXPECT_EQ(world.judged("E1").verdict, Verdict::kPractised);
  world.tell("alert.fired", {{"fingerprint", "b"}, {"alert", "B"}, {"severity", "ticket"}});
  EXPECT_EQ(world.judged("E1").verdict, Verdict::kPartly);
}

TEST(Evidence, AnIncidentThatNobodyAcknowledgedCountsOnceItIsOld) {
  World world;
  world.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "shop"}, {"severity", 1}});
  EXPECT_EQ(world.judged("E4").verdict, Verdict::kNoEvidence);
  world.now += std::chrono::minutes(20);
  EXPECT_EQ(world.judged("E4").verdict, Verdict::kNot);
  world.tell("incident.acknowledged", {{"incident", "inc-0001"}}, "person:ana");
  EXPECT_EQ(world.judged("E4").verdict, Verdict::kPractised);
}

TEST(Evidence, ASeriousIncidentThatCustomersWereNotToldOfMakesThePageUntruthful) {
  World world;
  world.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "shop"}, {"severity", 1}});
  EXPECT_EQ(world.judged("O14").verdict, Verdict::kNot);
  world.tell("status.posted", {{"incident", "inc-0001"}});
  EXPECT_EQ(world.judged("O14").verdict, Verdict::kPractised);
  world.tell("status.update_due", {{"incident", "inc-0001"}});
  EXPECT_EQ(world.judged("O14").verdict, Verdict::kNot) << "a broken promise counts";
}

template <typename T>
void put(catalog::Catalog& catalog, T value) {
  catalog::Resource resource;
  resource.kind = T::kKind;
  resource.name = value.metadata.name;
  resource.value = std::make_shared<T>(std::move(value));
  catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
}

catalog::Environment environment(const char* name, int order, bool production) {
  catalog::Environment made;
  made.metadata.name = name;
  made.order = order;
  made.production = production;
  return made;
}

catalog::Kpi kpi(const char* name, const char* parent, const char* operations) {
  catalog::Kpi made;
  made.metadata.name = name;
  made.parent.name = parent;
  made.operations = operations;
  return made;
}

TEST(Evidence, AlertsAreValidatedByVerdictsAndKpisByReviews) {
  World world;
  EXPECT_EQ(world.judged("W8").verdict, Verdict::kNoEvidence);
  put(world.catalog, kpi("orders", "", ""));
  world.tell("alert.fired", {{"fingerprint", "a"}, {"alert", "A"}});
  EXPECT_EQ(world.judged("W8").verdict, Verdict::kNot);
  world.tell("alert.verdict_given", {{"alert", "A"}, {"verdict", "noise"}});
  EXPECT_DOUBLE_EQ(world.judged("W8").score, 0.5);
  world.tell("kpi.reviewed", {{"kpi", "orders"}});
  EXPECT_EQ(world.judged("W8").verdict, Verdict::kPractised);
  world.now += std::chrono::days(91);
  EXPECT_DOUBLE_EQ(world.judged("W8").score, 0.5) << "the review is too long ago";
}

TEST(Evidence, OperationsAreMeasuredOnceTheirFiguresHaveTargetsAndData) {
  World world;
  world.tell("deployment.finished",
             {{"deployment", "d"}, {"environment", "production"}, {"outcome", "succeeded"}});
  EXPECT_EQ(world.judged("H1").verdict, Verdict::kPartly) << "measured, and nobody wants anything";
  put(world.catalog, kpi("answer", "", "time-to-acknowledge"));
  EXPECT_EQ(world.judged("H1").verdict, Verdict::kNot);
  world.tell("kpi.status_changed", {{"kpi", "answer"}, {"to", "on_target"}});
  EXPECT_EQ(world.judged("H1").verdict, Verdict::kPractised);
  EXPECT_EQ(world.judged("H6").verdict, Verdict::kNot);
  world.tell("alert.fired", {{"fingerprint", "a"}, {"alert", "Slow"}, {"kpi", "answer"}});
  EXPECT_EQ(world.judged("H6").verdict, Verdict::kPractised);
  EXPECT_EQ(world.judged("H8").verdict, Verdict::kNot);
  world.tell("kpi.reviewed", {{"kpi", "answer"}});
  EXPECT_EQ(world.judged("H8").verdict, Verdict::kPractised);
}

TEST(Evidence, ACallThatNobodyDeclaredIsNotUnderstood) {
  World world;
  catalog::Workload shop;
  shop.metadata.name = "shop";
  shop.owner.name = "team";
  put(world.catalog, shop);
  auto orders = kpi("orders", "", "");
  orders.workload.name = "shop";
  put(world.catalog, orders);
  const auto component = [&](const char* name, std::vector<std::string> needs) {
    catalog::Component made;
    made.metadata.name = name;
    made.workload.name = "shop";
    for (auto& each : needs) made.depends_on.emplace_back().name = std::move(each);
    put(world.catalog, made);
  };
  component("gateway", {});
  component("checkout", {});
  EXPECT_EQ(world.judged("O1").verdict, Verdict::kPractised) << "no trace was seen";
  world.readings.edges = {{"gateway", "checkout"}, {"gateway", "somebody-else"}};
  EXPECT_EQ(world.judged("O1").verdict, Verdict::kPartly);
  EXPECT_EQ(world.judged("O1").next_step, "declare in dependsOn: gateway calls checkout");
  component("gateway", {"checkout"});
  EXPECT_EQ(world.judged("O1").verdict, Verdict::kPractised);
}

TEST(Evidence, OperationsAreTiedToAnOutcome) {
  World world;
  EXPECT_EQ(world.judged("H2").verdict, Verdict::kNoEvidence);
  put(world.catalog, kpi("answer", "", "time-to-acknowledge"));
  world.tell("kpi.status_changed", {{"kpi", "answer"}, {"to", "missed"}});
  EXPECT_EQ(world.judged("H2").verdict, Verdict::kNot) << "it leads nowhere";
  put(world.catalog, kpi("toil", "answer", "toil"));
  EXPECT_DOUBLE_EQ(world.judged("H2").score, 0.5) << "toil leads to it, and has no data";
  world.tell("kpi.status_changed", {{"kpi", "toil"}, {"to", "on_target"}});
  EXPECT_EQ(world.judged("H2").verdict, Verdict::kPractised);
}

TEST(Evidence, RecordsOfOperationsComeInAndAreLookedAt) {
  World world;
  EXPECT_EQ(world.judged("H3").verdict, Verdict::kNoEvidence);
  for (const auto* type : {"incident.acknowledged", "incident.resolved", "deployment.finished",
                           "run.finished", "page.sent", "action.created"})
    world.tell(type, Json::object());
  EXPECT_DOUBLE_EQ(world.judged("H3").score, 0.5) << "nobody looked";
  world.tell("kpi.reviewed", {{"kpi", "answer"}});
  EXPECT_EQ(world.judged("H3").verdict, Verdict::kPractised);
  world.now += std::chrono::days(31);
  EXPECT_EQ(world.judged("H3").verdict, Verdict::kNoEvidence) << "long ago";
}

TEST(Evidence, OperationsHaveBaselinesPatternsAndAnomalyAlertsOfTheirOwn) {
  World world;
  world.readings.baselines_read = world.readings.forecasts_read = true;
  for (const auto* row : {"H4", "H5", "H7"})
    EXPECT_EQ(world.judged(row).verdict, Verdict::kNoEvidence) << row;
  auto answer = kpi("answer", "", "time-to-acknowledge");
  answer.workload.name = "shop";
  put(world.catalog, answer);
  put(world.catalog, kpi("orders", "", ""));
  world.readings.baselines = {"kpi/orders"};
  world.readings.forecasts = {"kpi/orders"};
  EXPECT_EQ(world.judged("W4").verdict, Verdict::kPractised) << "figures of operations are H4's";
  EXPECT_EQ(world.judged("W5").verdict, Verdict::kPractised);
  EXPECT_EQ(world.judged("H4").verdict, Verdict::kNot);
  world.readings.baselines.insert("kpi/answer");
  EXPECT_EQ(world.judged("H4").verdict, Verdict::kPractised);
  EXPECT_EQ(world.judged("H5").verdict, Verdict::kNot);
  world.readings.forecasts.insert("kpi/answer");
  EXPECT_EQ(world.judged("H5").verdict, Verdict::kPractised);
  for (const auto& [expr, reads] : std::map<std::string, bool>{
           {"wellrun:baseline:score > 0.9", true},
           {"max(wellrun:baseline:score{workload=\"shop\"}) > 0.9", true},
           {"wellrun:baseline:score{workload=\"bank\"} > 0.9", false},
           {"wellrun:baseline:score{baseline=~\"kpi/.+\",metric=\"x\"} > 0.9", true},
           {"wellrun:baseline:score{baseline=\"kpi/orders\"} > 0.9", false},
           {"wellrun_kpi_value > 3", false}}) {
    catalog::RuleGroup group;
    group.metadata.name = "anomalies";
    group.rules.emplace_back();
    group.rules.back().alert = "Unusual";
    group.rules.back().expr = expr;
    put(world.catalog, group);
    EXPECT_EQ(world.judged("H7").verdict, reads ? Verdict::kPractised : Verdict::kNot) << expr;
  }
}

TEST(Evidence, ADraftThatNobodyReadIsNotLearning) {
  World world;
  world.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "shop"}, {"severity", 1}});
  world.tell("incident.resolved", {{"incident", "inc-0001"}});
  world.tell("analysis.drafted", {{"analysis", "ana-0001"}, {"incident", "inc-0001"}});
  EXPECT_EQ(world.judged("DP5").verdict, Verdict::kNot);
  world.tell("analysis.edited", {{"analysis", "ana-0001"}, {"section", "summary"}}, "person:ana");
  EXPECT_EQ(world.judged("DP5").verdict, Verdict::kPractised);
  EXPECT_EQ(world.judged("V2").verdict, Verdict::kNot) << "nobody signed it";
  world.tell("analysis.signed", {{"analysis", "ana-0001"}}, "person:ana");
  EXPECT_EQ(world.judged("V2").verdict, Verdict::kPractised);

  world.tell("incident.opened", {{"incident", "inc-0002"}, {"workload", "shop"}, {"severity", 2}});
  world.tell("incident.resolved", {{"incident", "inc-0002"}});
  world.tell("analysis.drafted", {{"analysis", "ana-0002"}, {"incident", "inc-0002"}});
  EXPECT_DOUBLE_EQ(world.judged("DP5").score, 0.5);
  EXPECT_DOUBLE_EQ(world.judged("V2").score, 0.5) << "one signature is for one analysis";
}

void succeed(World& world, const std::string& id, const char* workload, const char* version,
             const char* environment, const std::string& commit_time = "") {
  Json body{{"deployment", id},           {"workload", workload}, {"component", ""},
            {"environment", environment}, {"version", version},   {"commit_time", commit_time}};
  world.tell("deployment.started", body);
  body["outcome"] = "succeeded";
  world.tell("deployment.finished", body);
}

TEST(Evidence, AVersionIsPromotedWhenAnEarlierEnvironmentCameBeforeProduction) {
  World world;
  put(world.catalog, environment("staging", 1, false));
  put(world.catalog, environment("canary", 2, false));
  put(world.catalog, environment("production", 3, true));
  succeed(world, "d1", "shop", "1.0", "production");
  succeed(world, "d2", "billing", "1.0", "production");
  succeed(world, "d3", "shop", "1.0", "production");
  succeed(world, "d4", "shop", "1.0", "staging");
  EXPECT_DOUBLE_EQ(world.judged("P13").score, 0.5) << "straight to production, and again";
  succeed(world, "d5", "shop", "2.0", "staging");
  EXPECT_TRUE(world.judged("P13").figure.contains("0 of 2 versions in production")) << "on its way";
  succeed(world, "d6", "shop", "2.0", "production");
  succeed(world, "d7", "billing", "2.0", "canary");
  succeed(world, "d8", "billing", "2.0", "production");
  EXPECT_TRUE(world.judged("P13").figure.contains("2 of 4 versions in production"))
      << world.judged("P13").figure;
  EXPECT_EQ(world.judged("P13").verdict, Verdict::kPartly);
}

TEST(Evidence, RefusingIsNotActingAndWhatOnlyOperatorsMayApproveShowsNothingOfResponders) {
  World world;
  const auto approval = [&](const char* step, const char* role, bool approved) {
    world.tell("run.approval_requested", {{"run", "run-1"}, {"step", step}, {"role", role}});
    world.tell("run.approved", {{"run", "run-1"}, {"step", step}, {"approved", approved}},
               "token:ana");
  };
  approval("switch off", "responder", false);
  approval("drop the table", "operator", true);
  EXPECT_EQ(world.judged("O12").verdict, Verdict::kNoEvidence);
  approval("switch off", "responder", true);
  EXPECT_EQ(world.judged("O12").verdict, Verdict::kPractised);
}

TEST(Evidence, ADeploymentThatEndedTwiceHidesNoneThatNeverEnded) {
  World world;
  succeed(world, "d1", "shop", "1.0", "production");
  world.tell("deployment.finished", {{"deployment", "d1"}, {"outcome", "rolled_back"}});
  world.tell("deployment.started", {{"deployment", "d2"}, {"workload", "shop"}});
  EXPECT_DOUBLE_EQ(world.judged("P9").score, 0.5);
  EXPECT_EQ(world.judged("P9").next_step, "record how these deployments ended: d2");
}

TEST(Evidence, VerdictsOnOneRunJudgeOneRun) {
  World world;
  for (const auto* run : {"run-1", "run-2"})
    world.tell("run.finished", {{"run", run}, {"runbook", "fix"}, {"outcome", "succeeded"}});
  for (int i = 0; i < 10; ++i) world.tell("run.verdict_given", {{"run", "run-1"}});
  EXPECT_DOUBLE_EQ(world.judged("V3").score, 0.5);
}

TEST(Evidence, ChangesAreFrequentSmallAndReversibleOrOnlySomeOfIt) {
  World world;
  const auto started = world.now;
  succeed(world, "d1", "shop", "1.0", "production",
          format_rfc3339(started - std::chrono::days(40)));
  EXPECT_NEAR(world.judged("DP2").score, 1.0 / 3, 1e-9) << "frequent, and 40 days on its way";
  world.now += std::chrono::hours(1);
  for (const auto* id : {"d2", "d3"})
    succeed(world, id, "shop", id, "production", format_rfc3339(world.now - std::chrono::hours(3)));
  EXPECT_NEAR(world.judged("P14").score, 2.0 / 3, 1e-9) << world.judged("P14").figure;
  world.tell("deployment.finished", {{"deployment", "d3"}, {"outcome", "rolled_back"}});
  EXPECT_EQ(world.judged("DP2").verdict, Verdict::kPractised) << world.judged("DP2").figure;
  world.now += std::chrono::days(30);
  EXPECT_NEAR(world.judged("DP2").score, 1.0 / 3, 1e-9) << "reversible; nothing came for a month";
}

TEST(Evidence, ACommitThatIsSaidToBeLaterThanItsDeploymentDoesNotShowThatChangesAreSmall) {
  World world;
  succeed(world, "d1", "shop", "1.0", "production",
          format_rfc3339(world.now + std::chrono::days(40)));
  EXPECT_TRUE(world.judged("P14").figure.contains("unknown time from commit"))
      << world.judged("P14").figure;
}

TEST(Evidence, WhatIsOnlyDeclaredIsHalfOfItUntilItWasSeen) {
  World world;
  catalog::EscalationPolicy policy;
  policy.metadata.name = "default";
  policy.levels.resize(2);
  put(world.catalog, policy);
  catalog::Workload shop;
  shop.metadata.name = "shop";
  shop.escalation_policy.name = "default";
  put(world.catalog, shop);
  catalog::RuleGroup group;
  group.metadata.name = "anomalies";
  group.workload.name = "shop";
  group.rules.emplace_back();
  group.rules.back().alert = "Unusual";
  group.rules.back().expr = "wellrun:baseline:score > 0.9";
  put(world.catalog, group);
  EXPECT_EQ(world.judged("O13").verdict, Verdict::kPartly);
  EXPECT_EQ(world.judged("W7").verdict, Verdict::kPartly);
  world.tell("incident.escalated", {{"incident", "inc-0001"}});
  EXPECT_EQ(world.judged("O13").verdict, Verdict::kPractised);
  world.tell("finding.opened", {{"finding", "f-1"}});
  EXPECT_EQ(world.judged("W7").verdict, Verdict::kPractised);
}

TEST(Evidence, AnOutcomeIsLedByAnIndicatorThatHasData) {
  World world;
  put(world.catalog, kpi("revenue", "", ""));
  put(world.catalog, kpi("orders", "revenue", ""));
  EXPECT_EQ(world.judged("W2").verdict, Verdict::kNot) << "the indicator has no data";
  world.tell("kpi.status_changed", {{"kpi", "orders"}, {"to", "missed"}});
  EXPECT_EQ(world.judged("W2").verdict, Verdict::kPractised);
}

TEST(Evidence, WhatHasNoBaselineYetIsNamed) {
  World world;
  auto kpi = std::make_shared<catalog::Kpi>();
  kpi->metadata.name = "orders";
  catalog::Resource resource;
  resource.kind = catalog::Kpi::kKind;
  resource.name = "orders";
  resource.value = kpi;
  world.catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
  world.readings.baselines_read = world.readings.forecasts_read = true;
  EXPECT_EQ(world.judged("W4").verdict, Verdict::kNot);
  EXPECT_NE(world.judged("W4").next_step.find("kpi/orders"), std::string::npos);
  EXPECT_EQ(world.judged("W5").verdict, Verdict::kNot);
  world.readings.baselines = {"kpi/orders", "baseline/other"};
  EXPECT_EQ(world.judged("W4").verdict, Verdict::kPractised);
  EXPECT_EQ(world.judged("W5").verdict, Verdict::kNot) << "nothing was tried on the past";
  world.readings.forecasts = {"kpi/orders"};
  EXPECT_EQ(world.judged("W5").verdict, Verdict::kPractised);
  world.readings.forecasts_read = false;
  EXPECT_EQ(world.judged("W5").verdict, Verdict::kNoEvidence);
  EXPECT_EQ(world.judged("W4").verdict, Verdict::kPractised) << "what could be read counts";
  world.readings.baselines_read = false;
  EXPECT_EQ(world.judged("W4").verdict, Verdict::kNoEvidence);
}

Json judged(const char* id, const char* state, bool last) {
  return {{"action", id}, {"verdict", {{"state", state}, {"last", last}}}};
}

TEST(Evidence, AnInsightCountsOnceItsLastVerdictConfirmsOrRefutesIt) {
  World world;
  EXPECT_EQ(world.judged("V6").verdict, Verdict::kNoEvidence);
  for (const auto* id : {"act-1", "act-2"}) {
    world.tell("action.effect_expected", {{"action", id}});
    EXPECT_EQ(world.judged("V6").verdict, Verdict::kNoEvidence) << "a promise is none";
  }
  world.tell("action.finished", {{"action", "act-1"}, {"proof", "it surely helped"}});
  world.tell("action.effect_judged", judged("act-1", "continue", false));
  EXPECT_EQ(world.judged("V6").verdict, Verdict::kNoEvidence) << "it is being watched";
  world.tell("action.effect_judged", judged("act-1", "refuted", true));
  EXPECT_EQ(world.judged("V6").verdict, Verdict::kPractised) << world.judged("V6").figure;
  world.tell("action.finished", {{"action", "act-2"}});
  world.tell("action.effect_judged", judged("act-2", "inconclusive", true));
  EXPECT_NEAR(world.judged("V6").score, 0.5, 1e-9) << "nothing was shown";
  world.tell("action.finished", {{"action", "act-3"}});
  EXPECT_NEAR(world.judged("V6").score, 1.0 / 3, 1e-9) << "it said nothing beforehand";
  EXPECT_NE(world.judged("V6").figure.find("0 confirmed, 1 refuted"), std::string::npos);
}

TEST(Evidence, AnExperimentCountsWithAResultThatWasLearntFrom) {
  World world;
  const auto end = [&](const char* id, const char* state) {
    world.tell("experiment.started", {{"experiment", id}});
    world.tell("experiment.ended", {{"experiment", id}, {"state", state}});
  };
  world.tell("experiment.started", {{"experiment", "exp-0"}});
  EXPECT_EQ(world.judged("O15").verdict, Verdict::kNoEvidence) << "it runs";
  end("exp-1", "refuted");
  EXPECT_EQ(world.judged("O15").verdict, Verdict::kNot) << "nothing was learnt";
  world.tell("experiment.learned", {{"experiment", "exp-1"}, {"text", "no"}});
  EXPECT_EQ(world.judged("O15").verdict, Verdict::kPractised);
  end("exp-2", "stopped");
  world.tell("experiment.learned", {{"experiment", "exp-2"}, {"text", "too soon"}});
  EXPECT_NEAR(world.judged("O15").score, 0.5, 1e-9) << "it was stopped before there was a result";
}

TEST(Evidence, TheSameRecordGivesTheSameAssessmentAfterASnapshot) {
  World world;
  world.tell("incident.opened", {{"incident", "inc-0001"}, {"workload", "shop"}, {"severity", 1}});
  world.tell("run.started", {{"run", "run-1"}, {"runbook", "fix"}, {"incident", "inc-0001"}});
  world.tell("run.finished", {{"run", "run-1"}, {"runbook", "fix"}, {"outcome", "succeeded"}});
  world.tell("run.approval_requested", {{"run", "run-2"}, {"step", "a"}, {"role", "responder"}});
  world.tell("analysis.drafted", {{"analysis", "ana-0001"}, {"incident", "inc-0001"}});
  succeed(world, "d1", "shop", "1.0", "production", format_rfc3339(world.now));
  world.tell("deployment.started", {{"deployment", "d2"}, {"commit_time", "2026-01-01T00:00:00Z"}});
  world.tell("action.effect_judged", judged("act-1", "confirmed", true));
  world.tell("experiment.ended", {{"experiment", "exp-1"}, {"state", "harmful"}});
  AssessDomain restored;
  ASSERT_TRUE(restored.restore(world.domain.snapshot()));
  EXPECT_EQ(restored.snapshot(), world.domain.snapshot());
}

}  // namespace
}  // namespace wellrun::assess
