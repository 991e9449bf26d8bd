#include "telemetry/promql/parse_cache.h"

#include <gtest/gtest.h>

namespace wellrun::telemetry::promql {
namespace {

TEST(ParseCache, GivesTheSameTreeForTheSameText) {
  const ParseCache cache({});
  const auto first = cache.parse("sum(a)"), second = cache.parse("sum(a)");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->get(), second->get());
  EXPECT_NE(first->get(), cache.parse("sum(b)")->get());
}

TEST(ParseCache, KeepsNoErrors) {
  const ParseCache cache({});
  EXPECT_EQ(cache.parse("sum(").error().message, cache.parse("sum(").error().message);
}

TEST(ParseCache, ForgetsWhatWasNotUsedLongest) {
  const ParseCache cache({}, 40);
  const auto kept = cache.parse("aaaaaaaa");
  const auto old = cache.parse("bbbbbbbb");
  for (const char* query : {"cccccccc", "aaaaaaaa", "dddddddd", "aaaaaaaa", "eeeeeeee", "ffffffff"})
    ASSERT_TRUE(cache.parse(query));
  EXPECT_EQ(cache.parse("aaaaaaaa")->get(), kept->get());
  EXPECT_NE(cache.parse("bbbbbbbb")->get(), old->get());
}

TEST(ParseCache, DoesNotKeepWhatIsTooLarge) {
  const ParseCache cache({}, 40);
  EXPECT_NE(cache.parse("aaaaaaaaaaaaaaa")->get(), cache.parse("aaaaaaaaaaaaaaa")->get());
}

}  // namespace
}  // namespace wellrun::telemetry::promql
