#include "health/effectiveness/effectiveness.h"

#include <gtest/gtest.h>

#include "catalog/check.h"
#include "catalog/kinds/rule_group.h"
#include "catalog/load.h"
#include "health/effectiveness/proposals.h"

namespace wellrun::health::effectiveness {
namespace {

using namespace std::chrono_literals;

const auto kStart = from_unix_ms(1'767'225'600'000);
const auto kNow = kStart + 90 * 24h;

/// Ninety days of a workload, told fact by fact.
struct Past {
  std::vector<journal::Fact> facts;

  void add(Duration at, const char* type, Json body, const char* actor = "system") {
    journal::Fact fact;
    fact.seq = facts.size() + 1;
    fact.type = type;
    fact.time = kStart + at;
    fact.actor = actor;
    fact.body = std::move(body);
    facts.push_back(std::move(fact));
  }

  /// Fires at `at` for `length`; its seq.
  journal::Sequence fire(const char* rule, const char* fingerprint, Duration at, Duration length) {
    add(at, "alert.fired",
        {{"fingerprint", fingerprint},
         {"rule", std::string("rules/g/") + rule},
         {"alert", rule},
         {"workload", "shop"}});
    const auto seq = facts.back().seq;
    add(at + length, "alert.resolved", {{"fingerprint", fingerprint}});
    return seq;
  }
  void incident(const char* id, Duration opened, const char* fingerprint, Duration acknowledged,
                Duration resolved) {
    add(opened, "incident.opened",
        {{"incident", id}, {"workload", "shop"}, {"fingerprint", fingerprint}});
    if (acknowledged > 0s)
      add(acknowledged, "incident.acknowledged", {{"incident", id}, {"by", "ana"}}, "person:ana");
    add(resolved, "incident.resolved", {{"incident", id}});
  }
  void verdict(journal::Sequence seq, const char* fingerprint, const char* word) {
    add(80 * 24h, "alert.verdict_given",
        {{"fingerprint", fingerprint},
         {"verdict", word},
         {"fired_seq", static_cast<std::int64_t>(seq)}});
  }

  History history() {
    std::ranges::stable_sort(facts, {}, &journal::Fact::time);
    return history_of(facts);
  }
};

Subject rule(const char* name, Duration hold = 0s) {
  return {.name = std::string("rules/g/") + name,
          .kind = "rule",
          .workload = "shop",
          .owner = "team",
          .declared_at = kStart - 1h,
          .expr = "up == 0",
          .hold = hold,
          .severity = "page"};
}

Subject kpi(const char* name) {
  return {.name = std::string("kpis/") + name,
          .kind = "kpi",
          .workload = "shop",
          .owner = {},
          .declared_at = kStart - 1h,
          .expr = fmt::format("({}) < 300", name),
          .hold = 1min,
          .severity = {}};
}

/// No fact of the time that is looked at says so.
TEST(Effectiveness, WhatHasSpokenSinceBeforeAndStillDoesIsNotSilent) {
  HealthDomain domain;
  Past before;
  before.add(-2h, "alert.fired",
             {{"fingerprint", "w"}, {"rule", "rules/g/Watchdog"}, {"workload", "shop"}});
  before.add(-2h, "kpi.status_changed", {{"kpi", "orders"}, {"to", "missed"}});
  before.add(-2h, "kpi.status_changed", {{"kpi", "visitors"}, {"to", "on_target"}});
  before.add(1h, "alert.fired", {{"fingerprint", "n"}, {"rule", "rules/g/New"}});
  for (const auto& fact : before.facts) domain.apply(fact);
  const std::vector<Subject> subjects = {rule("Watchdog"), kpi("orders"), kpi("visitors")};
  Past past;
  past.verdict(1, "w", "noise");
  const auto history = history_of(past.facts, standing_at(kStart, domain, subjects));
  ASSERT_EQ(history.signals.size(), 2U) << "what began later is told by its fact";
  EXPECT_EQ(history.signals[1].workload, "shop");
  const auto worths = worth_of(subjects, history, kNow);
  EXPECT_EQ(worths[0].spoke, 1U);
  EXPECT_EQ(worths[0].verdicts, 1U);
  EXPECT_EQ(worths[1].spoke, 1U);
  EXPECT_EQ(worths[2].spoke, 0U);
  for (const auto& proposal : proposals(worths, history, kStart, kNow))
    EXPECT_NE(proposal.subject, "rules/g/Watchdog") << proposal.text;
}

TEST(Effectiveness, RulesOfOneNameAreSubjectsOfTheirOwn) {
  catalog::RuleGroup group;
  group.metadata.name = "g";
  for (const auto* window : {"long", "short", "short"}) {
    catalog::Rule burn;
    burn.alert = "Burn";
    burn.expr = fmt::format("burn:{}", window);
    burn.for_ = 2min;
    burn.labels = {{"severity", "page"}, {"window", window}, {"job", "{{ $labels.job }}"}};
    group.rules.push_back(burn);
  }
  group.rules.back().expr = "other";
  group.rules.back().for_ = 1min;
  catalog::Rule alone;
  alone.alert = "Alone";
  alone.expr = "up == 0";
  alone.labels = {{"severity", "page"}};
  group.rules.push_back(alone);
  catalog::Resource resource;
  resource.kind = catalog::RuleGroup::kKind;
  resource.name = "g";
  resource.value = std::make_shared<catalog::RuleGroup>(group);
  catalog::Catalog catalog;
  catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
  const auto subjects = subjects_of(catalog);
  std::vector<std::string> names;
  for (const auto& subject : subjects) names.push_back(subject.name);
  EXPECT_EQ(names, (std::vector<std::string>{"rules/g/Alone", "rules/g/Burn{window=\"long\"}",
                                             "rules/g/Burn{window=\"short\"}"}));
  EXPECT_EQ(subjects[2].expr, "(burn:short) or (other)") << "which nothing tells apart";
  EXPECT_EQ(subjects[2].hold, 1min);

  HealthDomain domain;
  Past before;
  before.add(-2h, "alert.fired",
             {{"fingerprint", "b"},
              {"rule", "rules/g/Burn"},
              {"labels", {{"severity", "page"}, {"window", "short"}}}});
  for (const auto& fact : before.facts) domain.apply(fact);
  const auto worths =
      worth_of(subjects, history_of({}, standing_at(kStart, domain, subjects)), kNow);
  EXPECT_EQ(worths[1].spoke, 0U);
  EXPECT_EQ(worths[2].spoke, 1U);
}

TEST(Effectiveness, AnAlertIsRightWhenSomebodyActedAndNoiseOtherwise) {
  Past past;
  past.fire("High", "a", 1h, 30min);
  past.incident("inc-1", 1h, "a", 1h + 4min, 2h);
  past.fire("High", "a", 50h, 10min);
  past.incident("inc-2", 50h, "a", 0s, 51h);            // nobody cared
  past.incident("inc-3", 100h, "", 100h + 1min, 101h);  // opened by hand, nothing told
  const auto worth = worth_of({rule("High")}, past.history(), kNow).front();
  EXPECT_EQ(worth.spoke, 2U);
  EXPECT_EQ(worth.right, 1U);
  EXPECT_EQ(worth.noise, 1U);
  EXPECT_EQ(worth.precision(), 0.5);
  EXPECT_EQ(worth.incidents, 2U) << "the one that nobody acted on was none";
  EXPECT_EQ(worth.recall(), 0.5);
  EXPECT_EQ(worth.lead_s, 240) << "before the acknowledgement";
  EXPECT_TRUE(worth.looked_at);
  EXPECT_TRUE(worth.changed_something);
}

TEST(Effectiveness, APersonsVerdictHasTheLastWord) {
  Past past;
  const auto seq = past.fire("High", "a", 1h, 30min);
  past.incident("inc-1", 1h, "a", 1h + 4min, 2h);
  past.verdict(seq, "a", "noise");
  const auto alone = past.fire("High", "a", 50h, 30min);
  past.verdict(alone, "a", "real");
  const auto worth = worth_of({rule("High")}, past.history(), kNow).front();
  EXPECT_EQ(worth.verdicts, 2U);
  EXPECT_EQ(worth.right, 1U) << "real without an incident, noise with one";
  EXPECT_EQ(worth.noise, 1U);
  EXPECT_EQ(worth.told, 0U);
  EXPECT_EQ(worth.incidents, 0U) << "an incident of noise alone is none";
}

TEST(Effectiveness, AKpiWhoseChartSomebodyOpenedWasLookedAt) {
  Past past;
  const auto never = worth_of({kpi("orders")}, past.history(), kNow).front();
  EXPECT_FALSE(never.looked_at);
  for (const auto day : {3, 40}) past.add(day * 24h, "kpi.viewed", {{"kpi", "orders"}});
  const auto history = past.history();
  const auto worths = worth_of({kpi("orders"), kpi("visitors")}, history, kNow);
  EXPECT_TRUE(worths.front().looked_at);
  EXPECT_EQ(worths.front().viewed_days, 2U);
  EXPECT_EQ(to_json(worths.front(), kStart)["viewed_days"], 2);
  EXPECT_FALSE(worths.back().looked_at) << "another KPI's chart";
  const auto found = proposals(worths, history, kStart, kNow);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().subject, "kpis/visitors") << "what is looked at is not to be deleted";
}

TEST(Effectiveness, WhatNeverSpokeAndWhatNobodyLookedAtIsSaid) {
  Past past;
  past.fire("Ignored", "b", 1h, 1min);
  const auto worths = worth_of({rule("Ignored"), rule("Silent")}, past.history(), kNow);
  const auto ignored = to_json(worths[0], kStart);
  EXPECT_EQ(ignored["never_fired"], false);
  EXPECT_EQ(ignored["never_looked_at"], true);
  EXPECT_EQ(ignored["never_changed_a_decision"], true);
  EXPECT_EQ(to_json(worths[1], kStart)["never_fired"], true);
  EXPECT_EQ(to_json(worths[1], kStart)["precision"], nullptr) << "no share of nothing";
}

TEST(Effectiveness, AKpiIsLookedAtByReviewsAndSpeaksWhileItIsOffTarget) {
  Past past;
  past.add(1h, "kpi.status_changed", {{"kpi", "orders"}, {"workload", "shop"}, {"to", "at_risk"}});
  past.add(2h, "kpi.status_changed", {{"kpi", "orders"}, {"workload", "shop"}, {"to", "missed"}});
  past.add(3h, "kpi.status_changed",
           {{"kpi", "orders"}, {"workload", "shop"}, {"to", "on_target"}});
  past.incident("inc-1", 2h, "", 2h, 3h);
  past.add(4h, "kpi.reviewed", {{"kpi", "orders"}, {"decision", "a lower target"}});
  const auto worth = worth_of({kpi("orders")}, past.history(), kNow).front();
  EXPECT_EQ(worth.spoke, 1U) << "from at risk to on target";
  EXPECT_EQ(worth.right, 1U);
  EXPECT_EQ(worth.lead_s, 3600);
  EXPECT_TRUE(worth.changed_something);
}

std::vector<Proposal> propose(Past& past, const std::vector<Subject>& subjects) {
  const auto history = past.history();
  return proposals(worth_of(subjects, history, kNow), history, kStart, kNow);
}

TEST(Effectiveness, EveryAlertThatTheCatalogMakesHasARow) {
  const auto wanted = catalog::check(catalog::load({{"ops.yaml", R"(
apiVersion: wellrun.io/v1
kind: Slo
metadata: {name: orders}
spec: {service: shop, objectives: [{target: 0.9}]}
---
apiVersion: wellrun.io/v1
kind: Slo
metadata: {name: quiet}
spec: {service: shop, objectives: [{target: 0.9}]}
---
apiVersion: wellrun.io/v1
kind: BudgetPolicy
metadata: {name: freeze}
spec:
  slos: [orders]
  steps: [{at: 50, then: [flag-deployments]}, {at: 100, then: [page]}]
---
apiVersion: wellrun.io/v1
kind: BudgetPolicy
metadata: {name: flags}
spec: {slos: [quiet], steps: [{at: 50, then: [flag-deployments]}]}
---
apiVersion: wellrun.io/v1
kind: Kpi
metadata: {name: sales}
spec: {workload: shop, query: up, target: 1}
)"}}))
                          .wanted;
  std::vector<std::string> names;
  for (const auto& subject : subjects_of(wanted))
    names.push_back(subject.kind + " " + subject.name);
  const std::vector<std::string> expected = {"forecast forecast/budget/orders/BudgetWillBeSpent",
                                             "forecast forecast/budget/quiet/BudgetWillBeSpent",
                                             "forecast forecast/kpi/sales/WillMissTarget",
                                             "kpi kpis/sales",
                                             "slo slos/orders/SloBurnRate",
                                             "budget slos/orders/SloBudgetSpent",
                                             "slo slos/quiet/SloBurnRate"};
  EXPECT_TRUE(std::ranges::is_permutation(names, expected))
      << fmt::format("{}", fmt::join(names, "\n"));
}

TEST(Effectiveness, TheAlertOfABudgetIsHeldAgainstWhatHappened) {
  Past past;
  past.add(1h, "alert.fired",
           {{"fingerprint", "f1"},
            {"rule", "slos/orders/SloBudgetSpent"},
            {"alert", "SloBudgetSpent"},
            {"workload", "shop"}});
  past.incident("inc-1", 1h + 1min, "f1", 1h + 5min, 3h);
  const Subject subject{.name = "slos/orders/SloBudgetSpent", .kind = "budget", .workload = "shop"};
  const auto worth = worth_of({subject}, past.history(), kNow).front();
  EXPECT_EQ(worth.spoke, 1U);
  EXPECT_EQ(worth.right, 1U);
}

TEST(Proposals, ARuleThatIsMostlyShortNoiseIsToHoldLonger) {
  Past past;
  for (int i = 1; i <= 9; ++i) past.fire("Flaps", "a", i * 24h, 3min);
  past.fire("Flaps", "a", 400h, 40min);
  past.incident("inc-1", 400h, "a", 402h, 403h);
  const auto found = propose(past, {rule("Flaps", 1min)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].what, "raise");
  EXPECT_EQ(found[0].rule["for"], "6m") << "1m and the shortest that helps";
  EXPECT_EQ(found[0].support["noise"], 9);
  EXPECT_EQ(found[0].support["noise_left"], 0);
  EXPECT_EQ(found[0].support["incidents_told"], 1);
}

TEST(Proposals, AnSloThatAlertsForNothingIsToBurnLongerOrFaster) {
  const auto burn = [](Past& past, const char* slo, Duration at, Duration length) {
    past.add(at, "alert.fired",
             {{"fingerprint", slo},
              {"rule", std::string("slos/") + slo + "/SloBurnRate"},
              {"workload", "shop"}});
    past.add(at + length, "alert.resolved", {{"fingerprint", slo}});
  };
  Past past;
  for (int i = 1; i <= 6; ++i) {
    burn(past, "short", i * 24h, 3min);
    burn(past, "long", i * 24h, 5h);
  }
  const auto found = propose(past, {{.name = "slos/short/SloBurnRate", .kind = "slo"},
                                    {.name = "slos/long/SloBurnRate", .kind = "slo"}});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].what, "raise");
  EXPECT_EQ(found[0].support["for"], "5m");
  EXPECT_TRUE(found[0].rule.is_null() && found[0].now.empty()) << "no rule that could be tried";
  EXPECT_TRUE(found[1].text.contains("never right: raise the burn rates")) << found[1].text;
  const auto tried = propose(
      past,
      {{.name = "slos/short/SloBurnRate", .kind = "slo", .expr = "burn > 14", .hold = 1min},
       {.name = "slos/long/SloBurnRate", .kind = "slo", .expr = "b > 6", .faster_expr = "b > 12"}});
  ASSERT_EQ(tried.size(), 2U);
  EXPECT_EQ(tried[0].rule["for"], "6m");
  EXPECT_EQ(tried[0].now[0]["expr"], "burn > 14");
  EXPECT_EQ(tried[1].rule["expr"], "b > 12") << "twice as fast";
  EXPECT_EQ(tried[1].now[0]["expr"], "b > 6");
}

TEST(Proposals, ADetectorThatIsMostlyNoiseIsToHaveAHigherBar) {
  const Json weak = {{{"watch", "baseline/a"}, {"score", 0.62}}};
  const Json strong = {{{"watch", "kpi/orders"}, {"score", 0.75}}};
  const auto finding = [&](Past& past, const std::string& id, Duration at, const Json& first,
                           const Json& then) {
    const auto body = [&](const Json& anomalies) {
      return Json{{"finding", id}, {"workload", "shop"}, {"anomalies", anomalies}};
    };
    past.add(at, "finding.opened", body(first));
    past.add(at + 5min, "finding.changed", body(then));
    past.add(at + 1h, "finding.closed", {{"finding", id}, {"workload", "shop"}});
  };
  Past past;
  for (int i = 1; i <= 6; ++i) finding(past, fmt::format("fnd-{}", i), i * 24h, weak, weak);
  finding(past, "fnd-7", 10 * 24h, weak, strong);
  past.incident("inc-1", 10 * 24h, "", 10 * 24h + 10min, 10 * 24h + 1h);
  const Subject detector{
      .name = "detectors/shop", .kind = "detector", .workload = "shop", .finding_score = 0.6};
  const auto found = propose(past, {detector});
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].what, "raise");
  EXPECT_EQ(found[0].support["finding_score"], 0.65);
  EXPECT_EQ(found[0].support["noise_left"], 0);
  EXPECT_EQ(found[0].support["incidents_told"], 1) << "the one that grew";
  EXPECT_NE(found[0].rule["expr"].get<std::string>().find(">= 0.65 or count("), std::string::npos);
  EXPECT_NE(found[0].now[0]["expr"].get<std::string>().find(">= 0.6 or"), std::string::npos);
}

TEST(Proposals, ADetectorThatMissesIncidentsIsToHaveALowerBar) {
  Past past;
  past.incident("inc-1", 10 * 24h, "", 10 * 24h + 10min, 10 * 24h + 1h);
  Subject detector{
      .name = "detectors/shop", .kind = "detector", .workload = "shop", .finding_score = 0.8};
  const auto is_lower = [](const Proposal& each) { return each.what == "lower"; };
  const auto found = propose(past, {detector});
  const auto lower = std::ranges::find_if(found, is_lower);
  ASSERT_NE(lower, found.end());
  EXPECT_EQ(lower->support["finding_score"], 0.7);
  detector.finding_score = 0.5;
  const auto none = propose(past, {detector});
  EXPECT_TRUE(std::ranges::none_of(none, is_lower)) << "there is no lower one";
}

TEST(Proposals, NoRaiseThatWouldLoseAnIncident) {
  Past past;
  for (int i = 1; i <= 9; ++i) past.fire("Flaps", "a", i * 24h, 3min);
  past.fire("Flaps", "a", 400h, 2min);
  past.incident("inc-1", 400h, "a", 400h + 1min, 401h);
  EXPECT_TRUE(propose(past, {rule("Flaps")}).empty());
}

TEST(Proposals, WhatNeverFiredOrWasNeverRightIsToGo) {
  Past past;
  for (int i = 1; i <= 5; ++i) past.fire("Wrong", "a", i * 24h, 3h);
  auto young = rule("Young");
  young.declared_at = kNow - 24h;
  const auto found = propose(past, {rule("Silent"), rule("Wrong"), young});
  ASSERT_EQ(found.size(), 2U) << "of a rule that is a day old silence says nothing";
  EXPECT_EQ(found[0].what, "delete");
  EXPECT_EQ(found[0].subject, "rules/g/Silent");
  EXPECT_EQ(found[1].subject, "rules/g/Wrong");
  ASSERT_EQ(found[1].now.size(), 1U);
  EXPECT_EQ(found[1].now[0]["expr"], "up == 0") << "to be tried on history, as it is";
}

TEST(Proposals, WhatIsToGoIsNotToBeMerged) {
  Past past;
  for (int i = 1; i <= 5; ++i) {
    past.fire("One", "a", i * 24h, 3h);
    past.fire("Other", "b", i * 24h + 1min, 3h);
  }
  const auto found = propose(past, {rule("One"), rule("Other")});
  ASSERT_EQ(found.size(), 2U) << "never right, both of them";
  EXPECT_EQ(found[0].what, "delete");
  EXPECT_EQ(found[1].what, "delete");
}

TEST(Proposals, RulesThatSpeakTogetherAreToBeMerged) {
  Past past;
  for (int i = 1; i <= 4; ++i) {
    past.fire("One", "a", i * 24h, 30min);
    past.fire("Two", "b", i * 24h + 5min, 30min);
    past.incident(("inc-" + std::to_string(i)).c_str(), i * 24h, "a", i * 24h + 10min,
                  i * 24h + 1h);
  }
  const auto found = propose(past, {rule("One"), rule("Two")});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].what, "merge");
  EXPECT_EQ(found[0].support["with"], "rules/g/Two");
  EXPECT_EQ(found[0].support["together"], 4);
  EXPECT_TRUE(propose(past, {rule("One"), rule("One")}).empty()) << "nothing merges with itself";
}

TEST(Proposals, AKpiThatNobodyLookedAtIsToBeReviewedOrToGo) {
  Past past;
  past.incident("inc-1", 1h, "", 1h, 2h);
  past.add(4h, "kpi.reviewed", {{"kpi", "orders"}, {"decision", ""}});
  auto young = kpi("young");
  young.declared_at = kNow - 24h;
  const auto found = propose(past, {kpi("orders"), kpi("visitors"), young});
  ASSERT_EQ(found.size(), 2U) << "and what people saw that is not measured";
  EXPECT_EQ(found[0].what, "delete");
  EXPECT_EQ(found[0].subject, "kpis/visitors");
  EXPECT_EQ(found[0].now.at(0)["expr"], "(visitors) < 300");
}

TEST(Proposals, AnIncidentThatOnlyADetectorKnewOfAsksForAnAlertOnWhatIsNormal) {
  Past past;
  past.add(10h, "finding.opened", {{"finding", "f-1"}, {"workload", "shop"}});
  past.incident("inc-1", 10h + 20min, "", 10h + 20min, 11h);
  past.add(11h, "finding.closed", {{"finding", "f-1"}, {"workload", "shop"}});
  const Subject detector{.name = "detectors/shop", .kind = "detector", .workload = "shop"};
  const auto found = propose(past, {detector});
  ASSERT_EQ(found.size(), 1U) << "a finding pages nobody";
  EXPECT_EQ(found[0].what, "add");
  EXPECT_EQ(found[0].subject, "detectors/shop");
  EXPECT_EQ(found[0].rule["expr"],
            "max(max_over_time(wellrun:baseline:score{workload=\"shop\"}[5m])) >= 0.6");
}

TEST(Proposals, AnIncidentThatNothingToldOfAsksForAnAlertOnTheKpiThatKnew) {
  Past past;
  past.add(10h, "kpi.status_changed", {{"kpi", "orders"}, {"workload", "shop"}, {"to", "missed"}});
  past.incident("inc-1", 10h + 20min, "", 10h + 20min, 11h);
  past.incident("inc-2", 500h, "", 500h, 501h);
  past.add(12h, "kpi.status_changed",
           {{"kpi", "orders"}, {"workload", "shop"}, {"to", "on_target"}});
  const auto found = propose(past, {kpi("orders")});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].what, "add");
  EXPECT_EQ(found[0].subject, "kpis/orders");
  EXPECT_EQ(found[0].rule["expr"], "(orders) < 300");
  EXPECT_EQ(found[1].subject, "workloads/shop") << "of inc-2 nothing is known";
}

}  // namespace
}  // namespace wellrun::health::effectiveness
