#pragma once

// A small shop with a rota, for tests of respond: a catalog, a ledger over a store in memory, and
// performers that remember.

#include <gtest/gtest.h>
#include <set>

#include "catalog/kinds/channel.h"
#include "catalog/kinds/communication_plan.h"
#include "catalog/kinds/escalation_policy.h"
#include "catalog/kinds/kpi.h"
#include "catalog/kinds/person.h"
#include "catalog/kinds/schedule.h"
#include "catalog/kinds/status_page.h"
#include "catalog/kinds/workload.h"
#include "core/assert.h"
#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"
#include "respond/respond_domain.h"

namespace wellrun::respond {

template <typename T>
void put(catalog::Catalog& catalog, T value, Timestamp now) {
  static int count = 0;
  catalog::Resource resource;
  resource.kind = T::kKind;
  resource.name = value.metadata.name;
  resource.digest = std::to_string(++count);
  resource.provenance.applied_at = now;
  resource.value = std::make_shared<T>(std::move(value));
  catalog.put(std::make_shared<catalog::Resource>(std::move(resource)));
}

struct FakePerformer final : journal::Performer {
  std::vector<std::string> pages;  ///< "person by channel", in order
  std::set<std::string> failing;   ///< channels
  void perform(const journal::Intent& intent,
               std::move_only_function<void(journal::Outcome)> done) override {
    const auto channel = text_or(intent.request, "channel");
    pages.push_back(text_or(intent.request, "person") + " by " + channel);
    journal::Outcome outcome;
    if (failing.contains(channel)) {
      outcome.kind = journal::Outcome::Kind::kFailed;
      outcome.error = "connection refused";
    }
    done(outcome);
  }
};

/// The alerts of health, as far as respond sees them: facts that a command brings.
class Shop {
 public:
  explicit Shop(Timestamp start = from_unix_ms(1'767'225'600'000)) : time(1, start) {
    using namespace std::chrono_literals;
    for (const auto* name : {"ana", "ben", "cleo"}) {
      catalog::Person person;
      person.metadata.name = name;
      person.display_name = name;
      person.contacts = {{{"mail"}, fmt::format("{}@shop.example", name)}};
      put(catalog, person, time.now());
    }
    catalog::Channel mail;
    mail.metadata.name = "mail";
    mail.type = "email";
    put(catalog, mail, time.now());
    catalog::Schedule primary;
    primary.metadata.name = "primary";
    primary.time_zone = "Europe/Berlin";
    primary.start = time.now();
    primary.rotation = {{"ana"}, {"ben"}};
    primary.handover = "monday 09:00";
    put(catalog, primary, time.now());
    catalog::EscalationPolicy policy;
    policy.metadata.name = "standard";
    policy.levels = {{.schedules = {{"primary"}}, .persons = {}, .acknowledge_within = 5min},
                     {.schedules = {}, .persons = {{"cleo"}}, .acknowledge_within = 10min}};
    put(catalog, policy, time.now());
    catalog::Workload workload;
    workload.metadata.name = "shop";
    workload.display_name = "Shop";
    workload.tier = 1;
    workload.escalation_policy.name = "standard";
    workload.playbook.name = "look-around";
    workload.communication_plan.name = "customers";
    put(catalog, workload, time.now());
    catalog::Kpi orders;
    orders.metadata.name = "orders";
    orders.workload.name = "shop";
    put(catalog, orders, time.now());
    catalog::StatusPage page;
    page.metadata.name = "public";
    page.title = "Shop status";
    page.components = {{"Ordering", {"shop"}}};
    put(catalog, page, time.now());
    catalog::CommunicationPlan plan;
    plan.metadata.name = "customers";
    plan.workload.name = "shop";
    plan.status_page.name = "public";
    plan.auto_post = true;
    put(catalog, plan, time.now());
    start_ledger();
  }

  void start_ledger() {
    domain = std::make_unique<RespondDomain>(catalog);
    ledger = std::make_unique<journal::Ledger>(time.runtime(), store,
                                               std::vector<journal::Domain*>{domain.get()});
    for (const auto* kind : {"respond.email", "respond.webhook", "respond.slack"})
      ledger->perform_with(kind, performer);
    const auto started = ledger->start();
    EXPECT_TRUE(started) << (started ? std::string() : to_string(started.error()));
    time.run_ready();
  }

  void kill_and_restart() {
    time.crash();
    ledger.reset();
    domain.reset();
    store.recover();
    start_ledger();
  }

  Status command(journal::Ledger::Decide decide) {
    std::optional<Status> result;
    ledger->command({}, std::move(decide), [&](Result<std::vector<journal::Fact>> facts) {
      result = facts ? Status() : std::unexpected(facts.error());
    });
    time.run_ready();
    return result.value_or(fail(ErrorCode::kInternal, "no answer"));
  }

  template <typename Payload>
  void record(const std::string& stream, const Payload& payload) {
    ASSERT_TRUE(command([&](Timestamp) {
      journal::Decision decision;
      auto& fact = decision.facts.emplace_back();
      fact.stream = stream;
      fact.type = Payload::kType;
      fact.body = payload;
      return Result<journal::Decision>(decision);
    }));
  }

  void fire(const std::string& fingerprint, const std::string& severity = "page",
            const std::string& workload = "shop") {
    facts::AlertFired fired;
    fired.fingerprint = fingerprint;
    fired.alert = "HighErrors";
    fired.workload = workload;
    fired.severity = severity;
    fired.value = 0.5;
    fired.annotations = {{"summary", "Checkout fails"}};
    record("alert/" + fingerprint, fired);
  }
  void heal(const std::string& fingerprint) {
    facts::AlertResolved resolved;
    resolved.fingerprint = fingerprint;
    record("alert/" + fingerprint, resolved);
  }
  void kpi(const std::string& status) {
    facts::KpiStatusChanged change;
    change.kpi = "orders";
    change.workload = "shop";
    change.to = status;
    record("kpi/orders", change);
  }

  const Incident& incident(const std::string& id = "inc-0001") const {
    const auto* found = domain->find(id);
    WELLRUN_ASSERT(found != nullptr, "the test names an incident that was never opened");
    return *found;
  }

  std::vector<std::string> types(const std::string& prefix = "") const {
    std::vector<std::string> types;
    const auto read = store.read({});
    for (const auto& fact : *read) {
      if (fact.type.starts_with(prefix)) types.push_back(fact.type);
    }
    return types;
  }
  std::vector<journal::Fact> facts_of(const std::string& type) const {
    journal::FactQuery query;
    query.type_prefix = type;
    return *store.read(query);
  }

  VirtualRuntime time;
  journal::MemoryStore store{time.runtime().strand};
  catalog::Catalog catalog;
  FakePerformer performer;
  std::unique_ptr<RespondDomain> domain;
  std::unique_ptr<journal::Ledger> ledger;
};

}  // namespace wellrun::respond
