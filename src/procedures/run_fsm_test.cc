#include "procedures/run_fsm.h"

#include <gtest/gtest.h>

#include "core/text.h"

namespace wellrun::procedures {
namespace {

using namespace std::chrono_literals;

/// A run driven by hand: every decision's facts are applied, as the ledger does.
struct Driven {
  explicit Driven(Json steps, Json inputs = Json::object()) {
    facts::RunStarted body{.run = "run-1",
                           .runbook = "restart",
                           .inputs = std::move(inputs),
                           .plan = std::move(steps)};
    body.incident = "inc-0001";
    body.workload = "shop";
    body.by = "person:ana";
    run = begin({.seq = 1,
                 .time = now,
                 .stream = "run/run-1",
                 .type = facts::RunStarted::kType,
                 .body = body});
    proceed();
  }

  void accept(const journal::Decision& decision) {
    for (const auto& fact : decision.facts) {
      log.push_back(fact.type);
      procedures::apply(
          run,
          {.seq = ++seq, .time = now, .stream = fact.stream, .type = fact.type, .body = fact.body});
    }
    for (const auto& intent : decision.intents) intents.push_back(intent);
    if (!decision.facts.empty()) proceed();
  }

  void proceed() { accept(procedures::proceed(run, now).decision); }

  void outcome(journal::Outcome::Kind kind, std::string error = "") {
    const auto index = static_cast<int>(run.current_index);
    accept(step_outcome(run, index, run.steps[run.current_index].attempt,
                        {.kind = kind, .error = std::move(error)}));
  }
  void done() { outcome(journal::Outcome::Kind::kDone); }
  void failed() { outcome(journal::Outcome::Kind::kFailed, "exit status 1"); }
  void unknown() { outcome(journal::Outcome::Kind::kUnknown); }

  Timestamp now = from_unix_ms(1'000'000);
  Run run;
  std::vector<std::string> log;
  std::vector<journal::Intent> intents;
  journal::Sequence seq = 1;
};

Json command(std::string text) {
  return {{"name", "fix"}, {"run", {{"command", std::move(text)}}}};
}

TEST(Run, GoesFromStepToStepAndSucceeds) {
  Driven driven(Json::array({command("true"), {{"name", "check"}, {"query", {{"expr", "up"}}}}}));
  EXPECT_EQ(driven.run.status, RunStatus::kRunning);
  driven.done();
  EXPECT_EQ(driven.run.current_index, 1U);
  driven.done();
  EXPECT_EQ(driven.run.status, RunStatus::kSucceeded);
  EXPECT_EQ(driven.log.back(), "run.finished");
  EXPECT_EQ(driven.intents.size(), 2U);
  EXPECT_FALSE(driven.intents[0].repeatable) << "a command may not run twice";
  EXPECT_TRUE(driven.intents[1].repeatable) << "a query may";
}

TEST(Run, RetriesWithBackoffAndThenFails) {
  auto step = command("false");
  step["retries"] = 2;
  Driven driven(Json::array({step, command("never")}));
  driven.failed();
  driven.failed();
  ASSERT_EQ(driven.intents.size(), 3U);
  EXPECT_EQ(driven.intents[1].not_before, driven.now + 1s);
  EXPECT_EQ(driven.intents[2].not_before, driven.now + 2s);
  EXPECT_NE(driven.intents[1].key, driven.intents[2].key);
  driven.failed();
  EXPECT_EQ(driven.run.status, RunStatus::kFailed);
  EXPECT_EQ(driven.intents.size(), 3U) << "the step after a failed one never starts";
}

TEST(Run, OnFailureContinueGoesOnAndTheRunStillCountsAsFailed) {
  auto step = command("false");
  step["onFailure"] = "continue";
  Driven driven(Json::array({step, command("true")}));
  driven.failed();
  EXPECT_EQ(driven.run.current_index, 1U);
  driven.done();
  EXPECT_EQ(driven.run.status, RunStatus::kFailed);
}

TEST(Run, AStepOfUnknownOutcomeStopsAndAsks) {
  Driven driven(Json::array({command("pay"), command("next")}));
  driven.unknown();
  EXPECT_EQ(driven.run.status, RunStatus::kUnknown);
  EXPECT_EQ(driven.intents.size(), 1U);
  EXPECT_EQ(resume(driven.run, "perhaps", "person:ana", driven.now).error().code,
            ErrorCode::kInvalid);

  auto retried = driven;
  retried.accept(resume(retried.run, "retry", "person:ana", driven.now).value());
  EXPECT_EQ(retried.intents.size(), 2U);
  EXPECT_EQ(retried.run.current_index, 0U);

  auto done = driven;
  done.accept(resume(done.run, "done", "person:ana", driven.now).value());
  EXPECT_EQ(done.run.current_index, 1U);
  EXPECT_EQ(done.run.status, RunStatus::kRunning);

  auto aborted = driven;
  aborted.accept(resume(aborted.run, "abort", "person:ana", driven.now).value());
  EXPECT_EQ(aborted.run.status, RunStatus::kFailed);
}

TEST(Run, WaitsForApprovalAndARefusalEndsIt) {
  const Json steps = Json::array(
      {Json{{"name", "ask"},
            {"approve", {{"role", "operator"}, {"prompt", "Switch {{incident.workload}} back?"}}}},
       command("true")});
  Driven driven(steps);
  EXPECT_EQ(driven.run.status, RunStatus::kWaitingApproval);
  EXPECT_EQ(driven.run.steps[0].prompt, "Switch shop back?");
  EXPECT_EQ(approve(driven.run, 1, true, "person:ana", "").error().code, ErrorCode::kConflict);

  auto approved = driven;
  approved.accept(approve(approved.run, 0, true, "person:ana", "go").value());
  EXPECT_EQ(approved.run.current_index, 1U);
  EXPECT_EQ(approve(approved.run, 0, true, "person:ana", "").error().code, ErrorCode::kConflict)
      << "approving twice";

  driven.accept(approve(driven.run, 0, false, "person:ana", "not now").value());
  EXPECT_EQ(driven.run.status, RunStatus::kFailed);
  EXPECT_TRUE(driven.intents.empty());
}

TEST(Run, IsJudgedOnceItIsOverAndTheLastVerdictHolds) {
  Driven driven(Json::array({command("pay")}));
  EXPECT_EQ(judge(driven.run, true, "person:ana", "").error().code, ErrorCode::kConflict);
  driven.accept(cancel(driven.run, "person:ana", driven.now).value());
  driven.accept(judge(driven.run, true, "person:ana", "").value());
  driven.accept(judge(driven.run, false, "person:ben", "it made it worse").value());
  EXPECT_EQ(driven.run.helped, false);
}

TEST(Run, AnOutcomeAfterCancellationIsRecordedButNothingFollows) {
  Driven driven(Json::array({command("slow"), command("next")}));
  driven.accept(cancel(driven.run, "person:ana", driven.now).value());
  driven.done();
  EXPECT_EQ(driven.run.status, RunStatus::kCancelled);
  EXPECT_EQ(driven.intents.size(), 1U);
  EXPECT_EQ(cancel(driven.run, "person:ana", driven.now).error().code, ErrorCode::kConflict);
}

TEST(Run, ALateOutcomeOfAnEarlierAttemptIsIgnored) {
  auto step = command("false");
  step["retries"] = 1;
  Driven driven(Json::array({step}));
  driven.failed();
  EXPECT_TRUE(step_outcome(driven.run, 0, 1, {}).facts.empty());
  EXPECT_FALSE(step_outcome(driven.run, 0, 2, {}).facts.empty());
}

TEST(Run, WhateverAStepPrintsOrAnApprovalAsksFitsIntoAFact) {
  Driven driven(
      Json::array({command("tail log"), Json{{"name", "ask"},
                                             {"approve",
                                              {{"prompt",
                                                "{{steps.fix.output}}{{steps.fix.output}}{{steps."
                                                "fix.output}}{{steps.fix.output}}"}}}}}));
  const journal::Outcome outcome{.error = std::string(100'000, 'e'),
                                 .detail = {{"output", std::string(4096, '\0') + "the end"}}};
  const auto finished = step_outcome(driven.run, 0, 1, outcome);
  EXPECT_LE(to_text(finished.facts[0].body).size(), journal::kMaxBodyBytes);
  EXPECT_TRUE(text_or(finished.facts[0].body, "output").ends_with("the end"));
  driven.accept(finished);
  ASSERT_EQ(driven.run.status, RunStatus::kWaitingApproval);
  EXPECT_LE(to_text(Json(driven.run.steps[1].prompt)).size(), journal::kMaxBodyBytes / 2 + 2);
}

TEST(Run, WaitStepsAreDueFromStateAlone) {
  Driven driven(Json::array({Json{{"name", "settle"}, {"wait", {{"duration", "90s"}}}}}));
  EXPECT_EQ(wait_due(driven.run), driven.now + 90s);
}

TEST(Run, InputsInCommandsAreWordsNeverShell) {
  Driven driven(Json::array({command("echo {{inputs.name}}")}),
                {{"name", "a'; rm -rf / #{{run.id}}"}});
  const auto& spec = driven.intents[0].request.at("spec");
  EXPECT_EQ(spec.at("command"), "echo \"${WELLRUN_VALUE_1}\"");
  EXPECT_EQ(spec.at("values"), (Json{{"WELLRUN_VALUE_1", "a'; rm -rf / #{{run.id}}"}}));
}

TEST(Run, InputsInAQueryOrABodyStayInTheirPlace) {
  const auto spec_of = [](Json step, const char* value) {
    step["name"] = "ask";
    return Driven(Json::array({step}), {{"x", value}}).intents[0].request.at("spec");
  };
  EXPECT_EQ(spec_of({{"query", {{"expr", "up{pod=\"{{inputs.x}}\"}"}, {"condition", "< 1"}}}},
                    "a\"} or vector(0) #")
                .at("expr"),
            "up{pod=\"a\\\"} or vector(0) #\"}");
  const Json form{{"content-type", "application/x-www-form-urlencoded"}};
  EXPECT_EQ(
      spec_of({{"http", {{"url", "http://peer/"}, {"headers", form}, {"body", "a={{inputs.x}}"}}}},
              "1&force=1")
          .at("body"),
      "a=1%26force%3D1");
  EXPECT_EQ(spec_of({{"http", {{"url", "http://peer/"}, {"body", "{\"a\":\"{{inputs.x}}\"}"}}}},
                    "1\",\"force\":\"1")
                .at("body"),
            "{\"a\":\"1\\\",\\\"force\\\":\\\"1\"}");
}

TEST(Plan, NamesTheStepThatIsWrong) {
  EXPECT_EQ(read_plan(Json::array()).error().context, "steps");
  const auto two = read_plan(Json::array(
      {Json{{"name", "x"}, {"run", {{"command", "a"}}}, {"wait", {{"duration", "1s"}}}}}));
  EXPECT_EQ(
      to_string(two.error()),
      "steps[0] \"x\": needs exactly one of run, http, query, wait, approve, runbook; it has 2");
  EXPECT_FALSE(read_plan(Json::array({Json{{"run", {{"command", "a"}}}, {"timeout", "soon"}}})));
}

}  // namespace
}  // namespace wellrun::procedures
