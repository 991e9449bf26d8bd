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

/// One rule a group, named after it.
std::string file_of(const std::vector<std::string>& groups) {
  std::string text = "groups:\n";
  for (const auto& group : groups)
    text += fmt::format("- name: '{0}'\n  rules: [{{record: 'x', expr: '1'}}]\n", group);
  return text;
}

/// "path/of/file: group as written" -> the name of its RuleGroup.
std::map<std::string, std::string> names_in(const Files& files) {
  const auto checked = check(load(files), {});
  for (const auto& problem : checked.problems) ADD_FAILURE() << to_string(problem);
  std::map<std::string, std::string> names;
  for (const auto* resource : checked.wanted.resources(RuleGroup::kKind)) {
    const auto& group = *static_cast<const RuleGroup*>(resource->value.get());
    names[resource->provenance.file + ": " + group.metadata.annotations.at(kGroupNameAnnotation)] =
        resource->name;
  }
  return names;
}

using Names = std::map<std::string, std::string>;

TEST(RuleFile, LettersBeyondAsciiAreToldApartWhereNothingElseIs) {
  const auto names = names_in({{"rules/node.yml", file_of({"主机告警", "网络告警", "主机CPU"})},
                               {"rules/主机.yml", file_of({"cpu"})},
                               {"rules/网络.yml", file_of({"cpu"})}});
  std::set<std::string> different;
  for (const auto& [written, name] : names) different.insert(name);
  EXPECT_EQ(different.size(), 5U);
  EXPECT_TRUE(names.at("rules/node.yml: 主机告警").starts_with("node.group-"));
  EXPECT_EQ(names.at("rules/node.yml: 主机CPU"), "node.cpu");
  EXPECT_EQ(names_in({{"node.yml", file_of({"Überlast"})}}),
            (Names{{"node.yml: Überlast", "node.berlast"}}))
      << "alone, as it has always been";
}

TEST(RuleFile, AGroupThatStandsTwiceInAFileIsDeclaredTwiceInTwoDocumentsToo) {
  const auto checked =
      check(load({{"node.yml", file_of({"CPU"}) + "---\n" + file_of({"CPU"})}}), {});
  ASSERT_FALSE(checked.problems.empty());
  EXPECT_NE(to_string(checked.problems.front()).find("twice"), std::string::npos)
      << to_string(checked.problems.front());
}

TEST(RuleFile, OfGroupsThatDifferInCapitalsOrSignsTheOneWrittenSoKeepsTheName) {
  const Names expected = {{"node.yml: CPU", "node.cpu-d33e6a2f"},
                          {"node.yml: cpu", "node.cpu"},
                          {"node.yml: Disk (SSD)", "node.disk-ssd-83996976"},
                          {"node.yml: disk ssd", "node.disk-ssd-1b366e0d"}};
  EXPECT_EQ(names_in({{"node.yml", file_of({"CPU", "cpu", "Disk (SSD)", "disk ssd"})}}), expected);
  EXPECT_EQ(names_in({{"node.yml", file_of({"disk ssd", "cpu", "Disk (SSD)", "CPU"})}}), expected);
  EXPECT_EQ(names_in({{"node.yml", file_of({"CPU"})}}), (Names{{"node.yml: CPU", "node.cpu"}}));
}

TEST(RuleFile, FilesOfOneNameAreToldApartByTheirFolders) {
  const auto alike = file_of({"EmbeddedExporter", "other"});
  EXPECT_EQ(names_in({{"a/x.yml", alike}, {"b/c/x.yml", alike}, {"d/x.yml", file_of({"own"})}}),
            (Names{{"a/x.yml: EmbeddedExporter", "x.embeddedexporter"},
                   {"a/x.yml: other", "x.other"},
                   {"b/c/x.yml: EmbeddedExporter", "b.c.x.embeddedexporter"},
                   {"b/c/x.yml: other", "b.c.x.other"},
                   {"d/x.yml: own", "x.own"}}));
}

TEST(RuleFile, WhateverLooksAlikeIsToldApart) {
  const std::string long_name(120, 'a');
  const auto names = names_in({{"a/x.yml", file_of({"CPU", "cpu", "Cpu"})},
                               {"b/x.yml", file_of({"CPU", "cpu"})},
                               {"b/x.yaml", file_of({"cpu"})},
                               {"B/X.yml", file_of({"cpu"})},
                               {"b.x.yml", file_of({"cpu"})},
                               {"long.yml", file_of({long_name, long_name + "b"})}});
  std::set<std::string> different;
  for (const auto& [written, name] : names) {
    different.insert(name);
    EXPECT_LE(name.size(), 100U) << name;
  }
  EXPECT_EQ(different.size(), 10U);
  EXPECT_EQ(names.at("b.x.yml: cpu"), "b.x.cpu");
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

TEST(RuleFile, ATextLeftEmptyIsTheEmptyTextAsInPrometheus) {
  auto declarations = load({{"a.yml", R"(groups:
- name: a
  labels: {team: }
  rules:
  - alert: A
    expr: up == 0
    labels: {severity: }
    annotations: {summary: , description: ~}
)"}});
  ASSERT_TRUE(declarations.problems.empty()) << to_string(declarations.problems.front());
  const auto& group = *static_cast<const RuleGroup*>(declarations.items[0].resource->value.get());
  EXPECT_EQ(group.rules[0].labels, (TextMap{{"severity", ""}, {"team", ""}}));
  EXPECT_EQ(group.rules[0].annotations, (TextMap{{"description", ""}, {"summary", ""}}));
  const auto others = load({{"b.yml", R"(groups:
- name: b
  rules:
  - alert: A
    expr: up == 0
    labels: {severity: [page]}
)"}});
  ASSERT_EQ(others.problems.size(), 1U);
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
