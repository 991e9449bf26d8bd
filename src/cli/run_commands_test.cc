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

}  // namespace
}  // namespace wellrun::cli
