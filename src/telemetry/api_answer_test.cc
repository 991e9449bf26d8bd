#include "telemetry/api_answer.h"

#include <gtest/gtest.h>

namespace wellrun::telemetry::api {
namespace {

Result<std::vector<std::vector<Matcher>>> matched(std::vector<std::string> selectors) {
  http::Request request;
  for (auto& one : selectors) request.query.emplace_back("match[]", std::move(one));
  return match_parameters(request);
}

std::string complaint_of(std::string selector) {
  const auto sets = matched({"up", std::move(selector)});
  return sets ? std::string() : sets.error().message;
}

TEST(MatchParameters, EachIsASetOfMatchers) {
  const auto sets = matched({"up", R"({job="a", instance!="b"})"});
  ASSERT_TRUE(sets) << to_string(sets.error());
  ASSERT_EQ(sets->size(), 2U);
  EXPECT_EQ((*sets)[0].size(), 1U);
  EXPECT_EQ((*sets)[1].size(), 2U);
  EXPECT_TRUE(matched({})->empty());
}

TEST(MatchParameters, OneThatMatchesEverythingIsRefusedInPrometheusWords) {
  for (const char* selector : {"{}", R"({a=""})", R"({a=~".*"})", R"({a!="x",b=~"|y"})"})
    EXPECT_EQ(complaint_of(selector),
              "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher")
        << selector;
  EXPECT_EQ(complaint_of(R"({a=~".+"})"), "");
  EXPECT_EQ(complaint_of(R"({a!=""})"), "");
}

TEST(MatchParameters, WhatIsNoSelectorSaysWhere) {
  EXPECT_EQ(complaint_of("up{").substr(0, 46), "invalid parameter \"match[]\": 1:4: parse error:");
  EXPECT_NE(complaint_of(R"({a=~"["})"), "") << "a regex that cannot be read";
  EXPECT_NE(complaint_of("sum(up)"), "");
}

TEST(RangeParameters, TheOneThatIsBadIsNamed) {
  for (const char* name : {"start", "end"}) {
    http::Request request;
    request.query.emplace_back(name, "abc");
    const auto range = range_parameters(request);
    ASSERT_FALSE(range);
    EXPECT_EQ(range.error().message, std::string("invalid parameter \"") + name +
                                         "\": Invalid time value for '" + name +
                                         "': cannot parse \"abc\" to a valid timestamp");
  }
  EXPECT_EQ(range_parameters(http::Request())->start_ms, kEarliestMs);
}

}  // namespace
}  // namespace wellrun::telemetry::api
