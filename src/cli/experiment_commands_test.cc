#include "cli/experiment_commands.h"

#include <gtest/gtest.h>

namespace wellrun::cli {
namespace {

TEST(GuardRail, IsADirectionAShareAndAMetricThatMayHoldColons) {
  const auto rail = guard_rail_of("higher:5%:sum(job:errors:rate5m)");
  ASSERT_TRUE(rail);
  EXPECT_EQ(
      *rail,
      (Json{{"direction", "higher"}, {"smallest", 0.05}, {"metric", "sum(job:errors:rate5m)"}}));
  for (const char* text : {"", "errors", "higher:errors", "higher:much:errors"})
    EXPECT_FALSE(guard_rail_of(text)) << text;
}

TEST(Share, IsWrittenInPercentOrAsANumber) {
  EXPECT_DOUBLE_EQ(share_of("10%").value(), 0.1);
  EXPECT_DOUBLE_EQ(share_of("0.25").value(), 0.25);
  for (const char* text : {"", "%", "ten", "\"1\""}) EXPECT_FALSE(share_of(text)) << text;
}

}  // namespace
}  // namespace wellrun::cli
