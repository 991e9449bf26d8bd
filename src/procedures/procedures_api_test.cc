#include "procedures/procedures_api.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "catalog/catalog_domain.h"
#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"
#include "procedures/procedures_domain.h"
#include "procedures/step_effects.h"

namespace wellrun::procedures {
namespace {

constexpr auto kPause = R"(apiVersion: wellrun.io/v1
kind: Team
metadata: {name: shop}
spec: {email: shop@shop.example}
---
apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: pause}
spec: {owner: shop, steps: [{name: pause, wait: {duration: 1s}}]}
---
apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: ask-twice}
spec:
  owner: shop
  steps:
    - {name: empty, approve: {prompt: "Empty it?"}}
    - {name: drop, approve: {prompt: "Drop it?"}}
)";

/// The routes over a journal in memory.
class ProceduresApiTest : public testing::Test {
 protected:
  ProceduresApiTest() {
    EXPECT_TRUE(ledger_.start());
    for (auto& route :
         procedures_routes(time_.runtime(), ledger_, domain_, catalog_.catalog(), live_))
      router_.add(std::move(route));
    const auto checked = catalog::check(catalog::load({{"ops.yaml", kPause}}));
    for (const auto& problem : checked.problems) ADD_FAILURE() << catalog::to_string(problem);
    ledger_.command(
        {}, [&](Timestamp) { return catalog_.decide_apply(checked, {.commit = "c0ffee"}); },
        [](const auto& facts) { EXPECT_TRUE(facts); });
    time_.run_ready();
  }

  http::Response ask(std::string method, std::string path, const Json& body = Json::object(),
                     http::Parameters query = {}) {
    const auto match = router_.match(method, path);
    http::Request request{
        .method = std::move(method), .path = std::move(path), .query = std::move(query)};
    request.body = to_text(body);
    request.path_parameters = match.path_parameters;
    request.principal = {"person:ana", http::Role::kResponder};
    std::optional<http::Response> answer;
    match.route->handler(std::move(request),
                         [&](http::Response response) { answer = std::move(response); });
    time_.run_ready();
    EXPECT_TRUE(answer);
    return answer.value_or(http::Response{.status = 0});
  }
  Json list(http::Parameters query) {
    return parse_json(ask("GET", "/api/v1/runs", Json::object(), std::move(query)).body).value();
  }

  VirtualRuntime time_;
  journal::MemoryStore store_{time_.runtime().strand};
  catalog::CatalogDomain catalog_;
  ProceduresDomain domain_{catalog_.catalog(), {}};
  journal::Ledger ledger_{time_.runtime(), store_, {&catalog_, &domain_}};
  LiveOutput live_;
  http::Router router_;
};

TEST_F(ProceduresApiTest, RunsAreListedInPagesNewestFirst) {
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(ask("POST", "/api/v1/runs", {{"runbook", "pause"}}).status, 201);
  std::vector<std::string> seen;
  http::Parameters query{{"limit", "2"}};
  int pages = 0;
  for (Json page = list(query);; page = list(query)) {
    ++pages;
    for (const auto& run : page["items"]) seen.push_back(run["id"]);
    if (!page.contains("next")) break;
    query = {{"limit", "2"}, {"cursor", page["next"].get<std::string>()}};
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen,
            (std::vector<std::string>{"run-0005", "run-0004", "run-0003", "run-0002", "run-0001"}));
  for (const auto& wrong : http::Parameters{{"limit", "0"}, {"limit", "x"}, {"cursor", "run-0003"}})
    EXPECT_EQ(ask("GET", "/api/v1/runs", Json::object(), {wrong}).status, 400) << wrong.second;
}

TEST_F(ProceduresApiTest, AnApprovalIsOfTheStepThatItNamesAndOfNoLaterOne) {
  ASSERT_EQ(ask("POST", "/api/v1/runs", {{"runbook", "ask-twice"}}).status, 201);
  const auto approve = [&](Json body) {
    body["approved"] = true;
    return ask("POST", "/api/v1/runs/run-0001/approve", body).status;
  };
  for (const Json& unclear : {Json(), Json("none"), Json(-1), Json(2), Json(1LL << 32), Json(0.5)})
    EXPECT_EQ(approve({{"step", unclear}}), 400) << unclear;
  EXPECT_EQ(approve(Json::object()), 400);
  EXPECT_EQ(approve({{"step", "empty"}}), 200);
  EXPECT_EQ(approve({{"step", "empty"}}), 409) << "sent twice";
  EXPECT_EQ(domain_.find("run-0001")->current_index, 1U);
  EXPECT_EQ(approve({{"step", 1}}), 200);
  EXPECT_EQ(domain_.find("run-0001")->status, RunStatus::kSucceeded);
}

TEST_F(ProceduresApiTest, WhatBecameOfAStepIsSaidOfTheOneThatIsUnknown) {
  ASSERT_EQ(ask("POST", "/api/v1/runs", {{"runbook", "ask-twice"}}).status, 201);
  ledger_.command(
      {},
      [](Timestamp) {
        facts::RunStepFinished lost{.run = "run-0001", .step = "empty", .index = 0, .attempt = 1};
        lost.outcome = "unknown";
        journal::Decision decision;
        decision.facts.push_back(
            {.stream = "run/run-0001", .type = facts::RunStepFinished::kType, .body = lost});
        return decision;
      },
      [](const auto& facts) { EXPECT_TRUE(facts); });
  time_.run_ready();
  const auto resumed = [&](Json body) {
    body["decision"] = "done";
    return ask("POST", "/api/v1/runs/run-0001/resume", body).status;
  };
  EXPECT_EQ(resumed({{"step", "drop"}}), 409);
  EXPECT_EQ(resumed({{"step", "none"}}), 400);
  EXPECT_EQ(domain_.find("run-0001")->status, RunStatus::kUnknown);
  EXPECT_EQ(resumed({{"step", "empty"}}), 200);
  EXPECT_EQ(domain_.find("run-0001")->current_index, 1U);
  EXPECT_EQ(resumed(Json::object()), 409) << "nothing is unknown any more";
}

}  // namespace
}  // namespace wellrun::procedures
