#include "server/series_limits.h"

#include <gtest/gtest.h>

namespace wellrun::server {
namespace {

using telemetry::OwnerUsage;

constexpr std::int64_t kNow = 10'000'000, kLooked = kNow - 5'000;

OwnerUsage owner(const std::string& workload, std::size_t series, std::size_t limit,
                 std::int64_t refused_ms = 0) {
  OwnerUsage usage;
  usage.workload = workload;
  usage.series = series;
  usage.max_series = limit;
  usage.refused_ms = refused_ms;
  return usage;
}

std::vector<std::string> names(const std::vector<OwnerUsage>& owners) {
  std::vector<std::string> names;
  for (const auto& one : owners)
    names.push_back(one.workload.empty() ? "job " + one.job : one.workload);
  return names;
}

using Names = std::vector<std::string>;

TEST(LimitNews, WhoWasRefusedSomethingLatelyIsNamedOnce) {
  const std::vector<OwnerUsage> usage{owner("shop", 100, 100, kNow - 1000), owner("pay", 99, 100),
                                      owner("old", 100, 100, kNow - 60'000)};
  EXPECT_EQ(names(limit_news(usage, {}, kLooked, kNow).reached), Names{"shop"});
  EXPECT_TRUE(limit_news(usage, {{"shop", ""}}, kLooked, kNow).reached.empty());
}

TEST(LimitNews, WhoIsBelowAgainAndQuietIsClear) {
  const std::vector<health::LimitedOwner> known{{"shop", ""}};
  const auto cleared = [&](const OwnerUsage& usage) {
    return names(limit_news({usage}, known, kLooked, kNow).cleared);
  };
  EXPECT_EQ(cleared(owner("shop", 99, 100, kNow - 700'000)), Names{"shop"});
  EXPECT_EQ(cleared(owner("shop", 99, 100, kNow - 500'000)), Names{});
  EXPECT_EQ(cleared(owner("shop", 100, 100, kNow - 700'000)), Names{});
}

TEST(LimitNews, WhoHasNoSeriesAnyMoreIsClear) {
  const auto news =
      limit_news({owner("pay", 1, 100)}, {{"shop", ""}, {"", "batch"}}, kLooked, kNow);
  EXPECT_EQ(names(news.cleared), (Names{"shop", "job batch"}));
  EXPECT_EQ(news.cleared.front().series, 0U);
}

}  // namespace
}  // namespace wellrun::server
