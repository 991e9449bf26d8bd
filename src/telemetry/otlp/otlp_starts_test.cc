// Start times and exemplars of OTLP points, and what deltas add up to.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/otlp/metrics.h"
#include "telemetry/otlp/otlp_json.h"
#include "telemetry/otlp/otlp_receiver.h"
#include "telemetry/otlp/otlp_test_support.h"

namespace wellrun::telemetry::otlp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Timestamp kNow = from_unix_ms(1'767'225'600'000);

std::string request_of(std::string_view metric) {
  const auto json =
      fmt::format(R"({{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{}]}}]}}]}})", metric);
  auto bytes = json_to_protobuf(Signal::kMetrics, json);
  EXPECT_TRUE(bytes) << to_string(bytes.error());
  return bytes.value_or("");
}

MetricsBatch decode(std::string_view metric, DeltaState& deltas) {
  auto batch = decode_metrics(request_of(metric), deltas, kNow, {});
  EXPECT_TRUE(batch) << to_string(batch.error());
  return std::move(batch).value_or(MetricsBatch{});
}
MetricsBatch decode(std::string_view metric) {
  DeltaState deltas;
  return decode(metric, deltas);
}

/// `series value@time since start`, sorted.
std::vector<std::string> lines_of(const MetricsBatch& batch) {
  std::vector<std::string> out;
  for (const auto& series : batch.series) {
    const auto line = [&](std::int64_t time, double value, const auto& starts, std::size_t i) {
      out.push_back(fmt::format("{} {}@{} since {}", to_string(series.labels), value, time,
                                starts.empty() ? 0 : starts.at(i)));
    };
    for (std::size_t i = 0; i < series.samples.size(); ++i)
      line(series.samples[i].time_ms, series.samples[i].value, series.sample_starts, i);
    for (std::size_t i = 0; i < series.histograms.size(); ++i)
      line(series.histograms[i].time_ms, series.histograms[i].histogram->count,
           series.histogram_starts, i);
  }
  std::ranges::sort(out);
  return out;
}

std::string sum(std::string_view points, int temporality = 2, bool monotonic = true) {
  return fmt::format(
      R"({{"name":"n","sum":{{"isMonotonic":{},"aggregationTemporality":{},"dataPoints":[{}]}}}})",
      monotonic, temporality, points);
}
std::string point(std::int64_t start_ms, std::int64_t ms, int value) {
  return fmt::format(R"({{"startTimeUnixNano":{},"timeUnixNano":{},"asInt":{}}})",
                     start_ms * 1'000'000, ms * 1'000'000, value);
}

TEST(OtlpStarts, ACounterHasThemAGaugeDoesNot) {
  EXPECT_THAT(lines_of(decode(sum(point(1000, 2000, 7)))),
              ElementsAre("n_total 7@2000 since 1000"));
  EXPECT_THAT(lines_of(decode(sum(point(1000, 2000, 7), 2, false))),
              ElementsAre("n 7@2000 since 0"));
  EXPECT_THAT(lines_of(decode(R"({"name":"g","gauge":{"dataPoints":[
      {"startTimeUnixNano":1000000000,"timeUnixNano":2000000000,"asInt":7}]}})")),
              ElementsAre("g 7@2000 since 0"));
}

TEST(OtlpStarts, OneAfterThePointItselfIsNotBelieved) {
  EXPECT_THAT(lines_of(decode(sum(point(3000, 2000, 7)))), ElementsAre("n_total 7@2000 since 0"));
}

TEST(OtlpStarts, StayWithTheirPointsWhateverTheOrder) {
  const auto points = point(1000, 3000, 9) + "," + point(0, 4000, 1) + "," + point(1000, 2000, 7);
  EXPECT_THAT(lines_of(decode(sum(points))),
              ElementsAre("n_total 1@4000 since 0", "n_total 7@2000 since 1000",
                          "n_total 9@3000 since 1000"));
}

TEST(OtlpStarts, EverySeriesOfAHistogramAndASummaryHasIt) {
  EXPECT_THAT(lines_of(decode(R"({"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[
        {"startTimeUnixNano":1000000000,"timeUnixNano":2000000000,"count":3,"sum":5,
         "bucketCounts":[1,2],"explicitBounds":[1]}]}})")),
              ElementsAre(R"(h_bucket{le="+Inf"} 3@2000 since 1000)",
                          R"(h_bucket{le="1"} 1@2000 since 1000)", "h_count 3@2000 since 1000",
                          "h_sum 5@2000 since 1000"));
  EXPECT_THAT(lines_of(decode(R"({"name":"s","summary":{"dataPoints":[
        {"startTimeUnixNano":1000000000,"timeUnixNano":2000000000,"count":3,"sum":5,
         "quantileValues":[{"quantile":0.5,"value":2}]}]}})")),
              ElementsAre("s_count 3@2000 since 1000", "s_sum 5@2000 since 1000",
                          R"(s{quantile="0.5"} 2@2000 since 0)"));
}

TEST(OtlpStarts, TheTotalOfDeltasBeganWithTheFirst) {
  DeltaState deltas;
  EXPECT_THAT(lines_of(decode(sum(point(1000, 2000, 5), 1), deltas)),
              ElementsAre("n_total 5@2000 since 1000"));
  EXPECT_THAT(lines_of(decode(sum(point(2000, 3000, 3), 1), deltas)),
              ElementsAre("n_total 8@3000 since 1000"));
  EXPECT_THAT(lines_of(decode(sum(point(2000, 3000, 3), 1), deltas)),
              ElementsAre("n_total 8@3000 since 1000"))
      << "a retry";
  EXPECT_THAT(lines_of(decode(sum(point(5000, 6000, 1), 1), deltas)),
              ElementsAre("n_total 9@6000 since 1000"))
      << "a gap does not end it";
  const auto older = decode(sum(point(500, 7000, 1), 1), deltas);
  EXPECT_TRUE(older.series.empty());
  EXPECT_THAT(older.first_rejection, HasSubstr("began before the first one"));
  const auto late = decode(sum(point(1000, 2500, 1), 1), deltas);
  EXPECT_TRUE(late.series.empty());
  EXPECT_THAT(late.first_rejection, HasSubstr("ends before the last one"));
}

std::string exponential(int start_ms, int ms, int scale, int temporality) {
  return fmt::format(
      R"({{"name":"e","exponentialHistogram":{{"aggregationTemporality":{},"dataPoints":[
        {{"startTimeUnixNano":{}000000,"timeUnixNano":{}000000,"count":4,"sum":9,"scale":{},
          "positive":{{"offset":0,"bucketCounts":[1,3]}}}}]}}}})",
      temporality, start_ms, ms, scale);
}

TEST(OtlpStarts, AnExponentialHistogramHasItAndIsReducedToWhatPrometheusKnows) {
  const auto batch = decode(exponential(1000, 2000, 10, 2));
  EXPECT_THAT(lines_of(batch), ElementsAre("e 4@2000 since 1000"));
  const auto& histogram = *batch.series.at(0).histograms.at(0).histogram;
  EXPECT_EQ(histogram.schema, 8);
  EXPECT_THAT(histogram.positive_counts, ElementsAre(4.0));
  DeltaState deltas;
  EXPECT_THAT(lines_of(decode(exponential(1000, 2000, 3, 1), deltas)),
              ElementsAre("e 4@2000 since 1000"));
  EXPECT_THAT(lines_of(decode(exponential(2000, 3000, 2, 1), deltas)),
              ElementsAre("e 8@3000 since 1000"));
}

std::vector<std::string> exemplars_of(const MetricsBatch& batch) {
  std::vector<std::string> out;
  for (const auto& [series, exemplar] : batch.exemplars)
    out.push_back(fmt::format("{} {} {}@{}", to_string(series), to_string(exemplar.labels),
                              exemplar.value, exemplar.time_ms));
  return out;
}

constexpr const char* kExemplar =
    R"({"timeUnixNano":1500000000,"asDouble":0.7,"traceId":"0af7651916cd43dd8448eb211c80319c",
        "spanId":"b7ad6b7169203331","filteredAttributes":[{"key":"user.id","value":{"stringValue":"u1"}}]})";

TEST(OtlpExemplars, KeepTheirTraceTheirAttributesAndTheirTime) {
  EXPECT_THAT(
      exemplars_of(decode(fmt::format(
          R"({{"name":"n","sum":{{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[
             {{"timeUnixNano":2000000000,"asInt":7,"exemplars":[{}]}}]}}}})",
          kExemplar))),
      ElementsAre(
          R"(n_total {span_id="b7ad6b7169203331", trace_id="0af7651916cd43dd8448eb211c80319c", user_id="u1"} 0.7@1500)"));
}

TEST(OtlpExemplars, StandAtTheBucketThatTheyFallInto) {
  EXPECT_THAT(
      exemplars_of(decode(R"({"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[
        {"timeUnixNano":2000000000,"count":3,"sum":5,"bucketCounts":[1,1,1],"explicitBounds":[1,2],
         "exemplars":[{"asInt":"9"},{"asDouble":2},{"asDouble":0.5},{"asDouble":"NaN"}]}]}})")),
      ElementsAre(R"(h_bucket{le="1"} {} 0.5@2000)", R"(h_bucket{le="2"} {} 2@2000)",
                  R"(h_bucket{le="+Inf"} {} 9@2000)"));
}

/// The store keeps none that is earlier than the one before it.
TEST(OtlpExemplars, OfOneSeriesComeInTheOrderOfTheirTimes) {
  const std::string exemplars = R"("exemplars":[
    {"timeUnixNano":1900000000,"asDouble":1},{"timeUnixNano":1500000000,"asDouble":1.5},
    {"timeUnixNano":1700000000,"asDouble":1.25}])";
  const auto times = [&](std::string_view metric) {
    std::vector<std::int64_t> out;
    for (const auto& one : decode(fmt::format(fmt::runtime(metric), exemplars)).exemplars)
      out.push_back(one.exemplar.time_ms);
    return out;
  };
  EXPECT_THAT(times(R"({{"name":"n","gauge":{{"dataPoints":[
                {{"timeUnixNano":2000000000,"asInt":7,{0}}}]}}}})"),
              ElementsAre(1500, 1700, 1900));
  EXPECT_THAT(times(R"({{"name":"h","histogram":{{"aggregationTemporality":2,"dataPoints":[
                {{"timeUnixNano":2000000000,"count":3,"sum":5,"bucketCounts":[0,3],
                  "explicitBounds":[0.5],{0}}}]}}}})"),
              ElementsAre(1500, 1700, 1900));
  EXPECT_THAT(
      times(R"({{"name":"e","exponentialHistogram":{{"aggregationTemporality":2,"dataPoints":[
                {{"timeUnixNano":2000000000,"count":1,"sum":1,"scale":0,"zeroCount":1,{0}}}]}}}})"),
      ElementsAre(1500, 1700, 1900));
}

TEST(OtlpExemplars, AttributesThatWouldBeTooLongAreLeftOutTheTraceIsKept) {
  const auto batch = decode(fmt::format(
      R"({{"name":"e","exponentialHistogram":{{"aggregationTemporality":2,"dataPoints":[
        {{"timeUnixNano":2000000000,"count":1,"sum":1,"scale":0,"zeroCount":1,"exemplars":[
          {{"asDouble":1,"traceId":"0af7651916cd43dd8448eb211c80319c",
            "filteredAttributes":[{{"key":"long","value":{{"stringValue":"{}"}}}}]}}]}}]}}}})",
      std::string(200, 'x')));
  EXPECT_THAT(exemplars_of(batch),
              ElementsAre(R"(e {trace_id="0af7651916cd43dd8448eb211c80319c"} 1@2000)"));
}

TEST(OtlpExemplars, AreKeptByTheReceiver) {
  VirtualRuntime runtime;
  testing::RecordingMetrics metrics;
  testing::RecordingSignals signals;
  ExemplarStore exemplars;
  OtlpReceiver receiver(runtime.runtime().clock, metrics, signals, {.exemplars = &exemplars});
  const auto request = request_of(fmt::format(
      R"({{"name":"n","sum":{{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[
         {{"timeUnixNano":2000000000,"asInt":7,"exemplars":[{}]}}]}}}})",
      kExemplar));
  ASSERT_TRUE(receiver.receive(Signal::kMetrics, request));
  EXPECT_EQ(exemplars.size(), 1u);
}

}  // namespace
}  // namespace wellrun::telemetry::otlp
