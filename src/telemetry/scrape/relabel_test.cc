#include "telemetry/scrape/relabel.h"

#include <gtest/gtest.h>

namespace wellrun::telemetry::scrape {
namespace {

const Labels kInput{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}};

std::optional<Labels> apply(std::vector<RelabelStep> steps, const Labels& labels = kInput) {
  const auto made = Relabelling::compile(std::move(steps));
  EXPECT_TRUE(made) << to_string(made.error());
  return made ? made->apply(labels) : std::nullopt;
}

struct Case {
  const char* what;
  RelabelStep step;
  std::optional<Labels> wanted;
};

TEST(Relabel, EachAction) {
  const std::vector<Case> cases = {
      {"replace with a group",
       {.source_labels = {"a"},
        .regex = "f(.*)",
        .target_label = "d",
        .replacement = "ch${1}-ch${1}"},
       Labels{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "choo-choo"}}},
      {"replace joins its sources",
       {.source_labels = {"a", "b"},
        .regex = "f(.*);(.*)r",
        .target_label = "a",
        .replacement = "b${1}${2}m"},
       Labels{{"a", "boobam"}, {"b", "bar"}, {"c", "baz"}}},
      {"replace that does not match leaves all",
       {.source_labels = {"a"}, .regex = "f", .target_label = "b", .replacement = "x"},
       kInput},
      {"replace with nothing removes",
       {.source_labels = {"a"}, .regex = "(f).*", .target_label = "b", .replacement = ""},
       Labels{{"a", "foo"}, {"c", "baz"}}},
      {"the target may be a template",
       {.source_labels = {"a"}, .regex = "(f).*", .target_label = "${1}_x", .replacement = "y"},
       Labels{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"f_x", "y"}}},
      {"keep", {.source_labels = {"a"}, .regex = "fo+", .action = "keep"}, kInput},
      {"keep is anchored", {.source_labels = {"a"}, .regex = "o", .action = "keep"}, std::nullopt},
      {"drop", {.source_labels = {"a"}, .regex = ".*o.*", .action = "drop"}, std::nullopt},
      {"keepequal",
       {.source_labels = {"a"}, .target_label = "b", .action = "keepequal"},
       std::nullopt},
      {"dropequal", {.source_labels = {"a"}, .target_label = "b", .action = "dropequal"}, kInput},
      {"labelmap",
       {.regex = "(b)", .replacement = "mapped_${1}", .action = "labelmap"},
       Labels{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"mapped_b", "bar"}}},
      {"labeldrop", {.regex = "[ab]", .action = "labeldrop"}, Labels{{"c", "baz"}}},
      {"labelkeep", {.regex = "[ab]", .action = "labelkeep"}, Labels{{"a", "foo"}, {"b", "bar"}}},
      {"uppercase",
       {.source_labels = {"a"}, .target_label = "a", .action = "UpperCase"},
       Labels{{"a", "FOO"}, {"b", "bar"}, {"c", "baz"}}},
  };
  for (const auto& one : cases) EXPECT_EQ(apply({one.step}), one.wanted) << one.what;
}

TEST(Relabel, CaseIsThatOfLettersAndNotOfAsciiAlone) {
  const auto in_case = [](const char* action, const char* value) {
    const auto relabelling =
        Relabelling::compile({{.source_labels = {"a"}, .target_label = "a", .action = action}});
    const auto out = relabelling.value().apply(Labels{{"a", value}});
    return std::string(out.value().get("a"));
  };
  EXPECT_EQ(in_case("uppercase", "Bär 7 жук λ"), "BÄR 7 ЖУК Λ");
  EXPECT_EQ(in_case("lowercase", "BÄR 7 ЖУК Λ"), "bär 7 жук λ");
}

/// As md5sum says of the text.
TEST(Relabel, HashmodShardsByTheEndOfTheMd5) {
  // echo -n foo | md5sum: acbd18db4cc2f85cedef654fccc4a4d8
  const auto wanted = std::to_string(0xedef654fccc4a4d8ULL % 1000);
  const auto got = apply(
      {{.source_labels = {"a"}, .modulus = 1000, .target_label = "shard", .action = "hashmod"}});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->get("shard"), wanted);
}

TEST(Relabel, StepsFollowEachOther) {
  EXPECT_EQ(apply({{.source_labels = {"a"}, .target_label = "d", .replacement = "$1"},
                   {.regex = "a", .action = "labeldrop"},
                   {.source_labels = {"a"}, .regex = "", .action = "keep"}}),
            (Labels{{"b", "bar"}, {"c", "baz"}, {"d", "foo"}}));
}

TEST(Relabel, WhatCannotWorkIsSaid) {
  EXPECT_EQ(Relabelling::compile({{.action = "replaec"}}).error().message,
            "relabel action \"replaec\" is not known (did you mean \"replace\"?)");
  EXPECT_FALSE(Relabelling::compile({{.regex = "(", .target_label = "x"}}));
  EXPECT_FALSE(Relabelling::compile({{.action = "replace"}}));
  EXPECT_FALSE(Relabelling::compile({{.target_label = "x", .action = "hashmod"}}));
}

}  // namespace
}  // namespace wellrun::telemetry::scrape
