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
           R"({__name__="",job="x"})",
           R"({__name__!="",job="x"})",
           R"({__name__=~"a|b"})",
           R"(up{job="x"})",
           R"({__name__="a.b",job="x"})",
           R"(up{"a.b"="c",job="x"})",
           R"(sum by (a) (rate(up[5m] offset 1h)))",
           R"(sum without (a, b) (up @ start()))",
           R"(a / on (x) group_left (y) b)",
           R"(max_over_time(rate(up[1m])[10m:30s]))",
           R"(a > bool 1)",
       }) {
    EXPECT_EQ(printed(query), query);
  }
}

TEST(Printer, WritesAsPrometheusDoes) {
  for (const auto& [query, text] : std::vector<std::pair<std::string, std::string>>{
           {R"(up{job="x", a!~"b"})", R"(up{a!~"b",job="x"})"},
           {R"({"a.b", "c d"="e"})", R"({"c d"="e",__name__="a.b"})"},
           {R"({"up"})", R"({__name__="up"})"},
           {"inf * 1e8 - 1e-7", "+Inf * 100000000 - 0.0000001"},
           {"-5m + 90s", "-5m + 1m30s"},
           {"up * on() 2", "up * 2"},
           {"up * ignoring() up", "up * up"},
           {"up and ignoring() up", "up and up"},
           {"up * ignoring() group_left up", "up * ignoring () group_left () up"},
           {"a + fill(1e8) b", "a + fill (1e+08) b"},
       })
    EXPECT_EQ(printed(query), text);
}

/// Whether a part is broken over lines depends on its length alone, not on where it stands.
TEST(Printer, BreaksLinesOfMoreThanAHundred) {
  const std::string ninety_eight = "sum(" + std::string(93, 'a') + ")";
  const auto pretty_text = [](const std::string& query) { return pretty(**parse(query)); };
  EXPECT_EQ(pretty_text("abs(" + ninety_eight + ")"), "abs(\n  " + ninety_eight + "\n)");
  EXPECT_EQ(pretty_text("abs(abs(" + ninety_eight + "))"),
            "abs(\n  abs(\n    " + ninety_eight + "\n  )\n)");
  EXPECT_EQ(pretty_text("max_over_time(" + ninety_eight + "[5m:]) + b"),
            "  max_over_time(\n    " + ninety_eight + "[5m:]\n  )\n+\n  b");
}

TEST(Printer, DifferentQueriesArePrintedDifferently) {
  EXPECT_NE(printed(R"({__name__="", job="x"})"), printed(R"({job="x"})"));
  EXPECT_NE(printed("up offset 5m"), printed("up offset -5m"));
  EXPECT_NE(printed("a > 1"), printed("a > bool 1"));
  EXPECT_NE(printed("up @ start()"), printed("up @ end()"));
}

}  // namespace
}  // namespace wellrun::telemetry::promql
