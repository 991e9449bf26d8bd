#include <gtest/gtest.h>

#include "facts/health.h"
#include "improve/improve_domain.h"

namespace wellrun::improve {
namespace {

const auto kNow = from_unix_ms(1'767'225'600'000);

/// Applies the fact of a step, and what follows from it; how many actions there are then.
std::size_t reach(ImproveDomain& domain, const facts::BudgetStepReached& step) {
  journal::Fact fact;
  fact.type = facts::BudgetStepReached::kType;
  fact.body = step;
  domain.apply(fact);
  const auto decision = domain.react(fact, kNow);
  for (const auto& next : decision.facts) {
    journal::Fact follows;
    follows.type = next.type;
    follows.body = next.body;
    follows.time = kNow;
    domain.apply(follows);
  }
  return domain.actions().size();
}

TEST(BudgetAction, IsCreatedForTheOwnerOnceWhileItIsOpen) {
  ImproveDomain domain;
  facts::BudgetStepReached step{.slo = "orders",
                                .workload = "shop",
                                .policy = "freeze",
                                .at = 80,
                                .used = 81,
                                .then = {"ticket"},
                                .owner = "storefront"};
  EXPECT_EQ(reach(domain, step), 0U) << "the step does not ask for one";
  step.then = {"ticket", "action"};
  ASSERT_EQ(reach(domain, step), 1U);
  const auto& action = domain.actions().begin()->second.what;
  EXPECT_EQ(action.owner, "storefront");
  EXPECT_EQ(action.due, format_rfc3339(kNow + std::chrono::hours(14 * 24)));
  EXPECT_EQ(reach(domain, step), 1U) << "it is open still";
  journal::Fact finished;
  finished.type = facts::ActionFinished::kType;
  finished.body = facts::ActionFinished{action.action, "ana", ""};
  domain.apply(finished);
  EXPECT_EQ(reach(domain, step), 2U);
}

}  // namespace
}  // namespace wellrun::improve
