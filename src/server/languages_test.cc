#include "server/languages.h"

#include <gtest/gtest.h>

#include "catalog/load.h"

namespace wellrun::server {
namespace {

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

}  // namespace
}  // namespace wellrun::server
