#include "telemetry/scrape/target_group.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wellrun::telemetry::scrape {
namespace {

TEST(TargetGroups, AreReadFromJsonAndYaml) {
  const std::vector<TargetGroup> wanted = {
      {{"a:1", "b:2"}, Labels{{"env", "test"}, {"__metrics_path__", "/m"}}}, {{"c:3"}, {}}};
  const auto json = parse_target_groups(
      R"([{"targets":["a:1","b:2"],"labels":{"env":"test","__metrics_path__":"/m"}},{"targets":["c:3"]}])");
  ASSERT_TRUE(json) << to_string(json.error());
  EXPECT_EQ(*json, wanted);
  const auto yaml = parse_target_groups(
      "- targets: ['a:1', b:2]\n  labels:\n    env: test\n    __metrics_path__: /m\n- targets:\n  "
      "- c:3\n");
  ASSERT_TRUE(yaml) << to_string(yaml.error());
  EXPECT_EQ(*yaml, wanted);
}

/// As the Go programs write that make such lists: an empty slice is null there.
TEST(TargetGroups, AGroupWithoutTargetsCostsNoOtherItsOwn) {
  const std::vector<TargetGroup> wanted = {{{}, Labels{{"env", "test"}}}, {{}, {}}, {{"a:1"}, {}}};
  for (const char* text :
       {R"([{"labels":{"env":"test"}},{"targets":null,"labels":null},{"targets":["a:1"]}])",
        "- labels: {env: test}\n- {targets: , labels: }\n- targets: ['a:1']\n"}) {
    const auto groups = parse_target_groups(text);
    ASSERT_TRUE(groups) << text << to_string(groups.error());
    EXPECT_EQ(*groups, wanted) << text;
  }
}

TEST(TargetGroups, WhatIsNotOneIsSaid) {
  for (const char* text :
       {"", "{}", "[1]", "- 1\n", "[{\"targets\":{}}]", "- targets: a\n", "[{\"targets\":[1]}]",
        "- a: [", "[{\"targets\":[\"a\"],\"labels\":{\"x\":1}}]", "[{\"targets\":[\"a\"]"})
    EXPECT_FALSE(parse_target_groups(text)) << text;
}

/// `count` times the same, which stands there once.
std::string repeated(std::string_view first, int count) {
  std::string text(first);
  for (int i = 0; i < count; ++i) text += "- *again\n";
  return text;
}

TEST(TargetGroups, AliasesOfYamlAreCountedWhileTheyAreFollowed) {
  std::string group = "- &again {targets: [";
  for (int i = 0; i < 1'000; ++i) group += fmt::format("'host-{}:9100',", i);
  const auto many = parse_target_groups(repeated(group + "]}\n", 5'000));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(many.error().message, testing::HasSubstr("more than 100000 targets"));
  const auto large = parse_target_groups(
      repeated("- &again {targets: [a], labels: {x: " + std::string(100'000, 'x') + "}}\n", 1'000));
  ASSERT_FALSE(large) << "100 MB from 110 KB";
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
}

JobSettings job() {
  JobSettings settings;
  settings.target.job = "shop";
  return settings;
}

TEST(TargetGroups, BecomeTargetsWithTheLabelsOfTheirGroup) {
  auto settings = job();
  settings.parameters = {{"module", "http 2xx"}};
  const auto out = resolve_targets(settings, {{{"a:1"}, Labels{{"env", "test"}, {"__x", "y"}}}});
  ASSERT_EQ(out.targets.size(), 1U);
  EXPECT_EQ(out.targets[0].url, "http://a:1/metrics?module=http%202xx");
  EXPECT_EQ(target_labels(out.targets[0]),
            (Labels{{"env", "test"}, {"instance", "a:1"}, {"job", "shop"}}));
  EXPECT_EQ(out.targets[0].discovered.get("__x"), "y");
}

TEST(TargetGroups, APathNeedsNoSlashInFront) {
  auto settings = job();
  settings.path = "actuator/prometheus";
  const auto out = resolve_targets(settings, {{{"a:1"}, {}}});
  ASSERT_EQ(out.targets.size(), 1U);
  EXPECT_EQ(out.targets[0].url, "http://a:1/actuator/prometheus");
}

TEST(TargetGroups, RelabellingChangesAddressPathAndIntervalAndDrops) {
  auto settings = job();
  auto relabelling =
      Relabelling::compile({{.source_labels = {"__address__"}, .regex = "drop.*", .action = "drop"},
                            {.source_labels = {"__address__"},
                             .regex = "(.*):.*",
                             .target_label = "__address__",
                             .replacement = "$1:99"},
                            {.target_label = "__metrics_path__", .replacement = "/probe"},
                            {.target_label = "__scrape_interval__", .replacement = "5s"},
                            {.target_label = "__scrape_timeout__", .replacement = "2s"},
                            {.target_label = "job", .replacement = "other"}});
  ASSERT_TRUE(relabelling);
  settings.relabelling = *relabelling;
  const auto out = resolve_targets(settings, {{{"a:1", "drop:1"}, {}}});
  ASSERT_EQ(out.targets.size(), 1U);
  EXPECT_EQ(out.targets[0].url, "http://a:99/probe");
  EXPECT_EQ(out.targets[0].interval, Duration{5000});
  EXPECT_EQ(target_labels(out.targets[0]).get("job"), "other");
  EXPECT_EQ(target_labels(out.targets[0]).get("instance"), "a:99");
  ASSERT_EQ(out.dropped.size(), 1U);
  EXPECT_EQ(out.dropped[0].second.get("__address__"), "drop:1");
}

TEST(TargetGroups, RelabellingMayTakeTheJobAwayAndTheInstanceIsTheAddressThen) {
  auto settings = job();
  auto relabelling = Relabelling::compile({{.regex = "job|instance", .action = "labeldrop"}});
  ASSERT_TRUE(relabelling);
  settings.relabelling = *relabelling;
  const auto out = resolve_targets(settings, {{{"a:1"}, Labels{{"instance", "x"}}}});
  ASSERT_EQ(out.targets.size(), 1U);
  EXPECT_EQ(target_labels(out.targets[0]), (Labels{{"instance", "a:1"}}));
}

TEST(TargetGroups, WhatRelabellingSpoilsIsATargetWithAnObstacle) {
  struct Case {
    const char *label, *value, *problem;
  };
  const Case cases[] = {
      {"__address__", "", "it has no address"},
      {"__scrape_interval__", "soon", R"(__scrape_interval__ is "soon", which is no duration)"},
      {"__scrape_timeout__", "soon", R"(__scrape_timeout__ is "soon", which is no duration)"},
      {"__scrape_interval__", "0s", R"(__scrape_interval__ is "0s", it must be above 0)"},
      {"__scrape_timeout__", "0s", R"(__scrape_timeout__ is "0s", it must be above 0)"},
      {"__scrape_interval__", "5s", "__scrape_timeout__ 10s is longer than __scrape_interval__ 5s"},
      {"__scrape_timeout__", "1m", "__scrape_timeout__ 1m is longer than __scrape_interval__ 15s"}};
  for (const auto& [label, value, problem] : cases) {
    auto settings = job();
    auto relabelling = Relabelling::compile({{.target_label = label, .replacement = value}});
    ASSERT_TRUE(relabelling);
    settings.relabelling = *relabelling;
    const auto out = resolve_targets(settings, {{{"a:1"}, {}}});
    ASSERT_EQ(out.targets.size(), 1U) << label;
    EXPECT_THAT(out.targets[0].obstacle, testing::EndsWith(problem));
    EXPECT_EQ(target_labels(out.targets[0]), (Labels{{"instance", "a:1"}, {"job", "shop"}}));
    EXPECT_EQ(out.targets[0].interval, settings.target.interval);
    EXPECT_EQ(out.targets[0].timeout, settings.target.timeout);
    EXPECT_THAT(out.problems, testing::ElementsAre(out.targets[0].obstacle));
    EXPECT_TRUE(out.dropped.empty());
  }
}

TEST(TargetGroups, BeyondTheLimitNoneIsScraped) {
  auto settings = job();
  settings.target_limit = 1;
  const auto out = resolve_targets(settings, {{{"a:1", "b:1"}, {}}});
  ASSERT_EQ(out.targets.size(), 2U) << "their `up` is 0, as in Prometheus";
  for (const auto& target : out.targets)
    EXPECT_EQ(target.obstacle, "job shop: 2 targets, the limit is 1: none is scraped");
  EXPECT_EQ(out.problems.size(), 1U);
}

}  // namespace
}  // namespace wellrun::telemetry::scrape
