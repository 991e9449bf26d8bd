// Which series matchers take, out of posting lists, against each series' labels looked at alone.

#include "telemetry/matching.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

#include "telemetry/store/series_index.h"

namespace wellrun::telemetry::store {
namespace {

using Random = std::mt19937_64;

template <typename T, std::size_t N>
const T& any_of(Random& random, const T (&choices)[N]) {
  return choices[random() % N];
}

Labels random_labels(Random& random, int number) {
  Labels labels{{"__name__", any_of(random, {"up", "node_load1", "node_load5", "http_total"})},
                {"number", std::to_string(number)}};
  labels.set("job", any_of(random, {"", "", "node", "pods", "mail"}));
  labels.set("zone", any_of(random, {"", "a1", "a2", "b1"}));
  return labels;
}

Matcher random_matcher(Random& random) {
  using Kind = Matcher::Kind;
  const auto kind = any_of(random, {Kind::kEqual, Kind::kNotEqual, Kind::kRegex, Kind::kNotRegex});
  const std::string name = any_of(random, {"__name__", "job", "zone", "none", "number"});
  const bool is_regex = kind == Kind::kRegex || kind == Kind::kNotRegex;
  const std::string value = is_regex
                                ? any_of(random, {".*", ".+", "", "node_.*", "node|pods", "a.",
                                                  "a1|", "x.*", "(a.)?", "[12].*"})
                                : any_of(random, {"", "up", "node", "pods", "a1", "other", "17"});
  return {kind, name, value};
}

/// Makes them in runs of any length, as a request full of new series does.
void make_in_runs(Random& random, SeriesIndex& index, const std::vector<Labels>& all) {
  std::vector<std::string> bytes;
  for (const auto& labels : all) bytes.push_back(label_bytes(labels));
  for (std::size_t first = 0; first < bytes.size();) {
    const auto end = std::min(bytes.size(), first + 1 + random() % 40);
    std::vector<NewSeries> run;
    for (auto i = first; i < end; ++i) run.emplace_back(bytes[i]);
    const auto made = index.make_run(run);
    ASSERT_EQ(made.size(), run.size());
    for (std::size_t i = 0; i < made.size(); ++i)
      ASSERT_EQ(made[i].ref, static_cast<std::uint32_t>(first + i));
    first = end;
  }
}

TEST(SeriesIndexMatch, takes_what_the_matchers_say_of_each_series) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    Head head;
    SeriesIndex index(head, 1'000);
    std::vector<Labels> all;
    for (int i = 0; i < 300; ++i) all.push_back(random_labels(random, i));
    ASSERT_NO_FATAL_FAILURE(make_in_runs(random, index, all));
    for (int query = 0; query < 200; ++query) {
      std::vector<Matcher> matchers(random() % 4);
      std::string text;
      for (auto& matcher : matchers) {
        matcher = random_matcher(random);
        text +=
            fmt::format(" {} {} '{}'", matcher.name, static_cast<int>(matcher.kind), matcher.value);
      }
      SCOPED_TRACE(fmt::format("seed {}:{}", seed, text));
      const auto set = MatcherSet::compile(matchers);
      ASSERT_TRUE(set);
      Roaring wanted;
      for (std::uint32_t ref = 0; ref < all.size(); ++ref)
        if (set->matches(all[ref])) wanted.add(ref);
      const auto matched = index.match(matchers);
      ASSERT_TRUE(matched);
      ASSERT_EQ(*matched, wanted);
    }
  }
}

TEST(SeriesIndex, a_run_ends_at_the_first_series_that_is_known) {
  Head head;
  SeriesIndex index(head, 1'000);
  std::vector<std::string> bytes;
  for (int i = 0; i < 4; ++i)
    bytes.push_back(label_bytes({{"__name__", "up"}, {"number", std::to_string(i)}}));
  ASSERT_EQ(index.find_or_make(bytes[2]).ref, 0U);
  const std::vector<NewSeries> run(bytes.begin(), bytes.end());
  const auto made = index.make_run(run);
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made[0].ref, 1U);
  EXPECT_EQ(made[1].ref, 2U);
  const auto known = index.make_run(std::span(run).subspan(2));
  ASSERT_EQ(known.size(), 1U);
  EXPECT_EQ(known[0].ref, 0U);
  EXPECT_EQ(index.size(), 3U);
}

TEST(SeriesIndexMatch, refuses_a_regex_that_is_none_where_nothing_matches_anyway) {
  Head head;
  const SeriesIndex index(head, 1'000);
  const auto matched =
      index.match({{Matcher::Kind::kEqual, "job", "none"}, {Matcher::Kind::kRegex, "zone", "("}});
  ASSERT_FALSE(matched);
  EXPECT_EQ(matched.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace wellrun::telemetry::store
