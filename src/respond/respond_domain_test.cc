#include "respond/respond_domain.h"

#include "facts/catalog.h"
#include "respond/respond_test_support.h"
#include "respond/severity.h"

namespace wellrun::respond {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

TEST(Respond, AnAlertThatPagesOpensAnIncidentAndPagesWhoeverIsOnCallInOneTransaction) {
  Shop shop;
  shop.fire("a1");
  EXPECT_EQ(shop.types(), (Strings{"alert.fired", "event.recorded", "incident.opened",
                                   "page.requested", "status.posted", "page.sent"}));
  EXPECT_EQ(shop.store.append_count() >= 1, true);
  EXPECT_EQ(shop.performer.pages, Strings{"ana by mail"});
  const auto& incident = shop.incident();
  EXPECT_EQ(incident.title, "Checkout fails");
  EXPECT_EQ(incident.severity, 2);
  EXPECT_EQ(incident.procedure, "look-around");
  const auto read = shop.store.read({});
  for (const auto& fact : *read) {
    if (fact.type != "alert.fired") {
      EXPECT_EQ(fact.correlation, "inc-0001") << fact.type;
    }
    EXPECT_FALSE(to_text(fact.body).contains("@")) << "facts hold no addresses";
  }
}

TEST(Respond, ATitleIsOneLineWhateverTheAlertSaysOfItself) {
  Shop shop;
  facts::AlertFired fired;
  fired.fingerprint = "a1";
  fired.alert = "HighErrors";
  fired.workload = "shop";
  fired.severity = "page";
  fired.annotations = {{"summary", "Checkout fails\r\nAcknowledge (one tap): https://evil\n"}};
  shop.record("alert/a1", fired);
  EXPECT_EQ(shop.incident().title, "Checkout fails  Acknowledge (one tap): https://evil");
  fired.workload = "depot";
  fired.annotations["summary"] = "\n";
  shop.record("alert/a2", fired);
  EXPECT_EQ(shop.incident("inc-0002").title, "HighErrors");
}

TEST(Respond, ATicketAndAnInfoAreEventsWithoutAnIncident) {
  Shop shop;
  shop.fire("a1", "ticket");
  shop.fire("a2", "info");
  EXPECT_EQ(shop.types(),
            (Strings{"alert.fired", "event.recorded", "alert.fired", "event.recorded"}));
  for (const auto& event : shop.domain->events()) {
    EXPECT_EQ(event.outcome, "noted");
    EXPECT_EQ(event.incident, "");
  }
  EXPECT_EQ(shop.domain->events().back().severity, "info");
}

TEST(Respond, AnIncidentThatIsOnlyInTheJournalIsReadFromThereAndCanOnlyBeRead) {
  Shop shop;
  const auto resolve = [&](const std::string& id) {
    return shop.command([&](Timestamp) { return shop.domain->resolve(id, "person:ana", "over"); });
  };
  shop.fire("still");  // inc-0001 stays open, and in memory
  for (std::size_t number = 2; number <= kMaxIncidentsKept + 3; ++number) {
    ASSERT_TRUE(shop.command(
        [&](Timestamp) { return shop.domain->open("by hand", "shop", 3, "person:ana"); }));
    const auto before = shop.domain->find(incident_id(static_cast<int>(number)));
    ASSERT_NE(before, nullptr);
    ASSERT_TRUE(resolve(before->id));
  }
  EXPECT_EQ(shop.domain->incidents().size(), kMaxIncidentsKept);
  EXPECT_NE(shop.domain->find("inc-0001"), nullptr);
  EXPECT_EQ(shop.domain->find("inc-0002"), nullptr);
  EXPECT_TRUE(shop.domain->was_opened("inc-0002"));
  EXPECT_FALSE(shop.domain->was_opened("inc-9999"));
  const auto old = read_incident(shop.store, "inc-0002");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->state, IncidentState::kResolved);
  EXPECT_EQ(old->title, "by hand");
  EXPECT_EQ(resolve("inc-0002").error().code, ErrorCode::kConflict);
  EXPECT_EQ(resolve("inc-9999").error().code, ErrorCode::kNotFound);

  // Whatever is still in memory is what its facts alone make of it.
  const auto known = *shop.domain->find("inc-0005");
  EXPECT_EQ(to_json(*read_incident(shop.store, "inc-0005")), to_json(known));
}

TEST(Respond, IncidentsKeepTheirOrderBeyondTenThousand) {
  EXPECT_TRUE(IncidentIdOrder{}(incident_id(9'999), incident_id(10'000)));
  EXPECT_FALSE(IncidentIdOrder{}(incident_id(10'000), incident_id(9'999)));
  EXPECT_EQ(incident_number("inc-0042"), 42);
  for (const auto* wrong : {"inc-", "inc-42", "inc-00042", "inc-4x", "run-0042", "inc-0000", ""})
    EXPECT_EQ(incident_number(wrong), std::nullopt) << wrong;
}

TEST(Respond, AlertsOfOneWorkloadJoinItsOpenIncidentWithoutFurtherPages) {
  Shop shop;
  shop.fire("a1");
  shop.fire("a2");
  EXPECT_EQ(shop.domain->incidents().size(), 1U);
  EXPECT_EQ(shop.incident().alerts.size(), 2U);
  EXPECT_EQ(shop.performer.pages.size(), 1U);
  ASSERT_TRUE(shop.command(
      [&](Timestamp) { return shop.domain->resolve("inc-0001", "person:ana", "done"); }));
  shop.fire("a3");
  EXPECT_EQ(shop.domain->incidents().size(), 2U);
}

TEST(Respond, SeverityFollowsTierAndKpi) {
  struct Row {
    int tier;
    std::array<int, 3> missed_risk_other;
  };
  for (const auto& row : {Row{1, {1, 2, 2}}, Row{2, {2, 2, 3}}, Row{3, {3, 3, 3}},
                          Row{4, {4, 4, 4}}, Row{9, {3, 3, 3}}}) {
    EXPECT_EQ(severity_of(row.tier, "k", "missed").level, row.missed_risk_other[0]);
    EXPECT_EQ(severity_of(row.tier, "k", "at_risk").level, row.missed_risk_other[1]);
    EXPECT_EQ(severity_of(row.tier, "k", "on_target").level, row.missed_risk_other[2]);
  }
  Shop shop;
  shop.kpi("missed");
  shop.fire("a1");
  EXPECT_EQ(shop.incident().severity, 1);
  EXPECT_EQ(shop.incident().kpi, "orders");
}

TEST(Respond, AKpiThatIsGoneOrOfAnotherWorkloadRaisesNoSeverity) {
  const auto severity_of_next = [](Shop& shop) {
    shop.fire("a1");
    EXPECT_EQ(shop.incident().kpi, "");
    return shop.incident().severity;
  };
  Shop without;
  without.kpi("missed");
  without.catalog.remove("Kpi", "orders", without.time.now());
  EXPECT_EQ(severity_of_next(without), 2);

  Shop moved;
  moved.kpi("missed");
  auto orders = *moved.catalog.find<catalog::Kpi>("orders");
  orders.workload.name = "depot";
  put(moved.catalog, orders, moved.time.now());
  EXPECT_EQ(severity_of_next(moved), 2);
}

TEST(Respond, WhoeverDoesNotAcknowledgeIsFollowedByTheNextLevelAndThenByReminders) {
  Shop shop;
  shop.fire("a1");
  shop.time.run_for(4min + 59s);
  EXPECT_EQ(shop.performer.pages, Strings{"ana by mail"});
  shop.time.run_for(1s);
  EXPECT_EQ(shop.performer.pages, (Strings{"ana by mail", "cleo by mail"}));
  EXPECT_EQ(shop.incident().level, 2);
  shop.time.run_for(15min);
  shop.time.run_for(15min);
  EXPECT_EQ(shop.performer.pages,
            (Strings{"ana by mail", "cleo by mail", "cleo by mail", "cleo by mail"}));
  ASSERT_TRUE(shop.command(
      [&](Timestamp) { return shop.domain->acknowledge("inc-0001", "person:cleo", "link"); }));
  shop.time.run_for(24h);
  EXPECT_EQ(shop.performer.pages.size(), 4U);
}

TEST(Respond, EscalationGoesThroughAllLevelsAsOftenAsThePolicySays) {
  Shop shop;
  auto policy = *shop.catalog.find<catalog::EscalationPolicy>("standard");
  policy.repeat = 2;
  put(shop.catalog, policy, shop.time.now());
  shop.fire("a1");
  shop.time.run_for(30min);
  EXPECT_EQ(shop.performer.pages,
            (Strings{"ana by mail", "cleo by mail", "ana by mail", "cleo by mail"}));
}

TEST(Respond, AcknowledgingStopsPagingAndIsRefusedTwice) {
  Shop shop;
  shop.fire("a1");
  const auto acknowledge = [&](Timestamp) {
    return shop.domain->acknowledge("inc-0001", "person:ana", "api");
  };
  ASSERT_TRUE(shop.command(acknowledge));
  EXPECT_EQ(shop.command(acknowledge).error().code, ErrorCode::kConflict);
  shop.time.run_for(1h);
  EXPECT_EQ(shop.performer.pages.size(), 1U);
  EXPECT_EQ(shop.incident().acknowledged_by, "person:ana");
}

TEST(Respond, ALevelThatReachesNobodyIsPassedAtOnceWithTheReason) {
  Shop shop;
  auto schedule = *shop.catalog.find<catalog::Schedule>("primary");
  schedule.rotation.clear();
  put(shop.catalog, schedule, shop.time.now());
  shop.fire("a1");
  EXPECT_EQ(shop.performer.pages, Strings{"cleo by mail"});
  const auto escalated = shop.facts_of("incident.escalated");
  ASSERT_EQ(escalated.size(), 1U);
  EXPECT_EQ(text_or(escalated.front().body, "reason"),
            "level 1 reaches nobody: nobody is on call in \"primary\"");
}

TEST(Respond, WhenNobodyAtAllCanBePagedItSaysSoAndTriesAgain) {
  Shop shop;
  for (const auto* name : {"ana", "ben", "cleo"})
    shop.catalog.remove("Person", name, shop.time.now());
  shop.fire("a1");
  EXPECT_TRUE(text_or(shop.facts_of("incident.note_added").front().body, "text")
                  .starts_with("Nobody could be paged"));
  catalog::Person cleo;
  cleo.metadata.name = "cleo";
  cleo.email = "cleo@shop.example";
  put(shop.catalog, cleo, shop.time.now());
  shop.time.run_for(15min);
  EXPECT_EQ(shop.performer.pages, Strings{"cleo by mail"})
      << "the first e-mail channel serves who has no contact";
}

TEST(Respond, WhenEveryPageOfALevelFailedTheNextIsPagedAtOnce) {
  Shop shop;
  catalog::Channel hook;
  hook.metadata.name = "hook";
  hook.type = "webhook";
  put(shop.catalog, hook, shop.time.now());
  auto ana = *shop.catalog.find<catalog::Person>("ana");
  ana.contacts.push_back({{"hook"}, ""});
  put(shop.catalog, ana, shop.time.now());
  shop.performer.failing = {"hook"};
  shop.fire("a1");
  EXPECT_EQ(shop.performer.pages, (Strings{"ana by mail", "ana by hook"})) << "one got through";

  Shop other;
  other.performer.failing = {"mail"};
  other.fire("a1");
  EXPECT_EQ(other.performer.pages, (Strings{"ana by mail", "cleo by mail"}));
  EXPECT_TRUE(text_or(other.facts_of("incident.escalated").front().body, "reason")
                  .starts_with("every page of level 1 failed; ana by mail"));
  other.time.run_for(59s);
  EXPECT_EQ(other.performer.pages.size(), 2U) << "not in a circle";
}

TEST(Respond, WhenEveryPageOfTheLastLevelFailedItIsTriedAgainSoonAndThenLessOften) {
  Shop shop;
  shop.performer.failing = {"mail"};
  shop.fire("a1");
  const auto opened = shop.time.now();
  std::vector<Duration> tried;
  for (int second = 0; second < 3600; ++second) {
    const auto before = shop.performer.pages.size();
    shop.time.run_for(1s);
    if (shop.performer.pages.size() > before) tried.push_back(shop.time.now() - opened);
  }
  ASSERT_GE(tried.size(), 6U);
  EXPECT_EQ((std::vector<Duration>{tried.begin(), tried.begin() + 5}),
            (std::vector<Duration>{1min, 3min, 6min, 10min, 15min}));
  EXPECT_LE(tried.size(), 10U);
  shop.performer.failing.clear();
  const auto failed = shop.performer.pages.size();
  shop.time.run_for(15min);
  ASSERT_EQ(shop.performer.pages.size(), failed + 1);
  shop.time.run_for(5min);
  EXPECT_EQ(shop.performer.pages.size(), failed + 1) << "one that went out is only reminded of";
}

TEST(Respond, EscalatingByHandIsOneStep) {
  Shop shop;
  shop.fire("a1");
  ASSERT_TRUE(shop.command(
      [&](Timestamp) { return shop.domain->acknowledge("inc-0001", "person:ana", "api"); }));
  ASSERT_TRUE(shop.command([&](Timestamp now) {
    return shop.domain->escalate("inc-0001", "person:ana", "need help", now);
  }));
  EXPECT_EQ(shop.performer.pages.back(), "cleo by mail");
  EXPECT_EQ(shop.incident().state, IncidentState::kTriggered)
      << "the next level has to acknowledge";
}

TEST(Respond, AnIncidentIsMitigatedOnceAllItsAlertsStayedResolvedForAMinute) {
  Shop shop;
  shop.fire("a1");
  shop.fire("a2");
  shop.heal("a1");
  shop.time.run_for(2min);
  EXPECT_EQ(shop.incident().state, IncidentState::kTriggered);
  shop.heal("a2");
  shop.time.run_for(30s);
  shop.fire("a2");
  shop.time.run_for(1min);
  EXPECT_EQ(shop.incident().state, IncidentState::kTriggered) << "it came back";
  shop.heal("a2");
  shop.time.run_for(1min);
  EXPECT_EQ(shop.incident().state, IncidentState::kMitigated);
  const auto pages = shop.performer.pages.size();
  shop.time.run_for(1h);
  EXPECT_EQ(shop.performer.pages.size(), pages);
  shop.fire("a1");
  EXPECT_EQ(shop.incident().state, IncidentState::kTriggered);
  EXPECT_EQ(shop.performer.pages.size(), pages + 1) << "it was not over: level 1 is paged again";
}

TEST(Respond, WhoIsPagedFollowsTheRotaAcrossAChangeOfTheClock) {
  // Berlin puts its clocks forward on Sunday 2026-03-29; the hand-over of Monday stays at 09:00
  // local time, 07:00 UTC.
  Shop shop(*parse_rfc3339("2026-03-16T08:00:00Z"));  // Monday 09:00 local: ana begins
  shop.time.run_until(*parse_rfc3339("2026-03-23T07:59:00Z"));
  shop.fire("a1");
  EXPECT_EQ(shop.performer.pages.back(), "ana by mail") << "08:59 local";
  shop.heal("a1");
  ASSERT_TRUE(
      shop.command([&](Timestamp) { return shop.domain->resolve("inc-0001", "person:ana", ""); }));
  shop.time.run_until(*parse_rfc3339("2026-03-30T06:59:00Z"));
  shop.fire("a2");
  EXPECT_EQ(shop.performer.pages.back(), "ben by mail") << "08:59 summer time";
  shop.heal("a2");
  ASSERT_TRUE(
      shop.command([&](Timestamp) { return shop.domain->resolve("inc-0002", "person:ben", ""); }));
  shop.time.run_until(*parse_rfc3339("2026-03-30T07:00:00Z"));
  shop.fire("a3");
  EXPECT_EQ(shop.performer.pages.back(), "ana by mail") << "09:00 summer time";
}

TEST(Respond, AClockThatIsSetToBeforeTheRotaBeganLosesNoPageOfIt) {
  Shop shop(*parse_rfc3339("2026-03-16T08:00:00Z"));
  shop.time.run_for(1h);
  shop.kpi("at_risk");  // a fact of that time
  shop.time.set_clock(-10'000 * 24h);
  shop.fire("a1");
  EXPECT_EQ(shop.performer.pages, Strings{"ana by mail"});
}

TEST(Respond, WhoIsPagedIsWhoeverThePeoplesClockSaysWhileTheLedgersIsAWeekAhead) {
  Shop shop(*parse_rfc3339("2026-03-16T08:00:00Z"));  // Monday 09:00 local: ana begins
  shop.time.set_clock(7 * 24h);
  shop.fire("a1");
  EXPECT_EQ(shop.performer.pages, Strings{"ben by mail"});
  shop.heal("a1");
  shop.time.run_for(2min);
  shop.time.set_clock(-7 * 24h);
  shop.fire("a1");  // a reaction
  ASSERT_GT(shop.ledger->now(), shop.time.now() + 6 * 24h);
  EXPECT_EQ(shop.performer.pages.back(), "ana by mail");

  auto policy = *shop.catalog.find<catalog::EscalationPolicy>("standard");
  policy.levels[1] = policy.levels[0];
  put(shop.catalog, policy, shop.time.now());
  const auto pages = shop.performer.pages.size();
  shop.time.run_for(6min);  // what is due
  ASSERT_EQ(shop.performer.pages.size(), pages + 1);
  EXPECT_EQ(shop.performer.pages.back(), "ana by mail");
  ASSERT_TRUE(shop.command([&](Timestamp now) {
    return shop.domain->escalate("inc-0001", "person:cleo", "help", now);
  }));
  EXPECT_EQ(shop.performer.pages.back(), "ana by mail");
}

/// The catalog was applied with what a test changed in it.
void apply_catalog(Shop& shop) {
  shop.command([](Timestamp) {
    journal::Decision decision;
    decision.facts.push_back({.stream = "catalog",
                              .type = facts::CatalogApplied::kType,
                              .body = facts::to_json(facts::CatalogApplied{})});
    return Result<journal::Decision>(std::move(decision));
  });
}

void take_policy_away(Shop& shop) {
  auto workload = *shop.catalog.find<catalog::Workload>("shop");
  workload.escalation_policy.name = "";
  put(shop.catalog, workload, shop.time.now());
}

TEST(Respond, AnIncidentIsEscalatedByThePolicyThatItsWorkloadHasNow) {
  Shop shop;
  shop.fire("a1");
  shop.heal("a1");
  shop.time.run_for(2min);
  ASSERT_EQ(shop.incident().state, IncidentState::kMitigated);
  auto policy = *shop.catalog.find<catalog::EscalationPolicy>("standard");
  policy.metadata.name = "around-the-clock";
  policy.levels = {{.schedules = {}, .persons = {{"ben"}}, .acknowledge_within = 5min}};
  put(shop.catalog, policy, shop.time.now());
  auto workload = *shop.catalog.find<catalog::Workload>("shop");
  workload.escalation_policy.name = "around-the-clock";
  put(shop.catalog, workload, shop.time.now());
  shop.catalog.remove("EscalationPolicy", "standard", shop.time.now());
  shop.performer.pages.clear();
  shop.fire("a2");
  EXPECT_EQ(shop.performer.pages, Strings{"ben by mail"});
}

TEST(Respond, AnIncidentWhoseWorkloadIsGoneKeepsThePolicyItWasOpenedWith) {
  Shop shop;
  shop.fire("a1");
  shop.catalog.remove("Workload", "shop", shop.time.now());
  shop.time.run_for(5min);
  EXPECT_EQ(shop.performer.pages, (Strings{"ana by mail", "cleo by mail"}));
}

TEST(Respond, WhoCouldNotBePagedIsPagedAsSoonAsTheCatalogNamesSomeone) {
  Shop shop;
  for (const auto* name : {"ana", "ben", "cleo"})
    shop.catalog.remove("Person", name, shop.time.now());
  shop.fire("a1");
  apply_catalog(shop);
  EXPECT_EQ(shop.performer.pages, Strings{});
  catalog::Person cleo;
  cleo.metadata.name = "cleo";
  cleo.email = "cleo@shop.example";
  put(shop.catalog, cleo, shop.time.now());
  apply_catalog(shop);
  EXPECT_EQ(shop.performer.pages, Strings{"cleo by mail"});
  apply_catalog(shop);
  EXPECT_EQ(shop.performer.pages.size(), 1U);
}

TEST(Respond, APageThatNoPolicyIsForGoesToThoseOfTheMostImportantWorkload) {
  Shop shop;
  catalog::EscalationPolicy other;
  other.metadata.name = "also";
  other.levels = {{.schedules = {}, .persons = {{"ben"}}, .acknowledge_within = 5min}};
  put(shop.catalog, other, shop.time.now());
  catalog::Workload blog;
  blog.metadata.name = "blog";
  blog.tier = 4;
  blog.escalation_policy.name = "also";
  put(shop.catalog, blog, shop.time.now());
  shop.fire("a1", "page", "");
  EXPECT_EQ(shop.performer.pages, Strings{"ana by mail"}) << "those of the shop, of tier 1";
  shop.time.run_for(5min);
  EXPECT_EQ(shop.performer.pages.back(), "cleo by mail");
}

TEST(Respond, WithoutAnyPolicyItIsSaidAndTriedAgainWithTheFirst) {
  Shop shop;
  take_policy_away(shop);
  shop.fire("a1");
  EXPECT_EQ(shop.performer.pages, Strings{});
  EXPECT_TRUE(text_or(shop.facts_of("incident.note_added").front().body, "text")
                  .starts_with("Nobody could be paged"));
  auto workload = *shop.catalog.find<catalog::Workload>("shop");
  workload.escalation_policy.name = "standard";
  put(shop.catalog, workload, shop.time.now());
  apply_catalog(shop);
  EXPECT_EQ(shop.performer.pages, Strings{"ana by mail"});
  shop.time.run_for(5min);
  EXPECT_EQ(shop.performer.pages.back(), "cleo by mail");
}

TEST(Respond, AnIncidentThatHadEveryAlertItKeepsIsTriggeredAgainByEachOfThem) {
  Shop shop;
  for (std::size_t i = 0; i <= kMaxAlertsPerIncident; ++i) shop.fire(fmt::format("a{:04}", i));
  EXPECT_EQ(shop.incident().alerts.size(), kMaxAlertsPerIncident + 1)
      << "what fires is never forgotten";
  for (std::size_t i = 0; i <= kMaxAlertsPerIncident; ++i) shop.heal(fmt::format("a{:04}", i));
  shop.time.run_for(2min);
  ASSERT_EQ(shop.incident().state, IncidentState::kMitigated);
  shop.performer.pages.clear();
  shop.fire("a0007");
  EXPECT_EQ(shop.incident().state, IncidentState::kTriggered);
  EXPECT_EQ(shop.performer.pages, Strings{"ana by mail"});
  shop.fire("new");
  EXPECT_EQ(shop.incident().alerts.back().fingerprint, "new");
  EXPECT_LE(shop.incident().alerts.size(), kMaxAlertsPerIncident)
      << "the oldest that are over make room";
}

TEST(Respond, CustomersArePromisedUpdatesAndAnOverdueOneIsToldOnce) {
  Shop shop;
  shop.fire("a1");
  ASSERT_EQ(shop.incident().updates.size(), 1U);
  EXPECT_TRUE(shop.incident().updates.front().text.starts_with(
      "We are looking into a problem with Ordering."));
  ASSERT_TRUE(shop.command(
      [&](Timestamp) { return shop.domain->acknowledge("inc-0001", "person:ana", "api"); }));
  shop.time.run_for(2h);
  EXPECT_EQ(shop.facts_of("status.update_due").size(), 1U);
  ASSERT_TRUE(shop.command([&](Timestamp now) {
    return shop.domain->post_update("inc-0001", "identified", "A bad release.", 10min, "person:ana",
                                    now);
  }));
  shop.time.run_for(11min);
  EXPECT_EQ(shop.facts_of("status.update_due").size(), 2U);
  shop.heal("a1");
  ASSERT_TRUE(shop.command(
      [&](Timestamp) { return shop.domain->resolve("inc-0001", "person:ana", "rolled back"); }));
  EXPECT_EQ(shop.incident().updates.back().state, "resolved");
  EXPECT_EQ(shop.incident().next_update_due(), std::nullopt);
  shop.time.run_for(24h);
  EXPECT_EQ(shop.facts_of("status.update_due").size(), 2U);
}

TEST(Respond, CommandsRefuseWhatIsWrongAndSayWhatIsNear) {
  Shop shop;
  shop.fire("a1");
  const auto now = shop.time.now();
  EXPECT_EQ(shop.domain->acknowledge("inc-9999", "p", "api").error().code, ErrorCode::kNotFound);
  EXPECT_NE(shop.domain->open("t", "shpo", 1, "p").error().message.find("did you mean \"shop\""),
            std::string::npos);
  EXPECT_EQ(shop.domain->open("t", "shop", 5, "p").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(shop.domain->open(" ", "shop", 1, "p").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(shop.domain->open("down\nAcknowledge: x", "shop", 1, "p").error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(shop.domain->add_note("inc-0001", std::string(5000, 'x'), "p").error().code,
            ErrorCode::kTooLarge);
  EXPECT_EQ(shop.domain->add_note("inc-0001", "\xff", "p").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(shop.domain->assign_role("inc-0001", "boss", "ana", "p").error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(shop.domain->assign_role("inc-0001", "commander", "anna", "p").error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(shop.domain->change_severity("inc-0001", 2, "r", "p").error().code,
            ErrorCode::kConflict);
  EXPECT_EQ(shop.domain->post_update("inc-0001", "fine", "t", {}, "p", now).error().code,
            ErrorCode::kInvalid);
}

TEST(Respond, AnAlertThatJoinsLongAfterTheAcknowledgementPagesAgain) {
  Shop shop;
  const auto acknowledge = [&] {
    ASSERT_TRUE(shop.command(
        [&](Timestamp) { return shop.domain->acknowledge("inc-0001", "person:ana", "link"); }));
  };
  shop.fire("a1");
  acknowledge();
  shop.time.run_for(4h - 1s);
  shop.fire("a2");
  EXPECT_EQ(shop.performer.pages.size(), 1U) << "somebody is on it";
  shop.time.run_for(1s);
  shop.fire("a3");
  EXPECT_EQ(shop.performer.pages, (Strings{"ana by mail", "ana by mail"}));
  EXPECT_EQ(shop.incident().state, IncidentState::kTriggered);
  EXPECT_EQ(text_or(shop.facts_of("incident.escalated").front().body, "reason"),
            "HighErrors fires, and the incident was acknowledged 4 h ago");
  acknowledge();
  shop.time.run_for(1h);
  shop.fire("a4");
  EXPECT_EQ(shop.performer.pages.size(), 2U) << "that holds as long";
}

TEST(Respond, WhatStillFiresAfterItsIncidentWasResolvedIsAnIncidentAgain) {
  Shop shop;
  shop.fire("a1");
  shop.fire("a2");
  shop.fire("a3");
  shop.heal("a2");
  const auto resolve = [&](const std::string& id) {
    ASSERT_TRUE(
        shop.command([&](Timestamp) { return shop.domain->resolve(id, "person:ana", ""); }));
  };
  resolve("inc-0001");
  shop.time.run_for(15min - 1s);
  EXPECT_EQ(shop.domain->incidents().size(), 1U);
  const auto pages = shop.performer.pages.size();
  shop.kill_and_restart();
  shop.time.run_for(1s);
  ASSERT_EQ(shop.domain->incidents().size(), 2U);
  const auto& again = shop.incident("inc-0002");
  EXPECT_EQ(again.title, "HighErrors still fires 15m after inc-0001 was resolved: Checkout fails");
  EXPECT_EQ(again.workload, "shop");
  ASSERT_EQ(again.alerts.size(), 2U);
  EXPECT_EQ(again.alerts[1].fingerprint, "a3");
  EXPECT_EQ(shop.performer.pages.size(), pages + 1);
  shop.heal("a1");
  shop.heal("a3");
  shop.time.run_for(2min);
  EXPECT_EQ(shop.incident("inc-0002").state, IncidentState::kMitigated);
  resolve("inc-0002");
  shop.time.run_for(24h);
  EXPECT_EQ(shop.domain->incidents().size(), 2U);
}

TEST(Respond, EachTimeThatAnIncidentIsResolvedWhatStillFiresIsLetBeForAQuarterOfAnHour) {
  Shop shop;
  shop.fire("a1");
  for (std::size_t resolved = 1; resolved <= 4; ++resolved) {
    const auto newest = incident_id(static_cast<int>(resolved));
    shop.command([&](Timestamp) { return shop.domain->resolve(newest, "person:ana", ""); });
    shop.time.run_for(15min - 1s);
    ASSERT_EQ(shop.domain->incidents().size(), resolved);
    ASSERT_EQ(shop.performer.pages.size(), resolved);
    shop.time.run_for(1s);
    ASSERT_EQ(shop.domain->incidents().size(), resolved + 1);
    ASSERT_EQ(shop.performer.pages.size(), resolved + 1);
  }
  shop.heal("a1");
  EXPECT_FALSE(shop.incident("inc-0001").any_firing());
}

TEST(Respond, AnIncidentThatWasMitigatedByHandIsTriggeredAgainWhileItsAlertFires) {
  Shop shop;
  shop.fire("a1");
  ASSERT_TRUE(
      shop.command([&](Timestamp) { return shop.domain->mitigate("inc-0001", "person:ana"); }));
  shop.time.run_for(15min - 1s);
  EXPECT_EQ(shop.performer.pages.size(), 1U);
  shop.time.run_for(1s);
  EXPECT_EQ(shop.performer.pages, (Strings{"ana by mail", "ana by mail"}));
  EXPECT_EQ(shop.incident().state, IncidentState::kTriggered);
  shop.heal("a1");
  shop.time.run_for(1h);
  EXPECT_EQ(shop.incident().state, IncidentState::kMitigated);
  EXPECT_LE(shop.performer.pages.size(), 3U);
}

TEST(Respond, WhileNoAlertFiresAnyMoreNobodyElseIsPagedAndItIsMitigatedAfterAMinute) {
  for (const auto heals_after : {4min + 30s, 19min + 30s}) {  // before level 2, before a reminder
    Shop shop;
    shop.fire("a1");
    shop.time.run_for(heals_after);
    const auto pages = shop.performer.pages.size();
    shop.heal("a1");
    shop.time.run_for(59s);
    EXPECT_EQ(shop.incident().state, IncidentState::kTriggered);
    shop.time.run_for(1s);
    EXPECT_EQ(shop.incident().state, IncidentState::kMitigated);
    shop.time.run_for(24h);
    EXPECT_EQ(shop.performer.pages.size(), pages);
  }
}

TEST(Respond, WhatAPersonOpenedIsNotOverBecauseAnAlertThatJoinedItIs) {
  Shop shop;
  ASSERT_TRUE(shop.command([&](Timestamp) {
    return shop.domain->open("Customers cannot log in", "shop", 1, "person:ana");
  }));
  shop.fire("a1");
  shop.heal("a1");
  ASSERT_EQ(shop.incident().alerts.size(), 1U);
  shop.kill_and_restart();
  shop.time.run_for(5min);
  EXPECT_EQ(shop.incident().state, IncidentState::kTriggered);
  EXPECT_EQ(shop.performer.pages, (Strings{"ana by mail", "cleo by mail"})) << "paging goes on";
  RespondDomain other(shop.catalog);
  ASSERT_TRUE(other.restore(shop.domain->snapshot()));
  EXPECT_FALSE(other.find("inc-0001")->opened_by_alert);
}

TEST(Respond, APageThatFailsWhileNoAlertFiresIsFollowedByTheNextLevelOnceOneFiresAgain) {
  Shop shop;
  shop.fire("a1");
  shop.heal("a1");
  shop.record("incident/inc-0001", facts::PageFailed{"inc-0001/page-1", "inc-0001", "ana", "mail",
                                                     "connection refused"});
  apply_catalog(shop);
  EXPECT_EQ(shop.performer.pages, Strings{"ana by mail"});
  EXPECT_TRUE(shop.incident().quiet_since);
  shop.fire("a1");
  EXPECT_EQ(shop.performer.pages, (Strings{"ana by mail", "cleo by mail"}));
}

TEST(Respond, WhoeverEscalatesWhileNoAlertFiresSaysThatItIsNotOver) {
  Shop shop;
  shop.fire("a1");
  shop.heal("a1");
  ASSERT_TRUE(shop.command(
      [&](Timestamp now) { return shop.domain->escalate("inc-0001", "person:ana", "", now); }));
  shop.time.run_for(20min);
  EXPECT_EQ(shop.incident().state, IncidentState::kTriggered);
  EXPECT_EQ(shop.performer.pages.size(), 3U) << "level 2 and its reminder";
}

TEST(Respond, WhatStillFiresJoinsTheIncidentThatItsWorkloadHasMeanwhile) {
  Shop shop;
  shop.fire("a1");
  ASSERT_TRUE(
      shop.command([&](Timestamp) { return shop.domain->resolve("inc-0001", "person:ana", ""); }));
  shop.fire("b1");
  shop.time.run_for(15min);
  EXPECT_EQ(shop.domain->incidents().size(), 2U);
  EXPECT_EQ(shop.incident("inc-0002").alerts.size(), 2U);
}

/// Runs a story with a crash at every append in turn; after each restart nobody may be forgotten.
TEST(Respond, NoPageIsLostWhereverTheProcessDies) {
  for (const auto fault :
       {journal::MemoryStore::Fault::kCrashBefore, journal::MemoryStore::Fault::kCrashAfter}) {
    for (std::uint64_t at = 1; at <= 8; ++at) {
      Shop shop;
      shop.store.set_hook([&](std::uint64_t append, const journal::Batch&) {
        return append == at ? fault : journal::MemoryStore::Fault::kNone;
      });
      const auto go_on = [&] {
        if (shop.store.crashed()) shop.kill_and_restart();
      };
      facts::AlertFired fired;
      fired.fingerprint = "a1";
      fired.alert = "HighErrors";
      fired.workload = "shop";
      fired.severity = "page";
      for (int tries = 0; tries < 3 && shop.domain->incidents().empty(); ++tries) {
        (void)shop.command([&](Timestamp) {
          journal::Decision decision;
          auto& fact = decision.facts.emplace_back();
          fact.stream = "alert/a1";
          fact.type = facts::AlertFired::kType;
          fact.body = fired;
          return Result<journal::Decision>(decision);
        });
        go_on();
      }
      const auto opened = shop.incident().opened_at;
      for (int i = 0; i < 40; ++i) {
        shop.time.run_for(30s);
        go_on();
      }
      EXPECT_EQ(shop.domain->incidents().size(), 1U) << at;
      const std::set<std::string> paged(shop.performer.pages.begin(), shop.performer.pages.end());
      EXPECT_EQ(paged, (std::set<std::string>{"ana by mail", "cleo by mail"})) << at;
      for (const auto& page : shop.incident().pages)
        EXPECT_EQ(page.state, "sent") << at << " " << page.id;
      EXPECT_LE(shop.incident().pages[1].at, opened + 6min) << at;
    }
  }
}

TEST(Respond, ASnapshotBringsBackTheSameFuture) {
  Shop shop;
  shop.kpi("at_risk");
  shop.fire("a1");
  shop.fire("a2", "ticket");
  shop.heal("a1");
  RespondDomain other(shop.catalog);
  ASSERT_TRUE(other.restore(*parse_json(to_text(shop.domain->snapshot()))));
  EXPECT_EQ(other.snapshot(), shop.domain->snapshot());
  EXPECT_EQ(other.next_due(), shop.domain->next_due());
  EXPECT_FALSE(other.restore(Json::object()));
}

}  // namespace
}  // namespace wellrun::respond
