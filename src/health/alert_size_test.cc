#include "health/alert_size.h"

#include <gtest/gtest.h>

#include "core/text.h"
#include "journal/fact.h"

namespace wellrun::health {
namespace {

facts::AlertFired alert() {
  facts::AlertFired fired;
  fired.fingerprint = "00000000000000aa";
  fired.alert = "HighErrors";
  fired.rule = "rules/shop/HighErrors";
  fired.labels = {{"alertname", "HighErrors"}, {"job", "shop"}, {"severity", "page"}};
  fired.annotations = {{"summary", "It fails"}};
  fired.expr = "bad / all > 0.1";
  return fired;
}

Json part(std::string_view expr, std::size_t bytes) {
  return {{"expr", expr},
          {"count", 1},
          {"series", {{{"labels", {{"id", std::string(bytes, 'x')}}}, {"value", 1}}}}};
}

std::size_t size_of(const facts::AlertFired& fired) {
  return to_text(fired).size();
}

TEST(AlertSize, WhatFitsIsLeftAsItIs) {
  auto fired = alert();
  fired.annotations["description"] = std::string(5000, 'x');
  EXPECT_EQ(Json(fitted(fired)), Json(fired));
}

TEST(AlertSize, ValuesOfTheInnermostPartsAreLeftOutFirst) {
  auto fired = alert();
  fired.evidence = {part("bad / all", 5000), part("bad", 5000), part("all", 5000)};
  const auto cut = fitted(fired);
  EXPECT_LE(size_of(cut), kMostAlertBytes);
  EXPECT_EQ(cut.evidence[0], fired.evidence[0]);
  EXPECT_EQ(cut.evidence[1], fired.evidence[1]);
  EXPECT_EQ(cut.evidence[2]["expr"], "all");
  EXPECT_TRUE(cut.evidence[2].contains("error"));
}

TEST(AlertSize, ALongTextIsCutBetweenCharactersBeforeEvidenceIsLeftOut) {
  auto fired = alert();
  for (int i = 0; i < 5000; ++i) fired.annotations["description"] += "é";
  fired.evidence = Json::array({part("bad / all", 8000)});
  const auto cut = fitted(fired);
  EXPECT_LE(size_of(cut), kMostAlertBytes);
  EXPECT_TRUE(is_valid_utf8(cut.annotations.at("description")));
  EXPECT_TRUE(cut.annotations.at("description").ends_with("é…"));
  EXPECT_EQ(cut.annotations.at("summary"), "It fails");
  EXPECT_EQ(cut.evidence, fired.evidence);
}

TEST(AlertSize, ALabelThatWasCutIsKnownAgain) {
  const auto whole = std::string(20'000, 'x') + "y";
  auto fired = alert();
  fired.labels["id"] = whole;
  const auto kept = fitted(fired).labels.at("id");
  EXPECT_NE(kept, whole);
  EXPECT_TRUE(is_fitted(kept, whole));
  EXPECT_TRUE(is_fitted(whole, whole));
  EXPECT_FALSE(is_fitted(kept, "y" + whole));
  EXPECT_FALSE(is_fitted("xxx", whole)) << "nothing was cut from it";
}

/// What a sender of telemetry or an author could think of; bytes that JSON writes as six.
TEST(AlertSize, EverythingElseFitsToo) {
  for (const int count : {1, 20, 300, 3000}) {
    for (const std::size_t bytes : {10U, 1000U, 20'000U}) {
      if (static_cast<std::size_t>(count) * bytes > 60'000) continue;
      auto fired = alert();
      for (int i = 0; i < count; ++i) {
        fired.labels[fmt::format("label{:04}", i)] = std::string(bytes, '\x01');
        fired.annotations[fmt::format("text{:04}", i)] = std::string(bytes, '\xff');
      }
      for (int i = 0; i < 8; ++i) fired.evidence.push_back(part(std::string(512, '\x02'), bytes));
      fired.expr = std::string(bytes, '\n');
      fired.kpi = std::string(bytes, '\x03');
      const auto cut = fitted(fired);
      EXPECT_LE(size_of(cut), kMostAlertBytes) << count << " " << bytes;
      EXPECT_EQ(cut.fingerprint, fired.fingerprint);
      EXPECT_EQ(cut.rule, fired.rule);
      EXPECT_EQ(cut.labels.at("alertname"), "HighErrors");
      EXPECT_EQ(cut.labels.at("severity"), "page");
    }
  }
}

}  // namespace
}  // namespace wellrun::health
