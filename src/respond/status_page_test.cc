#include "respond/status_page.h"

#include "core/text.h"
#include "respond/communication.h"
#include "respond/html.h"
#include "respond/page_message.h"
#include "respond/respond_effects.h"
#include "respond/respond_test_support.h"

namespace wellrun::respond {
namespace {

using namespace std::chrono_literals;

http::Response get(Shop& shop, const std::string& pattern, const std::string& name = "") {
  for (auto& route : status_page_routes(shop.time.runtime(), *shop.domain)) {
    if (route.pattern != pattern) continue;
    http::Response response;
    EXPECT_EQ(route.role, http::Role::kPublic);
    http::Request request;
    if (!name.empty()) request.path_parameters["name"] = name;
    route.handler(request, [&](http::Response answer) { response = std::move(answer); });
    shop.time.run_ready();
    return response;
  }
  ADD_FAILURE() << "no route " << pattern;
  return {};
}

TEST(StatusPage, TellsComponentsAndPostedTextsAndNothingFromInside) {
  Shop shop;
  shop.kpi("missed");
  shop.fire("secret-fingerprint");
  const auto html = get(shop, "/").body;
  const auto json = get(shop, "/api/status.json").body;
  for (const auto& text : {html, json}) {
    EXPECT_TRUE(text.contains("Ordering"));
    EXPECT_TRUE(text.contains("We are looking into a problem with Ordering."));
    for (const auto* inside : {"Checkout fails", "HighErrors", "inc-0001", "secret-fingerprint",
                               "ana", "orders", "standard"})
      EXPECT_FALSE(text.contains(inside)) << inside;
  }
  EXPECT_EQ((*parse_json(json))["overall"], "outage");
  EXPECT_TRUE(html.contains("<time datetime=")) << "the reader's zone is written by /status.js";
  EXPECT_EQ(html.find("<script"), html.find("<script src=\"/status.js\"></script>"));
  EXPECT_TRUE(get(shop, "/status.js").body.contains("Intl.DateTimeFormat"));
  EXPECT_FALSE(html.contains("style=")) << "a strict content security policy refuses it";
}

TEST(StatusPage, EveryPageIsServedAndTellsOnlyWhatWasToldOnIt) {
  Shop shop;
  catalog::StatusPage partners;
  partners.metadata.name = "partners";
  partners.title = "For partners";
  partners.components = {{"Deliveries", {"depot"}}};
  put(shop.catalog, partners, shop.time.now());
  shop.fire("a1");
  const auto list = get(shop, "/").body;
  EXPECT_TRUE(list.contains("<a href=\"/pages/partners\">For partners</a>")) << list;
  EXPECT_TRUE(list.contains("<a href=\"/pages/public\">Shop status</a>")) << list;
  EXPECT_TRUE(get(shop, "/pages/{name}", "public").body.contains("We are looking into"));
  const auto other = get(shop, "/pages/{name}", "partners").body;
  EXPECT_TRUE(other.contains("Deliveries"));
  EXPECT_FALSE(other.contains("We are looking into")) << "that was told elsewhere";
  EXPECT_EQ((*parse_json(get(shop, "/api/status/{name}", "partners").body))["incidents"],
            Json::array());
  EXPECT_EQ((*parse_json(get(shop, "/api/status.json").body))["title"], "For partners");
  EXPECT_EQ(get(shop, "/pages/{name}", "nobody").status, 404);
  EXPECT_EQ(get(shop, "/api/status/{name}", "nobody").status, 404);
}

TEST(StatusPage, WhatWasWrittenForOnePageIsNotShownOnAnother) {
  Shop shop;
  catalog::StatusPage staff;
  staff.metadata.name = "staff";
  staff.title = "For staff";
  staff.components = {{"Checkout", {"shop"}}};
  put(shop.catalog, staff, shop.time.now());
  auto public_plan = *shop.catalog.find<catalog::CommunicationPlan>("customers");
  public_plan.severities = {1};
  catalog::CommunicationPlan internal;
  internal.metadata.name = "staff";
  internal.workload.name = "shop";
  internal.status_page.name = "staff";
  internal.severities = {2, 3, 4};
  auto workload = *shop.catalog.find<catalog::Workload>("shop");
  workload.communication_plan.name.clear();  // the plan of the severity speaks
  put(shop.catalog, workload, shop.time.now());
  put(shop.catalog, public_plan, shop.time.now());
  put(shop.catalog, internal, shop.time.now());

  const auto post = [&](const std::string& text, Duration next) {
    ASSERT_TRUE(shop.command([&](Timestamp now) {
      return shop.domain->post_update("inc-0001", "identified", text, next, "person:ana", now);
    }));
  };
  const auto json_of = [&](const std::string& page) {
    return *parse_json(get(shop, "/api/status/{name}", page).body);
  };
  shop.fire("a1");
  post("db-7 is out of disk", 10min);
  EXPECT_EQ(json_of("public")["incidents"].size(), 0U);
  ASSERT_TRUE(shop.command([&](Timestamp) {
    return shop.domain->change_severity("inc-0001", 1, "all orders fail", "person:ana");
  }));
  post("Orders fail.", 40min);
  const auto told = json_of("public");
  ASSERT_EQ(told["incidents"].size(), 1U);
  EXPECT_EQ(told["incidents"][0]["title"], "Orders fail.");
  EXPECT_EQ(told["incidents"][0]["updates"].size(), 1U);
  EXPECT_EQ(told["next_update"], format_rfc3339(shop.incident().opened_at + 40min));
  EXPECT_FALSE(get(shop, "/pages/{name}", "public").body.contains("db-7"));
  const auto inside = json_of("staff");
  EXPECT_EQ(inside["incidents"][0]["title"], "db-7 is out of disk");
  EXPECT_EQ(inside["next_update"], format_rfc3339(shop.incident().opened_at + 10min));
  EXPECT_FALSE(get(shop, "/pages/{name}", "staff").body.contains("Orders fail."));
}

TEST(StatusPage, WhatPeopleWroteIsShownAsText) {
  Shop shop;
  shop.fire("a1");
  ASSERT_TRUE(shop.command([&](Timestamp now) {
    return shop.domain->post_update("inc-0001", "identified",
                                    "<script>alert(1)</script> & \"more\"", {}, "person:ana", now);
  }));
  const auto html = get(shop, "/").body;
  EXPECT_FALSE(html.contains("<script>"));
  EXPECT_TRUE(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"));
}

TEST(StatusPage, CountsNinetyDaysOfUptimeFromOutages) {
  Shop shop;
  shop.time.run_for(24h * 95);
  EXPECT_EQ(public_status(*shop.domain, "public", shop.time.now())->components.front().uptime_90d,
            1);
  shop.kpi("missed");
  shop.fire("a1");
  shop.time.run_for(9h);
  shop.heal("a1");
  ASSERT_TRUE(
      shop.command([&](Timestamp) { return shop.domain->resolve("inc-0001", "person:ana", ""); }));
  shop.time.run_for(24h);
  const auto status = *public_status(*shop.domain, "public", shop.time.now());
  EXPECT_NEAR(status.components.front().uptime_90d, 1 - 9.0 / (90 * 24), 1e-9);
  EXPECT_EQ(status.overall, "operational");
  EXPECT_TRUE(get(shop, "/").body.contains("99.583 % up"));
  const auto& days = status.components.front().days;
  ASSERT_EQ(days.size(), 90);
  EXPECT_EQ(std::ranges::count(days, "outage"), 1) << "nine hours of one day";
  EXPECT_EQ(days[88], "outage") << "yesterday";
  EXPECT_TRUE(get(shop, "/").body.contains("1 of the last 90 days had trouble"));
  const auto before = *public_status(*shop.domain, "public", shop.time.now() - 48h);
  EXPECT_EQ(std::ranges::count(before.components.front().days, "operational"), 89)
      << "a clock that went back: what lies after it is today's";
  shop.time.run_for(24h * 91);
  EXPECT_EQ(public_status(*shop.domain, "public", shop.time.now())->components.front().uptime_90d,
            1);
}

TEST(StatusPage, CountsATimeWithTwoOutagesOnce) {
  Shop shop;
  shop.time.run_for(24h * 90);
  const auto open = [&] {
    ASSERT_TRUE(shop.command(
        [&](Timestamp) { return shop.domain->open("by hand", "shop", 1, "person:ana"); }));
  };
  const auto resolve = [&](const std::string& id) {
    ASSERT_TRUE(
        shop.command([&](Timestamp) { return shop.domain->resolve(id, "person:ana", ""); }));
  };
  open();
  shop.time.run_for(1h);
  open();
  shop.time.run_for(1h);
  open();
  shop.time.run_for(1h);
  resolve("inc-0003");  // within the second
  resolve("inc-0001");
  shop.time.run_for(1h);
  resolve("inc-0002");
  shop.time.run_for(1h);
  open();
  shop.time.run_for(2h);
  EXPECT_NEAR(public_status(*shop.domain, "public", shop.time.now())->components.front().uptime_90d,
              1 - 6.0 / (90 * 24), 1e-9);
}

TEST(StatusPage, DoesNotCallDaysGoodThatNobodyWatched) {
  Shop shop;
  shop.kpi("missed");
  shop.fire("a1");
  shop.time.run_for(6h);
  shop.heal("a1");
  ASSERT_TRUE(
      shop.command([&](Timestamp) { return shop.domain->resolve("inc-0001", "person:ana", ""); }));
  shop.time.run_for(42h);
  const auto component = public_status(*shop.domain, "public", shop.time.now())->components.front();
  EXPECT_NEAR(component.uptime_90d, 1 - 6.0 / 48, 1e-9) << "of the two days since it was declared";
  const auto watched = 90 - std::ranges::count(component.days, "unknown");
  EXPECT_TRUE(watched == 2 || watched == 3) << watched;
  EXPECT_EQ(component.days.front(), "unknown");
  EXPECT_EQ(component.days.back(), "operational");
  EXPECT_TRUE(get(shop, "/").body.contains(fmt::format("of the last {} days had", watched)));
}

TEST(StatusPage, SaysSoWhenNoneIsDeclared) {
  Shop shop;
  shop.catalog.remove("StatusPage", "public", shop.time.now());
  EXPECT_EQ(get(shop, "/").status, 404);
  EXPECT_EQ(get(shop, "/api/status.json").status, 404);
}

TEST(Communication, FillsTemplatesOnceAndLeavesUnknownNamesOut) {
  EXPECT_EQ(fill_template("{{a}} {{ b }}{{c}}!", {{"a", "{{b}}"}, {"b", "B"}}), "{{b}} B!");
  EXPECT_EQ(fill_template("open {{a", {{"a", "x"}}), "open {{a");
}

TEST(Communication, AnUpdateOfALongTemplateFitsIntoAFact) {
  const catalog::Catalog catalog;
  catalog::CommunicationPlan plan;
  plan.templates.opened = std::string(100'000, 'x');
  const auto update = make_update(catalog, Incident{}, &plan, "investigating", "", std::nullopt,
                                  "system", Timestamp{});
  EXPECT_LE(to_text(Json(update)).size(), journal::kMaxBodyBytes);
}

TEST(PageMessage, SaysWhatSinceWhenAndWhereToTap) {
  Incident incident;
  incident.id = "inc-0001";
  incident.title = "Checkout fails\r\nBcc: everyone@example.com";
  incident.workload = "shop <&>";
  incident.severity = 1;
  incident.procedure = "look-around";
  incident.alerts = {{"a1", "HighErrors", true, 0.5, {}}};
  const auto message =
      page_message(incident, "p", {"https://w/incidents/inc-0001", "https://w/ack/t"},
                   incident.opened_at + 5min);
  EXPECT_FALSE(message.subject.contains('\n')) << "a title must not become a header";
  EXPECT_FALSE(message.subject.contains('\r'));
  EXPECT_TRUE(message.text.starts_with("Checkout fails  Bcc: everyone@example.com\n\nincident "))
      << "nor a line of the mail: " << message.text;
  for (const auto* part : {"HighErrors (0.5)", "look-around", "https://w/ack/t", "5 min ago"})
    EXPECT_TRUE(message.text.contains(part)) << part;
  EXPECT_TRUE(message.slack.contains("shop &lt;&amp;&gt;"));
  EXPECT_FALSE(message.slack.contains("\nBcc"));
}

TEST(PageMessage, OfAnIncidentThatHasJustBegunSaysSo) {
  const auto message = page_message(Incident{}, "p", {.incident = "", .acknowledge = ""}, {});
  EXPECT_TRUE(message.text.contains("1970-01-01T00:00:00Z (just now)\n")) << message.text;
}

TEST(PageMessage, ALongTitleIsCutBetweenCharactersAndTheSubjectStillNamesTheIncident) {
  Incident incident;
  incident.id = "inc-0001";
  incident.workload = std::string(400, 'w');
  for (const auto* before : {"", "a"}) {  // one of them ends inside a character
    incident.title = before;
    for (int i = 0; i < 200; ++i) incident.title += "é";
    const auto subject =
        page_message(incident, "p", {.incident = "", .acknowledge = ""}, {}).subject;
    EXPECT_TRUE(subject.ends_with("é… (inc-0001)")) << subject;
    EXPECT_TRUE(is_valid_utf8(subject)) << subject;
    EXPECT_LE(subject.size(), 300U);
  }
}

}  // namespace
}  // namespace wellrun::respond
