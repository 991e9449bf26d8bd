#include "health/rules/evidence.h"

#include <gtest/gtest.h>

namespace wellrun::health::rules {
namespace {

using Strings = std::vector<std::string>;

TEST(Evidence, TheFactHoldsThePartsOfAnExpression) {
  EXPECT_EQ(
      parts_of(
          "sum by (job) (rate(errors_total[5m])) / sum by (job) (rate(requests_total[5m])) > 0.05"),
      (Strings{"sum by (job) (rate(errors_total[5m])) / sum by (job) (rate(requests_total[5m]))",
               "sum by (job) (rate(errors_total[5m]))", "rate(errors_total[5m])",
               "sum by (job) (rate(requests_total[5m]))", "rate(requests_total[5m])"}));
  EXPECT_EQ(parts_of("up == 0"), Strings{"up"});
  EXPECT_EQ(parts_of("up"), Strings{});
  EXPECT_EQ(parts_of("(a > b) and on () (-c)"), (Strings{"a > b", "a", "b", "-c", "c"}));
  EXPECT_EQ(parts_of("not promql ("), Strings{});
  std::string many = "a0";
  for (int i = 1; i < 50; ++i) many += fmt::format(" + a{}", i);
  EXPECT_EQ(parts_of(many).size(), kMostParts);
}

TEST(Evidence, OnlySeriesThatAgreeWithTheAlertAreShownLargestFirst) {
  AlertRule rule;
  rule.labels = {{"severity", "page"}};
  ActiveAlert alert;
  alert.labels = Labels{{"job", "shop"}, {"severity", "page"}};
  telemetry::InstantResult result;
  result.series = {{Labels{{"job", "other"}}, 9},
                   {Labels{{"job", "shop"}, {"i", "a"}, {"severity", "own"}}, 1},
                   {Labels{{"job", "shop"}, {"i", "b"}}, -5},
                   {Labels{{"job", "shop"}, {"i", "c"}}, std::nan("")},
                   {Labels{{"i", "d"}}, 3}};
  const auto evidence = part_evidence("x", result, rule, alert);
  EXPECT_EQ(evidence["count"], 4);
  ASSERT_EQ(evidence["series"].size(), 3U);
  EXPECT_EQ(evidence["series"][0]["labels"]["i"], "b");
  EXPECT_EQ(evidence["series"][1]["labels"]["i"], "d");
  EXPECT_EQ(evidence["series"][2]["value"], 1);
  EXPECT_EQ(part_evidence("x", fail(ErrorCode::kDeadline, "too slow"), rule, alert)["error"],
            "too slow");
}

}  // namespace
}  // namespace wellrun::health::rules
