// Single stories: a storm of alerts, a rota across a change of the clocks, peers that hang or lie.

#include <cmath>
#include <gtest/gtest.h>
#include <set>

#include "core/text.h"
#include "simulation/story.h"

namespace wellrun::simulation {
namespace {

using namespace std::chrono_literals;

/// The shop's repository, applied to a house in a world of its own.
struct Shop {
  explicit Shop(Timestamp start = *parse_rfc3339("2026-01-05T10:00:00Z"), Habits habits = {},
                std::uint64_t seed = 1)
      : world(seed, start, habits), house(world) {}

  void apply(const std::string& more = "") {
    for (int tries = 0; tries < 50; ++tries) {
      const auto answer =
          house.call("token:ci", "POST", "/api/v1/catalog/apply",
                     {{"documents", shop_repository() + more}, {"commit", "c0ffee"}});
      if (answer && answer->status == 200) return;
      go_on(1s);
    }
    ADD_FAILURE() << "the repository could not be applied";
  }

  /// Lets time pass, and the process be started again where it died.
  void go_on(Duration length) {
    for (const auto end = world.time.now() + length; world.time.now() < end;) {
      world.time.run_until(std::min(end, world.time.now() + 1s));
      house.revive();
    }
  }

  Json incident(const std::string& id) { return house.look("/api/v1/incidents/" + id); }
  std::string post(const std::string& path, const Json& body) {
    const auto answer = house.call("person:ana", "POST", path, body);
    EXPECT_TRUE(answer && answer->status / 100 == 2) << path;
    return answer ? text_or(parse_json(answer->body).value_or(Json()), "id") : "";
  }
  std::size_t count(const std::string& type) {
    return world.store.read({.type_prefix = type, .limit = 1'000'000})->size();
  }
  std::vector<std::string> delivered_to(Timestamp since) {
    std::vector<std::string> to;
    for (const auto& delivery : world.deliveries)
      if (delivery.at >= since) to.push_back(delivery.to);
    return to;
  }

  World world;
  House house;
};

constexpr auto kStormRule = R"(---
apiVersion: wellrun.io/v1
kind: RuleGroup
metadata: {name: storm}
spec:
  workload: shop
  interval: 15s
  rules:
    - {alert: PartFails, expr: part_fails > 0, labels: {severity: page}, procedure: switch-back}
)";

void storm(World& world, int parts, double value) {
  for (int i = 0; i < parts; ++i) {
    telemetry::SeriesWrite series;
    series.labels = {{"__name__", "part_fails"}, {"part", std::to_string(i)}};
    series.samples = {{to_unix_ms(world.time.now()), value}};
    world.emit(std::move(series));
  }
}

/// 400 alerts at once are one incident and one page a contact, recorded a bounded number a minute,
/// wherever the process dies.
TEST(Stories, AStormOfAlertsIsOneIncidentAndNotAStormOfPages) {
  for (const double crash : {0.0, 0.1}) {
    Shop shop(*parse_rfc3339("2026-01-05T10:00:00Z"), {.crash = crash}, 11);
    shop.apply(kStormRule);
    const auto began = shop.world.time.now();
    for (int minute = 0; minute < 6; ++minute) {
      storm(shop.world, 400, 1);
      shop.go_on(1min);
    }
    EXPECT_EQ(shop.count("incident.opened"), 1U);
    EXPECT_EQ(shop.count("alert.fired"), 400U) << "all of them, in the end";
    EXPECT_EQ(shop.count("event.recorded"), 400U);
    const auto facts = *shop.world.store.read({.type_prefix = "alert.", .limit = 1'000'000});
    for (const auto& fact : facts) {
      const auto in_minute = std::ranges::count_if(facts, [&](const journal::Fact& other) {
        return other.time >= fact.time && other.time < fact.time + 1min;
      });
      ASSERT_LE(in_minute, 120);
    }
    std::set<std::string> keys;
    for (const auto& delivery : shop.world.deliveries) keys.insert(delivery.key);
    EXPECT_LE(keys.size(), 4U) << "ana by mail and chat, then chloe: nobody acknowledges";
    EXPECT_GE(keys.size(), 2U);

    shop.world.calm();
    for (int minute = 0; minute < 10; ++minute) {
      storm(shop.world, 400, 0);
      shop.go_on(1min);
    }
    EXPECT_EQ(shop.count("alert.resolved"), 400U);
    EXPECT_EQ(text_or(shop.incident("inc-0001"), "state"), "mitigated");
    EXPECT_GT(shop.world.time.now(), began);
  }
}

constexpr auto kDrain = R"(---
apiVersion: wellrun.io/v1
kind: Runbook
metadata: {name: drain}
spec:
  owner: storefront
  steps:
    - {name: drain, run: {command: drain-everything}, retries: 20}
)";

/// Cancelling is the emergency brake: what only waits for its next attempt begins no more.
TEST(Stories, ARunThatIsCancelledBetweenTwoAttemptsCarriesNothingOutAfterIt) {
  Shop shop;
  shop.world.failing_commands = {"drain-everything"};
  shop.apply(kDrain);
  const auto run = shop.post("/api/v1/runs", {{"runbook", "drain"}});
  shop.go_on(20s);  // between the attempts after 8 and 16 seconds of waiting
  const auto carried_out = shop.world.commands;
  EXPECT_GE(carried_out.at(run + " drain-everything"), 3);
  shop.post("/api/v1/runs/" + run + "/cancel", Json::object());
  shop.go_on(5min);
  EXPECT_EQ(shop.world.commands, carried_out);
  EXPECT_EQ(text_or(shop.house.look("/api/v1/runs/" + run), "state"), "cancelled");
}

/// Before the outage the clock is set, and perhaps right again after a few seconds; the same once
/// the first level has been paged. Nobody acknowledges: the next level is paged in its time.
TEST(Stories, AClockThatIsSetLosesNoPageAndHoldsNoEscalationUp) {
  struct Case {
    Duration jump, back;
  };
  for (const auto& [jump, back] :
       {Case{-1h, 0h}, Case{1h, 0h}, Case{1h, -1h}, Case{-1h, 1h}, Case{-3h, 0h}}) {
    SCOPED_TRACE(fmt::format("{} and {}", format_duration(jump), format_duration(back)));
    Shop shop;
    shop.apply(kStormRule);
    const auto pass = [&](Duration length, double value) {
      for (; length > 0s; length -= 10s) {
        storm(shop.world, 1, value);
        shop.go_on(std::min(length, Duration(10s)));
      }
    };
    const auto reached = [&](std::string_view to) {
      return std::ranges::any_of(shop.world.deliveries,
                                 [&](const Delivery& delivery) { return delivery.to == to; });
    };
    const auto set_clock = [&] {
      shop.world.time.set_clock(jump);
      pass(10s, shop.count("alert.fired") > 0 ? 1 : 0);
      shop.world.time.set_clock(back);
    };
    pass(5min, 0);
    set_clock();
    pass(1min, 1);
    EXPECT_EQ(shop.count("alert.fired"), 1U);
    EXPECT_TRUE(reached("https://chat.example/pages")) << "whoever is on call";
    set_clock();
    pass(5min + 40s, 1);
    EXPECT_TRUE(reached("https://phone.example/calls")) << "and then who is above";
    EXPECT_EQ(shop.count("incident.opened"), 1U);
    shop.post("/api/v1/incidents/inc-0001/acknowledge", Json::object());
    shop.house.restart();
    pass(2min, 0);
    EXPECT_EQ(shop.count("alert.resolved"), 1U);
    EXPECT_EQ(shop.count("alert.fired"), 1U);
    const auto facts = *shop.world.store.read({.limit = 1'000'000});
    EXPECT_TRUE(std::ranges::is_sorted(facts, {}, &journal::Fact::time));
  }
}

constexpr auto kQueues = R"(---
apiVersion: wellrun.io/v1
kind: Baseline
metadata: {name: queues}
spec: {workload: shop, query: queue_length, interval: 15s, learnFrom: 2d}
)";

/// Two queues of the checkout, a value a minute in (from, to].
void queues(World& world, Timestamp from, Timestamp to, double more) {
  for (const auto* queue : {"orders", "mails"}) {
    telemetry::SeriesWrite series;
    series.labels = {{"__name__", "queue_length"}, {"component", "checkout"}, {"queue", queue}};
    for (auto time = from + 1min; time <= to; time += 1min) {
      const auto minute = to_unix_ms(time) / 60'000;
      series.samples.push_back(
          {to_unix_ms(time), 40 + static_cast<double>(minute * 7 % 11) + more});
    }
    world.metrics.add(std::move(series));
  }
}

/// What a release makes unusual is one finding with the release as its cause, opened and closed
/// once, wherever the process dies; its baselines are learned from the store's history again.
TEST(Stories, WhatAReleaseMakesUnusualIsOneFindingAndTheReleaseItsCause) {
  for (const double crash : {0.0, 0.1}) {
    Shop shop(*parse_rfc3339("2026-01-05T10:00:00Z"), {.crash = crash}, 5);
    const auto began = shop.world.time.now();
    queues(shop.world, began - 48h, began, 0);
    shop.apply(kQueues);
    const auto pass = [&](int minutes, double more) {
      for (int minute = 0; minute < minutes; ++minute) {
        queues(shop.world, shop.world.time.now(), shop.world.time.now() + 1min, more);
        shop.go_on(1min);
      }
    };
    pass(10, 0);
    EXPECT_EQ(shop.count("finding."), 0U) << "nothing is unusual";
    for (int tries = 0; tries < 50 && shop.count("deployment.started") == 0; ++tries) {
      (void)shop.house.call("token:ci", "POST", "/api/v1/deployments",
                            {{"workload", "shop"}, {"component", "checkout"}, {"version", "2.0"}});
      shop.go_on(1s);
    }
    const auto deployed = shop.world.time.now();
    pass(20, 500);
    shop.world.calm();
    pass(1, 500);
    const auto open = shop.house.look("/api/v1/findings?state=open").at("items");
    ASSERT_EQ(open.size(), 1U);
    EXPECT_EQ(open[0].at("anomaly_count"), 2);
    EXPECT_EQ(text_or(open[0].at("causes").at(0), "kind"), "change") << open[0].dump(2);
    EXPECT_EQ(text_or(open[0].at("anomalies").at(0), "component"), "checkout");
    const auto since = *parse_rfc3339(text_or(open[0], "since"));
    EXPECT_GE(since, deployed - 1min);
    EXPECT_LE(since, deployed + 3min);
    shop.house.restart();
    pass(240, 0);
    EXPECT_EQ(shop.count("finding.opened"), 1U);
    EXPECT_EQ(shop.count("finding.closed"), 1U);
  }
}

/// What is foretold is an alert once it was foretold twice, through restarts, and ends when it is
/// no longer so: a disk that fills and is cleaned, a certificate that is renewed.
TEST(Stories, WhatIsForetoldFiresOnceAndEndsWhenItIsNoLongerSo) {
  Shop shop(*parse_rfc3339("2026-01-05T10:00:00Z"), {.crash = 0.05}, 7);
  const auto began = shop.world.time.now();
  const auto record = [&](Labels labels, Timestamp from, Timestamp to, auto value_at) {
    telemetry::SeriesWrite series{.labels = std::move(labels)};
    for (auto time = from; time <= to; time += 4min)
      series.samples.push_back({to_unix_ms(time), value_at(time)});
    shop.world.metrics.add(std::move(series));
  };
  const Labels disk{{"__name__", "node_filesystem_avail_bytes"},
                    {"fstype", "ext4"},
                    {"instance", "db-1"},
                    {"mountpoint", "/data"},
                    {"workload", "shop"}};
  const Labels certificate{{"__name__", "probe_ssl_earliest_cert_expiry"}, {"instance", "shop"}};
  const auto cleaned = began + 5h;
  record(disk, began - 14 * 24h, cleaned, [&](Timestamp time) {
    return 1e9 * (430 - to_seconds(time - (began - 14 * 24h)) / 3600);
  });
  record(disk, cleaned + 4min, began + 14h, [](Timestamp) { return 1e12; });
  record(certificate, began - 1h, cleaned,
         [&](Timestamp) { return to_unix_seconds(began + 10 * 24h); });
  record(certificate, cleaned + 4min, began + 14h,
         [&](Timestamp) { return to_unix_seconds(began + 90 * 24h); });
  shop.apply();
  shop.go_on(20min);
  EXPECT_EQ(shop.count("alert.fired"), 0U) << "one outlook is none";
  shop.go_on(4h);
  shop.world.calm();
  const auto fired = *shop.world.store.read({.type_prefix = "alert.fired", .limit = 100});
  std::map<std::string, int> names;
  for (const auto& fact : fired) ++names[text_or(fact.body, "alert")];
  EXPECT_EQ(names,
            (std::map<std::string, int>{{"CertificateWillExpire", 1}, {"DiskWillBeFull", 1}}));
  for (const auto& fact : fired) EXPECT_EQ(text_or(fact.body, "source"), "forecast");
  EXPECT_EQ(shop.count("alert.resolved"), 0U) << "not even by a restart or an apply";
  shop.apply("---\napiVersion: wellrun.io/v1\nkind: Environment\nmetadata: {name: staging}\n");
  shop.go_on(7h);
  EXPECT_EQ(shop.count("alert.fired"), 2U);
  EXPECT_EQ(shop.count("alert.resolved"), 2U);
  EXPECT_EQ(shop.count("page.requested"), 0U) << "a ticket pages nobody";
  const auto outlooks = shop.house.look("/api/v1/forecasts?kind=disk").at("items");
  ASSERT_EQ(outlooks.size(), 1U);
  EXPECT_EQ(outlooks[0].at("warns"), false);
}

/// Berlin puts its clocks forward on 2026-03-29 and back on 2026-10-25; the hand-over of Monday
/// stays at 09:00 there. The server is restarted now and then, and the answer for the past stays.
/// An action that helped and an experiment that did harm, in a world where the process dies now and
/// then: each story has its one end, and no look is taken twice.
TEST(Stories, WhatAnActionAndAnExperimentDidIsFoundOutThroughCrashes) {
  Shop shop(*parse_rfc3339("2026-01-05T10:00:00Z"), {.crash = 0.05}, 11);
  const auto now = shop.world.time.now();
  const auto record = [&](const char* name, double before, double after) {
    telemetry::SeriesWrite series{.labels = Labels{{"__name__", name}}};
    for (int minute = -48 * 60; minute < 12 * 60; minute += 4)
      series.samples.push_back(
          {to_unix_ms(now + minute * 1min),
           (minute < 10 ? before : after) * (1 + 0.03 * std::sin(minute * minute * 0.37))});
    shop.world.metrics.add(std::move(series));
  };
  record("latency", 200, 120);
  record("errors", 0.01, 0.02);
  shop.apply();
  const Json faster{
      {"metric", "latency"}, {"direction", "lower"}, {"smallest", 0.1}, {"watch", "2h"}};
  const auto post = [&](const std::string& path, const Json& body) {
    std::optional<http::Response> answer;
    for (int tries = 0; tries < 50 && !answer; ++tries) {
      answer = shop.house.call("person:ana", "POST", path, body);
      shop.go_on(1s);
    }
    return answer ? answer->status : 0;
  };
  post("/api/v1/actions", {{"title", "a pool"}, {"owner", "storefront"}, {"due", "2026-02-01"}});
  post("/api/v1/actions/act-0001/expectation", faster);
  shop.go_on(8min);
  post("/api/v1/actions/act-0001/finish", {{"proof", "#12"}});
  post("/api/v1/experiments",
       {{"hypothesis", "a pool is enough"},
        {"owner", "storefront"},
        {"expects", faster},
        {"guard_rails",
         Json::array({{{"metric", "errors"}, {"direction", "higher"}, {"smallest", 0.2}}})}});
  shop.go_on(3h);
  shop.world.calm();
  shop.go_on(1h);

  const auto effect = shop.house.look("/api/v1/actions/act-0001").at("effect");
  EXPECT_EQ(text_or(effect, "state"), "confirmed") << effect;
  const auto experiment = shop.house.look("/api/v1/experiments/exp-0001");
  EXPECT_EQ(text_or(experiment, "state"), "harmful") << experiment;
  EXPECT_EQ(shop.count("experiment.ended"), 1U);
  for (const char* type : {"action.effect_judged", "experiment.judged"}) {
    std::set<int> looks;
    const auto judged = shop.world.store.read({.type_prefix = type, .limit = 100});
    for (const auto& fact : *judged)
      EXPECT_TRUE(looks.insert(fact.body.at("look").get<int>()).second) << type;
    EXPECT_FALSE(looks.empty()) << type;
  }
}

TEST(Stories, WhoIsPagedFollowsTheRotaAcrossBothChangesOfTheClocks) {
  struct Row {
    const char* at;
    const char* person;
  };
  const std::vector<Row> rows = {
      {"2026-03-23T07:59:50Z", "ana"}, {"2026-03-23T08:00:10Z", "ben"},  // 08:59 and 09:00, UTC+1
      {"2026-03-30T06:59:50Z", "ben"}, {"2026-03-30T07:00:10Z", "ana"},  // the same, UTC+2
      {"2026-10-19T06:59:50Z", "ana"}, {"2026-10-19T07:00:10Z", "ben"},
      {"2026-10-26T07:59:50Z", "ben"}, {"2026-10-26T08:00:10Z", "ana"}};
  Shop shop(*parse_rfc3339("2026-03-20T00:00:00Z"));
  // Nothing is sold or evaluated in this story, so that months pass in no time.
  shop.world.is_open = false;
  std::string quiet = shop_repository();
  quiet.erase(quiet.find("---\napiVersion: wellrun.io/v1\nkind: Kpi"),
              quiet.find("---\napiVersion: wellrun.io/v1\nkind: Runbook") -
                  quiet.find("---\napiVersion: wellrun.io/v1\nkind: Kpi"));
  quiet.erase(quiet.find("---\napiVersion: wellrun.io/v1\nkind: Automation"));
  quiet.erase(quiet.find("autoPost: true") - 2, std::string(", autoPost: true").size());
  ASSERT_TRUE(shop.house.call("token:ci", "POST", "/api/v1/catalog/apply", {{"documents", quiet}}));
  for (const auto& row : rows) {
    const auto at = *parse_rfc3339(row.at);
    shop.world.time.run_until(at);
    const auto id = shop.post("/api/v1/incidents",
                              {{"title", "a trial"}, {"workload", "shop"}, {"severity", 3}});
    shop.world.time.run_for(5s);
    const auto paged = shop.delivered_to(at);
    ASSERT_FALSE(paged.empty()) << row.at;
    EXPECT_TRUE(std::ranges::any_of(
        paged, [&](const auto& to) { return to == fmt::format("{}@shop.example", row.person); }))
        << row.at << ": " << join_words(paged);
    shop.post("/api/v1/incidents/" + id + "/resolve", {{"reason", "a trial"}});
    shop.house.restart();
  }
  for (const auto& row : rows) {
    const auto answer = shop.house.look(fmt::format("/api/v1/on-call?at={}", row.at));
    EXPECT_EQ(text_or(answer.at("items").at(0), "person"), row.person) << row.at;
  }
}

TEST(Stories, AMailServerThatLiesOnlyCostsTimeTheNextLevelIsPaged) {
  Shop shop;
  shop.apply();
  shop.world.lying = {"mail.example"};
  shop.world.refusing = {"chat.example"};
  const auto at = shop.world.time.now();
  const auto id =
      shop.post("/api/v1/incidents", {{"title", "a trial"}, {"workload", "shop"}, {"severity", 1}});
  shop.go_on(4min + 50s);
  EXPECT_TRUE(shop.delivered_to(at).empty()) << "the page by mail is sent, as far as anyone knows";
  shop.go_on(20s);
  EXPECT_EQ(shop.delivered_to(at), std::vector<std::string>{"https://phone.example/calls"});
  const auto pages = shop.house.look("/api/v1/pages?incident=" + id).at("items");
  ASSERT_EQ(pages.size(), 4U);
  EXPECT_EQ(pages[0].at("state"), "sent") << "a lie cannot be told from the truth";
  EXPECT_EQ(pages[1].at("state"), "failed");
}

TEST(Stories, APeerThatHangsHoldsUpNothingElse) {
  Shop shop;
  shop.apply();
  shop.world.silent = {"mail.example", "shop.example"};
  shop.world.release_is_bad = true;
  const auto at = shop.world.time.now();
  shop.go_on(3min);
  EXPECT_EQ(shop.delivered_to(at), std::vector<std::string>{"https://chat.example/pages"})
      << "the other contact of the same person";
  shop.post("/api/v1/incidents/inc-0001/acknowledge", Json::object());
  shop.post("/api/v1/runs/run-0001/approve", {{"step", "agree"}, {"approved", true}});
  shop.go_on(1min);
  EXPECT_EQ(shop.house.look("/api/v1/runs/run-0001").at("steps").at(2).at("state"), "running");
  EXPECT_TRUE(shop.world.commands.empty()) << "no step goes before the one that hangs";
  shop.world.silent.clear();
  shop.go_on(15min);
  const auto run = shop.house.look("/api/v1/runs/run-0001");
  EXPECT_EQ(run.at("state"), "succeeded") << run.dump(2);
  EXPECT_FALSE(shop.world.failing());
  EXPECT_GT(shop.count("page.failed"), 0U) << "the mail that hung ended";
}

}  // namespace
}  // namespace wellrun::simulation
