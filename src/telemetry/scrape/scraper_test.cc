#include "telemetry/scrape/scraper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/otlp/otlp_test_support.h"
#include "telemetry/scrape/scrape_result.h"

namespace wellrun::telemetry::scrape {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lines_of;
using ::testing::Not;

class ScriptedClient : public http::Client {
 public:
  void send(http::ClientRequest request, http::ClientCallback done) override {
    requests.push_back(std::move(request));
    if (hold)
      held.push_back(std::move(done));
    else
      done(answer);
  }
  std::vector<http::ClientRequest> requests;
  std::vector<http::ClientCallback> held;
  Result<http::Response> answer =
      http::Response{200, {{"Content-Type", "text/plain"}}, "a 1\nb{job=\"theirs\"} 2\n"};
  bool hold = false;
};

class ScraperTest : public ::testing::Test {
 protected:
  static ScrapeTarget target() {
    ScrapeTarget out;
    out.job = "node";
    out.labels = Labels{{"job", "node"}};
    out.url = "http://10.0.0.1:9100/metrics";
    return out;
  }

  /// What was written since the last call, without times and the scrape's own series other than
  /// `up`.
  std::vector<std::string> written() {
    std::vector<std::string> out;
    for (auto line : lines_of(metrics_.written)) {
      line.resize(line.rfind('@'));
      if (!line.starts_with("scrape_")) out.push_back(line);
    }
    metrics_.written.clear();
    return out;
  }

  VirtualRuntime runtime_;
  ScriptedClient client_;
  testing::RecordingMetrics metrics_;
  ExemplarStore exemplars_;
  std::optional<Scraper> scraper_{std::in_place, runtime_.runtime(), client_, metrics_, exemplars_};
};

TEST_F(ScraperTest, ScrapesOnceAnIntervalWithTargetLabels) {
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  ASSERT_EQ(client_.requests.size(), 1u);
  EXPECT_EQ(client_.requests[0].url, "http://10.0.0.1:9100/metrics");
  EXPECT_THAT(std::string(http::find_header(client_.requests[0].headers, "accept")),
              HasSubstr("openmetrics-text"));
  EXPECT_THAT(written(),
              ElementsAre(R"(a{instance="10.0.0.1:9100", job="node"} 1)",
                          R"(b{exported_job="theirs", instance="10.0.0.1:9100", job="node"} 2)",
                          R"(up{instance="10.0.0.1:9100", job="node"} 1)"));
  runtime_.run_for(Duration{60'000});
  EXPECT_EQ(client_.requests.size(), 5u);
}

TEST_F(ScraperTest, ATargetWithAnObstacleIsDownWithoutBeingAsked) {
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  written();
  auto one = target();
  one.obstacle = "the secret cannot be read";
  scraper_->set_targets({one});
  runtime_.run_for(Duration{15'000});
  EXPECT_EQ(client_.requests.size(), 1U);
  EXPECT_THAT(written(), Contains(R"(up{instance="10.0.0.1:9100", job="node"} 0)"));
  EXPECT_EQ(scraper_->status()["activeTargets"][0]["lastError"], "the secret cannot be read");
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  EXPECT_THAT(written(), Contains(R"(up{instance="10.0.0.1:9100", job="node"} 1)"));
}

TEST_F(ScraperTest, ATargetThatSendsTheScrapeOnIsFollowedUnlessItMayNot) {
  client_.answer->status = 302;
  client_.answer->headers.push_back({"Location", "/elsewhere"});
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  EXPECT_EQ(client_.requests.size(), 11U);
  EXPECT_EQ(client_.requests[1].url, "http://10.0.0.1:9100/elsewhere");
  EXPECT_EQ(scraper_->status()["activeTargets"][0]["lastError"], "sent on more than 10 times");

  client_.requests.clear();
  auto one = target();
  one.follow_redirects = false;
  scraper_->set_targets({one});
  runtime_.run_for(Duration{15'000});
  EXPECT_EQ(client_.requests.size(), 1U);
  EXPECT_THAT(std::string(scraper_->status()["activeTargets"][0]["lastError"]), HasSubstr("302"));
}

TEST_F(ScraperTest, GoesOnAtItsIntervalWhateverTheClockIsSetTo) {
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{60'000});
  ASSERT_EQ(client_.requests.size(), 4u);
  for (const auto jump : {Duration{-3'600'000}, Duration{86'400'000}}) {
    client_.requests.clear();
    runtime_.set_clock(jump);
    runtime_.run_for(Duration{60'000});
    EXPECT_EQ(client_.requests.size(), 4u);
  }
}

TEST_F(ScraperTest, HonorLabelsLetsTheTargetWin) {
  auto one = target();
  one.honor_labels = true;
  scraper_->set_targets({one});
  runtime_.run_for(Duration{15'000});
  EXPECT_THAT(written(), Contains(R"(b{instance="10.0.0.1:9100", job="theirs"} 2)"));
}

TEST_F(ScraperTest, AVanishedSeriesBecomesStaleAndAFailedScrapeMakesAllStale) {
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  written();
  client_.answer->body = "a 3\n";
  runtime_.run_for(Duration{15'000});
  EXPECT_THAT(written(),
              ElementsAre(R"(a{instance="10.0.0.1:9100", job="node"} 3)",
                          R"(b{exported_job="theirs", instance="10.0.0.1:9100", job="node"} stale)",
                          R"(up{instance="10.0.0.1:9100", job="node"} 1)"));
  client_.answer = fail(ErrorCode::kDeadline, "no answer");
  runtime_.run_for(Duration{15'000});
  EXPECT_THAT(written(), ElementsAre(R"(a{instance="10.0.0.1:9100", job="node"} stale)",
                                     R"(up{instance="10.0.0.1:9100", job="node"} 0)"));
  EXPECT_EQ(scraper_->status()["activeTargets"][0]["lastError"], "no answer");
  EXPECT_EQ(scraper_->status()["activeTargets"][0]["health"], "down");
}

TEST_F(ScraperTest, ARemovedTargetIsMarkedStaleAndAnUnchangedOneKeepsItsSchedule) {
  auto other = target();
  other.job = "other";
  other.labels = Labels{{"job", "other"}};
  scraper_->set_targets({target(), other});
  runtime_.run_for(Duration{15'000});
  written();
  scraper_->set_targets({target()});
  runtime_.run_ready();
  const auto marks = written();
  EXPECT_THAT(marks, Contains(R"(up{instance="10.0.0.1:9100", job="other"} stale)"));
  EXPECT_THAT(marks, Contains(R"(a{instance="10.0.0.1:9100", job="other"} stale)"));
  EXPECT_THAT(marks, Not(Contains(HasSubstr("job=\"node\""))));
  client_.requests.clear();
  runtime_.run_for(Duration{30'000});
  EXPECT_EQ(client_.requests.size(), 2u);
}

TEST_F(ScraperTest, ATargetWhoseTokenOrIntervalChangesKeepsItsSeries) {
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  written();
  auto changed = target();
  changed.headers.push_back({"Authorization", "Bearer new"});
  changed.interval = Duration{5'000};
  scraper_->set_targets({changed});
  runtime_.run_ready();
  EXPECT_THAT(written(), IsEmpty());
  client_.requests.clear();
  runtime_.run_for(Duration{15'000});
  ASSERT_EQ(client_.requests.size(), 3u);
  EXPECT_EQ(http::find_header(client_.requests[0].headers, "authorization"), "Bearer new");
}

TEST_F(ScraperTest, TwoPathsOfOneAddressAreTwoTargets) {
  auto probe = target();
  probe.url = "http://10.0.0.1:9100/probe";
  scraper_->set_targets({target(), probe, probe});
  runtime_.run_for(Duration{15'000});
  std::set<std::string> asked;
  for (const auto& request : client_.requests) asked.insert(request.url);
  EXPECT_THAT(asked, ElementsAre("http://10.0.0.1:9100/metrics", "http://10.0.0.1:9100/probe"));
  EXPECT_EQ(client_.requests.size(), 2U);
  EXPECT_EQ(scraper_->status()["activeTargets"].size(), 2U);
}

TEST_F(ScraperTest, ATargetThatMovesToAnotherPathKeepsItsSeries) {
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  written();
  auto moved = target();
  moved.url = "http://10.0.0.1:9100/moved";
  scraper_->set_targets({moved});
  runtime_.run_ready();
  EXPECT_THAT(written(), IsEmpty());
  client_.requests.clear();
  runtime_.run_for(Duration{30'000});
  ASSERT_FALSE(client_.requests.empty());
  for (const auto& request : client_.requests) EXPECT_EQ(request.url, moved.url);
}

TEST_F(ScraperTest, WhatTheStoreDoesNotTakeIsCountedAndShown) {
  scraper_->set_targets({target()});
  metrics_.outcome.rejected = 2;
  metrics_.outcome.first_rejection = "it is older than the retention";
  runtime_.run_for(Duration{30'000});
  metrics_.outcome = {};
  runtime_.run_for(Duration{15'000});
  const auto shown = scraper_->status()["activeTargets"][0];
  EXPECT_EQ(shown["health"], "up");
  EXPECT_EQ(shown["rejectedSamples"], 4);
  EXPECT_EQ(shown["lastRejection"], "it is older than the retention");
}

TEST_F(ScraperTest, SamplesAreRelabelledBeforeTheirNumberIsLimited) {
  auto one = target();
  const auto relabelling =
      Relabelling::compile({{.source_labels = {"__name__"}, .regex = "b", .action = "drop"},
                            {.target_label = "place", .replacement = "hall"}});
  ASSERT_TRUE(relabelling);
  one.metric_relabelling = *relabelling;
  one.sample_limits.samples = 1;
  scraper_->set_targets({one});
  runtime_.run_for(Duration{15'000});
  EXPECT_THAT(written(), ElementsAre(R"(a{instance="10.0.0.1:9100", job="node", place="hall"} 1)",
                                     R"(up{instance="10.0.0.1:9100", job="node"} 1)"));
  client_.answer->body = "a 1\nc 2\nb 3\n";
  runtime_.run_for(Duration{15'000});
  const auto reported = lines_of(metrics_.written);
  const auto report = [](const char* name, int value) {
    return HasSubstr(
        fmt::format("{}{{instance=\"10.0.0.1:9100\", job=\"node\"}} {}@", name, value));
  };
  EXPECT_THAT(reported, Contains(report("scrape_samples_scraped", 3)));
  EXPECT_THAT(reported, Contains(report("scrape_samples_post_metric_relabeling", 2)));
  EXPECT_THAT(written(), Contains(R"(up{instance="10.0.0.1:9100", job="node"} 0)"));
  EXPECT_EQ(scraper_->status()["activeTargets"][0]["lastError"],
            "more samples than the limit of 1");
}

TEST_F(ScraperTest, LabelLimitsFailTheWholeScrape) {
  const std::vector<std::pair<SampleLimits, std::string>> cases = {
      {{.labels = 3}, "has 4 labels; the limit is 3"},
      {{.label_name_bytes = 8}, "bytes; the limit is 8"},
      {{.label_value_bytes = 5}, "bytes; the limit is 5"}};
  for (const auto& [limits, reason] : cases) {
    auto one = target();
    one.sample_limits = limits;
    scraper_->set_targets({one});
    runtime_.run_for(Duration{15'000});
    EXPECT_THAT(scraper_->status()["activeTargets"][0]["lastError"].get<std::string>(),
                HasSubstr(reason));
  }
}

TEST_F(ScraperTest, ExemplarsAreKeptWithTheTimeOfTheScrapeWhereTheyHaveNone) {
  client_.answer = http::Response{200,
                                  {{"Content-Type", "application/openmetrics-text"}},
                                  "# TYPE a counter\na_total 1 # {trace_id=\"x\"} 0.5\n# EOF\n"};
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  const auto kept = exemplars_.select({}, {INT64_MIN, INT64_MAX});
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].series.get("job"), "node");
  EXPECT_EQ(kept[0].exemplars[0].labels.get("trace_id"), "x");
  EXPECT_GT(kept[0].exemplars[0].time_ms, 0);
}

TEST_F(ScraperTest, WhatTargetsExposeIsToldByTarget) {
  client_.answer->body = "# TYPE a gauge\n# HELP a First.\na 1\n";
  auto other = target();
  other.job = "other";
  other.labels = Labels{{"job", "other"}};
  scraper_->set_targets({target(), other});
  scraper_->set_dropped({{"third", Labels{{"__address__", "x:1"}}}});
  runtime_.run_for(Duration{15'000});
  const auto matcher = MatcherSet::compile({{Matcher::Kind::kEqual, "job", "other"}});
  ASSERT_TRUE(matcher);
  const auto told = scraper_->metadata(*matcher, "", std::nullopt);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0]["metric"], "a");
  EXPECT_EQ(told[0]["help"], "First.");
  EXPECT_EQ(scraper_->metadata(*matcher, "b", std::nullopt).size(), 0u);
  EXPECT_THAT(scraper_->pools(), ElementsAre("node", "other", "third"));
  EXPECT_EQ(scraper_->status("node")["activeTargets"].size(), 1u);
  EXPECT_EQ(scraper_->status()["droppedTargetCounts"]["third"], 1);
}

TEST_F(ScraperTest, WhatTargetsExposeIsLimitedByItsEntries) {
  client_.answer->body = "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n";
  auto other = target(), silent = target();
  other.job = "other";
  other.labels = Labels{{"job", "other"}};
  silent.job = "before";
  silent.labels = Labels{{"job", "before"}};
  scraper_->set_targets({target(), other});
  runtime_.run_for(Duration{15'000});
  scraper_->set_targets({target(), other, silent});  // the first of them, not scraped yet
  const auto all = MatcherSet::compile({});
  ASSERT_TRUE(all);
  EXPECT_EQ(scraper_->metadata(*all, "a", std::nullopt).size(), 2u);
  EXPECT_EQ(scraper_->metadata(*all, "a", 0), Json::array());
  EXPECT_EQ(scraper_->metadata(*all, "a", 1).size(), 1u);
  EXPECT_EQ(scraper_->metadata(*all, "", 1).size(), 2u) << "those of one target are not cut";
  EXPECT_EQ(scraper_->metadata(*all, "", 3).size(), 4u);
}

TEST_F(ScraperTest, WhatTargetsExposeIsAskedForByLimitAndTarget) {
  client_.answer->body = "# TYPE a gauge\na 1\n";
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  const auto told = [&](http::Parameters parameters) {
    std::string body;
    http::Request request;
    request.query = std::move(parameters);
    for (const auto& route : scrape_routes(*scraper_, runtime_.runtime().strand))
      if (route.pattern == "/api/v1/targets/metadata")
        route.handler(request, [&](http::Response response) { body = std::move(response.body); });
    runtime_.run_ready();
    return parse_json(body)->at("data").size();
  };
  EXPECT_EQ(told({}), 1u);
  EXPECT_EQ(told({{"limit", "-1"}}), 1u);
  EXPECT_EQ(told({{"limit", "0"}}), 0u);
  EXPECT_EQ(told({{"match_target", "{}"}}), 1u);
  EXPECT_EQ(told({{"match_target", "{job=\"x\"}"}}), 0u);
}

TEST_F(ScraperTest, HowLongAScrapeTookIsTakenBelowMilliseconds) {
  const auto write =
      apply_scrape(target(), client_.answer, {}, 1000, std::chrono::microseconds(1'250));
  const auto took = std::ranges::find(write.series, "scrape_duration_seconds",
                                      [](const auto& each) { return each.labels.metric_name(); });
  ASSERT_NE(took, write.series.end());
  EXPECT_DOUBLE_EQ(took->samples.at(0).value, 0.00125);
}

TEST_F(ScraperTest, ATargetRemovedWhileItAnswersEndsStale) {
  client_.hold = true;
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  ASSERT_EQ(client_.held.size(), 1u);
  scraper_->set_targets({});
  client_.held[0](client_.answer);
  runtime_.run_ready();
  EXPECT_THAT(written(), Contains(R"(up{instance="10.0.0.1:9100", job="node"} stale)"));
}

TEST_F(ScraperTest, ATargetThatHangsIsNotAskedTwiceAtOnce) {
  client_.hold = true;
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{60'000});
  EXPECT_EQ(client_.requests.size(), 1u);
}

TEST_F(ScraperTest, AnAnswerAfterTheEndIsForgotten) {
  client_.hold = true;
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  scraper_.reset();
  client_.held.at(0)(client_.answer);
  runtime_.run_for(Duration{60'000});
  EXPECT_THAT(written(), IsEmpty());
}

TEST_F(ScraperTest, TimestampsOfTheTargetAreKeptUnlessToldOtherwise) {
  client_.answer->body = "a 1 1767225600001\n";
  scraper_->set_targets({target()});
  runtime_.run_for(Duration{15'000});
  EXPECT_THAT(lines_of(metrics_.written),
              Contains(R"(a{instance="10.0.0.1:9100", job="node"} 1@1767225600001)"));
  metrics_.written.clear();
  auto one = target();
  one.honor_timestamps = false;
  scraper_->set_targets({one});
  runtime_.run_for(Duration{15'000});
  EXPECT_THAT(lines_of(metrics_.written), Not(Contains(HasSubstr("@1767225600001"))));
}

TEST_F(ScraperTest, AnAnswerOverALimitKeepsNothing) {
  auto one = target();
  one.limits.max_samples = 1;
  scraper_->set_targets({one});
  runtime_.run_for(Duration{15'000});
  EXPECT_THAT(written(), ElementsAre(R"(up{instance="10.0.0.1:9100", job="node"} 0)"));
}

}  // namespace
}  // namespace wellrun::telemetry::scrape
