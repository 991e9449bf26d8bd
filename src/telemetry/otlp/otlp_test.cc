#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "platform/runtime/virtual_runtime.h"
#include "telemetry/otlp/exponential.h"
#include "telemetry/otlp/metrics.h"
#include "telemetry/otlp/naming.h"
#include "telemetry/otlp/otlp_api.h"
#include "telemetry/otlp/otlp_test_support.h"
#include "telemetry/otlp/records.h"

namespace wellrun::telemetry::otlp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::lines_of;

const Timestamp kNow = from_unix_ms(1'767'225'600'000);

std::string transcode(Signal signal, std::string_view json) {
  auto bytes = json_to_protobuf(signal, json);
  EXPECT_TRUE(bytes) << to_string(bytes.error());
  return bytes.value_or("");
}

std::string metrics_json(std::string_view metric, std::string_view resource = R"([])") {
  return fmt::format(
      R"({{"resourceMetrics":[{{"resource":{{"attributes":{}}},"scopeMetrics":[{{"metrics":[{}]}}]}}]}})",
      resource, metric);
}

MetricsBatch decode(std::string_view json, DeltaState& deltas) {
  auto batch = decode_metrics(transcode(Signal::kMetrics, json), deltas, kNow, {});
  EXPECT_TRUE(batch) << to_string(batch.error());
  return std::move(batch).value_or(MetricsBatch{});
}

MetricsBatch decode(std::string_view json) {
  DeltaState deltas;
  return decode(json, deltas);
}

TEST(OtlpNaming, MetricNamesFollowTheCompatibilitySpecification) {
  struct Case {
    const char *name, *unit;
    NameKind kind;
    const char* wanted;
  };
  const Case cases[] = {
      {"http.server.duration", "s", NameKind::kOther, "http_server_duration_seconds"},
      {"http.server.duration_seconds", "s", NameKind::kOther, "http_server_duration_seconds"},
      {"http.requests", "{request}", NameKind::kCounter, "http_requests_total"},
      {"requests_total", "1", NameKind::kCounter, "requests_total"},
      {"total.requests", "", NameKind::kCounter, "requests_total"},
      {"memory.usage", "By", NameKind::kGauge, "memory_usage_bytes"},
      {"memory.utilization", "1", NameKind::kGauge, "memory_utilization_ratio"},
      {"queue.length", "1", NameKind::kOther, "queue_length"},
      {"disk.io", "By/s", NameKind::kGauge, "disk_io_bytes_per_second"},
      {"rps", "{request}/s", NameKind::kGauge, "rps_per_second"},
      {"cpu.load", "%", NameKind::kGauge, "cpu_load_percent"},
      {"2xx", "", NameKind::kOther, "_2xx"},
      {"(lambda).executions(#)", "", NameKind::kOther, "lambda_executions"},
      {"temperatur.°C", "Cel", NameKind::kGauge, "temperatur_C_celsius"},
      {"job:rate5m", "", NameKind::kGauge, "job:rate5m"},
      {"...", "s", NameKind::kOther, ""},
  };
  for (const auto& one : cases)
    EXPECT_EQ(prometheus_metric_name(one.name, one.unit, one.kind), one.wanted)
        << one.name << " " << one.unit;
}

TEST(OtlpNaming, NoAttributeCanBecomeTheMetricName) {
  EXPECT_EQ(prometheus_label_name("__name__"), "key__name__");
  EXPECT_EQ(prometheus_label_name("..name.."), "key__name__");
  const auto batch = decode(
      metrics_json(R"({"name":"g","gauge":{"dataPoints":[{"timeUnixNano":1000000,"asDouble":1,
    "attributes":[{"key":"__name__","value":{"stringValue":"other"}}]}]}})"));
  EXPECT_THAT(lines_of(batch.series), ElementsAre(R"(g{key__name__="other"} 1@1)"));
}

TEST(OtlpNaming, LabelNamesAreThoseThatPrometheusMakes) {
  const std::pair<const char*, const char*> cases[] = {
      {"http.status_code", "http_status_code"},
      {"a__b", "a__b"},
      {"c..d", "c__d"},
      {"x.-y", "x__y"},
      {"tail__", "tail__"},
      {"__x__", "__x__"},
      {"_x", "key_x"},
      {".x", "key_x"},
      {"2nd", "key_2nd"},
      {"a:b", "a_b"},
      {"sign_字符", "sign___"},
      {"", ""},
  };
  for (const auto& [key, wanted] : cases) EXPECT_EQ(prometheus_label_name(key), wanted) << key;
}

TEST(OtlpMetrics, ACumulativeMonotonicSumIsACounterWithJobInstanceAndTargetInfo) {
  const auto batch = decode(R"({"resourceMetrics":[{
    "resource":{"attributes":[
      {"key":"service.name","value":{"stringValue":"checkout"}},
      {"key":"service.namespace","value":{"stringValue":"shop"}},
      {"key":"service.instance.id","value":{"stringValue":"c-1"}},
      {"key":"host.name","value":{"stringValue":"h1"}}]},
    "scopeMetrics":[{"scope":{"name":"lib","version":"1.2"},"metrics":[
      {"name":"http.requests","unit":"{request}","description":"Requests.","sum":{"isMonotonic":true,"aggregationTemporality":2,
       "dataPoints":[{"timeUnixNano":"1767225600000000000","asInt":"42","attributes":[
          {"key":"http.method","value":{"stringValue":"GET"}},{"key":"code","value":{"intValue":"500"}}]}]}}]}]}]})");
  EXPECT_THAT(
      lines_of(batch.series),
      ElementsAre(
          R"(http_requests_total{code="500", http_method="GET", instance="c-1", job="shop/checkout", )"
          R"(otel_scope_name="lib", otel_scope_version="1.2"} 42@1767225600000)",
          R"(target_info{host_name="h1", instance="c-1", job="shop/checkout"} 1@1767225600000)"));
  ASSERT_EQ(batch.metadata.size(), 2u);
  EXPECT_EQ(batch.metadata[0].family, "http_requests_total");
  EXPECT_EQ(batch.metadata[0].type, "counter");
  EXPECT_EQ(batch.metadata[0].help, "Requests.");
}

TEST(OtlpMetrics, AttributesThatCollideAreJoinedInTheOrderOfTheirKeys) {
  const auto batch = decode(
      metrics_json(R"({"name":"g","gauge":{"dataPoints":[{"timeUnixNano":1000000,"asDouble":1.5,
    "attributes":[{"key":"a_b","value":{"stringValue":"2"}},{"key":"a.b","value":{"stringValue":"1"}}]}]}})"));
  EXPECT_THAT(lines_of(batch.series), ElementsAre(R"(g{a_b="1;2"} 1.5@1)"));
}

TEST(OtlpMetrics, AHistogramBecomesCumulativeBuckets) {
  const auto batch = decode(
      metrics_json(R"({"name":"d","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[
    {"timeUnixNano":"1000000","count":"6","sum":12.5,"bucketCounts":["1","2","3"],"explicitBounds":[0.5,10]}]}})"));
  EXPECT_THAT(lines_of(batch.series),
              ElementsAre(R"(d_seconds_bucket{le="+Inf"} 6@1)", R"(d_seconds_bucket{le="0.5"} 1@1)",
                          R"(d_seconds_bucket{le="10"} 3@1)", "d_seconds_count 6@1",
                          "d_seconds_sum 12.5@1"));
}

TEST(OtlpMetrics, BoundsAreWrittenAsPrometheusWritesThem) {
  const auto batch =
      decode(metrics_json(R"({"name":"d","histogram":{"aggregationTemporality":2,"dataPoints":[
    {"timeUnixNano":"1000000","count":"6","bucketCounts":["1","1","1","1","1","1"],
     "explicitBounds":[-2.5e-7,0.00005,0.25,1e16,1.5e23]}]}})"));
  std::set<std::string> bounds;
  for (const auto& series : batch.series)
    if (const auto bound = series.labels.get("le"); !bound.empty()) bounds.emplace(bound);
  EXPECT_THAT(bounds, ElementsAre("+Inf", "-0.00000025", "0.00005", "0.25", "10000000000000000",
                                  "150000000000000000000000"));
}

TEST(OtlpMetrics, DeltaSumsAreAddedUpAndARetryDoesNotCountTwice) {
  DeltaState deltas;
  const auto point = [](int ms, int value) {
    return metrics_json(fmt::format(
        R"({{"name":"n","sum":{{"isMonotonic":true,"aggregationTemporality":1,"dataPoints":[{{"timeUnixNano":{}000000,"asInt":{}}}]}}}})",
        ms, value));
  };
  EXPECT_THAT(lines_of(decode(point(1, 5), deltas).series), ElementsAre("n_total 5@1"));
  EXPECT_THAT(lines_of(decode(point(2, 3), deltas).series), ElementsAre("n_total 8@2"));
  EXPECT_THAT(lines_of(decode(point(2, 3), deltas).series), ElementsAre("n_total 8@2"));
  const auto late = decode(point(1, 5), deltas);
  EXPECT_TRUE(late.series.empty());
  EXPECT_EQ(late.rejected_count, 1u);
  EXPECT_THAT(late.first_rejection, HasSubstr("before the last one"));
}

/// A series that does not grow goes on, however full it is; one that would grow is refused and
/// keeps what it has.
TEST(OtlpMetrics, AHistogramThatGrowsIntoTheLastSpaceStopsNoOtherSeries) {
  DeltaState deltas({.max_bytes = 3'000, .idle = Duration{1000}});
  const Labels grows{{"__name__", "latency"}}, stays{{"__name__", "requests"}};
  const auto delta_at = [](std::int32_t offset) {
    return to_native_histogram(
               {.scale = 0, .count = 16, .positive = {offset, std::vector<std::uint64_t>(16, 1)}})
        .value();
  };
  ASSERT_TRUE(deltas.add(stays, {0, 1}, {}, {1}, kNow));
  std::int64_t end = 1;
  std::int32_t offset = 0;
  auto kept = deltas.add(grows, {0, end}, delta_at(offset), kNow);
  while (kept && end < 1'000) {
    offset += 100;
    kept = deltas.add(grows, {0, ++end}, delta_at(offset), kNow);
  }
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, ErrorCode::kExhausted);
  EXPECT_GT(end, 2) << "it never grew";
  const auto again = deltas.add(grows, {0, end + 1}, delta_at(0), kNow);
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(again->value.count, 16.0 * static_cast<double>(end)) << "all but the refused point";
  EXPECT_EQ(deltas.add(stays, {0, 2}, {}, {1}, kNow)->value, std::vector<double>{2});
  EXPECT_FALSE(deltas.add(Labels{{"__name__", "new"}}, {0, 2}, {}, std::vector<double>(100), kNow));
}

TEST(OtlpMetrics, DeltaStateRefusesASeriesBeyondItsSpace) {
  DeltaState deltas({.max_bytes = 400, .idle = Duration{1000}});
  EXPECT_TRUE(deltas.add(Labels{{"__name__", "a"}}, {0, 1}, {}, {1}, kNow));
  const auto refused = deltas.add(Labels{{"__name__", "b"}}, {0, 1}, {}, {1}, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(deltas.add(Labels{{"__name__", "b"}}, {0, 1}, {}, {1}, kNow + Duration{3'600'000}));
  EXPECT_EQ(deltas.series_count(), 1u);
}

TEST(OtlpMetrics, AFlaggedPointIsAStaleMarker) {
  const auto batch = decode(
      metrics_json(R"({"name":"g","gauge":{"dataPoints":[{"timeUnixNano":1000000,"flags":1}]}})"));
  EXPECT_THAT(lines_of(batch.series), ElementsAre("g stale@1"));
}

TEST(OtlpMetrics, ASummaryKeepsItsQuantiles) {
  const auto batch = decode(metrics_json(
      R"({"name":"s","summary":{"dataPoints":[{"timeUnixNano":1000000,"count":2,"sum":3,
    "quantileValues":[{"quantile":0.99,"value":2.5}]}]}})"));
  EXPECT_THAT(lines_of(batch.series),
              ElementsAre("s_count 2@1", "s_sum 3@1", R"(s{quantile="0.99"} 2.5@1)"));
}

TEST(OtlpMetrics, AnAttributeNamedAsABucketsBoundPartsNoSeriesOfAPoint) {
  const auto batch = decode(metrics_json(R"({"name":"h","histogram":{"aggregationTemporality":2,
    "dataPoints":[{"timeUnixNano":1000000,"count":1,"sum":3,"bucketCounts":[1],"explicitBounds":[],
      "attributes":[{"key":"le","value":{"stringValue":"x"}}]}]}},
    {"name":"s","summary":{"dataPoints":[{"timeUnixNano":1000000,"count":2,"sum":3,
      "quantileValues":[{"quantile":0.5,"value":1}],
      "attributes":[{"key":"quantile","value":{"stringValue":"x"}}]}]}},
    {"name":"g","gauge":{"dataPoints":[{"timeUnixNano":1000000,"asDouble":1,
      "attributes":[{"key":"le","value":{"stringValue":"x"}}]}]}})"));
  EXPECT_THAT(lines_of(batch.series),
              ElementsAre(R"(g{le="x"} 1@1)", R"(h_bucket{le="+Inf"} 1@1)", "h_count 1@1",
                          "h_sum 3@1", "s_count 2@1", "s_sum 3@1", R"(s{quantile="0.5"} 1@1)"));
}

TEST(OtlpMetrics, AScopesSchemaUrlIsALabel) {
  const auto batch = decode(R"({"resourceMetrics":[{"scopeMetrics":[{"scope":{"name":"lib"},
    "schemaUrl":"https://x/1.0","metrics":[
      {"name":"g","gauge":{"dataPoints":[{"timeUnixNano":1000000,"asDouble":1}]}}]}]}]})");
  EXPECT_THAT(
      lines_of(batch.series),
      ElementsAre(R"(g{otel_scope_name="lib", otel_scope_schema_url="https://x/1.0"} 1@1)"));
}

TEST(OtlpMetrics, BadPointsAreRejectedWithTheirReasonAndGoodOnesKept) {
  const auto batch =
      decode(metrics_json(R"({"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[
    {"timeUnixNano":1000000,"count":1,"bucketCounts":[1],"explicitBounds":[1,2]},
    {"timeUnixNano":2000000,"count":1,"bucketCounts":[0,1],"explicitBounds":[1]}]}})"));
  EXPECT_EQ(batch.point_count, 2u);
  EXPECT_EQ(batch.rejected_count, 1u);
  EXPECT_THAT(batch.first_rejection, HasSubstr("one bucket more"));
  EXPECT_EQ(batch.series.size(), 3u);
}

TEST(OtlpMetrics, FieldsMayComeInAnyOrder) {
  DeltaState deltas;
  std::string point, sum, metric, scope_metrics, attribute, value, resource, resource_metrics,
      request;
  protozero::pbf_writer(value).add_string(1, "api");
  protozero::pbf_writer(attribute).add_string(1, "service.name");
  protozero::pbf_writer(attribute).add_message(2, value);
  protozero::pbf_writer(resource).add_message(1, attribute);
  protozero::pbf_writer(point).add_sfixed64(6, 7);
  protozero::pbf_writer(point).add_fixed64(3, 1'000'000);
  protozero::pbf_writer(sum).add_message(1, point);
  protozero::pbf_writer(sum).add_bool(3, true);
  protozero::pbf_writer(sum).add_enum(2, 2);
  protozero::pbf_writer(metric).add_message(7, sum);
  protozero::pbf_writer(metric).add_string(1, "n");
  protozero::pbf_writer(scope_metrics).add_message(2, metric);
  protozero::pbf_writer(resource_metrics).add_message(2, scope_metrics);
  protozero::pbf_writer(resource_metrics).add_message(1, resource);
  protozero::pbf_writer(request).add_message(1, resource_metrics);
  const auto batch = decode_metrics(request, deltas, kNow, {});
  ASSERT_TRUE(batch);
  EXPECT_THAT(lines_of(batch->series), ElementsAre(R"(n_total{job="api"} 7@1)"));

  for (std::size_t length = 1; length < request.size(); ++length) {
    DeltaState fresh;
    const auto cut = decode_metrics(std::string_view(request).substr(0, length), fresh, kNow, {});
    ASSERT_FALSE(cut) << "cut after " << length;
    EXPECT_EQ(cut.error().code, ErrorCode::kInvalid);
  }
}

TEST(OtlpMetrics, AFieldOfTheWrongWireTypeIsSkipped) {
  // Every field number of every message, as each wire type, at each depth: read or refused, never
  // more.
  const auto wrap = [](std::string inner, std::initializer_list<int> path) {
    for (int number : path) {
      std::string outer;
      protozero::pbf_writer(outer).add_message(static_cast<protozero::pbf_tag_type>(number), inner);
      inner = std::move(outer);
    }
    return inner;
  };
  const std::initializer_list<int> paths[] = {{},
                                              {1},
                                              {1, 1},
                                              {2, 1},
                                              {1, 2, 1},
                                              {2, 2, 1},
                                              {5, 2, 2, 1},
                                              {7, 2, 2, 1},
                                              {9, 2, 2, 1},
                                              {11, 2, 2, 1},
                                              {15, 2, 2, 1},
                                              {1, 5, 2, 2, 1},
                                              {1, 7, 2, 2, 1},
                                              {1, 9, 2, 2, 1},
                                              {1, 10, 2, 2, 1},
                                              {1, 11, 2, 2, 1},
                                              {8, 1, 10, 2, 2, 1},
                                              {6, 1, 11, 2, 2, 1}};
  for (const auto& path : paths) {
    for (protozero::pbf_tag_type number = 1; number < 17; ++number) {
      std::string varint, fixed64, fixed32, bytes;
      protozero::pbf_writer(varint).add_uint64(number, 1);
      protozero::pbf_writer(fixed64).add_fixed64(number, 1);
      protozero::pbf_writer(fixed32).add_fixed32(number, 1);
      protozero::pbf_writer(bytes).add_bytes(number, "12345678");
      for (const auto& field : {varint, fixed64, fixed32, bytes}) {
        DeltaState deltas;
        (void)decode_metrics(wrap(field, path), deltas, kNow, {});
        (void)decode_logs(wrap(field, path), kNow, {});
        (void)decode_spans(wrap(field, path), kNow, {});
      }
    }
  }
}

TEST(OtlpExponential, ScalesAboveEightAreReducedAndIndexesShiftByOne) {
  ExponentialPoint point;
  point.scale = 9;
  point.positive = {0, {1, 2, 3, 4}};
  point.zero_count = 5;
  point.count = 15;
  point.sum = 7;
  const auto native = to_native_histogram(point);
  ASSERT_TRUE(native);
  EXPECT_EQ(native->schema, 8);
  EXPECT_EQ(native->zero_threshold, 1e-128);
  ASSERT_EQ(native->positive_spans.size(), 1u);
  EXPECT_EQ(native->positive_spans[0].offset, 1);
  EXPECT_THAT(native->positive_counts, ElementsAre(3, 7));
  point.scale = -5;
  EXPECT_EQ(to_native_histogram(point).error().code, ErrorCode::kUnsupported);
  point.scale = 0;
  point.count = 16;
  EXPECT_EQ(to_native_histogram(point).error().code, ErrorCode::kInvalid);
}

TEST(OtlpExponential, AddingKeepsTheCoarserSchema) {
  ExponentialPoint a, b;
  a.scale = 1;
  a.positive = {0, {1, 1}};  // native 1, 2 -> at schema 0: 1, 1
  a.count = 2;
  b.scale = 0;
  b.positive = {9, {4}};  // native 10
  b.count = 4;
  const auto sum = add_histograms(*to_native_histogram(a), *to_native_histogram(b));
  EXPECT_EQ(sum.schema, 0);
  EXPECT_EQ(sum.count, 6);
  ASSERT_EQ(sum.positive_spans.size(), 2u);
  EXPECT_EQ(sum.positive_spans[0].offset, 1);
  EXPECT_EQ(sum.positive_spans[1].offset, 8);
  EXPECT_THAT(sum.positive_counts, ElementsAre(2, 4));
}

TEST(OtlpExponential, AZeroBucketThatGrowsTakesInWhatItCovers) {
  ExponentialPoint a, b;
  a.positive = {-2, {1, 1, 1}};  // (0.25,0.5], (0.5,1], (1,2]
  a.negative = {-2, {4}};        // [-0.5,-0.25)
  a.count = 7;
  b.zero_threshold = 0.6;
  b.zero_count = 2;
  b.positive = {0, {1}};
  b.count = 3;
  for (const auto& [left, right] : {std::pair{a, b}, std::pair{b, a}}) {
    const auto sum = add_histograms(*to_native_histogram(left), *to_native_histogram(right));
    EXPECT_EQ(sum.zero_threshold, 1) << "to the end of the bucket that 0.6 cuts";
    EXPECT_EQ(sum.zero_count, 8);
    EXPECT_THAT(sum.positive_counts, ElementsAre(2));
    EXPECT_EQ(sum.positive_spans.at(0).offset, 1);
    EXPECT_TRUE(sum.negative_counts.empty());
    EXPECT_EQ(sum.count, 10);
  }
}

TEST(OtlpExponential, BucketsWithinTheirOwnZeroBucketAreCountedThere) {
  ExponentialPoint point;
  point.zero_threshold = 0.6;
  point.positive = {-2, {1, 2, 3}};  // the second is cut, and stays
  point.count = 6;
  const auto native = to_native_histogram(point);
  ASSERT_TRUE(native);
  EXPECT_EQ(native->zero_threshold, 0.6);
  EXPECT_EQ(native->zero_count, 1);
  EXPECT_THAT(native->positive_counts, ElementsAre(2, 3));
}

TEST(OtlpLogs, ALogRecordKeepsItsResourceAndIds) {
  const auto batch = decode_logs(transcode(Signal::kLogs, R"({"resourceLogs":[{
    "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}}]},
    "scopeLogs":[{"scope":{"name":"logger"},"logRecords":[{"timeUnixNano":"1500000000","severityNumber":17,"severityText":"ERROR",
      "body":{"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":1},{"boolValue":true}]}}}]}},
      "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174",
      "attributes":[{"key":"user","value":{"doubleValue":1.5}}]}]}]}]})"),
                                 kNow, {});
  ASSERT_TRUE(batch) << to_string(batch.error());
  ASSERT_EQ(batch->records.size(), 1u);
  const auto& record = batch->records[0];
  EXPECT_EQ(record.time, from_unix_ms(1500));
  EXPECT_EQ(record.severity, 17);
  EXPECT_EQ(record.service, "api");
  EXPECT_EQ(record.body, R"({"k":[1,true]})");
  EXPECT_EQ(record.trace_id, "5b8efff798038103d269b633813fc60c");
  EXPECT_EQ(record.span_id, "eee19b7ec3c1b174");
  EXPECT_EQ(to_string(record.attributes),
            R"({"otel.scope.name"="logger", "resource.service.name"="api", user="1.5"})");
}

TEST(OtlpLogs, NestingBeyondTheLimitRefusesTheRequest) {
  std::string value;
  for (int i = 0; i < 100; ++i) {
    std::string list, outer;
    protozero::pbf_writer(list).add_message(1, value);
    protozero::pbf_writer(outer).add_message(5, list);
    value = outer;
  }
  std::string record, scope, resource, request;
  protozero::pbf_writer(record).add_message(5, value);
  protozero::pbf_writer(scope).add_message(2, record);
  protozero::pbf_writer(resource).add_message(2, scope);
  protozero::pbf_writer(request).add_message(1, resource);
  const auto batch = decode_logs(request, kNow, {});
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, ErrorCode::kTooLarge);
}

TEST(OtlpAttributes, OfTooManyNoMoreAreHeldThanIsNeededToSaySo) {
  const DecodeLimits limits;
  std::vector<Label> attributes;
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(add_attribute({}, limits, attributes));
  EXPECT_EQ(attributes.size(), limits.max_attributes + 1);
  EXPECT_THAT(over_limit(attributes, limits), HasSubstr("more than the 256"));
}

TEST(OtlpAttributes, ARequestWithTooManySaysSoWhereverTheyAre) {
  std::string many = "[";
  for (int i = 0; i < 1'000; ++i)
    many += fmt::format(R"({}{{"key":"k{}","value":{{"intValue":1}}}})", i == 0 ? "" : ",", i);
  many += "]";
  const auto request = [](std::string_view resource, std::string_view scope,
                          std::string_view point) {
    return fmt::format(
        R"({{"resourceMetrics":[{{"resource":{{"attributes":{}}},"scopeMetrics":[{{"scope":{{"attributes":{}}},)"
        R"("metrics":[{{"name":"m","gauge":{{"dataPoints":[{{"timeUnixNano":"1000000","asDouble":1,"attributes":{}}}]}}}}]}}]}}]}})",
        resource, scope, point);
  };
  for (const auto& body :
       {request(many, "[]", "[]"), request("[]", many, "[]"), request("[]", "[]", many)}) {
    const auto batch = decode(body);
    EXPECT_EQ(batch.rejected_count, 1u);
    EXPECT_THAT(batch.first_rejection, HasSubstr("more than the 256 attributes"));
  }
  EXPECT_EQ(decode(request("[]", "[]", "[]")).rejected_count, 0u);
}

constexpr std::string_view kSpans = R"({"resourceSpans":[{
    "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}}]},
    "scopeSpans":[{"spans":[
      {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","name":"GET /",
       "kind":2,"startTimeUnixNano":"1000","endTimeUnixNano":"2000","status":{"code":2,"message":"boom"},
       "events":[{"name":"exception","timeUnixNano":"1500","attributes":[{"key":"exception.type","value":{"stringValue":"E"}}]}]},
      {"traceId":"00000000000000000000000000000000","spanId":"eee19b7ec3c1b174","name":"x","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]})";

TEST(OtlpTraces, ASpanKeepsItsEventsAndABadOneIsRejected) {
  const auto batch = decode_spans(transcode(Signal::kTraces, kSpans), kNow, {});
  ASSERT_TRUE(batch) << to_string(batch.error());
  ASSERT_EQ(batch->records.size(), 1u);
  EXPECT_EQ(batch->rejected_count, 1u);
  EXPECT_THAT(batch->first_rejection, HasSubstr("trace id"));
  const auto& span = batch->records[0];
  EXPECT_EQ(span.kind, "server");
  EXPECT_EQ(span.status, "error");
  EXPECT_EQ(span.status_message, "boom");
  EXPECT_EQ(span.parent_span_id, "eee19b7ec3c1b173");
  EXPECT_EQ(span.start_ns, 1000);
  EXPECT_EQ(span.end_ns, 2000);
  EXPECT_EQ(span.attributes.get("span.events"),
            R"([{"attributes":{"exception.type":"E"},"name":"exception","time_ns":"1500"}])");
}

TEST(OtlpJson, UnknownFieldsAreIgnoredAndWrongTypesNamed) {
  EXPECT_TRUE(json_to_protobuf(Signal::kLogs, R"({"resourceLogs":[],"new":{"a":[1]}})"));
  const auto wrong = json_to_protobuf(
      Signal::kMetrics, R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":5}]}]}]})");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().context, "resourceMetrics.scopeMetrics.metrics.name");
  EXPECT_FALSE(json_to_protobuf(Signal::kLogs, "{\"resourceLogs\":"));
  EXPECT_FALSE(json_to_protobuf(Signal::kLogs, "{\"a\":\"\xff\"}"));
  EXPECT_FALSE(json_to_protobuf(Signal::kLogs, ""));
  const auto deep = json_to_protobuf(Signal::kLogs, std::string(10'000, '['));
  ASSERT_FALSE(deep);
}

class OtlpHttp : public ::testing::Test {
 protected:
  http::Response post(std::string path, std::string type, std::string body) {
    http::Router router;
    for (auto& route : otlp_routes(receiver_, runtime_.runtime().workers, {}))
      router.add(std::move(route));
    const auto match = router.match("POST", path);
    http::Request request;
    request.headers = {{"Content-Type", type}};
    request.body = std::move(body);
    std::optional<http::Response> answer;
    match.route->handler(std::move(request),
                         [&](http::Response response) { answer = std::move(response); });
    runtime_.run_ready();
    return answer.value();
  }

  VirtualRuntime runtime_;
  testing::RecordingMetrics metrics_;
  testing::RecordingSignals signals_;
  OtlpReceiver receiver_{
      runtime_.runtime().clock,
      metrics_,
      signals_,
      {.limits = {}, .deltas = {}, .max_request_bytes = 10'000, .max_pending_bytes = 20'000}};
};

TEST_F(OtlpHttp, AnswersInTheRequestsTypeAndTellsOfPartialSuccess) {
  const auto json = post("/v1/traces", "application/json; charset=utf-8", std::string(kSpans));
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(
      json.body,
      R"({"partialSuccess":{"errorMessage":"a span without a valid trace id","rejectedSpans":"1"}})");
  EXPECT_EQ(signals_.kept_spans.size(), 1u);

  const auto binary =
      post("/v1/traces", "application/x-protobuf", transcode(Signal::kTraces, kSpans));
  EXPECT_EQ(binary.status, 200);
  EXPECT_EQ(http::find_header(binary.headers, "content-type"), "application/x-protobuf");
  protozero::pbf_reader response(binary.body);
  ASSERT_TRUE(response.next(1));
  auto partial = response.get_message();
  ASSERT_TRUE(partial.next(1));
  EXPECT_EQ(partial.get_int64(), 1);
}

TEST_F(OtlpHttp, RefusesWhatItCannotReadAndKeepsNothing) {
  EXPECT_EQ(post("/v1/metrics", "text/plain", "x").status, 415);
  const auto bad = post("/v1/metrics", "application/x-protobuf", "\x0a\xff");
  EXPECT_EQ(bad.status, 400);
  protozero::pbf_reader status(bad.body);
  ASSERT_TRUE(status.next(1));
  EXPECT_EQ(status.get_int32(), 3);
  EXPECT_EQ(post("/v1/logs", "application/json", "{").status, 400);
  EXPECT_EQ(post("/v1/logs", "application/json", std::string(10'001, ' ')).status, 413);
  EXPECT_TRUE(metrics_.written.empty());
}

/// Takes nothing from before `oldest_ms`, and no target_info.
class PickyMetrics : public testing::RecordingMetrics {
 public:
  explicit PickyMetrics(std::int64_t oldest_ms) : oldest_ms_(oldest_ms) {}

  Result<WriteOutcome> write(std::vector<SeriesWrite> series) override {
    WriteOutcome refused{.first_rejection = "too old"};
    for (std::size_t i = 0; i < series.size(); ++i) {
      const bool is_info = series[i].labels.metric_name() == "target_info";
      const auto look_at = [&](const auto& samples) {
        for (const auto& sample : samples)
          if (is_info || sample.time_ms < oldest_ms_)
            refused.rejections.push_back({i, sample.time_ms});
      };
      look_at(series[i].samples);
      look_at(series[i].histograms);
    }
    refused.rejected = refused.rejections.size();
    return refused;
  }

 private:
  std::int64_t oldest_ms_;
};

TEST(OtlpReceiver, CountsPointsThatTheStoreRefusesAndNotTheirSamples) {
  VirtualRuntime runtime;
  PickyMetrics metrics(1'000);
  testing::RecordingSignals signals;
  OtlpReceiver receiver(runtime.runtime().clock, metrics, signals);
  const auto rejected = [&](std::string_view metric) {
    const auto receipt = receiver.receive(
        Signal::kMetrics,
        transcode(Signal::kMetrics,
                  metrics_json(metric, R"([{"key":"service.name","value":{"stringValue":"a"}},
                                     {"key":"host.name","value":{"stringValue":"h"}}])")));
    EXPECT_TRUE(receipt) << to_string(receipt.error());
    return receipt ? receipt->rejected_count : -1;
  };
  EXPECT_EQ(rejected(R"({"name":"g","gauge":{"dataPoints":[
              {"timeUnixNano":1000000000,"asDouble":1},{"timeUnixNano":2000000000,"asDouble":1}]}})"),
            0)
      << "target_info is no point";
  EXPECT_EQ(rejected(R"({"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[
              {"timeUnixNano":1000000,"count":3,"sum":5,"bucketCounts":[1,1,1],"explicitBounds":[1,2]},
              {"timeUnixNano":2000000,"count":1,"bucketCounts":[1],"explicitBounds":[1,2]},
              {"timeUnixNano":2000000000,"count":0,"bucketCounts":[0],"explicitBounds":[]}]}},
              {"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
              {"timeUnixNano":1000000,"count":1,"sum":1,"scale":0,"zeroCount":1}]}})"),
            3)
      << "two that the store refuses, and one that is malformed";
}

TEST(OtlpReceiver, OfTwoPointsAtOneTimeTheStoreRefusesOne) {
  MetricsBatch batch;
  batch.point_samples = {{0, 5, 1}, {0, 5, 2}, {1, 5, 3}};
  EXPECT_EQ(rejected_points(batch, {{0, 5}}), 1u);
  EXPECT_EQ(rejected_points(batch, {{0, 5}, {0, 5}, {1, 6}}), 2u);
}

TEST_F(OtlpHttp, AStoreWithoutSpaceAsksTheSenderToComeBack) {
  metrics_.failure = Error{ErrorCode::kNoSpace, "the disk is full", {}};
  const auto answer =
      post("/v1/metrics", "application/json",
           metrics_json(
               R"({"name":"g","gauge":{"dataPoints":[{"timeUnixNano":1000000,"asDouble":1}]}})"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(http::find_header(answer.headers, "retry-after"), "1");
}

TEST_F(OtlpHttp, OverloadIsToldBeforeAnythingIsDecoded) {
  auto first = receiver_.admit(10'000), second = receiver_.admit(10'000);
  ASSERT_TRUE(first && second);
  const auto answer = post("/v1/logs", "application/json", "{}");
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(http::find_header(answer.headers, "retry-after"), "1");
}

}  // namespace
}  // namespace wellrun::telemetry::otlp
