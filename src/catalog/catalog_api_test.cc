#include "catalog/catalog_api.h"

#include <gtest/gtest.h>

#include "catalog/catalog_cli.h"
#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"

namespace wellrun::catalog {
namespace {

/// The routes over a journal in memory.
class CatalogApiTest : public testing::Test {
 protected:
  CatalogApiTest() {
    EXPECT_TRUE(ledger_.start());
    for (http::Route& route : catalog_routes({runtime_.runtime().strand,
                                              runtime_.runtime().workers,
                                              ledger_,
                                              domain_,
                                              {},
                                              std::chrono::hours(360)})) {
      router_.add(std::move(route));
    }
  }

  http::Response ask(std::string method, std::string path, const Json& body = nullptr,
                     http::Parameters query = {}) {
    const http::Match match = router_.match(method, path);
    if (match.route == nullptr) return {.status = 404};
    http::Request request{.method = std::move(method), .path = std::move(path)};
    request.body = to_text(body);
    request.query = std::move(query);
    request.path_parameters = match.path_parameters;
    request.principal = {"person:ana", http::Role::kOperator};
    std::optional<http::Response> answer;
    match.route->handler(std::move(request),
                         [&](http::Response response) { answer = std::move(response); });
    runtime_.run_for(Duration{1000});
    EXPECT_TRUE(answer);
    return answer.value_or(http::Response{.status = 0});
  }
  static Json json_of(const http::Response& response) { return parse_json(response.body).value(); }

  VirtualRuntime runtime_;
  journal::MemoryStore store_{runtime_.runtime().strand};
  CatalogDomain domain_;
  journal::Ledger ledger_{runtime_.runtime(), store_, {&domain_}};
  http::Router router_;
};

TEST_F(CatalogApiTest, AnApplyIsAnsweredWithItsCountsAndStandsInTheHistory) {
  const auto response =
      ask("POST", "/api/v1/catalog/apply", {{"files", example_repository()}, {"commit", "c0ffee"}});
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(json_of(response)["created"], 19);
  const Json history = json_of(ask("GET", "/api/v1/catalog/history"));
  ASSERT_EQ(history["items"].size(), 1U);
  EXPECT_EQ(history["items"][0]["actor"], "person:ana");
  EXPECT_EQ(history["items"][0]["commit"], "c0ffee");
  const Json team = json_of(ask("GET", "/api/v1/resources/Team/shop"));
  EXPECT_EQ(team["file"], "people.yaml");
  EXPECT_EQ(team["spec"]["members"], Json({"ana", "ben"}));
  EXPECT_EQ(json_of(ask("GET", "/api/v1/resources"))["items"].size(), 19U);
}

TEST_F(CatalogApiTest, AnApplyIsAnsweredWithItsNotes) {
  Files files = example_repository();
  const Json well = json_of(ask("POST", "/api/v1/catalog/plan", {{"files", files}}));
  EXPECT_EQ(well["notes"].size(), 0U) << to_text(well);
  auto& health = files.at("health.yaml");
  health.replace(health.find("keep: 35d"), 9, "keep: 20d");
  const Json applied = json_of(ask("POST", "/api/v1/catalog/apply", {{"files", files}}));
  ASSERT_EQ(applied["notes"].size(), 1U) << to_text(applied);
  EXPECT_TRUE(applied["notes"][0]["message"].get<std::string>().contains("checkout-succeeds"));
  const Json plan = json_of(ask("POST", "/api/v1/catalog/plan", {{"files", files}}));
  EXPECT_EQ(plan["notes"].size(), 1U);
  const Json others = json_of(
      ask("POST", "/api/v1/catalog/plan", {{"files", {{"people.yaml", files.at("people.yaml")}}}}));
  EXPECT_EQ(others["notes"].size(), 0U) << "what is not in the files is not told again";
}

TEST_F(CatalogApiTest, AnApplyWithProblemsChangesNothingAndListsThem) {
  Files files = example_repository();
  files["workload.yaml"].replace(files["workload.yaml"].find("owner: shop"), 11, "owner: shap");
  const auto response = ask("POST", "/api/v1/catalog/apply", {{"files", files}});
  EXPECT_EQ(response.status, 400);
  const Json problems = json_of(response)["problems"];
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0]["hint"], "shop");
  EXPECT_EQ(problems[0]["file"], "workload.yaml");
  EXPECT_EQ(domain_.catalog().size(), 0U);
  EXPECT_EQ(store_.last_sequence(), 0U);
}

TEST_F(CatalogApiTest, APlanChangesNothing) {
  const Json plan = json_of(ask("POST", "/api/v1/catalog/plan", {{"files", example_repository()}}));
  EXPECT_EQ(plan["changes"].size(), 19U);
  EXPECT_FALSE(plan["paging_changes"].empty());
  EXPECT_EQ(store_.last_sequence(), 0U);
}

TEST_F(CatalogApiTest, WhatIsNotThereIsNamedWithTheNearest) {
  ask("POST", "/api/v1/catalog/apply", {{"files", example_repository()}});
  const auto missing = ask("GET", "/api/v1/resources/Team/shap");
  EXPECT_EQ(missing.status, 404);
  EXPECT_NE(missing.body.find("did you mean"), std::string::npos);
  EXPECT_EQ(ask("GET", "/api/v1/catalog/schema/Teem").status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/catalog/schema/Team").status, 200);
}

TEST_F(CatalogApiTest, ABodyThatIsNotFilesIsRefused) {
  for (const Json& body : {Json(nullptr), Json::array(), Json{{"files", 1}},
                           Json{{"files", {{"a.yaml", 1}}}}, Json{{"documents", {1}}}}) {
    EXPECT_EQ(ask("POST", "/api/v1/catalog/apply", body).status, 400) << to_text(body);
  }
}

TEST_F(CatalogApiTest, AnExportChecksWell) {
  ask("POST", "/api/v1/catalog/apply", {{"files", example_repository()}});
  const std::string exported = ask("GET", "/api/v1/catalog/export").body;
  const Json checked = json_of(ask("POST", "/api/v1/catalog/check", {{"documents", exported}}));
  EXPECT_EQ(checked["resources"], 19);
  EXPECT_TRUE(checked["problems"].empty());
}

TEST_F(CatalogApiTest, OneResourceIsExportedAsItStandsInAnExportOfAll) {
  ask("POST", "/api/v1/catalog/apply", {{"files", example_repository()}});
  const std::string all = ask("GET", "/api/v1/catalog/export").body;
  const auto one =
      ask("GET", "/api/v1/catalog/export", nullptr, {{"kind", "Workload"}, {"name", "shop"}});
  EXPECT_TRUE(one.body.contains("kind: Workload\n")) << one.body;
  EXPECT_TRUE(all.contains("---\n" + one.body + "---\n")) << one.body;
  const auto misspelt =
      ask("GET", "/api/v1/catalog/export", nullptr, {{"kind", "Workload"}, {"name", "shap"}});
  EXPECT_EQ(misspelt.status, 404);
  EXPECT_TRUE(misspelt.body.contains("shop")) << misspelt.body;
  EXPECT_EQ(ask("GET", "/api/v1/catalog/export", nullptr, {{"kind", "Workload"}}).status, 400);
}

}  // namespace
}  // namespace wellrun::catalog
