#include "cli/assess_command.h"

#include <gtest/gtest.h>

namespace wellrun::cli {
namespace {

Json row(const char* id, const char* verdict, double score, const char* next) {
  return {{"id", id},           {"title", std::string("Title of ") + id},
          {"verdict", verdict}, {"score", score},
          {"figure", "1 of 2"}, {"next_step", next}};
}

TEST(AssessmentText, SaysWhatIsDoneWhatToDoNextAndWhatNoRuleLooksAt) {
  const Json assessment{
      {"edition", "2024-06"},
      {"score", 41.44},
      {"areas",
       {{{"name", "Operate"},
         {"score", 53},
         {"rows",
          {row("W1", "practised", 1, ""), row("W2", "partly", 0.5, "tie the rest"),
           row("W3", "not", 0, "collect"), row("W4", "no_evidence", 0, "declare"),
           row("W5", "no_rule", 0, ""), row("W6", "no_rule", 0, "")}}}}}};
  EXPECT_EQ(assessment_text(assessment, {.width = 100, .now = {}}), R"(
Operate  53 of 100
  W1   practised      Title of W1
                      1 of 2
  W2   partly         Title of W2
                      1 of 2
                      next: tie the rest
  W3   not practised  Title of W3
                      1 of 2
                      next: collect
  W4   no evidence    Title of W4
                      1 of 2
                      next: declare
  no evidence rule yet: W5, W6

score 41.4 of 100 (edition 2024-06): 1 practised, 1 partly, 1 not, 1 without evidence, 2 without a rule

Next best steps
  W3   Title of W3
       collect
  W2   Title of W2
       tie the rest
  W4   Title of W4
       declare
)");
}

TEST(Wrapped, BreaksBetweenWordsAndIndentsEveryLine) {
  EXPECT_EQ(wrapped("one two three", 9, 2), "  one two\n  three\n");
  EXPECT_EQ(wrapped("unbreakable", 5, 2), "  unbreakable\n");
  EXPECT_EQ(wrapped("", 9, 2), "");
  EXPECT_EQ(wrapped("größe größe", 8, 2), "  größe\n  größe\n") << "code points, not bytes";
}

}  // namespace
}  // namespace wellrun::cli
