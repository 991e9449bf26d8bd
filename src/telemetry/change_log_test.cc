#include "telemetry/change_log.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace wellrun::telemetry {
namespace {

TEST(ChangeLog, tells_the_oldest_of_all_later_changes) {
  ChangeLog log;
  EXPECT_EQ(log.unchanged_before(log.version()), INT64_MAX);
  log.changed(5000);
  const auto first = log.version();
  log.changed(9000);
  const auto second = log.version();
  EXPECT_EQ(log.unchanged_before(0), 5000);
  EXPECT_EQ(log.unchanged_before(first), 9000);
  EXPECT_EQ(log.unchanged_before(second), INT64_MAX);
  log.changed(INT64_MIN);  // everything
  EXPECT_EQ(log.unchanged_before(second), INT64_MIN);
  EXPECT_EQ(log.unchanged_before(log.version()), INT64_MAX);
}

TEST(ChangeLog, a_cutoff_never_goes_back) {
  ChangeLog log;
  EXPECT_EQ(log.dropped_before(0), INT64_MIN);
  log.dropping_before(5);
  log.dropping_before(3);
  EXPECT_EQ(log.dropped_before(0), 5);
}

TEST(ChangeLog, what_was_given_up_concerns_those_who_read_before) {
  ChangeLog log;
  log.gave_up_before(9000);
  const auto first = log.version();
  log.changed(20'000);
  log.gave_up_before(4000);
  const auto second = log.version();
  EXPECT_EQ(log.dropped_before(0), 9000);
  EXPECT_EQ(log.dropped_before(first), 4000);
  EXPECT_EQ(log.dropped_before(second), INT64_MIN);
  log.gave_up_before(12'000);  // covers both
  EXPECT_EQ(log.dropped_before(0), 12'000);
  EXPECT_EQ(log.dropped_before(second), 12'000);
  EXPECT_EQ(log.unchanged_before(first), 20'000) << "what is newer stays as it was";
  log.dropping_before(15'000);
  EXPECT_EQ(log.dropped_before(log.version()), 15'000);
  for (int i = 0; i < 200; ++i) log.gave_up_before(1'000'000 - i);
  EXPECT_EQ(log.dropped_before(0), 1'000'000);
  EXPECT_GE(log.dropped_before(log.version() - 2), 1'000'000 - 198);
}

TEST(ChangeLog, never_says_too_much_and_seldom_much_too_little) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    ChangeLog log;
    std::vector<std::int64_t> changes;  // by version, from 1
    std::int64_t now = 1'700'000'000'000;
    for (int i = 0; i < 6000; ++i) {
      now += static_cast<std::int64_t>(random() % 3000);
      const bool late = random() % 500 == 0;
      changes.push_back(late ? now - static_cast<std::int64_t>(random() % 1'000'000) : now);
      log.changed(changes.back());
      ASSERT_EQ(log.version(), changes.size());
    }
    std::int64_t oldest = INT64_MAX;
    for (auto version = changes.size(); version-- > 0;) {
      oldest = std::min(oldest, changes[version]);
      const auto told = log.unchanged_before(version);
      ASSERT_LE(told, oldest);
      // Of the latest ones; long ago is told as one.
      if (changes.size() - version < 3000) ASSERT_GT(told, oldest - 1000);
    }
  }
}

}  // namespace
}  // namespace wellrun::telemetry
