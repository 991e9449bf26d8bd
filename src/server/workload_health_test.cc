#include "server/workload_health.h"

#include <gtest/gtest.h>

namespace wellrun::server {
namespace {

using Reasons = std::vector<std::string>;

health::SloReading used(double percent, std::string held_back = {}) {
  health::SloReading reading;
  reading.use = health::BudgetUse{.percent = percent, .held_back = std::move(held_back)};
  return reading;
}

respond::Incident incident(int severity, respond::IncidentState state) {
  respond::Incident incident;
  incident.id = "inc-0001";
  incident.severity = severity;
  incident.state = state;
  return incident;
}

TEST(WorkloadHealth, IsNotHealthyWhileAnErrorBudgetIsOverspentOrBurns) {
  WorkloadHealth spent;
  spent.take_kpi("orders", "on_target");
  spent.take_slo("checkout", used(123));
  EXPECT_STREQ(spent.state(), "at_risk");
  EXPECT_EQ(spent.reasons(), Reasons{"the error budget of checkout is overspent: 123 % used"});

  auto burning = used(40);
  burning.burn_rates.push_back({.firing = true});
  WorkloadHealth burns;
  burns.take_slo("checkout", burning);
  EXPECT_EQ(burns.reasons(), Reasons{"the error budget of checkout burns too fast"});
}

TEST(WorkloadHealth, OneFailureAtLittleTrafficSaysNothing) {
  WorkloadHealth health;
  health.take_slo("checkout", used(10'000, "1 of 10 events is bad, which may be chance"));
  EXPECT_STREQ(health.state(), "healthy");
  EXPECT_TRUE(health.reasons().empty());
}

TEST(WorkloadHealth, AnSloAloneIsEnoughToKnow) {
  WorkloadHealth health;
  EXPECT_STREQ(health.state(), "no_data");
  health.take_kpi("orders", "no_data");
  health.take_slo("quiet", {});
  EXPECT_STREQ(health.state(), "no_data") << "without events";
  health.take_slo("checkout", used(20));
  EXPECT_STREQ(health.state(), "healthy");
}

TEST(WorkloadHealth, TheGravestIsSaidFirst) {
  using enum respond::IncidentState;
  WorkloadHealth health;
  health.take_kpi("visitors", "at_risk");
  EXPECT_STREQ(health.state(), "at_risk");
  health.take_incident(incident(1, kMitigated));
  health.take_incident(incident(3, kTriggered));
  EXPECT_STREQ(health.state(), "at_risk");
  health.take_incident(incident(2, kTriggered));
  EXPECT_STREQ(health.state(), "critical");
  EXPECT_EQ(health.reasons().front(), "incident inc-0001 of severity 2 is open");

  WorkloadHealth missed;
  missed.take_kpi("orders", "missed");
  EXPECT_STREQ(missed.state(), "critical");
}

}  // namespace
}  // namespace wellrun::server
