#include "telemetry/store/regex_cache.h"

#include <gtest/gtest.h>

namespace wellrun::telemetry::store {
namespace {

TEST(RegexCache, LooksOnlyAtValuesThatAreNew) {
  const RegexCache cache;
  std::vector<std::string> values{"eu-west", "us-east", "eu-north"};
  std::size_t looked = 0;
  const auto value = [&](std::size_t i) -> std::string_view {
    ++looked;
    return values[i];
  };
  const auto first = cache.get("region", "eu-.*");
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->matching(1, values.size(), value), (std::vector<std::uint32_t>{0, 2}));
  values.emplace_back("eu-south");
  const auto again = cache.get("region", "eu-.*");
  EXPECT_EQ((*again)->matching(1, values.size(), value), (std::vector<std::uint32_t>{0, 2, 3}));
  EXPECT_EQ(looked, 4U);
  const auto other = cache.get("zone", "eu-.*");
  EXPECT_NE(first->get(), other->get()) << "another label has other values";
}

TEST(RegexCache, LooksAtAllAgainOnceTheyWereMoved) {
  const RegexCache cache;
  std::vector<std::string> values{"eu-west", "us-east", "eu-north"};
  const auto value = [&](std::size_t i) -> std::string_view { return values[i]; };
  const auto entry = cache.get("region", "eu-.*");
  ASSERT_TRUE(entry);
  EXPECT_EQ((*entry)->matching(1, 3, value), (std::vector<std::uint32_t>{0, 2}));
  values = {"us-west", "eu-north"};
  EXPECT_EQ((*entry)->matching(2, 2, value), (std::vector<std::uint32_t>{1}));
}

TEST(RegexCache, AnchorsBothEndsAndKnowsTheEmptyValue) {
  const RegexCache cache;
  EXPECT_TRUE((*cache.get("a", "b*"))->matches_empty());
  EXPECT_FALSE((*cache.get("a", "b+"))->matches_empty());
  const auto part = (*cache.get("a", "b"))->matching(1, 1, [](std::size_t) { return "abc"; });
  EXPECT_TRUE(part.empty());
  EXPECT_EQ(cache.get("a", "(").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(cache.get("a", std::string(100'000, 'a')).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace wellrun::telemetry::store
