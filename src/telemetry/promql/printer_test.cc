#include <gtest/gtest.h>

#include "telemetry/promql/parser.h"

namespace wellrun::telemetry::promql {
namespace {

std::string printed(const std::string& query) {
  const auto parsed = parse(query);
  if (!parsed) return "does not parse: " + query;
  return to_string(**parsed);
}

/// What is printed is the key under which results are kept: it must say everything that the tree
/// says.
TEST(Printer, SaysEverythingThatTheQuerySays) {
  for (const std::string query : {
           R"({__name__="", job="x"})",
           R"({__name__!="", job="x"})",
           R"({__name__=~"a|b"})",
           R"(up{job="x"})",
           R"({"a.b", job="x"})",
           R"(sum by (a) (rate(up[5m] offset 1h)))",
           R"(sum without (a, b) (up @ start()))",
           R"(a / on (x) group_left (y) b)",
           R"(max_over_time(rate(up[1m])[10m:30s]))",
           R"(a > bool 1)",
       }) {
    EXPECT_EQ(printed(query), query);
  }
}

TEST(Printer, DifferentQueriesArePrintedDifferently) {
  EXPECT_NE(printed(R"({__name__="", job="x"})"), printed(R"({job="x"})"));
  EXPECT_NE(printed("up offset 5m"), printed("up offset -5m"));
  EXPECT_NE(printed("a > 1"), printed("a > bool 1"));
  EXPECT_NE(printed("up @ start()"), printed("up @ end()"));
}

}  // namespace
}  // namespace wellrun::telemetry::promql
