#include "procedures/procedures_domain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/catalog_domain.h"
#include "core/assert.h"
#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"
#include "procedures/run_fsm.h"
#include "procedures/step_effects.h"

namespace wellrun::procedures {
namespace {

using namespace std::chrono_literals;

/// Remembers the commands that it was to carry out. "false" fails; "hang" never ends.
struct FakeCommands final : journal::Performer {
  std::vector<std::string> begun;
  void perform(const journal::Intent& intent,
               std::move_only_function<void(journal::Outcome)> done) override {
    begun.push_back(text_or(intent.request.at("spec"), "command"));
    if (begun.back() == "hang") return;
    if (begun.back() != "false") return done({});
    done({.kind = journal::Outcome::Kind::kFailed, .error = "exit status 1"});
  }
};

/// Runbooks and automations of a few lines, on a ledger over a store in memory.
class House {
 public:
  explicit House(const std::string& documents, ProceduresOptions with = {})
      : options(std::move(with)) {
    const auto checked = catalog::check(catalog::load({{"ops.yaml", kPeople + documents}}));
    for (const auto& problem : checked.problems) ADD_FAILURE() << catalog::to_string(problem);
    open();
    command([&](Timestamp) { return catalog->decide_apply(checked, {.commit = "c0ffee"}); });
  }

  void open() {
    catalog = std::make_unique<catalog::CatalogDomain>();
    domain = std::make_unique<ProceduresDomain>(catalog->catalog(), options);
    ledger = std::make_unique<journal::Ledger>(
        time.runtime(), store, std::vector<journal::Domain*>{catalog.get(), domain.get()});
    ledger->perform_with("procedures.run", wanted_commands);
    EXPECT_TRUE(ledger->start());
    time.run_ready();
  }

  void kill_and_restart() {
    time.crash();
    ledger.reset();
    store.recover();
    open();
  }

  Status command(journal::Ledger::Decide decide) {
    Status result = fail(ErrorCode::kInternal, "no answer");
    ledger->command({}, std::move(decide), [&](Result<std::vector<journal::Fact>> facts) {
      result = facts ? Status() : std::unexpected(facts.error());
    });
    time.run_ready();
    return result;
  }

  Status start(const std::string& runbook, std::map<std::string, std::string> inputs = {}) {
    return command([&](Timestamp) {
      return domain->start({.runbook = runbook, .inputs = inputs, .by = "person:ana"});
    });
  }

  Status cancel(const std::string& run) {
    return command([this, run](Timestamp now) {
      return procedures::cancel(*domain->find(run), "person:ana", now);
    });
  }

  std::vector<journal::Fact> facts(const std::string& type) const {
    return *store.read({.type_prefix = type, .limit = 10'000});
  }

  std::vector<std::string> runs_started() const {
    std::vector<std::string> runs;
    for (const auto& fact : facts("run.started"))
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
  ProceduresOptions options;
  std::unique_ptr<catalog::CatalogDomain> catalog;
  std::unique_ptr<ProceduresDomain> domain;
  FakeCommands commands;
  UnlessCancelled wanted_commands{
      [this](const journal::Intent& intent) { return domain->may_begin(intent); }, commands};
  std::unique_ptr<journal::Ledger> ledger;
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
  house.time.run_for(1min);
  EXPECT_EQ(house.runs_started(),
            (std::vector<std::string>{"run-0001 outer", "run-0002 tell", "run-0003 inner"}));
  for (const auto& [id, run] : house.domain->runs())
    EXPECT_EQ(run.status, RunStatus::kSucceeded) << id << " " << name_of(run.status);
}

/// "inner" takes a text, "outer" hands it its own four times, as a step with `more`.
std::string greedy(const std::string& more) {
  return R"(apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: inner}
spec: {owner: shop, inputs: [{name: text}], steps: [{name: pause, wait: {duration: 1s}}]}
---
apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: outer}
spec:
  owner: shop
  inputs: [{name: text}]
  steps:
    - {name: go, runbook: {name: inner, inputs: {text: "{{inputs.text}}{{inputs.text}}{{inputs.text}}{{inputs.text}}"}})" +
         more + "}\n---\n";
}

TEST(Procedures, AChildWhoseInputsAreTooLargeFailsItsStepHoweverOftenItIsTried) {
  House house(greedy(", retries: 70"));
  ASSERT_TRUE(house.start("outer", {{"text", std::string(5 << 10, 'x')}}));
  house.time.run_for(2h);
  const auto* run = house.domain->find("run-0001");
  EXPECT_EQ(run->status, RunStatus::kFailed);
  EXPECT_EQ(run->steps[0].attempt, 71);
  EXPECT_THAT(run->steps[0].error, testing::HasSubstr("give shorter inputs"));
  const auto started = house.facts("run.step_started");
  ASSERT_EQ(started.size(), 71U);
  EXPECT_EQ(started[1].time - started[0].time, 1s) << "backoff";
}

TEST(Procedures, AnAutomationThatFillsInTooMuchIsHeldBack) {
  House house(greedy("") + R"(apiVersion: wellrun.io/v1
kind: Automation
metadata: {name: tell}
spec: {on: thing.happened, runbook: inner, inputs: {text: "{{fact.text}}{{fact.text}}"}}
)");
  ASSERT_TRUE(house.command([](Timestamp) -> Result<journal::Decision> {
    journal::NewFact fact{.stream = "thing/1", .type = "thing.happened"};
    fact.body["text"] = std::string(10 << 10, 'x');
    return journal::Decision{{fact}, {}};
  }));
  EXPECT_TRUE(house.runs_started().empty());
  ASSERT_EQ(house.facts("automation.suppressed").size(), 1U);
  EXPECT_THAT(text_or(house.facts("automation.suppressed")[0].body, "reason"),
              testing::HasSubstr("give shorter inputs"));
}

TEST(Procedures, AnAutomationThatStartsWhatTriggersItIsCutOffAndTheServerGoesOn) {
  House house(runbook("pause", "{name: pause, wait: {duration: 1s}}") +
              R"(apiVersion: wellrun.io/v1
kind: Automation
metadata: {name: again}
spec: {on: run.started, runbook: pause, limits: {maxPerHour: 1000, cooldown: 0s}}
)");
  ASSERT_TRUE(house.start("pause"));
  const auto first = house.runs_started().size();
  EXPECT_GT(first, 10U);
  EXPECT_LT(first, 100U);
  ASSERT_TRUE(house.start("pause"));
  house.time.run_for(1min);
  for (const auto& [id, run] : house.domain->runs()) EXPECT_EQ(run.status, RunStatus::kSucceeded);
}

TEST(Procedures, ARunGoesOnBehindAFailedStepWithARunbook) {
  House house(runbook("inner", "{name: pause, wait: {duration: 1s}}") +
              runbook("outer",
                      "{name: broken, run: {command: 'false'}, onFailure: continue}, "
                      "{name: inner, runbook: {name: inner}}, {name: rest, wait: {duration: 1s}}"));
  ASSERT_TRUE(house.start("outer"));
  house.time.run_for(1min);
  const auto* run = house.domain->find("run-0001");
  EXPECT_EQ(run->status, RunStatus::kFailed) << name_of(run->status);
  EXPECT_EQ(run->steps[0].status, StepStatus::kFailed);
  EXPECT_EQ(run->steps[1].status, StepStatus::kSucceeded);
  EXPECT_EQ(run->steps[2].status, StepStatus::kSucceeded);
  EXPECT_EQ(house.domain->find("run-0002")->parent_index, 1);
}

TEST(Procedures, SeventyChildrenThatCannotStartEachFailTheirStep) {
  // The child's steps and the text fit one by one, and not together.
  const auto child = fmt::format(
      "apiVersion: wellrun.io/v1\nkind: Runbook\nmetadata: {{name: child}}\nspec: {{owner: shop, "
      "inputs: [{{name: text}}], steps: [{{name: long, run: {{command: ': {}'}}}}]}}\n---\n",
      std::string(11'900, 'x'));
  std::string parent =
      "apiVersion: wellrun.io/v1\nkind: Runbook\nmetadata: {name: parent}\nspec:\n  owner: shop\n"
      "  inputs: [{name: text}]\n  steps:\n";
  for (int i = 0; i < 70; ++i) {
    parent += fmt::format(
        "    - {{name: g{}, onFailure: continue, runbook: {{name: child, inputs: {{text: "
        "'{{{{inputs.text}}}}'}}}}}}\n",
        i);
  }
  House house(child + parent);
  ASSERT_TRUE(house.start("parent", {{"text", std::string(4200, 'x')}}));
  house.time.run_for(1min);
  const auto* run = house.domain->find("run-0001");
  ASSERT_EQ(run->steps.size(), 70U);
  EXPECT_EQ(run->status, RunStatus::kFailed) << name_of(run->status);
  for (const auto& step : run->steps) {
    EXPECT_EQ(step.status, StepStatus::kFailed);
    EXPECT_THAT(step.error, testing::HasSubstr("give shorter inputs"));
  }
}

std::string automation(const std::string& name, const std::string& spec) {
  return fmt::format(
      "apiVersion: wellrun.io/v1\nkind: Automation\nmetadata: {{name: {}}}\nspec: {{{}}}\n---\n",
      name, spec);
}

TEST(Procedures, WhoIsToldOfAutomationsHeldBackAndIsHeldBackSaysNothing) {
  const auto happens = [](Timestamp) -> Result<journal::Decision> {
    return journal::Decision{{{.stream = "thing/1", .type = "thing.happened"}}, {}};
  };
  for (const std::string dry_run : {"false", "true"}) {
    House house(
        runbook("pause", "{name: pause, wait: {duration: 1s}}") +
        automation("act", "on: thing.happened, runbook: pause, limits: {cooldown: 1h}") +
        automation("tell", "on: automation.suppressed, runbook: pause, dryRun: " + dry_run) +
        automation("echo", "on: automation.triggered, runbook: pause, limits: {cooldown: 0s}"));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(house.command(happens));
    std::map<std::string, int> held_back;
    for (const auto& fact : house.facts("automation.suppressed")) ++held_back[fact.stream];
    EXPECT_EQ(held_back, (std::map<std::string, int>{{"automation/act", 2}})) << dry_run;
    const auto& records = house.domain->automation_records();
    EXPECT_EQ(records.at("act").triggered, 1U);
    EXPECT_EQ(records.contains("tell") ? records.at("tell").triggered : 0,
              dry_run == "true" ? 0U : 1U);
    EXPECT_EQ(records.at("echo").triggered, dry_run == "true" ? 1U : 2U);
  }
}

TEST(Procedures, OnlySecretsThatTheCatalogNamesOrTheFolderHoldsMayBeGiven) {
  House house(R"(apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: pay}
spec:
  owner: shop
  inputs: [{name: token, secret: true, default: "env:PAY", references: ["file:/etc/pay/key"]}]
  steps: [{name: pause, wait: {duration: 1s}}]
---
apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: by-secret}
spec:
  owner: shop
  inputs: [{name: key, secret: true, references: ["env:KEY"]}]
  steps: [{name: pay, runbook: {name: pay, inputs: {token: "{{inputs.key}}"}}}]
---
apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: by-text}
spec:
  owner: shop
  inputs: [{name: word}]
  steps: [{name: pay, runbook: {name: pay, inputs: {token: "{{inputs.word}}"}}}]
---
)" + automation("auto", "on: thing.happened, runbook: pay, inputs: {token: 'env:AUTO'}"),
              {.secrets_folder = "/secrets"});
  const auto answer = [&](const std::string& token) {
    const auto started = house.start("pay", {{"token", token}});
    return started ? std::string("ok") : started.error().code == ErrorCode::kForbidden ? "no" : "?";
  };
  for (const auto* good :
       {"env:PAY", "file:/etc/pay/key", "env:AUTO", "file:/secrets/a/b", "file:/secrets/a/../b"})
    EXPECT_EQ(answer(good), "ok") << good;
  for (const auto* bad : {"env:HOME", "env:KEY", "file:/var/lib/wellrun/auth.json", "file:/secrets",
                          "file:/secrets/", "file:/secrets/../etc/shadow", "file:secrets/a",
                          "file:/secrets/a/../../etc/shadow", "file:/secretsa", "file:", "env:"})
    EXPECT_EQ(answer(bad), "no") << bad;
  EXPECT_EQ(answer("hush"), "?");

  ASSERT_TRUE(house.start("by-secret", {{"key", "env:KEY"}}));
  EXPECT_EQ(house.facts("run.started").back().body.at("inputs").at("token"), "env:KEY");
  ASSERT_TRUE(house.start("by-text", {{"word", "env:HOME"}}));
  const auto refused = house.facts("run.step_finished").back();
  EXPECT_THAT(text_or(refused.body, "error"), testing::HasSubstr("may not be"));
}

TEST(Procedures, ASecretsDefaultThatIsTheSecretItselfIsRefusedAndNotRecorded) {
  House house(R"(apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: pay}
spec:
  owner: shop
  inputs: [{name: token, secret: true, default: "env:PAY"}]
  steps: [{name: pause, wait: {duration: 1s}}]
)");
  // As an earlier version took it.
  for (auto fact : house.facts("resource.applied")) {
    if (text_or(fact.body, "name") != "pay") continue;
    fact.body["resource"]["spec"]["inputs"][0]["default"] = "hush-12345";
    house.catalog->apply(fact);
  }
  const auto refused = house.start("pay");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(to_string(refused.error()), testing::Not(testing::HasSubstr("hush")));
  EXPECT_TRUE(house.facts("run.started").empty());
}

TEST(Procedures, WhatWaitsForItsNextAttemptDoesNotBeginAfterItsRunWasCancelled) {
  House house(runbook("fix", "{name: fix, run: {command: 'false'}, retries: 3}"));
  ASSERT_TRUE(house.start("fix"));
  ASSERT_EQ(house.commands.begun.size(), 1U);
  ASSERT_TRUE(house.cancel("run-0001"));
  house.time.run_for(5min);
  EXPECT_EQ(house.commands.begun.size(), 1U);
  const auto& run = *house.domain->find("run-0001");
  EXPECT_EQ(run.status, RunStatus::kCancelled);
  EXPECT_THAT(run.steps[0].error, testing::HasSubstr("not begun"));
}

TEST(Procedures, WhatWasUnderWayDoesNotBeginAgainAfterARestartWhenItsRunWasCancelled) {
  House house(runbook("fix", "{name: fix, run: {command: hang}, repeatable: true}"));
  ASSERT_TRUE(house.start("fix"));
  house.kill_and_restart();
  ASSERT_EQ(house.commands.begun.size(), 2U) << "it may be carried out again";
  ASSERT_TRUE(house.cancel("run-0001"));
  house.kill_and_restart();
  house.time.run_for(5min);
  EXPECT_EQ(house.commands.begun.size(), 2U);
  EXPECT_EQ(house.domain->find("run-0001")->status, RunStatus::kCancelled);
}

TEST(Procedures, WhatARunStartedIsCancelledWithIt) {
  House house(
      runbook("inner", "{name: a, wait: {duration: 1m}}, {name: b, run: {command: b}}") +
      runbook("middle", "{name: inner, runbook: {name: inner}}, {name: m, run: {command: m}}") +
      runbook("outer", "{name: middle, runbook: {name: middle}, retries: 3}"));
  ASSERT_TRUE(house.start("outer"));
  ASSERT_TRUE(house.start("middle"));
  ASSERT_EQ(house.runs_started().size(), 5U);
  ASSERT_TRUE(house.cancel("run-0001"));
  house.time.run_for(1h);
  for (const auto* id : {"run-0001", "run-0002", "run-0003"})
    EXPECT_EQ(house.domain->find(id)->status, RunStatus::kCancelled) << id;
  EXPECT_EQ(house.domain->find("run-0002")->steps[0].error, "run-0003 cancelled");
  EXPECT_EQ(text_or(house.facts("run.finished")[2].body, "by"), "person:ana");
  EXPECT_EQ(house.domain->find("run-0004")->status, RunStatus::kSucceeded) << "another's";
  EXPECT_EQ(house.commands.begun, (std::vector<std::string>{"b", "m"})) << "only the other's";
}

TEST(Procedures, ARunCountsOnceByItsLastVerdict) {
  House house(runbook("fix", "{name: fix, run: {command: 'true'}}"));
  ASSERT_TRUE(house.start("fix"));
  ASSERT_TRUE(house.start("fix"));
  const auto judge = [&](const std::string& run, bool helped) {
    ASSERT_TRUE(house.command([&](Timestamp) {
      return procedures::judge(*house.domain->find(run), helped, "person:ana", "");
    }));
  };
  for (const bool helped : {true, true, false}) judge("run-0001", helped);
  judge("run-0002", true);
  const auto& record = house.domain->runbook_records().at("fix");
  EXPECT_EQ(record.helped, 1U);
  EXPECT_EQ(record.did_not_help, 1U);
}

TEST(Procedures, ARunThatIsOnlyInTheJournalIsReadFromThere) {
  House house(runbook("short", "{name: pause, wait: {duration: 1s}}"));
  for (int i = 0; i < 1002; ++i) {
    ASSERT_TRUE(house.start("short"));
    house.time.run_for(2s);
  }
  EXPECT_EQ(house.domain->find("run-0001"), nullptr);
  const auto old = read_run(house.store, "run-0001");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->status, RunStatus::kSucceeded);
  EXPECT_EQ(to_snapshot(*read_run(house.store, "run-0900")),
            to_snapshot(*house.domain->find("run-0900")));
  EXPECT_EQ(read_run(house.store, "run-9999").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace wellrun::procedures
