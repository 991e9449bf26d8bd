#include "cli/run_commands.h"

#include <gtest/gtest.h>

namespace wellrun::cli {
namespace {

TEST(Unseen, IsWhatCameSinceEvenWhenTheBeginningIsGone) {
  EXPECT_EQ(unseen("", "one\n"), "one\n");
  EXPECT_EQ(unseen("one\n", "one\ntwo\n"), "two\n");
  EXPECT_EQ(unseen("one\ntwo\n", "one\ntwo\n"), "");
  const std::string long_text(300, 'x');
  EXPECT_EQ(unseen("a" + long_text, "[…]\n" + long_text.substr(10) + "end"), "end");
  EXPECT_EQ(unseen("nothing of it", "[…]\nis left"), "[…]\nis left");
}

TEST(StepToApprove, IsTheOneThatIsNamedOrTheOneThatWaits) {
  const Json run{{"id", "run-0001"},
                 {"state", "waiting_approval"},
                 {"steps",
                  {{{"index", 0}, {"name", "look"}, {"state", "succeeded"}},
                   {{"index", 1}, {"name", "agree"}, {"state", "waiting_approval"}}}}};
  EXPECT_EQ(step_to_approve(run, "").value().at("index"), 1);
  EXPECT_EQ(step_to_approve(run, "look").value().at("index"), 0);
  EXPECT_EQ(step_to_approve(run, "1").value().at("index"), 1);
  EXPECT_EQ(step_to_approve(run, "2").error().code, ErrorCode::kNotFound);
  const Json over{{"id", "run-0001"}, {"state", "succeeded"}, {"steps", Json::array()}};
  EXPECT_EQ(step_to_approve(over, "").error().message,
            "run run-0001 is succeeded: no step waits for an approval");
}

}  // namespace
}  // namespace wellrun::cli
