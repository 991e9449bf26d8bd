#include "telemetry/scrape/exposition_protobuf.h"

#include <gtest/gtest.h>

#include "telemetry/protozero_checked.h"
#include "telemetry/store/byte_io.h"

namespace wellrun::telemetry::scrape {
namespace {

using protozero::pbf_writer;

void add_label(pbf_writer& parent, int tag, const char* name, const char* value) {
  pbf_writer label(parent, static_cast<protozero::pbf_tag_type>(tag));
  label.add_string(1, name);
  label.add_string(2, value);
}

/// One family of one metric, after its length.
template <typename Fill>
std::string family(const char* name, int type, Fill fill) {
  std::string message;
  {
    pbf_writer out(message);
    out.add_string(1, name);
    out.add_string(2, "Help.");
    out.add_enum(3, type);
    pbf_writer metric(out, 4);
    add_label(metric, 1, "code", "200");
    fill(metric);
  }
  std::string framed;
  store::put_text(framed, message);
  return framed;
}

Result<Exposition> parse(const std::string& body, bool keep_classic = false) {
  return parse_exposition(body, Format::kProtobuf, {}, keep_classic);
}

TEST(ProtobufExposition, ReadsACounterWithExemplarAndStart) {
  const auto parsed = parse(family("requests_total", 0, [](pbf_writer& metric) {
    {
      pbf_writer counter(metric, 3);
      counter.add_double(1, 7);
      {
        pbf_writer exemplar(counter, 2);
        add_label(exemplar, 1, "trace_id", "abc");
        exemplar.add_double(2, 0.5);
      }
      pbf_writer start(counter, 3);
      start.add_int64(1, 100);
      start.add_int32(2, 250'000'000);
    }
    metric.add_int64(6, 5000);
  }));
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  ASSERT_EQ(parsed->samples.size(), 1U);
  const auto& sample = parsed->samples[0];
  EXPECT_EQ(sample.labels, (Labels{{"__name__", "requests_total"}, {"code", "200"}}));
  EXPECT_EQ(sample.value, 7);
  EXPECT_EQ(sample.time_ms, 5000);
  EXPECT_EQ(sample.start_ms, 100'250);
  ASSERT_TRUE(sample.exemplar);
  EXPECT_EQ(sample.exemplar->labels.get("trace_id"), "abc");
  EXPECT_EQ(parsed->metadata[0].type, "counter");
}

std::string histogram(bool native, int type = 4) {
  return family("latency", type, [&](pbf_writer& metric) {
    pbf_writer h(metric, 7);
    h.add_uint64(1, 6);
    h.add_double(2, 12.5);
    {
      pbf_writer bucket(h, 3);
      bucket.add_uint64(1, 4);
      bucket.add_double(2, 1);
    }
    if (!native) return;
    h.add_sint32(5, 3);
    h.add_double(6, 0.001);
    h.add_uint64(7, 1);
    {
      pbf_writer span(h, 12);
      span.add_sint32(1, -2);
      span.add_uint32(2, 2);
    }
    const std::vector<std::int64_t> deltas{2, 1};
    h.add_packed_sint64(13, deltas.begin(), deltas.end());
  });
}

TEST(ProtobufExposition, AClassicHistogramGetsItsLastBucket) {
  const auto parsed = parse(histogram(false));
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  std::vector<std::string> names;
  for (const auto& sample : parsed->samples)
    names.push_back(std::string(sample.labels.metric_name()) + " " +
                    std::string(sample.labels.get("le")) + " " + std::to_string(sample.value));
  EXPECT_EQ(names,
            (std::vector<std::string>{"latency_bucket 1.0 4.000000", "latency_bucket +Inf 6.000000",
                                      "latency_sum  12.500000", "latency_count  6.000000"}));
}

TEST(ProtobufExposition, ANativeHistogramIsOneSample) {
  const auto parsed = parse(histogram(true));
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  ASSERT_EQ(parsed->samples.size(), 1U);
  ASSERT_TRUE(parsed->samples[0].histogram);
  const auto& h = *parsed->samples[0].histogram;
  EXPECT_EQ(h.schema, 3);
  EXPECT_EQ(h.count, 6);
  EXPECT_EQ(h.positive_counts, (std::vector<double>{2, 3}));
  EXPECT_EQ(parse(histogram(true), true)->samples.size(), 5U);
}

TEST(ProtobufExposition, ANativeHistogramWithoutClassicBucketsHasNoClassicSeries) {
  const auto native_only = family("m", 4, [](pbf_writer& metric) {
    pbf_writer h(metric, 7);
    h.add_double(6, 0.001);
  });
  EXPECT_EQ(parse(native_only, true)->samples.size(), 1U);
}

TEST(ProtobufExposition, ANativeHistogramThatDoesNotAddUpIsRefused) {
  const auto with_count = [](std::uint64_t count, double float_count) {
    return parse(family("m", 4, [&](pbf_writer& metric) {
      pbf_writer h(metric, 7);
      h.add_uint64(1, count);
      if (float_count > 0) h.add_double(4, float_count);
      h.add_double(6, 0.001);
      h.add_uint64(7, 2);
    }));
  };
  EXPECT_TRUE(with_count(2, 0));
  EXPECT_EQ(with_count(3, 0).error().message,
            "a native histogram is refused: its buckets hold 2 observations, and its count is 3");
  EXPECT_TRUE(with_count(0, 2.5)) << "floats are rounded";
}

TEST(ProtobufExposition, AGaugeHistogramIsNoCounter) {
  const auto parsed = parse(histogram(true, 5));
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->samples[0].histogram->reset_hint, Histogram::ResetHint::kGauge);
  EXPECT_EQ(parsed->metadata[0].type, "gaugehistogram");
  const auto counter = parse(histogram(true));
  ASSERT_TRUE(counter);
  EXPECT_EQ(counter->samples[0].histogram->reset_hint, Histogram::ResetHint::kUnknown);
  EXPECT_EQ(counter->metadata[0].type, "histogram");
}

TEST(ProtobufExposition, AFamilyWhoseUnitIsNotUtf8IsRefused) {
  std::string message, framed;
  pbf_writer out(message);
  out.add_string(1, "m");
  out.add_string(5, "\xff");
  store::put_text(framed, message);
  const auto parsed = parse(framed);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message, "the help or unit of m is not UTF-8");
}

TEST(ProtobufExposition, AFewBytesThatWouldBeMuchInMemoryAreRefused) {
  const auto long_label = family("m", 4, [](pbf_writer& metric) {
    add_label(metric, 1, "path", std::string(60'000, 'x').c_str());
    pbf_writer histogram(metric, 7);
    for (int i = 0; i < 10'000; ++i) pbf_writer(histogram, 3).add_double(2, i);
  });
  const auto parsed = parse(long_label);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(parsed.error().message,
            "what the target exposes would take too much memory once decoded; expose fewer series "
            "or shorter labels");

  const auto quantiles = parse(family("m", 2, [](pbf_writer& metric) {
    pbf_writer summary(metric, 4);
    for (int i = 0; i <= 10'000; ++i) pbf_writer(summary, 3).add_double(1, 0.5);
  }));
  ASSERT_FALSE(quantiles);
  EXPECT_EQ(quantiles.error().message, "a summary with more than 10000 quantiles");

  const auto labels = parse(family("m", 1, [](pbf_writer& metric) {
    for (int i = 0; i < 256; ++i) add_label(metric, 1, "a", "b");
  }));
  ASSERT_FALSE(labels);
  EXPECT_EQ(labels.error().message, "more than 256 labels");
}

TEST(ProtobufExposition, ANativeHistogramKeepsAllItsExemplarsInOrder) {
  const auto add_exemplar = [](pbf_writer& parent, int tag, double value, std::int64_t seconds) {
    pbf_writer exemplar(parent, static_cast<protozero::pbf_tag_type>(tag));
    exemplar.add_double(2, value);
    pbf_writer time(exemplar, 3);
    time.add_int64(1, seconds);
  };
  using Times = std::vector<std::int64_t>;
  const auto times_kept = [&](const Times& own, const Times& of_buckets) {
    const auto parsed = parse(family("m", 4, [&](pbf_writer& metric) {
      pbf_writer h(metric, 7);
      h.add_sint32(5, 3);
      h.add_double(6, 0.001);
      for (const auto seconds : of_buckets) {
        pbf_writer bucket(h, 3);
        add_exemplar(bucket, 3, 1, seconds);
      }
      for (const auto seconds : own) add_exemplar(h, 16, 1, seconds);
    }));
    EXPECT_TRUE(parsed) << to_string(parsed.error());
    Times out;
    for (const auto& exemplar : parsed->samples[0].exemplars)
      out.push_back(exemplar.time_ms / 1000);
    return out;
  };
  EXPECT_EQ(times_kept({40, 10, 0, 30}, {20}), (Times{10, 30, 40}));
  EXPECT_EQ(times_kept({}, {30, 0, 20}), (Times{20, 30})) << "those of its buckets";
}

TEST(ProtobufExposition, AnExemplarsLabelsAreFewAndUtf8) {
  const auto with_exemplar = [](int labels, const char* value) {
    return parse(family("m", 0, [&](pbf_writer& metric) {
      pbf_writer counter(metric, 3);
      pbf_writer exemplar(counter, 2);
      for (int i = 0; i < labels; ++i) add_label(exemplar, 1, "a", value);
    }));
  };
  EXPECT_TRUE(with_exemplar(64, "b"));
  EXPECT_EQ(with_exemplar(65, "b").error().message, "an exemplar with more than 64 labels");
  EXPECT_EQ(with_exemplar(1, "\xff").error().message, "an exemplar has a label that is not UTF-8");
}

TEST(ProtobufExposition, WhatIsCutOffOrWrongIsRefused) {
  const auto body = histogram(true);
  for (std::size_t length = 1; length < body.size(); ++length)
    EXPECT_FALSE(parse(body.substr(0, length))) << length;
  EXPECT_FALSE(parse(family("", 0, [](pbf_writer&) {})));
  EXPECT_FALSE(parse(family("m", 9, [](pbf_writer&) {})));
  EXPECT_FALSE(parse(family("m", 1, [](pbf_writer&) {})));  // without a value
  EXPECT_TRUE(parse(""));
}

}  // namespace
}  // namespace wellrun::telemetry::scrape
