#include "cli/slo_commands.h"

#include <gtest/gtest.h>

namespace wellrun::cli {
namespace {

TEST(SloReport, SaysWhichPeriodOfTheWindowItIs) {
  const auto now = from_unix_ms(1'767'225'600'000);
  EXPECT_EQ(period_words({{"rolling", true}, {"period_start", "2025-12-01T00:00:00Z"}}, now),
            ", rolling");
  const auto words = [&](const Json& start) {
    return period_words({{"rolling", false}, {"period_start", start}}, now);
  };
  EXPECT_EQ(words("2025-12-01T00:00:00Z"), " since 2025-12-01T00:00:00Z");
  EXPECT_EQ(words("2026-02-01T00:00:00Z"), ", which begins 2026-02-01T00:00:00Z");
  EXPECT_EQ(words(nullptr), " of the calendar") << "it was not evaluated yet";
}

}  // namespace
}  // namespace wellrun::cli
