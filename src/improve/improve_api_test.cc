#include "improve/improve_api.h"

#include <gtest/gtest.h>

#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"

namespace wellrun::improve {
namespace {

/// The routes over a journal in memory, in which an incident was resolved: ana-0001 is drafted.
class ImproveApiTest : public testing::Test {
 protected:
  ImproveApiTest() {
    EXPECT_TRUE(ledger_.start());
    for (auto& route : improve_routes(runtime_.runtime(), ledger_, domain_))
      router_.add(std::move(route));
    incident("inc-0001");
  }

  void incident(const char* id) {
    ledger_.command(
        {.actor = "system"},
        [id](Timestamp) -> Result<journal::Decision> {
          journal::Decision decision;
          const Json body{{"incident", id}, {"workload", "shop"}, {"title", "Orders fail"}};
          for (const auto* type : {"incident.opened", "incident.resolved"})
            decision.facts.push_back({.stream = std::string("incident/") + id,
                                      .type = type,
                                      .body = body,
                                      .correlation = id});
          return decision;
        },
        [](const auto& facts) { EXPECT_TRUE(facts); });
    runtime_.run_for(Duration{1000});
  }

  http::Response ask(std::string method, std::string path, const Json& body = Json::object(),
                     http::Parameters query = {}) {
    const auto match = router_.match(method, path);
    if (match.route == nullptr) return {.status = 404};
    http::Request request{
        .method = std::move(method), .path = std::move(path), .query = std::move(query)};
    request.body = to_text(body);
    request.path_parameters = match.path_parameters;
    request.principal = {"person:ana", http::Role::kResponder};
    std::optional<http::Response> answer;
    match.route->handler(std::move(request),
                         [&](http::Response response) { answer = std::move(response); });
    runtime_.run_for(Duration{1000});
    EXPECT_TRUE(answer);
    return answer.value_or(http::Response{.status = 0});
  }
  Json get(std::string path, http::Parameters query = {}) {
    return parse_json(ask("GET", std::move(path), Json::object(), std::move(query)).body).value();
  }
  std::vector<std::string> ids(std::string path, http::Parameters query) {
    std::vector<std::string> found;
    const auto answer = get(std::move(path), std::move(query));
    for (const auto& item : answer["items"]) found.push_back(item["id"]);
    return found;
  }
  Json section(std::string_view name) {
    const auto analysis = get("/api/v1/analyses/ana-0001");
    for (const auto& each : analysis["sections"])
      if (each["name"] == name) return each;
    return {};
  }
  int write(const char* name, const char* text) {
    return ask("POST", "/api/v1/analyses/ana-0001/sections", {{"section", name}, {"text", text}})
        .status;
  }
  void add_action(const char* title, const char* due, const char* analysis = "") {
    EXPECT_EQ(ask("POST", "/api/v1/actions",
                  {{"title", title}, {"owner", "storefront"}, {"due", due}, {"analysis", analysis}})
                  .status,
              201);
  }

  VirtualRuntime runtime_;
  journal::MemoryStore store_{runtime_.runtime().strand};
  ImproveDomain domain_;
  journal::Ledger ledger_{runtime_.runtime(), store_, {&domain_}};
  http::Router router_;
};

TEST_F(ImproveApiTest, WhatAPersonWroteStandsInPlaceOfTheDraft) {
  EXPECT_EQ(section("summary")["edited_by"], Json());
  ASSERT_EQ(write("summary", "Prices were missing.\nNobody noticed."), 200);
  const auto written = section("summary");
  ASSERT_EQ(written["sentences"].size(), 1U);
  EXPECT_EQ(written["sentences"][0]["text"], "Prices were missing.\nNobody noticed.");
  EXPECT_EQ(written["edited_by"], "person:ana");
  const auto source = written["sentences"][0]["sources"][0].get<journal::Sequence>();
  EXPECT_EQ(store_.read({.after = source - 1, .limit = 1})->at(0).type, "analysis.edited");
  EXPECT_EQ(section("response")["edited_by"], Json()) << "the others stay as they were drafted";

  ASSERT_EQ(write("summary", "Prices were missing."), 200);
  EXPECT_EQ(section("summary")["sentences"][0]["text"], "Prices were missing.");
  ASSERT_EQ(write("lessons", "Price before switching on."), 200);
  EXPECT_EQ(section("lessons")["sentences"][0]["text"], "Price before switching on.")
      << "a section that was not drafted";
  EXPECT_EQ(write("summary", ""), 400);
}

TEST_F(ImproveApiTest, TheDraftOfALargeIncidentReachesToItsEnd) {
  ledger_.command(
      {.actor = "person:ana"},
      [](Timestamp) -> Result<journal::Decision> {
        journal::Decision decision;
        const auto add = [&](const char* type) {
          decision.facts.push_back({.stream = "incident/inc-0003",
                                    .type = type,
                                    .body = {{"incident", "inc-0003"}, {"workload", "shop"}},
                                    .correlation = "inc-0003"});
        };
        add("incident.opened");
        for (int i = 0; i < 2500; ++i) add("incident.alert_added");
        for (const char* type : {"incident.acknowledged", "incident.resolved"}) add(type);
        return decision;
      },
      [](const auto& facts) { EXPECT_TRUE(facts); });
  runtime_.run_for(Duration{1000});
  const auto text = to_text(get("/api/v1/analyses/ana-0003")["sections"]);
  EXPECT_NE(text.find("person:ana acknowledged it"), std::string::npos) << text;
  EXPECT_NE(text.find("It was resolved by person:ana"), std::string::npos) << text;
}

TEST_F(ImproveApiTest, ASignedAnalysisSaysWhenAndKeepsWhatWasWritten) {
  ASSERT_EQ(write("summary", "Prices were missing."), 200);
  ASSERT_EQ(ask("POST", "/api/v1/analyses/ana-0001/sign").status, 200);
  EXPECT_EQ(write("summary", "It was nothing."), 409);
  ImproveDomain restored;
  ASSERT_TRUE(restored.restore(domain_.snapshot()));
  EXPECT_EQ(restored.snapshot(), domain_.snapshot());
  const auto shown = get("/api/v1/analyses/ana-0001");
  EXPECT_EQ(shown["signed_by"], "person:ana");
  EXPECT_TRUE(parse_rfc3339(shown["signed_at"].get<std::string>()));
  EXPECT_EQ(section("summary")["sentences"][0]["text"], "Prices were missing.");
}

TEST_F(ImproveApiTest, AnalysesAreListedNewestFirstByStateAndIncident) {
  incident("inc-0002");
  ASSERT_EQ(ask("POST", "/api/v1/analyses/ana-0001/sign").status, 200);
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids("/api/v1/analyses", {}), (Ids{"ana-0002", "ana-0001"}));
  EXPECT_EQ(ids("/api/v1/analyses", {{"state", "signed"}}), (Ids{"ana-0001"}));
  EXPECT_EQ(ids("/api/v1/analyses", {{"state", "draft"}}), (Ids{"ana-0002"}));
  EXPECT_EQ(ids("/api/v1/analyses", {{"incident", "inc-0001"}}), (Ids{"ana-0001"}));
}

TEST_F(ImproveApiTest, ActionsAreListedSoonestDueFirstByStateAndAnalysis) {
  add_action("late", "2026-12-31");
  add_action("soon", "2026-11-30T08:00:00Z", "ana-0001");
  add_action("sooner", "2026-11-30T09:30:00+02:00");
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids("/api/v1/actions", {}), (Ids{"act-0003", "act-0002", "act-0001"}));
  EXPECT_EQ(ids("/api/v1/actions", {{"analysis", "ana-0001"}}), (Ids{"act-0002"}));
  ASSERT_EQ(ask("POST", "/api/v1/actions/act-0002/finish", {{"proof", "#12"}}).status, 200);
  EXPECT_EQ(ids("/api/v1/actions", {{"state", "finished"}}), (Ids{"act-0002"}));
  EXPECT_EQ(ids("/api/v1/actions", {{"state", "open"}}), (Ids{"act-0003", "act-0001"}));
  const auto finished = get("/api/v1/analyses/ana-0001")["actions"][0];
  EXPECT_EQ(finished["state"], "finished");
  EXPECT_TRUE(parse_rfc3339(finished["finished_at"].get<std::string>()));
}

TEST_F(ImproveApiTest, AnActionShowsWhatItIsToChangeAndNothingWhereItDoesNotSay) {
  add_action("a pool", "2026-12-31");
  const auto path = std::string("/api/v1/actions/act-0001");
  EXPECT_EQ(get(path)["expects"], Json());
  const Json expects{{"metric", "latency"}, {"direction", "lower"}, {"smallest", 0.1}};
  ASSERT_EQ(ask("POST", path + "/expectation", expects).status, 200);
  const auto shown = get(path);
  EXPECT_EQ(shown["expects"]["metric"], "latency");
  EXPECT_EQ(shown["expects"]["watch"], "7d") << "unless said otherwise";
  EXPECT_EQ(shown["effect"], Json()) << "nobody has looked";
  EXPECT_EQ(ask("POST", path + "/expectation", {{"metric", "latency"}, {"smallest", 2}}).status,
            400);
  EXPECT_EQ(ask("POST", "/api/v1/actions/act-0009/expectation", expects).status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/actions/act-0009").status, 404);
}

}  // namespace
}  // namespace wellrun::improve
