#include "telemetry/remote_write.h"

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <protozero/pbf_writer.hpp>
#include <snappy.h>

#include "telemetry/remote_write_decode.h"
#include "telemetry/store/label_bytes.h"

namespace wellrun::telemetry {
namespace {

using protozero::pbf_writer;

/// Keeps what it is given.
class Recorder : public MetricWriter {
 public:
  Result<WriteOutcome> write(std::vector<SeriesWrite> series) override {
    WriteOutcome outcome;
    for (auto& one : series) {
      outcome.samples_written += one.samples.size();
      outcome.histograms_written += one.histograms.size();
      written.push_back(std::move(one));
    }
    return outcome;
  }
  void put_metadata(std::vector<Metadata> given) override {
    metadata.insert(metadata.end(), given.begin(), given.end());
  }
  std::vector<SeriesWrite> written;
  std::vector<Metadata> metadata;
};

http::Request request_of(const std::string& plain,
                         std::string content_type = "application/x-protobuf") {
  http::Request request;
  request.method = "POST";
  snappy::Compress(plain.data(), plain.size(), &request.body);
  request.headers = {{"Content-Type", std::move(content_type)}, {"Content-Encoding", "snappy"}};
  return request;
}

void add_sample(pbf_writer& series, double value, std::int64_t time) {
  pbf_writer sample(series, 2);
  sample.add_double(1, value);
  sample.add_int64(2, time);
}

std::string body_1(const std::vector<std::pair<std::string, std::string>>& labels) {
  std::string plain;
  pbf_writer message(plain);
  {
    pbf_writer series(message, 1);
    for (const auto& [name, value] : labels) {
      pbf_writer label(series, 1);
      label.add_string(1, name);
      label.add_string(2, value);
    }
    add_sample(series, 1.5, 1000);
    add_sample(series, 2.5, 2000);
  }
  pbf_writer metadata(message, 3);
  metadata.add_enum(1, 1);
  metadata.add_string(2, "m_total");
  metadata.add_string(4, "How many.");
  return plain;
}

TEST(RemoteWrite, VersionOneIsStored) {
  Recorder recorder;
  ExemplarStore exemplars;
  const auto response = receive_remote_write(
      request_of(body_1({{"job", "shop"}, {"__name__", "m_total"}})), recorder, exemplars);
  EXPECT_EQ(response.status, 204) << response.body;
  ASSERT_EQ(recorder.written.size(), 1U);
  EXPECT_EQ(recorder.written[0].labels, (Labels{{"__name__", "m_total"}, {"job", "shop"}}));
  ASSERT_EQ(recorder.written[0].samples.size(), 2U);
  EXPECT_EQ(recorder.written[0].samples[1].value, 2.5);
  ASSERT_EQ(recorder.metadata.size(), 1U);
  EXPECT_EQ(recorder.metadata[0].type, "counter");
}

TEST(RemoteWrite, BadLabelsAreRefusedWithTheReason) {
  const std::vector<std::pair<std::vector<std::pair<std::string, std::string>>, std::string>>
      cases = {
          {{{"__name__", "m"}, {"", "x"}}, "empty name"},
          {{{"__name__", "m"}, {"a", "1"}, {"a", "2"}}, "given twice"},
          {{{"__name__", "m"}, {"a", "\xff"}}, "UTF-8"},
          {{{"a", "1"}}, "no metric name"},
          {{{"__name__", "m"}, {"a", std::string(100'000, 'x')}}, "limit"},
      };
  for (const auto& [labels, reason] : cases) {
    Recorder recorder;
    ExemplarStore exemplars;
    const auto response = receive_remote_write(request_of(body_1(labels)), recorder, exemplars);
    EXPECT_EQ(response.status, 400) << reason;
    EXPECT_NE(response.body.find(reason), std::string::npos) << response.body;
    EXPECT_TRUE(recorder.written.empty());
  }
}

std::string times(std::size_t count, std::string_view bytes) {
  std::string out;
  out.reserve(count * bytes.size());
  while (count-- > 0) out += bytes;
  return out;
}

TEST(RemoteWrite, WhatWouldBecomeGigabytesIsRefused) {
  const auto in_series = [](const std::string& fields) {
    std::string plain;
    pbf_writer(plain).add_message(1, fields);
    return plain;
  };
  const std::pair<const char*, std::string> cases[] = {
      {"empty series", times(4'000'000, {"\x0a\x00", 2})},
      {"empty samples", in_series(times(4'000'000, {"\x12\x00", 2}))},
      {"empty exemplars", in_series(times(4'000'000, {"\x1a\x00", 2}))},
      {"exemplars with empty labels", in_series(times(1'000'000, {"\x1a\x04\x0a\x00\x0a\x00", 6}))},
      {"empty histograms", in_series(times(2'000'000, {"\x22\x00", 2}))},
      {"metadata", times(2'000'000, {"\x1a\x03\x12\x01m", 5})},
  };
  for (const auto& [what, plain] : cases) {
    const auto decoded = decode_remote_write_1(plain);
    ASSERT_FALSE(decoded) << what;
    EXPECT_EQ(decoded.error().code, ErrorCode::kTooLarge) << what;
  }
  Recorder recorder;
  ExemplarStore exemplars;
  EXPECT_EQ(receive_remote_write(request_of(cases[4].second), recorder, exemplars).status, 413);
}

TEST(RemoteWrite, ASymbolThatIsUsedAThousandTimesIsCountedAsOften) {
  std::string plain;
  pbf_writer message(plain);
  for (const auto& symbol : {std::string(), std::string("m"), std::string(60'000, 'x')})
    message.add_string(4, symbol);
  for (int i = 0; i < 50; ++i) {
    pbf_writer series(message, 5);
    const std::vector<std::uint32_t> references(200, 2);
    series.add_packed_uint32(1, references.begin(), references.end());
  }
  const auto decoded = decode_remote_write_2(plain);
  ASSERT_FALSE(decoded) << "600 MB from 70 KB";
  EXPECT_EQ(decoded.error().code, ErrorCode::kTooLarge);
}

TEST(RemoteWrite, VersionTwoIsStoredAndCounted) {
  std::string plain;
  pbf_writer message(plain);
  for (const char* symbol : {"", "__name__", "m", "job", "shop", "Help.", "trace_id", "abc"})
    message.add_string(4, symbol);
  {
    pbf_writer series(message, 5);
    const std::vector<std::uint32_t> references = {1, 2, 3, 4};
    series.add_packed_uint32(1, references.begin(), references.end());
    {
      pbf_writer sample(series, 2);
      sample.add_double(1, 7);
      sample.add_int64(2, 1000);
      sample.add_int64(3, 400);  // when the counter began
    }
    {
      pbf_writer histogram(series, 3);
      histogram.add_uint64(1, 6);
      histogram.add_double(3, 10);
      histogram.add_sint32(4, 2);
      {
        pbf_writer span(histogram, 11);
        span.add_sint32(1, -1);
        span.add_uint32(2, 3);
      }
      const std::vector<std::int64_t> deltas = {1, 1, 1};
      histogram.add_packed_sint64(12, deltas.begin(), deltas.end());
      histogram.add_int64(15, 2000);
      histogram.add_int64(17, 500);
    }
    {
      pbf_writer exemplar(series, 4);
      const std::vector<std::uint32_t> labels = {6, 7};
      exemplar.add_packed_uint32(1, labels.begin(), labels.end());
      exemplar.add_double(2, 1);
      exemplar.add_int64(3, 1000);
    }
    pbf_writer metadata(series, 5);
    metadata.add_enum(1, 2);
    metadata.add_uint32(3, 5);
  }
  Recorder recorder;
  ExemplarStore exemplars;
  const auto response = receive_remote_write(
      request_of(plain, "application/x-protobuf;proto=io.prometheus.write.v2.Request"), recorder,
      exemplars);
  EXPECT_EQ(response.status, 204) << response.body;
  EXPECT_EQ(http::find_header(response.headers, "X-Prometheus-Remote-Write-Samples-Written"), "1");
  EXPECT_EQ(http::find_header(response.headers, "X-Prometheus-Remote-Write-Histograms-Written"),
            "1");
  ASSERT_EQ(recorder.written.size(), 1U);
  EXPECT_EQ(recorder.written[0].labels, (Labels{{"__name__", "m"}, {"job", "shop"}}));
  EXPECT_EQ(recorder.written[0].histograms[0].histogram->positive_counts,
            (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(recorder.written[0].sample_starts, std::vector<std::int64_t>{400});
  EXPECT_EQ(recorder.written[0].histogram_starts, std::vector<std::int64_t>{500});
  EXPECT_EQ(http::find_header(response.headers, "X-Prometheus-Remote-Write-Exemplars-Written"),
            "1");
  const auto kept = exemplars.select({}, {0, 2000});
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].series, recorder.written[0].labels);
  EXPECT_EQ(kept[0].exemplars[0].labels, (Labels{{"trace_id", "abc"}}));
  ASSERT_EQ(recorder.metadata.size(), 1U);
  EXPECT_EQ(recorder.metadata[0].help, "Help.");
  EXPECT_EQ(recorder.metadata[0].family, "m");
}

/// Senders do not repeat what was answered with 400: one bad series must not cost the others.
TEST(RemoteWrite, ABadHistogramIsRefusedAloneAndNamed) {
  std::string plain;
  {
    pbf_writer message(plain);
    for (const bool good : {false, true}) {
      pbf_writer series(message, 1);
      {
        pbf_writer label(series, 1);
        label.add_string(1, "__name__");
        label.add_string(2, good ? "good" : "bad");
      }
      if (good) add_sample(series, 1, 1000);
      pbf_writer histogram(series, 4);
      histogram.add_sint32(4, good ? 2 : 99);
      histogram.add_int64(15, 2000);
    }
  }
  Recorder recorder;
  ExemplarStore exemplars;
  const auto response = receive_remote_write(request_of(plain), recorder, exemplars);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            "1 of 3 samples were refused, the others are stored; the first: a native histogram at "
            "2000 ms is refused: its schema is 99; -4 to 52 and -53 are known, in series bad\n");
  ASSERT_EQ(recorder.written.size(), 1U);
  EXPECT_EQ(recorder.written[0].labels.metric_name(), "good");
  EXPECT_EQ(recorder.written[0].samples.size(), 1U);
  EXPECT_EQ(recorder.written[0].histograms.size(), 1U);
}

TEST(RemoteWrite, ASymbolThatDoesNotExistCostsItsSeriesAlone) {
  std::string plain;
  {
    pbf_writer message(plain);
    for (const char* symbol : {"", "__name__", "first", "last"}) message.add_string(4, symbol);
    for (const std::uint32_t name : {2U, 99U, 3U}) {
      pbf_writer series(message, 5);
      const std::vector<std::uint32_t> references = {1, name};
      const std::vector<std::uint32_t> odd = {1};
      for (int i = 0; i < 2; ++i) {
        pbf_writer sample(series, 2);
        sample.add_double(1, name);
        sample.add_int64(2, 1000 + i);
        sample.add_int64(3, 500);
      }
      series.add_packed_uint32(1, references.begin(), references.end());
      pbf_writer exemplar(series, 4);
      exemplar.add_packed_uint32(1, odd.begin(), odd.end());
    }
  }
  Recorder recorder;
  ExemplarStore exemplars;
  const std::string type = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
  const auto response = receive_remote_write(request_of(plain, type), recorder, exemplars);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            "2 of 6 samples were refused, the others are stored; the first: symbol 99 is referred "
            "to; there are 4, in series 2 of the request\n");
  EXPECT_EQ(http::find_header(response.headers, "X-Prometheus-Remote-Write-Samples-Written"), "4");
  ASSERT_EQ(recorder.written.size(), 2U);
  EXPECT_EQ(recorder.written[0].labels.metric_name(), "first");
  EXPECT_EQ(recorder.written[1].labels.metric_name(), "last");
  EXPECT_EQ(recorder.written[1].samples[0].value, 3);
  EXPECT_EQ(recorder.written[1].sample_starts, (std::vector<std::int64_t>{500, 500}));
  EXPECT_EQ(exemplars.size(), 0U);
}

TEST(RemoteWrite, ASeriesWithoutSamplesWhoseSymbolDoesNotExistIsRefusedToo) {
  std::string plain;
  {
    pbf_writer message(plain);
    message.add_string(4, "");
    pbf_writer series(message, 5);
    const std::vector<std::uint32_t> references = {1, 9};
    series.add_packed_uint32(1, references.begin(), references.end());
  }
  const auto decoded = decode_remote_write_2(plain);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->rejected, 1U);
}

TEST(RemoteWrite, VersionTwoIsToldHowMuchWasWrittenWhenNothingWas) {
  Recorder recorder;
  ExemplarStore exemplars;
  const std::string type = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
  const auto broken = receive_remote_write(request_of("\xff", type), recorder, exemplars);
  EXPECT_EQ(broken.status, 400);
  for (const char* what : {"Samples", "Histograms", "Exemplars"})
    EXPECT_EQ(http::find_header(broken.headers,
                                fmt::format("X-Prometheus-Remote-Write-{}-Written", what)),
              "0");
}

/// It is stored and served to everybody: one sender must not break their answers.
TEST(RemoteWrite, ADescriptionThatIsNotUtf8IsLeftOut) {
  std::string one;
  {
    pbf_writer message(one);
    for (const char* help : {"h\xff\xfe", "Help."}) {
      pbf_writer metadata(message, 3);
      metadata.add_string(2, "m");
      metadata.add_string(4, help);
    }
  }
  std::string two;
  {
    pbf_writer message(two);
    for (const char* symbol : {"", "__name__", "a", "b", "h\xff\xfe", "Help."})
      message.add_string(4, symbol);
    for (std::uint32_t i = 0; i < 2; ++i) {
      pbf_writer series(message, 5);
      const std::vector<std::uint32_t> references = {1, 2 + i};
      series.add_packed_uint32(1, references.begin(), references.end());
      pbf_writer metadata(series, 5);
      metadata.add_uint32(3, 4 + i);
    }
  }
  for (const auto& decoded : {decode_remote_write_1(one), decode_remote_write_2(two)}) {
    ASSERT_TRUE(decoded) << to_string(decoded.error());
    ASSERT_EQ(decoded->metadata.size(), 1U);
    EXPECT_EQ(decoded->metadata[0].help, "Help.");
  }
}

TEST(RemoteWrite, AHistogramWhoseZeroBucketIsNoBucketIsRefused) {
  const auto fault = [](double threshold, double count) {
    Histogram h;
    h.zero_threshold = threshold;
    h.zero_count = count;
    return fault_of_histogram(h, WireCounts::kFloats).value_or("");
  };
  EXPECT_EQ(fault(0, 0), "");
  EXPECT_EQ(fault(0.001, 3), "");
  for (const double threshold : {std::nan(""), -0.001, HUGE_VAL})
    EXPECT_TRUE(fault(threshold, 0).contains("zero threshold")) << threshold;
  for (const double count : {std::nan(""), -1.0})
    EXPECT_TRUE(fault(0.001, count).contains("zero count")) << count;
}

/// What Prometheus' Validate refuses.
TEST(RemoteWrite, AHistogramThatContradictsItselfIsRefused) {
  const auto fault = [](auto change, WireCounts counts = WireCounts::kIntegers) {
    Histogram h{.zero_threshold = 0.001, .zero_count = 1, .count = 6, .sum = 10};
    h.positive_spans = {{0, 2}};
    h.positive_counts = {2, 3};
    change(h);
    return fault_of_histogram(h, counts).value_or("");
  };
  using H = Histogram&;
  EXPECT_EQ(fault([](H) {}), "");
  EXPECT_EQ(fault([](H h) { h.count = 99; }),
            "its buckets hold 6 observations, and its count is 99");
  EXPECT_NE(fault([](H h) { h.count = 5; }), "");
  EXPECT_EQ(fault([](H h) { h.count = 5.5; }, WireCounts::kFloats), "") << "floats are rounded";
  const auto nan_sum = [](double count) {
    return [count](H h) { h.sum = std::nan(""), h.count = count; };
  };
  EXPECT_EQ(fault(nan_sum(99)), "");
  EXPECT_NE(fault(nan_sum(5)), "");
  EXPECT_EQ(fault([](H h) { h.sum = stale_marker(), h.count = 0; }), "");
  EXPECT_EQ(fault([](H h) { h.count = 1e18, h.positive_counts = {5e17, 5e17 - 1}; }), "")
      << "beyond what a double adds up";
  EXPECT_EQ(fault([](H h) { h.count = -6; }, WireCounts::kFloats), "its count is -6");
  EXPECT_EQ(fault([](H h) { h.count = std::nan(""); }, WireCounts::kFloats), "");
  EXPECT_NE(fault([](H h) { h.positive_counts = {8, -3}; }), "");
  constexpr auto kLowest = std::numeric_limits<std::int32_t>::min();
  for (const auto offset : {2'147'483'647, 2'000'000'000, -2'000'000'000, kLowest})
    EXPECT_EQ(fault([&](H h) { h.positive_spans = {{offset, 2}}; }),
              "a bucket's index is out of range");
}

TEST(RemoteWrite, CustomBucketsThatDoNotFitTheirBoundsAreRefused) {
  const auto fault = [](auto change) {
    Histogram h{.schema = kCustomBucketsSchema, .count = 5, .sum = 10};
    h.custom_bounds = {1, 2};
    h.positive_spans = {{1, 2}};
    h.positive_counts = {2, 3};
    change(h);
    return fault_of_histogram(h, WireCounts::kIntegers).value_or("");
  };
  using H = Histogram&;
  EXPECT_EQ(fault([](H) {}), "");
  EXPECT_EQ(fault([](H h) { h.custom_bounds = {-HUGE_VAL, 2}; }), "");
  EXPECT_NE(fault([](H h) { h.custom_bounds = {2, 2}; }), "");
  EXPECT_NE(fault([](H h) { h.custom_bounds = {1, HUGE_VAL}; }), "");
  EXPECT_NE(fault([](H h) { h.custom_bounds = {std::nan(""), 2}; }), "");
  EXPECT_NE(fault([](H h) { h.custom_bounds = {1}; }), "") << "the gap counts";
  EXPECT_NE(fault([](H h) { h.positive_spans = {{-1, 2}}; }), "");
  EXPECT_NE(fault([](H h) { h.zero_threshold = 0.1; }), "");
  EXPECT_NE(fault([](H h) { h.zero_count = 1, h.count = 6; }), "");
  EXPECT_NE(fault([](H h) { h.negative_spans = {{0, 1}}, h.negative_counts = {0}; }), "");
}

TEST(RemoteWrite, AReservedSchemaIsReducedToTheFinestThatIsKept) {
  Histogram h{.schema = 10, .count = 6, .sum = 10};
  h.positive_spans = {{1, 5}};
  h.positive_counts = {1, 1, 1, 1, 2};
  EXPECT_FALSE(fault_of_histogram(h, WireCounts::kIntegers));
  const auto kept = in_kept_schema(h);
  EXPECT_EQ(kept.schema, 8);
  EXPECT_EQ(kept.positive_counts, (std::vector<double>{4, 2}));
  EXPECT_EQ(kept.positive_spans.at(0).offset, 1);
  h.schema = 53;
  EXPECT_TRUE(fault_of_histogram(h, WireCounts::kIntegers));
  h.schema = -5;
  EXPECT_TRUE(fault_of_histogram(h, WireCounts::kIntegers));
}

TEST(RemoteWrite, WhatItDoesNotSpeakIs415AndWhatIsBrokenIs400) {
  Recorder recorder;
  ExemplarStore exemplars;
  const auto plain = body_1({{"__name__", "m"}});
  EXPECT_EQ(receive_remote_write(request_of(plain, "application/json"), recorder, exemplars).status,
            415);
  EXPECT_EQ(receive_remote_write(request_of(plain, "application/x-protobuf;proto=other"), recorder,
                                 exemplars)
                .status,
            415);
  auto gzip = request_of(plain);
  gzip.headers[1].value = "gzip";
  EXPECT_EQ(receive_remote_write(gzip, recorder, exemplars).status, 415);
  auto broken = request_of(plain);
  for (std::size_t length = 1; length < broken.body.size(); ++length) {
    auto cut = broken;
    cut.body.resize(length);
    EXPECT_EQ(receive_remote_write(cut, recorder, exemplars).status, 400) << length;
  }
  for (std::size_t length = 1; length < plain.size(); ++length) {
    const auto response =
        receive_remote_write(request_of(plain.substr(0, length)), recorder, exemplars);
    EXPECT_TRUE(response.status == 400 || response.status == 204) << length;
  }
}

TEST(RemoteWrite, ABodyOfAnyLengthUnpacksToItself) {
  for (std::size_t size = 0; size < 300; ++size) {
    std::string plain, packed;
    for (std::size_t i = 0; i < size; ++i) plain += static_cast<char>('a' + i * 7 % 26);
    snappy::Compress(plain.data(), plain.size(), &packed);
    EXPECT_EQ(unpack_snappy(packed, 1000).value_or("?"), plain) << size;
  }
}

TEST(RemoteWrite, ASnappyBombIsRefusedBeforeItIsUnpacked) {
  const std::string huge = "\xff\xff\xff\xff\x0f";  // says: 4 GiB
  EXPECT_EQ(unpack_snappy(huge, 1 << 20).error().code, ErrorCode::kTooLarge);
  const std::string lying = std::string("\x80\x80\x04", 3) + "x";  // 64 KiB from one byte
  EXPECT_EQ(unpack_snappy(lying, 1 << 20).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace wellrun::telemetry
