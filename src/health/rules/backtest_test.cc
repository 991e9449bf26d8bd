#include "health/rules/backtest.h"

#include <gtest/gtest.h>

#include "health/rules/rules_api.h"
#include "journal/memory_store.h"
#include "platform/runtime/virtual_runtime.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::health::rules {
namespace {

using namespace std::chrono_literals;

/// Ten hours of a metric that is high from 3:00 to 3:30 and from 6:00 to 6:05; a person notices the
/// first at 3:20.
struct BacktestTest : testing::Test {
  VirtualRuntime time;
  telemetry::promql::testing::MemoryReader reader;
  telemetry::promql::Engine engine{reader};
  journal::MemoryStore journal{time.runtime().strand};
  Timestamp start = time.now();
  journal::Sequence seq = 0;

  BacktestTest() {
    telemetry::SeriesWrite write;
    write.labels = Labels{{"__name__", "errors"}, {"job", "shop"}};
    for (auto at = 0min; at <= 600min; at += 1min) {
      const bool high = (at >= 180min && at < 210min) || (at >= 360min && at < 365min);
      write.samples.push_back(
          {to_unix_ms(start + at), high ? static_cast<double>((at.count() % 30) + 1) : 0});
    }
    reader.add(write);
    fact(195min, "incident.opened",
         {{"incident", "I-1"},
          {"title", "shop fails"},
          {"workload", "shop"},
          {"severity", 2},
          {"fingerprint", "f"}});
    fact(200min, "incident.acknowledged", {{"incident", "I-1"}, {"by", "person:ana"}});
    fact(230min, "incident.resolved", {{"incident", "I-1"}});
    fact(500min, "incident.opened",
         {{"incident", "I-2"},
          {"title", "other"},
          {"workload", "shop"},
          {"severity", 3},
          {"by", "person:bo"}});
    fact(505min, "incident.opened",
         {{"incident", "I-3"}, {"title", "elsewhere"}, {"workload", "mail"}, {"severity", 3}});
  }

  void fact(Duration at, const char* type, Json body) {
    journal::Fact fact;
    fact.seq = ++seq;
    fact.time = start + at;
    fact.stream = "incident/" + body["incident"].get<std::string>();
    fact.stream_version = journal.stream_version(fact.stream).value_or(0) + 1;
    fact.type = type;
    fact.body = std::move(body);
    journal::Batch batch;
    batch.facts.push_back(std::move(fact));
    journal.append(std::move(batch), [](const Status& status) { EXPECT_TRUE(status); });
    time.run_ready();
  }

  Json ask(Json rule, Json more = Json::object()) {
    more["rule"] = std::move(rule);
    if (!more.contains("start")) more["start"] = format_rfc3339(start);
    if (!more.contains("end")) more["end"] = format_rfc3339(start + 600min);
    auto answer = answer_backtest(more, time.now(), time.runtime().clock, engine, journal);
    return answer ? *answer : Json{{"error", to_string(answer.error())}};
  }
};

TEST_F(BacktestTest, SaysWhenTheRuleWouldHaveFiredAndForWhat) {
  const auto report =
      ask({{"alert", "Errors"}, {"expr", "errors > 0"}, {"for", "2m"}}, {{"workload", "shop"}});
  ASSERT_EQ(report["firings"].size(), 2U) << report.dump();
  EXPECT_EQ(report["firings"][0]["active_since"], format_rfc3339(start + 180min));
  EXPECT_EQ(report["firings"][0]["fired_at"], format_rfc3339(start + 182min));
  EXPECT_EQ(report["firings"][0]["ended_at"], format_rfc3339(start + 210min));
  EXPECT_EQ(report["firings"][0]["value"], 3);
  EXPECT_EQ(report["firings"][0]["largest"], 30);
  EXPECT_EQ(report["firings"][0]["incidents"], Json::array({"I-1"}));
  EXPECT_EQ(report["firings"][1]["incidents"], Json::array());
  ASSERT_EQ(report["incidents"].size(), 2U) << "that of another workload is left out";
  EXPECT_EQ(report["incidents"][0]["seconds_before_opening"], 13 * 60);
  EXPECT_EQ(report["incidents"][0]["seconds_before_a_person"], 18 * 60);
  EXPECT_TRUE(report["incidents"][1]["fired_at"].is_null());
  EXPECT_EQ(report["incidents"][1]["noticed_by"], "person:bo");
  EXPECT_EQ(report["summary"]["incidents_missed"], 1);
  EXPECT_EQ(report["summary"]["firings_without_incident"], 1);
  EXPECT_EQ(report["summary"]["median_seconds_before_a_person"], 18 * 60);
  EXPECT_EQ(report["evaluations"], 601);
}

TEST_F(BacktestTest, TheHoldCountsAsInTheServer) {
  EXPECT_EQ(ask({{"expr", "errors > 0"}, {"for", "10m"}})["summary"]["firings"], 1);
  EXPECT_EQ(ask({{"expr", "errors > 0"}, {"for", "1h"}})["summary"]["firings"], 0);
  const auto kept = ask({{"expr", "errors > 0"}, {"keep_firing_for", "3h"}});
  EXPECT_EQ(kept["summary"]["firings"], 1);
  const auto open = ask({{"expr", "errors > 0"}}, {{"end", format_rfc3339(start + 200min)}});
  EXPECT_TRUE(open["firings"][0]["ended_at"].is_null());
}

/// Every ten seconds, for hours before the only incident and while it lasts.
TEST_F(BacktestTest, WhatIsNotListedCountsAllTheSame) {
  const auto report =
      ask({{"expr", "vector(time() % 10 < bool 5) == 1"}},
          {{"interval", "5s"}, {"workload", "mail"}, {"end", format_rfc3339(start + 510min)}});
  ASSERT_FALSE(report.contains("error")) << report.dump();
  EXPECT_EQ(report["firings"].size(), 1000U);
  EXPECT_EQ(report["truncated"], true);
  EXPECT_EQ(report["summary"]["firings"], 510 * 6 + 1);
  EXPECT_EQ(report["summary"]["incidents_missed"], 0);
  EXPECT_EQ(report["summary"]["firings_without_incident"], 445 * 6);
  EXPECT_EQ(report["incidents"][0]["fired_at"], format_rfc3339(start + 445min))
      << "of those beyond";
  EXPECT_EQ(ask({{"expr", "errors > 0"}})["truncated"], false);
}

TEST_F(BacktestTest, OfTooManyIncidentsTheNewestAreLookedAt) {
  journal::MemoryStore many{time.runtime().strand};
  journal::Batch batch;
  const auto open = [&](Duration at, const std::string& id, const char* workload) {
    journal::Fact fact;
    fact.seq = batch.facts.size() + 1;
    fact.time = start + at;
    fact.stream = "incident/" + id;
    fact.stream_version = 1;
    fact.type = "incident.opened";
    fact.body = {{"incident", id}, {"title", id}, {"workload", workload}, {"severity", 3}};
    batch.facts.push_back(std::move(fact));
  };
  for (int i = 0; i < 100'000; ++i) open(1min + i * 1ms, std::to_string(i), "mail");
  open(195min, "newest", "shop");
  many.append(std::move(batch), [](const Status& status) { EXPECT_TRUE(status); });
  time.run_ready();
  const auto answer = answer_backtest({{"rule", {{"expr", "errors > 0"}}},
                                       {"workload", "shop"},
                                       {"start", format_rfc3339(start)},
                                       {"end", format_rfc3339(start + 600min)}},
                                      time.now(), time.runtime().clock, engine, many);
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ((*answer)["summary"]["incidents_told"], 1);
  EXPECT_EQ((*answer)["incidents_from"], format_rfc3339(start + 1min + 2ms));
  EXPECT_FALSE(ask({{"expr", "errors > 0"}}).contains("incidents_from"));
}

TEST_F(BacktestTest, ARequestThatMakesNoSenseIsRefusedByField) {
  for (const auto& [rule, more, word] : std::initializer_list<std::tuple<Json, Json, const char*>>{
           {{{"alert", "x"}}, Json::object(), "rule.expr"},
           {{{"expr", "errors >"}}, Json::object(), "rule.expr"},
           {{{"expr", "errors"}, {"for", "long"}}, Json::object(), "for"},
           {{{"expr", "errors"}}, {{"interval", "290000000y"}}, "interval"},
           {{{"expr", "errors"}, {"for", "11y"}}, Json::object(), "for"},
           {{{"expr", "errors"}, {"labels", {{"a", "{{ nope }}"}}}},
            Json::object(),
            "rule.labels.a"},
           {{{"expr", "errors"}}, {{"start", "yesterday"}}, "start"},
           {{{"expr", "errors"}}, {{"end", "2020-01-01T00:00:00Z"}}, "end"},
           {{{"expr", "errors"}}, {{"interval", "10ms"}}, "interval"},
           {{{"expr", "errors"}}, {{"start", "2000-01-01T00:00:00Z"}}, "evaluations"}}) {
    const auto answer = ask(rule, more);
    ASSERT_TRUE(answer.contains("error")) << answer.dump();
    EXPECT_NE(answer["error"].get<std::string>().find(word), std::string::npos) << answer.dump();
  }
}

}  // namespace
}  // namespace wellrun::health::rules
