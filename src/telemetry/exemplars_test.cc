#include "telemetry/exemplars.h"

#include <gtest/gtest.h>

namespace wellrun::telemetry {
namespace {

const Labels kShop{{"__name__", "requests_total"}, {"job", "shop"}};
const Labels kStore{{"__name__", "requests_total"}, {"job", "store"}};

Exemplar at(std::int64_t time_ms, std::string trace = "abc") {
  return {.labels = Labels{{"trace_id", std::move(trace)}}, .value = 1, .time_ms = time_ms};
}

TEST(Exemplars, AreKeptOnceAndInOrderOfTime) {
  ExemplarStore store;
  EXPECT_EQ(store.add(kShop, at(10)), ExemplarStore::Added::kNew);
  EXPECT_EQ(store.add(kShop, at(10)), ExemplarStore::Added::kSame);
  EXPECT_EQ(store.add(kShop, at(5)), ExemplarStore::Added::kOutOfOrder);
  EXPECT_EQ(store.add(kStore, at(5)), ExemplarStore::Added::kNew);
  EXPECT_EQ(store.add(kShop, at(20, std::string(130, 'x'))), ExemplarStore::Added::kTooLong);
  EXPECT_EQ(store.size(), 2U);
}

TEST(Exemplars, AreFoundByMatchersAndTime) {
  ExemplarStore store;
  store.add(kShop, at(10, "one"));
  store.add(kShop, at(20, "two"));
  store.add(kStore, at(15, "three"));
  const auto sets = compile_all({{{Matcher::Kind::kRegex, "job", "sh.*"}}});
  ASSERT_TRUE(sets);
  const auto found = store.select(*sets, {11, 30});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].series, kShop);
  ASSERT_EQ(found[0].exemplars.size(), 1U);
  EXPECT_EQ(found[0].exemplars[0].labels.get("trace_id"), "two");
  EXPECT_EQ(store.select({}, {0, 100}).size(), 2U);
}

TEST(Exemplars, TheOldestGoWhenThereAreTooManyOrTheyAreTooLarge) {
  ExemplarStore few({.max_count = 3});
  for (int i = 0; i < 10; ++i) few.add(i % 2 == 0 ? kShop : kStore, at(i, std::to_string(i)));
  EXPECT_EQ(few.size(), 3U);
  const auto kept = few.select({}, {0, 100});
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].exemplars.back().labels.get("trace_id"), "8");

  ExemplarStore small({.max_count = 1'000'000, .max_bytes = 100'000});
  for (int i = 0; i < 20'000; ++i)
    small.add(Labels{{"__name__", "m"}, {"n", std::to_string(i)}}, at(i));
  EXPECT_LT(small.size(), 1000U);
  EXPECT_GT(small.size(), 10U);
}

}  // namespace
}  // namespace wellrun::telemetry
