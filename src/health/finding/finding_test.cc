#include <cmath>
#include <gtest/gtest.h>

#include "catalog/kinds/component.h"
#include "facts/change.h"
#include "health/finding/finding_domain.h"

namespace wellrun::health::finding {
namespace {

using namespace std::chrono_literals;

const Timestamp kNow = from_unix_ms(1'767'225'600'000);

void put(catalog::Catalog& catalog, const char* name, const char* workload,
         std::vector<const char*> needs, const char* service = "") {
  auto component = std::make_shared<catalog::Component>();
  component->metadata.name = name;
  component->workload.name = workload;
  component->service = service;
  for (const auto* other : needs) component->depends_on.push_back({other});
  catalog::Resource resource;
  resource.kind = catalog::Component::kKind;
  resource.name = name;
  resource.value = component;
  catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
}

/// page -> checkout -> database (another workload); search stands alone.
catalog::Catalog shop() {
  catalog::Catalog catalog;
  put(catalog, "page", "shop", {"checkout"});
  put(catalog, "checkout", "shop", {"database"}, "checkout-svc");
  put(catalog, "search", "shop", {});
  put(catalog, "database", "platform", {});
  return catalog;
}

std::vector<std::string> names_of(const std::vector<Cause>& causes) {
  std::vector<std::string> names;
  for (const auto& cause : causes) names.push_back(cause.name);
  return names;
}

TEST(Topology, CountsTheDependenciesInBetween) {
  const Topology topology(shop());
  EXPECT_EQ(topology.needs_of("page"),
            (std::map<std::string, int>{{"page", 0}, {"checkout", 1}, {"database", 2}}));
  EXPECT_EQ(topology.needs_of("database"), (std::map<std::string, int>{{"database", 0}}));
}

TEST(Topology, ACircleHasAnEnd) {
  catalog::Catalog catalog;
  put(catalog, "a", "w", {"b"});
  put(catalog, "b", "w", {"a"});
  EXPECT_EQ(Topology(catalog).needs_of("a"), (std::map<std::string, int>{{"a", 0}, {"b", 1}}));
}

TEST(Causes, TheComponentThatAllNeedAndThatWasFirstRanksFirst) {
  const auto causes = likely_causes(
      "shop", {{"page", kNow + 2min, 0.7}, {"checkout", kNow, 0.6}, {"page", kNow + 3min, 0.9}}, {},
      Topology(shop()));
  ASSERT_EQ(names_of(causes), (std::vector<std::string>{"checkout", "page"}));
  EXPECT_NE(causes[0].why.find("1 of 3 unusual series are its own, 2 are of components that need"),
            std::string::npos)
      << causes[0].why;
}

TEST(Causes, ARecentChangeOfWhatIsNeededComesBeforeAnOldOneAndOneElsewhere) {
  const std::vector<Onset> onsets{{"page", kNow, 0.9}, {"checkout", kNow, 0.9}};
  const auto causes =
      likely_causes("shop", onsets,
                    {{"old", "deployment of checkout 1", "shop", "checkout", kNow - 100min},
                     {"elsewhere", "deployment of search 7", "shop", "search", kNow - 5min},
                     {"below", "deployment of database 3", "platform", "database", kNow - 5min},
                     {"culprit", "deployment of checkout 2", "shop", "checkout", kNow - 5min},
                     {"after", "rollback", "shop", "checkout", kNow + 10min},
                     {"ancient", "deployment of checkout 0", "shop", "checkout", kNow - 24h},
                     {"stranger", "deployment of else 0", "other", "else", kNow - 5min}},
                    Topology(shop()));
  ASSERT_GE(causes.size(), 4U);
  const auto names = names_of(causes);
  const auto at = [&](const char* name) { return std::ranges::find(names, name) - names.begin(); };
  EXPECT_EQ(at("culprit"), 0) << "it is the checkout's own, and recent";
  EXPECT_LT(at("culprit"), at("below"));
  EXPECT_LT(at("below"), at("elsewhere"));
  for (const auto* innocent : {"after", "ancient", "stranger"})
    EXPECT_EQ(at(innocent), std::ssize(names)) << innocent;
  EXPECT_NE(causes[0].why.find("5 min before it began"), std::string::npos) << causes[0].why;
  EXPECT_LE(causes.size(), 5U);
}

/// Each onset counts as much as any other, however many of a component there are.
TEST(Causes, ThousandsOfSeriesRankAsAFewInTheSameShares) {
  const std::vector<RecentChange> changes{
      {"culprit", "deployment of checkout 2", "shop", "checkout", kNow - 5min},
      {"below", "deployment of database 3", "platform", "database", kNow - 5min},
      {"elsewhere", "deployment of search 7", "shop", "search", kNow - 2min},
      {"whole", "a change of all", "shop", "", kNow - 10min}};
  const auto rank = [&](std::size_t times) {
    std::vector<Onset> onsets;
    for (std::size_t i = 0; i < times; ++i)
      for (const auto* name : {"page", "page", "checkout", ""})
        onsets.push_back({name, name[0] == 'p' ? kNow + 2min : kNow, 0.7});
    return likely_causes("shop", onsets, changes, Topology(shop()));
  };
  const auto few = rank(1);
  const auto many = rank(1000);
  ASSERT_EQ(names_of(few),
            (std::vector<std::string>{"culprit", "below", "checkout", "whole", "elsewhere"}));
  ASSERT_EQ(names_of(many), names_of(few));
  // By hand: the mean over page, page, checkout and what is unplaced.
  const double five_minutes = std::exp(-5.0 / 30);
  EXPECT_NEAR(few[0].score, five_minutes * (2 * 0.75 + 1 + 0.5) / 4, 1e-9);
  EXPECT_NEAR(few[1].score, five_minutes * (2 * 0.75 * 0.75 + 0.75 + 0.5) / 4, 1e-9);
  for (std::size_t i = 0; i < few.size(); ++i)
    EXPECT_NEAR(many[i].score, few[i].score, 1e-9) << few[i].name;
}

TEST(Causes, WithoutAnomaliesThereAreNone) {
  EXPECT_TRUE(likely_causes("shop", {}, {}, Topology(shop())).empty());
}

TEST(Causes, ASeriesIsOfTheComponentThatALabelNames) {
  const auto catalog = shop();
  EXPECT_EQ(component_of(catalog, "shop", {{"service", "checkout-svc"}}), "checkout");
  EXPECT_EQ(component_of(catalog, "shop", {{"component", "page"}, {"job", "search"}}), "page");
  EXPECT_EQ(component_of(catalog, "shop", {{"job", "database"}}), "") << "of another workload";
  EXPECT_EQ(component_of(catalog, "shop", {}), "");
}

struct FindingDomainTest : testing::Test {
  void record(const journal::Decision& decision, Timestamp time) {
    for (const auto& fact : decision.facts) apply(fact.type, fact.body, time);
  }
  void apply(const std::string& type, const Json& body, Timestamp time) {
    journal::Fact fact;
    fact.seq = ++seq;
    fact.time = time;
    fact.type = type;
    fact.body = body;
    domain.apply(fact);
  }
  static Unusual unusual(std::string id, double score, std::string watch = "baseline/load") {
    return {.baseline = std::move(id),
            .watch = std::move(watch),
            .metric = "load",
            .component = "checkout",
            .since = kNow - 5min,
            .score = score,
            .why = "high"};
  }
  journal::Decision decide(const std::vector<Unusual>& now_unusual, Timestamp now) {
    auto decision = domain.decide("shop", now_unusual, topology, "as usual again", now);
    record(decision, now);
    return decision;
  }

  FindingDomain domain;
  Topology topology{shop()};
  journal::Sequence seq = 0;
};

TEST_F(FindingDomainTest, OneMildSeriesIsNoFindingTwoOrAKpiOrAStrongOneAre) {
  EXPECT_TRUE(domain.decide("shop", {unusual("a", 0.55)}, topology, "", kNow).facts.empty());
  EXPECT_EQ(domain.decide("shop", {unusual("a", 0.65)}, topology, "", kNow).facts.size(), 1U);
  const auto opened_at = [&](double score, std::vector<Unusual> all) {
    return domain.decide("shop", std::move(all), topology, "", kNow, score).facts.size();
  };
  EXPECT_EQ(opened_at(0.8, {unusual("a", 0.75)}), 0U) << "the workload's findingScore";
  EXPECT_EQ(opened_at(0.8, {unusual("a", 0.75, "kpi/orders")}), 1U);
  EXPECT_EQ(opened_at(0.8, {unusual("a", 0.75), unusual("b", 0.65)}), 0U);
  EXPECT_EQ(opened_at(0.8, {unusual("a", 0.75), unusual("b", 0.72)}), 1U);
  EXPECT_EQ(opened_at(0.5, {unusual("a", 0.55)}), 1U);
  EXPECT_EQ(
      domain.decide("shop", {unusual("a", 0.5, "kpi/orders")}, topology, "", kNow).facts.size(),
      1U);
  EXPECT_EQ(domain.decide("shop", {unusual("a", 0.5), unusual("b", 0.5)}, topology, "", kNow)
                .facts.size(),
            1U);
}

TEST_F(FindingDomainTest, ItOpensGrowsAndEndsOnce) {
  apply(facts::DeploymentStarted::kType,
        facts::DeploymentStarted{
            .deployment = "dep-1", .workload = "shop", .component = "checkout", .version = "1.2.0"},
        kNow - 10min);
  ASSERT_EQ(decide({unusual("a", 0.9)}, kNow).facts.size(), 1U);
  ASSERT_NE(domain.open_of("shop"), nullptr);
  const auto& finding = *domain.open_of("shop");
  EXPECT_EQ(finding.since, kNow - 5min);
  EXPECT_EQ(text_or(finding.causes.at(0), "name"), "dep-1");
  EXPECT_NE(finding.summary.find("deployment of checkout 1.2.0"), std::string::npos)
      << finding.summary;
  EXPECT_TRUE(decide({unusual("a", 0.95)}, kNow + 2min).facts.empty()) << "nothing new";
  EXPECT_TRUE(decide({unusual("a", 0.9), unusual("b", 0.6)}, kNow + 30s).facts.empty())
      << "at most once a minute";
  ASSERT_EQ(decide({unusual("a", 0.9), unusual("b", 0.6)}, kNow + 2min).facts.size(), 1U);
  EXPECT_TRUE(decide({}, kNow + 2min + 59s).facts.empty()) << "what flaps does not end at once";
  EXPECT_EQ(domain.open_of("shop")->anomaly_count, 2);
  EXPECT_TRUE(decide({unusual("a", 0.9)}, kNow + 4min).facts.empty()) << "less is no news";
  const auto closed = decide({}, kNow + 10min);
  ASSERT_EQ(closed.facts.size(), 1U);
  EXPECT_EQ(closed.facts[0].type, "finding.closed");
  EXPECT_EQ(domain.open_of("shop"), nullptr);
  EXPECT_TRUE(decide({}, kNow + 11min).facts.empty());
  decide({unusual("a", 0.9)}, kNow + 1h);
  EXPECT_EQ(domain.open_of("shop")->id, "fnd-000002");
}

TEST_F(FindingDomainTest, ASnapshotIsTheSameState) {
  apply(facts::ChangeRecorded::kType,
        facts::ChangeRecorded{
            .change = "chg-1", .kind = "flag", .workload = "shop", .summary = "new pricing on"},
        kNow - 10min);
  decide({unusual("a", 0.9)}, kNow);
  FindingDomain other;
  ASSERT_TRUE(other.restore(domain.snapshot()));
  EXPECT_EQ(other.snapshot(), domain.snapshot());
  EXPECT_TRUE(other.decide("shop", {unusual("a", 0.9)}, topology, "", kNow + 5min).facts.empty());
  EXPECT_FALSE(other.restore(Json{{"findings", 1}}));
}

TEST_F(FindingDomainTest, ManySeriesMakeABoundedFact) {
  std::vector<Unusual> many;
  for (int i = 0; i < 5000; ++i) many.push_back(unusual(std::to_string(i), 0.5 + i * 1e-5));
  const auto decision = decide(many, kNow);
  ASSERT_EQ(decision.facts.size(), 1U);
  EXPECT_LT(to_text(decision.facts[0].body).size(), 16U << 10);
  EXPECT_EQ(domain.open_of("shop")->anomaly_count, 5000);
  EXPECT_EQ(text_or(domain.open_of("shop")->anomalies.at(0), "baseline"), "4999") << "worst first";
}

TEST_F(FindingDomainTest, OfClosedFindingsTheLastAreKept) {
  for (int i = 0; i < 300; ++i) {
    decide({unusual("a", 0.9)}, kNow + i * 10min);
    decide({}, kNow + i * 10min + 5min);
  }
  EXPECT_EQ(domain.findings().size(), 200U);
  EXPECT_EQ(domain.findings().rbegin()->first, "fnd-000300");
}

}  // namespace
}  // namespace wellrun::health::finding
