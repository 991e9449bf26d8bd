#include "telemetry/federate.h"

#include <gtest/gtest.h>
#include <map>

#include "telemetry/promql/testing/memory_reader.h"
#include "telemetry/scrape/exposition_protobuf.h"

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

TEST(Federate, NativeHistogramsAreWholeInProtobufAndLeftOutOfText) {
  promql::testing::MemoryReader reader;
  const auto add_histogram = [&](const char* name, Histogram h) {
    SeriesWrite series;
    series.labels = Labels{{"__name__", name}, {"job", "x"}};
    series.histograms = {{3000, std::make_shared<const Histogram>(std::move(h))}};
    reader.add(std::move(series));
  };
  Histogram native;
  native.schema = 3;
  native.zero_threshold = 0.001;
  native.zero_count = 0.5;
  native.count = 10;
  native.sum = 21.25;
  native.positive_spans = {{-2, 1}, {3, 2}};
  native.positive_counts = {1, 2.5, 3};
  native.negative_spans = {{4, 1}};
  native.negative_counts = {3};
  Histogram gauge = native, ended = native, empty, custom;
  gauge.reset_hint = Histogram::ResetHint::kGauge;
  ended.sum = stale_marker();
  custom.schema = kCustomBucketsSchema;
  custom.custom_bounds = {1, 2};
  custom.positive_spans = {{0, 1}, {1, 1}};
  custom.positive_counts = {4, 5};
  custom.count = 9;
  custom.sum = 14;
  add_histogram("native", native);
  add_histogram("native.gauge", gauge);
  add_histogram("ended", ended);
  add_histogram("empty", empty);
  add_histogram("custom", custom);
  add(reader, {{"__name__", "float"}, {"instance", "i"}}, {{1000, 1.5}});

  const auto response =
      federate(reader, {"{}"}, 5000,
               "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
               "encoding=delimited;escaping=allow-utf-8;q=0.6,text/plain;q=0.3");
  EXPECT_EQ(http::find_header(response.headers, "Content-Type"),
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited; escaping=allow-utf-8");
  const auto read = scrape::parse_protobuf_exposition(response.body, {}, false);
  ASSERT_TRUE(read) << to_string(read.error());
  std::map<std::string, const scrape::ExposedSample*> samples;
  for (const auto& sample : read->samples)
    samples[std::string(sample.labels.metric_name()) + std::string(sample.labels.get("le"))] =
        &sample;
  ASSERT_EQ(samples.size(), 9U);
  EXPECT_EQ(samples["float"]->value, 1.5);
  EXPECT_EQ(samples["float"]->time_ms, 1000);
  EXPECT_EQ(samples["float"]->labels.get("instance"), "i");
  for (const auto& [name, sent] : {std::pair{"native", native}, {"native.gauge", gauge}}) {
    ASSERT_TRUE(samples.contains(name));
    EXPECT_EQ(samples[name]->time_ms, 3000);
    ASSERT_TRUE(samples[name]->histogram);
    const auto& h = *samples[name]->histogram;
    EXPECT_EQ(h.schema, sent.schema);
    EXPECT_EQ(h.zero_threshold, sent.zero_threshold);
    EXPECT_EQ(h.zero_count, sent.zero_count);
    EXPECT_EQ(h.count, sent.count);
    EXPECT_EQ(h.sum, sent.sum);
    EXPECT_EQ(h.positive_counts, sent.positive_counts);
    EXPECT_EQ(h.negative_counts, sent.negative_counts);
    ASSERT_EQ(h.positive_spans.size(), 2U);
    EXPECT_EQ(h.positive_spans[0].offset, -2);
    EXPECT_EQ(h.positive_spans[1].length, 2U);
    EXPECT_EQ(h.reset_hint == Histogram::ResetHint::kGauge,
              sent.reset_hint == Histogram::ResetHint::kGauge);
  }
  EXPECT_TRUE(samples["empty"]->histogram);
  EXPECT_EQ(samples["custom_bucket1.0"]->value, 4);
  EXPECT_EQ(samples["custom_bucket2.0"]->value, 4);
  EXPECT_EQ(samples["custom_bucket+Inf"]->value, 9);
  EXPECT_EQ(samples["custom_sum"]->value, 14);

  EXPECT_EQ(federate(reader, {"{}"}, 5000).body,
            "# TYPE float untyped\nfloat{instance=\"i\"} 1.5 1000\n");
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
