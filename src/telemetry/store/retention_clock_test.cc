#include "telemetry/store/retention_clock.h"

#include <gtest/gtest.h>

namespace wellrun::telemetry::store {
namespace {

using namespace std::chrono_literals;

struct RetentionClockTest : testing::Test {
  RetentionClockTest() { clock.start(start, steady); }
  /// Looks each second for `length`; how far from the start it is then.
  Duration look(Duration length) {
    Timestamp said;
    for (Duration passed{0}; passed < length; passed += 1s) {
      wall += 1s;
      steady += 1s;
      said = clock.now(wall, steady);
      EXPECT_LE(said, wall);
    }
    return said - start;
  }

  const Timestamp start = from_unix_ms(1'767'225'600'000);
  Timestamp wall = start;
  std::chrono::nanoseconds steady = 12345ns;
  RetentionClock clock;
};

TEST_F(RetentionClockTest, GoesWithAClockThatIsNotSet) {
  EXPECT_EQ(look(2h), 2h);
}

TEST_F(RetentionClockTest, AShortJumpOfAYearCostsAnHourOfTheOldestData) {
  look(1h);
  wall += std::chrono::days(365);
  const auto during = look(10s);
  EXPECT_GT(during, 1h + 50min);
  EXPECT_LT(during, 2h + 10min);
  wall -= std::chrono::days(365);
  EXPECT_EQ(look(10s), 1h + 20s) << "never before its time";
}

TEST_F(RetentionClockTest, AJumpThatLastsIsBelieved) {
  wall += std::chrono::days(30);
  EXPECT_LT(look(1h), 2 * 24h) << "not at once";
  const auto a_day = look(23h);
  EXPECT_GT(a_day, std::chrono::days(19));
  EXPECT_LT(a_day, std::chrono::days(21));
  EXPECT_GT(look(6 * 24h), std::chrono::days(36));
}

TEST_F(RetentionClockTest, AClockSetBackKeepsMore) {
  look(1h);
  wall -= 10h;
  EXPECT_EQ(look(30min), -9h + 30min);
}

TEST_F(RetentionClockTest, ManyLooksInOneMillisecondCountOnce) {
  for (int i = 0; i < 10'000; ++i) {
    steady += 100us;
    (void)clock.now(start + 1s, steady);
  }
  EXPECT_EQ(clock.now(start + 1s, steady), start + 1s);
}

}  // namespace
}  // namespace wellrun::telemetry::store
