#include "server/web_pages.h"

#include <array>
#include <gtest/gtest.h>

namespace wellrun::server {
namespace {

constexpr std::array<WebAsset, 3> kAssets = {{
    {"/assets/app-1a2b.js", "text/javascript; charset=utf-8", "\"js\"", "<gz>", "alert"},
    {"/assets/font-3c4d.woff2", "font/woff2", "\"font\"", "", "wOF2"},
    {"/index.html", "text/html; charset=utf-8", "\"page\"", "<gzipped page>", "<page>"},
}};

http::Response get(std::string path, http::Headers headers = {},
                   std::span<const WebAsset> assets = kAssets) {
  http::Router router;
  for (auto& route : web_page_routes(assets)) router.add(std::move(route));
  const auto match = router.match("GET", path);
  http::Response answer;
  if (match.route == nullptr) {
    answer.status = 0;
    return answer;
  }
  http::Request request;
  request.method = "GET";
  request.path = std::move(path);
  request.headers = std::move(headers);
  match.route->handler(std::move(request),
                       [&answer](http::Response response) { answer = std::move(response); });
  return answer;
}

const http::Headers kBrowser = {{"Accept", "text/html,application/xhtml+xml"}};

TEST(WebPages, EveryAddressThatAPersonOpensIsThePage) {
  for (const auto* path : {"/", "/incidents/inc-0001", "/explore"}) {
    const auto answer = get(path, kBrowser);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.body, "<page>") << path;
    EXPECT_EQ(http::find_header(answer.headers, "Cache-Control"), "no-cache") << path;
  }
  EXPECT_EQ(get("/").status, 200);
}

TEST(WebPages, UnknownAddressesOfTheApiAndOfFilesAreNotThePage) {
  for (const auto* path : {"/api/v1/nothing", "/-/nothing", "/assets/old-9z.js"}) {
    EXPECT_EQ(get(path, kBrowser).status, 404) << path;
  }
  EXPECT_EQ(get("/no-page-for-a-program").status, 404);
}

TEST(WebPages, FilesWithHashedNamesAreKeptForAYear) {
  const auto answer = get("/assets/app-1a2b.js");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "alert");
  EXPECT_EQ(http::find_header(answer.headers, "Cache-Control"),
            "public, max-age=31536000, immutable");
  EXPECT_EQ(http::find_header(answer.headers, "Content-Type"), "text/javascript; charset=utf-8");
}

TEST(WebPages, CompressedBytesGoToWhoeverTakesThem) {
  const auto squeezed = get("/assets/app-1a2b.js", {{"Accept-Encoding", "br, gzip;q=0.8"}});
  EXPECT_EQ(squeezed.body, "<gz>");
  EXPECT_EQ(http::find_header(squeezed.headers, "Content-Encoding"), "gzip");
  EXPECT_EQ(get("/assets/app-1a2b.js", {{"Accept-Encoding", "gzip;q=0"}}).body, "alert");
  EXPECT_EQ(get("/assets/font-3c4d.woff2", {{"Accept-Encoding", "gzip"}}).body, "wOF2");
}

TEST(WebPages, WhatTheBrowserHasIsNotSentAgain) {
  const auto answer = get("/", {{"If-None-Match", "\"other\", \"page\""}});
  EXPECT_EQ(answer.status, 304);
  EXPECT_TRUE(answer.body.empty());
  EXPECT_EQ(get("/", {{"If-None-Match", "\"other\""}}).status, 200);
}

TEST(WebPages, NothingButOurOwnFilesMayRun) {
  const auto answer = get("/");
  const auto policy = http::find_header(answer.headers, "Content-Security-Policy");
  EXPECT_NE(policy.find("script-src 'self'"), std::string_view::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string_view::npos);
}

TEST(WebPages, WithoutThePageTheAnswerSaysWhy) {
  const auto answer = get("/", kBrowser, {});
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.body.find("WELLRUN_WEB=OFF"), std::string::npos);
}

TEST(WebPages, TheEmbeddedFilesAreSortedAndHoldThePage) {
  const auto assets = web_assets();
  EXPECT_TRUE(std::ranges::is_sorted(assets, {}, &WebAsset::path));
  if (assets.empty()) GTEST_SKIP() << "built with WELLRUN_WEB=OFF";
  const auto answer = get("/", {}, assets);
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("<div id=\"root\">"), std::string::npos);
}

}  // namespace
}  // namespace wellrun::server
