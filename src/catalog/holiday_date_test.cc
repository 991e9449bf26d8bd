#include "catalog/holiday_date.h"

#include <gtest/gtest.h>

namespace wellrun::catalog {
namespace {

TEST(HolidayDate, IsOnceOrEveryYear) {
  const auto once = parse_holiday_date("2026-04-06");
  ASSERT_TRUE(once);
  EXPECT_EQ(once->year, 2026);
  EXPECT_EQ(once->month, 4);
  EXPECT_EQ(once->day, 6);
  const auto yearly = parse_holiday_date("02-29");
  ASSERT_TRUE(yearly);
  EXPECT_FALSE(yearly->year);
  EXPECT_EQ(yearly->day, 29);
}

TEST(HolidayDate, MustBeADay) {
  for (const char* wrong : {"2026-02-29", "02-30", "00-10", "13-01", "1-1", "2026-4-6", "26-04-06",
                            "2026-04-06T00:00:00Z", "", "Easter Monday", "-01-01"})
    EXPECT_FALSE(parse_holiday_date(wrong)) << wrong;
  EXPECT_NE(parse_holiday_date("02-30").error().message.find("\"02-30\""), std::string::npos);
}

}  // namespace
}  // namespace wellrun::catalog
