#include "procedures/procedures_domain.h"

#include <gtest/gtest.h>

#include "catalog/catalog_domain.h"
#include "core/assert.h"
#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"
#include "procedures/run_fsm.h"

namespace wellrun::procedures {
namespace {

/// Runbooks and automations of a few lines, on a ledger over a store in memory.
class House {
 public:
  explicit House(const std::string& documents) {
    const auto checked = catalog::check(catalog::load({{"ops.yaml", kPeople + documents}}));
    for (const auto& problem : checked.problems) ADD_FAILURE() << catalog::to_string(problem);
    EXPECT_TRUE(ledger.start());
    command([&](Timestamp) { return catalog.decide_apply(checked, {.commit = "c0ffee"}); });
  }

  Status command(journal::Ledger::Decide decide) {
    Status result = fail(ErrorCode::kInternal, "no answer");
    ledger.command({}, std::move(decide), [&](Result<std::vector<journal::Fact>> facts) {
      result = facts ? Status() : std::unexpected(facts.error());
    });
    time.run_ready();
    return result;
  }

  Status start(const std::string& runbook) {
    return command(
        [&](Timestamp) { return domain.start({.runbook = runbook, .by = "person:ana"}); });
  }

  std::vector<std::string> runs_started() const {
    std::vector<std::string> runs;
    for (const auto& fact : *store.read({.type_prefix = "run.started", .limit = 10'000}))
      runs.push_back(text_or(fact.body, "run") + " " + text_or(fact.body, "runbook"));
    return runs;
  }

  static constexpr auto kPeople = R"(apiVersion: wellrun.io/v1
kind: Person
metadata: {name: ana}
spec: {email: ana@shop.example}
---
apiVersion: wellrun.io/v1
kind: Team
metadata: {name: shop}
spec: {members: [ana], email: shop@shop.example}
---
)";
  VirtualRuntime time;
  journal::MemoryStore store{time.runtime().strand};
  catalog::CatalogDomain catalog;
  ProceduresDomain domain{catalog.catalog()};
  journal::Ledger ledger{time.runtime(), store, {&catalog, &domain}};
};

std::string runbook(const std::string& name, const std::string& steps) {
  return fmt::format(
      "apiVersion: wellrun.io/v1\nkind: Runbook\nmetadata: {{name: {}}}\nspec: {{owner: shop, "
      "steps: [{}]}}\n---\n",
      name, steps);
}

TEST(Procedures, AnAutomationAndAChildThatStartAtOneMomentAreTwoRuns) {
  House house(
      runbook("inner", "{name: pause, wait: {duration: 1s}}") +
      runbook("outer",
              "{name: pause, wait: {duration: 1s}}, {name: inner, runbook: {name: inner}}") +
      runbook("tell", "{name: pause, wait: {duration: 1s}}") +
      R"(apiVersion: wellrun.io/v1
kind: Automation
metadata: {name: tell}
spec: {on: run.step_finished, when: {run: run-0001}, runbook: tell, limits: {maxPerHour: 1}}
)");
  ASSERT_TRUE(house.start("outer"));
  house.time.run_for(std::chrono::minutes(1));
  EXPECT_EQ(house.runs_started(),
            (std::vector<std::string>{"run-0001 outer", "run-0002 tell", "run-0003 inner"}));
  for (const auto& [id, run] : house.domain.runs())
    EXPECT_EQ(run.status, RunStatus::kSucceeded) << id << " " << name_of(run.status);
}

TEST(Procedures, ARunThatIsOnlyInTheJournalIsReadFromThere) {
  House house(runbook("short", "{name: pause, wait: {duration: 1s}}"));
  for (int i = 0; i < 1002; ++i) {
    ASSERT_TRUE(house.start("short"));
    house.time.run_for(std::chrono::seconds(2));
  }
  EXPECT_EQ(house.domain.find("run-0001"), nullptr);
  const auto old = read_run(house.store, "run-0001");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->status, RunStatus::kSucceeded);
  EXPECT_EQ(to_snapshot(*read_run(house.store, "run-0900")),
            to_snapshot(*house.domain.find("run-0900")));
  EXPECT_EQ(read_run(house.store, "run-9999").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace wellrun::procedures
