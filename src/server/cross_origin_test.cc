#include "server/cross_origin.h"

#include <gtest/gtest.h>

namespace wellrun::server {
namespace {

http::Headers answer(std::string_view setting, std::string path, std::string origin) {
  const auto made = CrossOrigin::make(setting);
  EXPECT_TRUE(made) << to_string(made.error());
  http::Request request;
  request.path = std::move(path);
  if (!origin.empty()) request.headers.push_back({"origin", std::move(origin)});
  return made->headers_for(request);
}

std::string_view allowed(const http::Headers& headers) {
  return http::find_header(headers, "Access-Control-Allow-Origin");
}

TEST(CrossOrigin, AWholeOriginHasToMatch) {
  constexpr auto kSetting = R"(https://(grafana|wiki)\.example)";
  const auto query = std::string("/api/v1/query");
  EXPECT_EQ(allowed(answer(kSetting, query, "https://wiki.example")), "https://wiki.example");
  for (const auto* other : {"https://wiki.example.evil.test", "http://wiki.example", "null",
                            "https://evil.test/?https://wiki.example"}) {
    const auto headers = answer(kSetting, query, other);
    EXPECT_EQ(allowed(headers), "") << other;
    EXPECT_EQ(http::find_header(headers, "Vary"), "Origin") << "a cache is told, too";
  }
  EXPECT_TRUE(answer(kSetting, query, "").empty()) << "it is no page's";
  EXPECT_EQ(allowed(answer("a|b", query, "xb")), "") << "an alternative is anchored like the rest";
}

TEST(CrossOrigin, ForAllSaysSo) {
  EXPECT_EQ(allowed(answer(".*", "/api/v1/labels", "https://anywhere.test")), "*");
}

TEST(CrossOrigin, NobodyIsAllowedByDefault) {
  EXPECT_TRUE(answer("", "/api/v1/query", "https://wiki.example").empty());
}

TEST(CrossOrigin, OnlyWhatReadsTheMetricsIsShown) {
  for (const auto* path :
       {"/api/v1/query_range", "/api/v1/label/job/values", "/api/v1/status/tsdb", "/api/v1/rules"})
    EXPECT_TRUE(is_prometheus_reading(path)) << path;
  for (const auto* path :
       {"/", "/api/v1/admin/tsdb/delete_series", "/api/v1/write", "/api/v1/incidents",
        "/api/v1/queries", "/-/reload", "/api/v1/label", "/api/v1/tokens"})
    EXPECT_FALSE(is_prometheus_reading(path)) << path;
}

TEST(CrossOrigin, ABrowserNeverBringsItsCookies) {
  const auto headers = answer(".*", "/api/v1/query", "https://anywhere.test");
  EXPECT_EQ(http::find_header(headers, "Access-Control-Allow-Credentials"), "");
  EXPECT_NE(http::find_header(headers, "Access-Control-Allow-Headers").find("Authorization"),
            std::string_view::npos);
}

TEST(CrossOrigin, WhatIsNoExpressionIsRefused) {
  const auto made = CrossOrigin::make("https://(");
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("--cors-origin"), std::string::npos);
}

}  // namespace
}  // namespace wellrun::server
