// GET /api/v1/search/…: what is found, how well, in which order, and in which lines.

#include "telemetry/search_api.h"

#include <gtest/gtest.h>

#include "telemetry/name_search.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::telemetry {
namespace {

std::vector<std::string> names_of(const std::vector<FoundName>& found) {
  std::vector<std::string> names;
  for (const auto& one : found) names.push_back(one.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(NameSearch, ASubsequenceScoresItsRunsAndItsGaps) {
  EXPECT_EQ(subsequence_score("http", "http_requests_total"), 1) << "a prefix is as good as all";
  EXPECT_EQ(subsequence_score("tph", "http"), 0) << "the order counts";
  EXPECT_EQ(subsequence_score("", "http"), 1);
  EXPECT_EQ(subsequence_score("a", ""), 0);
  // One run of 2, one skipped before it, one after it at half the price, of 4 characters.
  EXPECT_DOUBLE_EQ(subsequence_score("bc", "abcd"), (4 - 0.25 - 0.125) / 4);
  // Two runs of 1 with one skipped between them.
  EXPECT_DOUBLE_EQ(subsequence_score("ac", "abc"), (2 - 1.0 / 3) / 4);
  // The better beginning wins: not the first a, but the one before b.
  EXPECT_DOUBLE_EQ(subsequence_score("ab", "xaxab"), (4 - 3.0 / 5) / 4);
  EXPECT_DOUBLE_EQ(subsequence_score("é", "caé"), 1 - 2.0 / 3) << "characters, not bytes";
}

TEST(NameSearch, JaroWinklerGivesWhatItsAuthorsGive) {
  EXPECT_NEAR(jaro_winkler_score("MARTHA", "MARHTA"), 0.9611, 5e-5);
  EXPECT_NEAR(jaro_winkler_score("DIXON", "DICKSONX"), 0.8133, 5e-5);
  EXPECT_NEAR(jaro_winkler_score("DWAYNE", "DUANE"), 0.84, 5e-5);
  EXPECT_EQ(jaro_winkler_score("same", "same"), 1);
  EXPECT_EQ(jaro_winkler_score("abc", "xyz"), 0);
  EXPECT_EQ(jaro_winkler_score("", "xyz"), 0);
}

TEST(NameSearch, FindsWhatMatchesOneTermInTheOrderAskedFor) {
  const Names names{"node_cpu", "up", "http_cpu_total", "cpu", "mem"};
  NameSearch search{.terms = {"cpu"}};
  EXPECT_EQ(names_of(search_names(names, search)), (Names{"cpu", "http_cpu_total", "node_cpu"}));
  search.order = SearchOrder::kNameDescending;
  EXPECT_EQ(names_of(search_names(names, search)), (Names{"node_cpu", "http_cpu_total", "cpu"}));
  search.order = SearchOrder::kBestFirst;
  search.terms = {"CPU", "mem"};
  EXPECT_EQ(names_of(search_names(names, search)), (Names{"mem"}));
  search.case_sensitive = false;
  EXPECT_EQ(search_names(names, search).size(), 4U);
  EXPECT_EQ(search_names(names, search).front().name, "cpu");
  EXPECT_EQ(search_names(names, {}).size(), names.size()) << "no term: everything";
}

TEST(NameSearch, AThresholdLeavesOutWhatIsWorse) {
  const Names names{"requests", "reqeusts_total", "r_e_q", "other"};
  NameSearch search{.terms = {"req"}, .threshold = 0.9};
  EXPECT_EQ(names_of(search_names(names, search)), (Names{"reqeusts_total", "requests"}));
  search = {.terms = {"requests"}, .algorithm = FuzzyAlgorithm::kJaroWinkler};
  EXPECT_EQ(names_of(search_names(names, search)), (Names{"requests"}));
  search.threshold = 0.8;
  EXPECT_EQ(names_of(search_names(names, search)), (Names{"reqeusts_total", "requests"}));
}

using Parameters = http::Parameters;
constexpr std::int64_t kNowMs = 10'000'000;

promql::testing::MemoryReader& reader() {
  static promql::testing::MemoryReader made;
  if (made.metadata().empty()) {
    made.add(Metadata{.family = "http_total", .type = "counter", .help = "Asked.", .unit = ""});
    for (const auto* name : {"http_total", "http_open", "up"})
      made.add(SeriesWrite{.labels = Labels{{"__name__", name}, {"job", "shop"}},
                           .samples = {{kNowMs - 1000, 1}}});
    made.add(SeriesWrite{.labels = Labels{{"__name__", "http_old"}},
                         .samples = {{kNowMs - 7'200'000, 1}}});
  }
  return made;
}

http::Response ask(std::string what, Parameters parameters) {
  http::Request request;
  request.query = std::move(parameters);
  return answer_search("/api/v1/search/" + what, request, reader(), from_unix_ms(kNowMs));
}

TEST(SearchApi, AnswersInLines) {
  const auto found = ask("metric_names", {{"search[]", "http"}});
  EXPECT_EQ(found.status, 200);
  EXPECT_EQ(http::find_header(found.headers, "Content-Type"),
            "application/x-ndjson; charset=utf-8");
  EXPECT_EQ(found.body,
            "{\"results\":[{\"name\":\"http_open\"},{\"name\":\"http_total\"}]}\n"
            "{\"status\":\"success\",\"has_more\":false}\n")
      << "of the last hour";
  EXPECT_EQ(ask("metric_names", {{"batch_size", "1"}, {"limit", "2"}}).body,
            "{\"results\":[{\"name\":\"http_open\"}]}\n{\"results\":[{\"name\":\"http_total\"}]}\n"
            "{\"status\":\"success\",\"has_more\":true}\n");
  EXPECT_EQ(ask("label_names", {{"search[]", "nothing"}}).body,
            "{\"results\":[]}\n{\"status\":\"success\",\"has_more\":false}\n");
}

TEST(SearchApi, ShowsScoresAndDescriptions) {
  EXPECT_EQ(ask("metric_names", {{"search[]", "http_t"},
                                 {"include_score", "true"},
                                 {"include_metadata", "1"},
                                 {"fuzz_threshold", "100"}})
                .body,
            "{\"results\":[{\"name\":\"http_total\",\"score\":1,\"type\":\"counter\",\"help\":"
            "\"Asked.\"}]}\n{\"status\":\"success\",\"has_more\":false}\n");
}

TEST(SearchApi, FindsValuesOfALabelOfSeriesThatMatch) {
  EXPECT_TRUE(ask("label_values", {{"label", "job"}}).body.contains("\"shop\""));
  EXPECT_FALSE(
      ask("label_values", {{"label", "job"}, {"match[]", "http_old"}}).body.contains("shop"));
  EXPECT_EQ(ask("label_values", {}).status, 400);
}

TEST(SearchApi, RefusesWhatItCannotRead) {
  const std::pair<Parameters, std::string> bad[] = {
      {{{"fuzz_threshold", "101"}}, "invalid fuzz_threshold \\\"101\\\": must be 0-100"},
      {{{"fuzz_alg", "soundex"}}, "unsupported fuzz_alg \\\"soundex\\\""},
      {{{"case_sensitive", "maybe"}}, "must be boolean"},
      {{{"sort_by", "size"}}, "invalid sort_by"},
      {{{"sort_dir", "asc"}}, "sort_dir is only valid when sort_by is set"},
      {{{"sort_by", "alpha"}, {"sort_dir", "up"}}, "invalid sort_dir"},
      {{{"sort_by", "score"}}, "requires search[]"},
      {{{"sort_by", "score"}, {"search[]", "a"}, {"sort_dir", "asc"}}, "not supported"},
      {{{"limit", "-1"}}, "must be non-negative integer"},
      {{{"start", "soon"}}, "invalid time value for 'start'"},
      {{{"match[]", "{"}}, "parse error"},
      {{{"search[]", std::string(2000, 'a')}}, "is longer than 1024"},
  };
  for (const auto& [parameters, why] : bad) {
    const auto answer = ask("metric_names", parameters);
    EXPECT_EQ(answer.status, 400) << why;
    EXPECT_TRUE(answer.body.contains("bad_data")) << answer.body;
    EXPECT_TRUE(answer.body.contains(why)) << answer.body;
  }
}

TEST(SearchApi, IsEnabledByName) {
  EXPECT_TRUE(is_search_enabled("promql-duration-expr, search-api"));
  EXPECT_FALSE(is_search_enabled("promql-duration-expr"));
  EXPECT_FALSE(is_search_enabled(""));
}

}  // namespace
}  // namespace wellrun::telemetry
