#include "health/slo/budget_policy.h"

#include <gtest/gtest.h>

#include "catalog/kinds/budget_policy.h"
#include "catalog/kinds/workload.h"
#include "health/health_domain.h"

namespace wellrun::health {
namespace {

template <typename T>
void put(catalog::Catalog& catalog, T value) {
  catalog::Resource resource;
  resource.kind = T::kKind;
  resource.name = value.metadata.name;
  resource.value = std::make_shared<T>(std::move(value));
  catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
}

struct BudgetPolicyTest : testing::Test {
  catalog::Catalog catalog;
  catalog::Slo slo;
  HealthDomain domain;
  journal::Sequence seq = 0;

  BudgetPolicyTest() {
    catalog::Workload shop;
    shop.metadata.name = "shop";
    shop.owner.name = "storefront";
    put(catalog, shop);
    slo.metadata.name = "checkout";
    slo.service.name = "shop";
    put(catalog, slo);
    catalog::BudgetPolicy policy;
    policy.metadata.name = "freeze";
    policy.workload.name = "shop";
    policy.steps = {{50, {"flag-deployments"}},
                    {80, {"ticket", "action"}},
                    {100, {"refuse-deployments", "page"}}};
    put(catalog, policy);
  }

  /// The types of the facts that follow from so much used, applied.
  std::vector<std::string> use(double percent, const char* held_back = "") {
    std::vector<std::string> what;
    const auto wanted = steps_for(catalog, slo, {percent, held_back}, domain.standing_steps());
    const auto decision = domain.stand_budget("checkout", wanted, percent);
    for (const auto& next : decision.facts) {
      journal::Fact fact;
      fact.seq = ++seq;
      fact.type = next.type;
      fact.body = next.body;
      domain.apply(fact);
      what.push_back(fmt::format("{} {:g}", next.type, next.body["at"].get<double>()));
    }
    return what;
  }
};

using Strings = std::vector<std::string>;

TEST_F(BudgetPolicyTest, StepsAreReachedInTheirTurnAndOnce) {
  EXPECT_EQ(use(10), Strings{});
  EXPECT_EQ(use(50), Strings{"budget.step_reached 50"});
  EXPECT_EQ(use(60), Strings{});
  EXPECT_EQ(use(130), (Strings{"budget.step_reached 100", "budget.step_reached 80"}));
  EXPECT_EQ(domain.budget_steps().at("checkout/freeze/50").step.used, 50) << "when it was reached";
  EXPECT_EQ(domain.budget_steps().at("checkout/freeze/80").step.owner, "storefront");
}

TEST_F(BudgetPolicyTest, ABudgetOnTheBorderDoesNotOpenAndCloseByTurns) {
  EXPECT_EQ(use(50.1).size(), 1U);
  EXPECT_EQ(use(49.9), Strings{});
  EXPECT_EQ(use(48.1), Strings{});
  EXPECT_EQ(use(47.9), Strings{"budget.step_left 50"});
  EXPECT_EQ(use(49.9), Strings{});
  EXPECT_EQ(use(50), Strings{"budget.step_reached 50"});
}

TEST_F(BudgetPolicyTest, WhileTooLittleIsKnownNoStepIsReachedAndThoseThatStandGoOn) {
  EXPECT_EQ(use(10'000, "1 bad of 10 events"), Strings{});
  EXPECT_EQ(use(50), Strings{"budget.step_reached 50"});
  EXPECT_EQ(use(10'000, "1 bad of 10 events"), Strings{});
  EXPECT_EQ(use(0, "0 bad of 10 events"), Strings{"budget.step_left 50"});
}

TEST_F(BudgetPolicyTest, AStepThatThePolicyNoLongerSaysIsLeft) {
  use(100);
  catalog::BudgetPolicy policy;
  policy.metadata.name = "freeze";
  policy.workload.name = "shop";
  policy.steps = {{100, {"flag-deployments"}}};
  put(catalog, policy);
  const auto facts = use(100);
  EXPECT_EQ(facts, (Strings{"budget.step_left 100", "budget.step_left 50", "budget.step_left 80",
                            "budget.step_reached 100"}));
  EXPECT_EQ(domain.budget_steps().at("checkout/freeze/100").step.then, Strings{"flag-deployments"});
}

TEST_F(BudgetPolicyTest, AStepOfAnSloThatMovedIsAnother) {
  use(85);
  slo.service.name = "payments";
  put(catalog, slo);
  EXPECT_TRUE(still_said(catalog, domain.standing_steps()).empty()) << "the policy is the shop's";
  catalog::BudgetPolicy policy;
  policy.metadata.name = "freeze";
  policy.workload.name = "payments";
  policy.steps = {{80, {"ticket", "action"}}};
  put(catalog, policy);
  EXPECT_EQ(use(79), (Strings{"budget.step_left 50", "budget.step_left 80"}))
      << "it never stood there, so it is not held by being left later";
  EXPECT_EQ(use(85), Strings{"budget.step_reached 80"});
  EXPECT_EQ(domain.budget_steps().at("checkout/freeze/80").step.workload, "payments");
}

TEST_F(BudgetPolicyTest, OnlyStepsThatTellSomebodyFireAnAlert) {
  use(100);
  const auto rule = [&](const char* key) {
    return budget_alert_rule(slo, domain.budget_steps().at(key).step);
  };
  EXPECT_FALSE(rule("checkout/freeze/50"));
  EXPECT_EQ(rule("checkout/freeze/80")->labels.at("severity"), "ticket");
  EXPECT_EQ(rule("checkout/freeze/100")->labels.at("severity"), "page");
}

TEST_F(BudgetPolicyTest, StepsSurviveARestart) {
  use(85);
  HealthDomain again;
  ASSERT_TRUE(again.restore(domain.snapshot()));
  EXPECT_EQ(again.snapshot(), domain.snapshot());
  EXPECT_TRUE(again.budget_steps().contains("checkout/freeze/80"));
}

}  // namespace
}  // namespace wellrun::health
