#include "respond/respond_api.h"

#include "facts/procedures.h"
#include "respond/respond_test_support.h"

namespace wellrun::respond {
namespace {

/// Answers of the routes, as the server would give them.
struct Api {
  explicit Api(Shop& shop)
      : shop(shop),
        running(shop.time.runtime()),
        routes(respond_routes(shop.time.runtime(), *shop.ledger, *shop.domain, signer, running)) {}

  http::Response get(const std::string& pattern, http::Parameters query,
                     const std::string& id = "") {
    http::Request request;
    request.query = std::move(query);
    return answer("GET", pattern, id, std::move(request));
  }
  http::Response post(const std::string& pattern, const std::string& id, const Json& body) {
    http::Request request;
    request.body = to_text(body);
    request.principal.actor = "person:ana";
    return answer("POST", pattern, id, std::move(request));
  }
  http::Response answer(const std::string& method, const std::string& pattern,
                        const std::string& id, http::Request request) {
    http::Response response;
    for (const auto& route : routes) {
      if (route.method != method || route.pattern != pattern) continue;
      request.path_parameters["id"] = id;
      route.handler(request, [&](http::Response answer) { response = std::move(answer); });
      shop.time.run_ready();
      return response;
    }
    ADD_FAILURE() << "no route " << pattern;
    return response;
  }

  std::vector<std::string> ids(http::Parameters query, std::string* next = nullptr) {
    const auto answer = *parse_json(get("/api/v1/incidents", std::move(query)).body);
    std::vector<std::string> ids;
    for (const auto& item : answer.at("items")) ids.push_back(text_or(item, "id"));
    if (next != nullptr) *next = text_or(answer, "next");
    return ids;
  }

  Shop& shop;
  LinkSigner signer{std::string(32, 'k')};
  telemetry::RunningQueries running;
  std::vector<http::Route> routes;
};

TEST(RespondApi, IncidentsAreListedAndServedPastTheEndOfMemory) {
  Shop shop;
  const int count = static_cast<int>(kMaxIncidentsKept) + 4;
  for (int number = 1; number <= count; ++number) {
    ASSERT_TRUE(shop.command(
        [&](Timestamp) { return shop.domain->open("by hand", "shop", 3, "person:ana"); }));
    if (number == 2) continue;  // stays open
    ASSERT_TRUE(shop.command([&](Timestamp) {
      return shop.domain->resolve(incident_id(number), "person:ana", "over");
    }));
  }
  ASSERT_EQ(shop.domain->find("inc-0003"), nullptr);
  Api api(shop);
  using Strings = std::vector<std::string>;
  EXPECT_EQ(api.ids({}), Strings{"inc-0002"}) << "the open one";

  // Pages of the whole list join without a gap, whatever is still in memory.
  Strings all;
  std::string cursor;
  do {
    http::Parameters query{{"state", "all"}, {"limit", "700"}};
    if (!cursor.empty()) query.emplace_back("cursor", cursor);
    const auto page = api.ids(query, &cursor);
    all.insert(all.end(), page.begin(), page.end());
  } while (!cursor.empty());
  ASSERT_EQ(all.size(), static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(all[static_cast<std::size_t>(i)], incident_id(count - i));
  EXPECT_EQ(api.ids({{"state", "resolved"}, {"cursor", "inc-0005"}}),
            (Strings{"inc-0004", "inc-0003", "inc-0001"}));

  const auto old = api.get("/api/v1/incidents/{id}", {}, "inc-0003");
  EXPECT_EQ(old.status, 200);
  const auto json = *parse_json(old.body);
  EXPECT_EQ(json.at("state"), "resolved");
  EXPECT_GE(json.at("timeline").size(), 2U);
  EXPECT_EQ(api.get("/api/v1/incidents/{id}", {}, "inc-9999").status, 404);
  for (const auto& wrong : {std::pair{"limit", "0"}, std::pair{"limit", "x"},
                            std::pair{"cursor", "next"}, std::pair{"state", "closed"}})
    EXPECT_EQ(api.get("/api/v1/incidents", {{wrong.first, wrong.second}}).status, 400)
        << wrong.first << " " << wrong.second;
}

TEST(RespondApi, AFieldOfTheWrongKindIsRefusedAndNotReadAsAnother) {
  Shop shop;
  Api api(shop);
  const auto open = [&](Json severity) {
    return api
        .post("/api/v1/incidents", "",
              {{"title", "down"}, {"workload", "shop"}, {"severity", std::move(severity)}})
        .status;
  };
  for (const auto& wrong : {Json("1"), Json(1.9), Json(true), Json(1e99), Json::array({1})})
    EXPECT_EQ(open(wrong), 400) << wrong;
  EXPECT_TRUE(shop.domain->incidents().empty());
  EXPECT_EQ(open(1), 201);
  EXPECT_EQ(shop.incident().severity, 1);
  EXPECT_EQ(open(Json()), 201);
  EXPECT_EQ(shop.incident("inc-0002").severity, 3);

  const auto change = [&](const char* command, const Json& body) {
    return api.post(fmt::format("/api/v1/incidents/{{id}}/{}", command), "inc-0001", body).status;
  };
  EXPECT_EQ(change("severity", {{"severity", "2"}, {"reason", "less"}}), 400);
  EXPECT_EQ(change("severity", {{"severity", 2}, {"reason", "less"}}), 200);
  EXPECT_EQ(change("updates", {{"text", "soon"}, {"next_update_in", 30}}), 400);
  EXPECT_EQ(change("updates", {{"text", "soon"}, {"next_update_in", ""}}), 200);
  EXPECT_EQ(change("updates", {{"text", "soon"}, {"next_update_in", "30m"}}), 200);
  EXPECT_EQ(shop.incident().next_update_due(), shop.time.now() + std::chrono::minutes(30));
}

TEST(RespondApi, OfALongStoryTheTimelineHasWhatHappenedLastAndSaysThatItWasCut) {
  Shop shop;
  shop.fire("a1");
  const auto detail = [&] {
    return *parse_json(Api(shop).get("/api/v1/incidents/{id}", {}, "inc-0001").body);
  };
  EXPECT_FALSE(detail().at("timeline_cut").get<bool>());
  facts::RunStarted run;
  run.run = "run-0001";
  ASSERT_TRUE(shop.command([&](Timestamp) {
    journal::Decision decision;
    decision.facts.push_back({.stream = "run/run-0001",
                              .type = facts::RunStarted::kType,
                              .body = run,
                              .correlation = "inc-0001"});
    for (int i = 0; i < 5000; ++i) {
      decision.facts.push_back({.stream = "incident/inc-0001",
                                .type = facts::IncidentNoteAdded::kType,
                                .body = facts::IncidentNoteAdded{"inc-0001", "a note", "ana"},
                                .correlation = "inc-0001"});
    }
    return Result<journal::Decision>(std::move(decision));
  }));
  ASSERT_TRUE(shop.command(
      [&](Timestamp) { return shop.domain->acknowledge("inc-0001", "person:ana", "api"); }));
  const auto json = detail();
  EXPECT_TRUE(json.at("timeline_cut").get<bool>());
  const auto& timeline = json.at("timeline");
  ASSERT_EQ(timeline.size(), 5000U);
  EXPECT_EQ(text_or(timeline.back(), "type"), "incident.acknowledged");
  EXPECT_LT(timeline.front().at("seq"), timeline.back().at("seq")) << "oldest first";
  EXPECT_EQ(json.at("runs"), Json::array({"run-0001"})) << "also those that began long ago";
}

}  // namespace
}  // namespace wellrun::respond
