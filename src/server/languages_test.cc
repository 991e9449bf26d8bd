#include "server/languages.h"

#include <gtest/gtest.h>

#include "catalog/load.h"

namespace wellrun::server {
namespace {

/// Not all that it needs.
constexpr const char* kShop = R"(apiVersion: wellrun.io/v1
kind: Workload
metadata: {name: shop}
spec: {}
)";

TEST(Languages, CheckReadsThePromQlAndTheTemplatesOfRulesAsTheServerWill) {
  const auto checked = catalog::check(catalog::load({{"rules.yaml", R"(apiVersion: wellrun.io/v1
kind: RuleGroup
metadata: {name: shop}
spec:
  rules:
    - record: orders
      expr: sum(rate(orders_total[5m])
    - alert: OrdersFail
      expr: orders < 1
      labels: {severity: ticket}
      annotations:
        summary: "{{ $value | humanise }} orders"
        description: "{{ $labels.shop }} sells {{ humanize $value }}"
)"}}),
                                      {.languages = languages()});
  std::string text;
  for (const auto& problem : checked.problems) text += catalog::to_string(problem) + "\n";
  EXPECT_TRUE(text.contains("rules.yaml:7:")) << text;
  EXPECT_TRUE(text.contains("rules.yaml:12:")) << text;
  EXPECT_TRUE(text.contains("humanise")) << text;
  EXPECT_FALSE(text.contains("rules.yaml:13:")) << text;
}

TEST(Languages, CheckReadsWhatTheQueriesOfAnSloBecome) {
  const auto problems_with = [](const char* total) {
    const auto slo = fmt::format(R"(apiVersion: wellrun.io/v1
kind: Slo
metadata: {{name: checkout}}
spec:
  service: shop
  indicator:
    spec:
      ratioMetric:
        good: {{metricSource: {{spec: {{query: good_total}}}}}}
        total: {{metricSource: {{spec: {{query: "{}"}}}}}}
  objectives: [{{target: 0.99}}]
)",
                                 total);
    const auto checked = catalog::check(catalog::load({{"slo.yaml", slo}, {"shop.yaml", kShop}}),
                                        {.languages = languages()});
    std::string text;
    for (const auto& problem : checked.problems) {
      const auto said = catalog::to_string(problem);
      if (said.contains("which is no PromQL")) text += said + "\n";
    }
    return text;
  };
  EXPECT_EQ(problems_with("all_total # all"), "");
  const auto text = problems_with("all_total[5m]");
  EXPECT_TRUE(text.starts_with("slo.yaml:7:")) << text;
}

}  // namespace
}  // namespace wellrun::server
