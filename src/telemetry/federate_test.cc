#include "telemetry/federate.h"

#include <gtest/gtest.h>

#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::telemetry {
namespace {

http::Response federate(const promql::testing::MemoryReader& reader,
                        std::vector<std::string> matches, std::int64_t now_ms,
                        std::string accept = "") {
  http::Request request;
  request.headers.push_back({"Accept", std::move(accept)});
  for (auto& match : matches) request.query.emplace_back("match[]", std::move(match));
  return answer_federate(request, reader, from_unix_ms(now_ms));
}

void add(promql::testing::MemoryReader& reader, Labels labels, std::vector<Sample> samples) {
  SeriesWrite series;
  series.labels = std::move(labels);
  series.samples = std::move(samples);
  reader.add(std::move(series));
}

TEST(Federate, GivesTheNewestSamplesSortedByName) {
  promql::testing::MemoryReader reader;
  add(reader, {{"__name__", "b"}, {"job", "x"}, {"instance", "i"}}, {{1000, 1}, {2000, 2}});
  add(reader, {{"__name__", "a"}, {"quoted", "a\"b\\c\n"}}, {{1500, 0.5}});
  add(reader, {{"__name__", "name.in.utf8"}, {"label.x", "v"}}, {{1000, 3}});
  add(reader, {{"__name__", "old"}}, {{1000, 1}});
  add(reader, {{"job", "nameless"}}, {{1000, 1}});
  add(reader, {{"__name__", "ended"}}, {{1000, 1}, {2000, stale_marker()}});
  const auto response = federate(reader, {"{}"}, 5000);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            "# TYPE a untyped\n"
            "a{quoted=\"a\\\"b\\\\c\\n\",instance=\"\"} 0.5 1500\n"
            "# TYPE b untyped\n"
            "b{instance=\"i\",job=\"x\"} 2 2000\n"
            "# TYPE name_in_utf8 untyped\n"
            "name_in_utf8{label_x=\"v\",instance=\"\"} 3 1000\n"
            "# TYPE old untyped\n"
            "old{instance=\"\"} 1 1000\n");
}

TEST(Federate, NamesThatAreNotPlainAreWrittenAsTheScraperTakesThem) {
  promql::testing::MemoryReader reader;
  add(reader, {{"__name__", "name.in.utf8"}, {"a.b", "first"}, {"a_b", "second"}}, {{1000, 3}});
  const auto answer = [&](std::string accept) {
    const auto response = federate(reader, {"{}"}, 5000, std::move(accept));
    return std::string(http::find_header(response.headers, "Content-Type")) + "\n" + response.body;
  };
  const std::string plain =
      "text/plain; version=0.0.4; charset=utf-8; escaping=underscores\n"
      "# TYPE name_in_utf8 untyped\n"
      "name_in_utf8{a_b=\"first\",instance=\"\"} 3 1000\n";
  EXPECT_EQ(answer(""), plain);
  EXPECT_EQ(answer("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"),
            plain);
  EXPECT_EQ(answer("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                   "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.2"),
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8\n"
            "# TYPE \"name.in.utf8\" untyped\n"
            "{\"name.in.utf8\",\"a.b\"=\"first\",a_b=\"second\",instance=\"\"} 3 1000\n");
  EXPECT_EQ(answer("text/plain;version=1.0.0;escaping=values"),
            "text/plain; version=1.0.0; charset=utf-8; escaping=values\n"
            "# TYPE U__name_2e_in_2e_utf8 untyped\n"
            "U__name_2e_in_2e_utf8{U__a_2e_b=\"first\",a_b=\"second\",instance=\"\"} 3 1000\n");
  EXPECT_EQ(answer("text/plain;version=1.0.0;escaping=dots"),
            "text/plain; version=1.0.0; charset=utf-8; escaping=dots\n"
            "# TYPE name_dot_in_dot_utf8 untyped\n"
            "name_dot_in_dot_utf8{a_dot_b=\"first\",a__b=\"second\",instance=\"\"} 3 1000\n");
}

TEST(Federate, LeavesOutWhatIsTooOldAndGivesEachSeriesOnce) {
  promql::testing::MemoryReader reader;
  add(reader, {{"__name__", "m"}, {"instance", "i"}}, {{1000, 1}});
  EXPECT_EQ(federate(reader, {"m"}, 301'000).body, "");
  EXPECT_EQ(federate(reader, {"m", "{instance=\"i\"}"}, 300'999).body,
            "# TYPE m untyped\nm{instance=\"i\"} 1 1000\n");
  EXPECT_EQ(federate(reader, {"m{"}, 1000).status, 400);
  EXPECT_EQ(federate(reader, {}, 1000).body, "");
  EXPECT_EQ(federate(reader, {"{}"}, 1000).body, "# TYPE m untyped\nm{instance=\"i\"} 1 1000\n");
}

}  // namespace
}  // namespace wellrun::telemetry
