#include <fmt/format.h>
#include <gtest/gtest.h>

#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"
#include "procedures/run_fsm.h"
#include "procedures/step_effects.h"

namespace wellrun::procedures {
namespace {

/// Keeps what it is asked and answers as it is told.
struct FakeClient final : http::Client {
  void send(http::ClientRequest request, http::ClientCallback done) override {
    requests.push_back(std::move(request));
    done(answer);
  }
  std::vector<http::ClientRequest> requests;
  Result<http::Response> answer = http::text_response("done");
};

struct HttpStepTest : ::testing::Test {
  /// The outcome of this step's attempt after `failures` that failed.
  journal::Outcome outcome_of(Json step, Json inputs = Json::object(), int failures = 0) {
    step["name"] = "call";
    step["retries"] = failures;
    facts::RunStarted body{.run = "run-1", .runbook = "call", .inputs = std::move(inputs)};
    body.plan = Json::array({std::move(step)});
    auto run =
        begin({.seq = 1, .time = started_at_, .type = facts::RunStarted::kType, .body = body});
    auto next = proceed(run, Timestamp{});
    for (int i = 1; i <= failures; ++i) {
      for (const auto& fact : next.decision.facts)
        apply(run, {.type = fact.type, .body = fact.body});
      for (const auto& fact :
           step_outcome(run, 0, i, {.kind = journal::Outcome::Kind::kFailed}).facts)
        apply(run, {.type = fact.type, .body = fact.body});
      next = proceed(run, Timestamp{});
    }
    journal::Outcome outcome;
    step_.perform(next.decision.intents.at(0),
                  [&](journal::Outcome ended) { outcome = std::move(ended); });
    return outcome;
  }
  std::string last_header(std::string_view name) const {
    return std::string(http::find_header(client_.requests.back().headers, name));
  }

  Timestamp started_at_ = from_unix_ms(7);
  VirtualRuntime time_;
  journal::MemoryStore store_{time_.runtime().strand};
  LiveOutput live_;
  FakeClient client_;
  HttpStep step_{{time_.runtime(), store_, live_, {}}, client_};
};

TEST_F(HttpStepTest, WhatMayHaveHappenedAndMustNotHappenTwiceIsUnknown) {
  using Kind = journal::Outcome::Kind;
  const auto kind_of = [&](ErrorCode code, bool repeatable) {
    client_.answer = fail(code, "no");
    return outcome_of({{"http", {{"method", "POST"}, {"url", "http://peer/pay"}}},
                       {"repeatable", repeatable}})
        .kind;
  };
  for (const auto code : {ErrorCode::kDeadline, ErrorCode::kIo, ErrorCode::kTooLarge}) {
    EXPECT_EQ(kind_of(code, false), Kind::kUnknown);
    EXPECT_EQ(kind_of(code, true), Kind::kFailed);
  }
  for (const auto code : {ErrorCode::kUnavailable, ErrorCode::kForbidden, ErrorCode::kInvalid})
    EXPECT_EQ(kind_of(code, false), Kind::kFailed);
}

TEST_F(HttpStepTest, EveryAttemptHasTheSameIdempotencyKey) {
  const Json step{{"http", {{"method", "POST"}, {"url", "http://peer/pay"}}}};
  EXPECT_EQ(outcome_of(step).kind, journal::Outcome::Kind::kDone);
  const auto first = last_header("Idempotency-Key");
  EXPECT_EQ(first, "procedures/run-1/0/7");
  outcome_of(step, Json::object(), 2);
  EXPECT_EQ(last_header("Idempotency-Key"), first);
  started_at_ = from_unix_ms(8);
  outcome_of(step);
  EXPECT_NE(last_header("Idempotency-Key"), first) << "the run-1 of another installation";
}

TEST_F(HttpStepTest, AValueFillsInItsPlaceInTheUrlAndNoMore) {
  struct Row {
    const char* url;
    const char* value;
    const char* called;
    bool public_only;
  };
  const Row rows[] = {
      {"http://{{inputs.x}}/health", "web-1:8080", "http://web-1:8080/health", true},
      {"http://{{inputs.x}}/health", "[::1]:80", "http://[::1]:80/health", true},
      {"http://{{inputs.x}}/health",
       "127.0.0.1:9200/_search?q=", "http://127.0.0.1:9200%2F_search%3Fq%3D/health", true},
      {"http://{{inputs.x}}.example/", "evil@10.0.0.1#", "http://evil%4010.0.0.1%23.example/",
       true},
      {"http://peer/{{inputs.x}}/state", "../admin?a=b#c",
       "http://peer/..%2Fadmin%3Fa%3Db%23c/state", false},
      {"http://peer?q={{ inputs.x }}&r={{inputs.x}}", "a b&c",
       "http://peer?q=a%20b%26c&r=a%20b%26c", false},
      {"{{inputs.x}}/{{inputs.x}}", "http://in/side", "http://in/side/http%3A%2F%2Fin%2Fside",
       true},
      {"http://peer/{{inputs.x", "a", "http://peer/{{inputs.x", false},
      {"http://peer/plain", "a", "http://peer/plain", false},
  };
  for (const auto& row : rows) {
    for (const bool may_be_private : {false, true}) {
      outcome_of({{"http", {{"url", row.url}, {"privateAddresses", may_be_private}}}},
                 {{"x", row.value}});
      const auto& request = client_.requests.back();
      EXPECT_EQ(request.url, row.called);
      EXPECT_EQ(request.addresses == http::AddressPolicy::kPublicOnly,
                row.public_only && !may_be_private)
          << row.url;
    }
  }
}

TEST_F(HttpStepTest, ARefusedAddressSaysWhatAllowsIt) {
  client_.answer = fail(ErrorCode::kForbidden, "its addresses may not be called from here");
  const auto given = outcome_of({{"http", {{"url", "http://{{inputs.x}}/"}}}}, {{"x", "10.0.0.1"}});
  EXPECT_TRUE(given.error.ends_with("privateAddresses: true")) << given.error;
  const auto written = outcome_of({{"http", {{"url", "http://169.254.1.1/"}}}});
  EXPECT_TRUE(written.error.ends_with("from here")) << written.error;
}

}  // namespace
}  // namespace wellrun::procedures
