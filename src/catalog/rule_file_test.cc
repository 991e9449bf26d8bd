#include "catalog/rule_file.h"

#include <gtest/gtest.h>

#include "catalog/check.h"
#include "catalog/load.h"

namespace wellrun::catalog {
namespace {

constexpr const char* kRules = R"(groups:
  - name: CPU & Memory
    labels: {team: a, severity: ticket}
    limit: 10
    query_offset: 30s
    rules:
      - alert: CpuHigh
        expr: cpu > 0.9
        for: 5m
        labels: {severity: page}
      - record: job:cpu
        expr: avg by (job) (cpu)
  - name: other
    interval: 15s
    rules:
      - record: x
        expr: y
)";

TEST(RuleFile, InARepositoryItStandsForItsGroups) {
  auto declarations = load(
      {{"rules/node.yml", kRules}, {"rules/node_test.yml", "rule_files: [node.yml]\ntests: []\n"}});
  ASSERT_TRUE(declarations.problems.empty()) << to_string(declarations.problems.front());
  ASSERT_EQ(declarations.items.size(), 2U);
  EXPECT_EQ(declarations.items[0].resource->provenance.line, 2);
  const auto checked = check(std::move(declarations), {});
  ASSERT_TRUE(checked.ok()) << to_string(checked.problems.front());
  const auto* group = checked.wanted.find<RuleGroup>("node.cpu-memory");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->metadata.annotations.at(kGroupNameAnnotation), "CPU & Memory");
  EXPECT_EQ(group->interval, kPrometheusInterval);
  EXPECT_EQ(group->query_offset, Duration{30'000});
  EXPECT_EQ(group->limit, 10);
  EXPECT_EQ(group->rules[0].labels, (TextMap{{"severity", "page"}, {"team", "a"}}));
  EXPECT_EQ(group->rules[1].labels, (TextMap{{"severity", "ticket"}, {"team", "a"}}));
  EXPECT_EQ(checked.wanted.find<RuleGroup>("node.other")->interval, Duration{15'000});
}

TEST(RuleFile, AProblemStandsWhereItIsWritten) {
  std::string broken = kRules;
  broken.replace(broken.find("for: 5m"), 7, "fro: 5m");
  const auto declarations = load({{"node.yml", broken}});
  ASSERT_EQ(declarations.problems.size(), 1U);
  EXPECT_EQ(to_string(declarations.problems.front()).find("node.yml:9:9: unknown field \"fro\""),
            0U)
      << to_string(declarations.problems.front());
}

TEST(RuleFile, APromqlErrorIsFoundAtItsPlace) {
  std::string broken = kRules;
  broken.replace(broken.find("cpu > 0.9"), 9, "cpu >     ");
  CheckOptions options;
  options.languages.check_query = [](std::string_view query) -> Status {
    if (query.ends_with('>')) return fail(ErrorCode::kInvalid, "no");
    return {};
  };
  const auto checked = check(load({{"node.yml", broken}}), options);
  ASSERT_EQ(checked.problems.size(), 1U);
  EXPECT_EQ(checked.problems.front().line, 8);
}

TEST(RuleFile, LabelNamesMayBeAnyUtf8AsInPrometheus3) {
  auto declarations = load({{"a.yml", R"(groups:
- name: a
  labels: {"région": eu}
  rules:
  - alert: A
    expr: up == 0
    labels: {"service.name": shop}
    annotations: {"runbook url": "https://example.org"}
)"}});
  ASSERT_TRUE(declarations.problems.empty()) << to_string(declarations.problems.front());
  const auto checked = check(std::move(declarations), {});
  ASSERT_TRUE(checked.ok()) << to_string(checked.problems.front());
  const auto* group = checked.wanted.find<RuleGroup>("a.a");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->rules[0].labels, (TextMap{{"région", "eu"}, {"service.name", "shop"}}));
  EXPECT_FALSE(load({{"b.yml", R"(groups:
- name: b
  rules:
  - record: b
    expr: "1"
    labels: {"": x}
)"}})
                   .problems.empty());
}

}  // namespace
}  // namespace wellrun::catalog
