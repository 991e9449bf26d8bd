// Held against a reader written from the format's description.

#include "telemetry/histogram_chunk.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>

#include "telemetry/promql/histogram.h"

namespace wellrun::telemetry {
namespace {

class BitReader {
 public:
  explicit BitReader(const std::string& bytes) : bytes_(bytes) {}
  std::uint64_t bits(unsigned count) {
    std::uint64_t value = 0;
    for (; count > 0; --count, ++at_)
      value = value << 1 | (static_cast<unsigned char>(bytes_.at(at_ / 8)) >> (7 - at_ % 8) & 1);
    return value;
  }
  double number() { return std::bit_cast<double>(bits(64)); }
  /// The width that a prefix of ones and a zero stands for.
  unsigned width() {
    constexpr unsigned kWidths[] = {0, 3, 6, 9, 12, 18, 25, 56, 64};
    unsigned ones = 0;
    while (ones < 8 && bits(1) != 0) ++ones;
    return kWidths[ones];
  }
  std::uint64_t varbit_uint() {
    const auto count = width();
    return count == 0 ? 0 : bits(count);
  }
  std::int64_t varbit_int() {
    const auto count = width();
    if (count == 0) return 0;
    const auto value = bits(count);
    if (count == 64) return static_cast<std::int64_t>(value);
    const auto half = std::uint64_t{1} << (count - 1);
    return value > half ? static_cast<std::int64_t>(value) - (std::int64_t{1} << count)
                        : static_cast<std::int64_t>(value);
  }
  std::size_t left() const { return bytes_.size() * 8 - at_; }

 private:
  const std::string& bytes_;
  std::size_t at_ = 0;
};

/// One stream of numbers.
struct Xor {
  std::uint64_t last = 0;
  unsigned leading = 0, significant = 0;

  double first(BitReader& in) { return std::bit_cast<double>(last = in.bits(64)); }
  double next(BitReader& in) {
    if (in.bits(1) == 0) return std::bit_cast<double>(last);
    if (in.bits(1) == 1) {
      leading = static_cast<unsigned>(in.bits(5));
      significant = static_cast<unsigned>(in.bits(6));
      if (significant == 0) significant = 64;
    }
    last ^= in.bits(significant) << (64 - leading - significant);
    return std::bit_cast<double>(last);
  }
};

std::vector<Histogram::Span> read_spans(BitReader& in) {
  std::vector<Histogram::Span> spans(in.varbit_uint());
  for (auto& span : spans) {
    span.length = static_cast<std::uint32_t>(in.varbit_uint());
    span.offset = static_cast<std::int32_t>(in.varbit_int());
  }
  return spans;
}

double read_bound(BitReader& in) {
  BitReader peek = in;
  if (peek.bits(1) == 0) {
    in.bits(1);
    return in.number();
  }
  return static_cast<double>(in.varbit_uint() - 1) / 1000;
}

struct Decoded {
  std::uint64_t flags = 0;
  std::vector<std::pair<std::int64_t, Histogram>> samples;
};

Decoded read(const std::string& bytes) {
  BitReader in(bytes);
  Decoded out;
  const auto count = in.bits(16);
  out.flags = in.bits(8) >> 6;
  Histogram shape;
  const auto threshold = in.bits(8);
  if (threshold == 255) shape.zero_threshold = in.number();
  if (threshold > 0 && threshold < 255)
    shape.zero_threshold = std::ldexp(0.5, static_cast<int>(threshold) - 243);
  shape.schema = static_cast<std::int32_t>(in.varbit_int());
  shape.positive_spans = read_spans(in);
  shape.negative_spans = read_spans(in);
  if (shape.schema == kCustomBucketsSchema) {
    shape.custom_bounds.resize(in.varbit_uint());
    for (auto& bound : shape.custom_bounds) bound = read_bound(in);
  }
  for (const auto& span : shape.positive_spans)
    shape.positive_counts.resize(shape.positive_counts.size() + span.length);
  for (const auto& span : shape.negative_spans)
    shape.negative_counts.resize(shape.negative_counts.size() + span.length);
  std::vector<double*> numbers{&shape.count, &shape.zero_count, &shape.sum};
  for (auto* counts : {&shape.positive_counts, &shape.negative_counts})
    for (auto& one : *counts) numbers.push_back(&one);
  std::vector<Xor> streams(numbers.size());
  std::int64_t time = 0, delta = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto change = in.varbit_int();
    if (i > 0) delta += change;
    time += i == 0 ? change : delta;
    for (std::size_t k = 0; k < numbers.size(); ++k)
      *numbers[k] = i == 0 ? streams[k].first(in) : streams[k].next(in);
    out.samples.emplace_back(time, shape);
  }
  EXPECT_LT(in.left(), 8U) << "nothing but padding is left";
  return out;
}

HistogramSample sample_at(std::int64_t time, double growth, double zero_threshold = 0.001,
                          std::int32_t schema = 3) {
  Histogram made;
  made.schema = schema;
  made.zero_threshold = zero_threshold;
  made.zero_count = growth;
  made.count = 10 * growth;
  made.sum = growth * 3.7;
  made.positive_spans = {{-700, 2}, {40, 1}};
  made.positive_counts = {growth, 2 * growth, 3 * growth};
  if (schema == kCustomBucketsSchema) {
    made.positive_spans = {{0, 3}};
    made.custom_bounds = {0.005, 2.5, 1.0 / 3, 1e9};
    made.zero_threshold = made.zero_count = 0;
  } else {
    made.negative_spans = {{5, 2}};
    made.negative_counts = {growth, 2 * growth};
  }
  return {time, std::make_shared<const Histogram>(made)};
}

TEST(HistogramChunk, IsReadAsTheFormatSays) {
  for (const auto schema : {3, kCustomBucketsSchema})
    for (const auto threshold : {0.0, 0x1p-128, 0.001, 1024.0, 0x1p-250}) {
      std::vector<HistogramSample> samples;
      std::int64_t time = 1'700'000'000'000;
      for (int i = 0; i < 100; ++i)
        samples.push_back(sample_at(time += 15'000 + (i % 7) * (i % 2 == 0 ? 3 : 90'000),
                                    i * 1.25 + (i % 3) * 1e-9, threshold, schema));
      samples.push_back(sample_at(time + 100'000'000'000'000, 1e6, threshold, schema));
      ASSERT_EQ(histogram_chunk_length(samples, 1000), samples.size());
      const auto decoded = read(histogram_chunk(samples));
      ASSERT_EQ(decoded.samples.size(), samples.size());
      EXPECT_EQ(decoded.flags, 0U);
      for (std::size_t i = 0; i < samples.size(); ++i) {
        EXPECT_EQ(decoded.samples[i].first, samples[i].time_ms);
        EXPECT_TRUE(promql::equal(decoded.samples[i].second, *samples[i].histogram)) << i;
        EXPECT_EQ(decoded.samples[i].second.custom_bounds, samples[i].histogram->custom_bounds);
        EXPECT_EQ(decoded.samples[i].second.zero_threshold, samples[i].histogram->zero_threshold);
      }
    }
}

TEST(HistogramChunk, ANewLayoutAResetAGaugeAndAStaleMarkerBeginAnother) {
  const auto length = [](HistogramSample second) {
    const std::vector<HistogramSample> samples{sample_at(1, 5), std::move(second)};
    return histogram_chunk_length(samples, 100);
  };
  EXPECT_EQ(length(sample_at(2, 6)), 2U);
  EXPECT_EQ(length(sample_at(2, 4)), 1U) << "a counter reset";
  EXPECT_EQ(length(sample_at(2, 6, 0.1)), 1U) << "another zero bucket";
  EXPECT_EQ(length(sample_at(2, 6, 0.001, 2)), 1U);
  Histogram gauge = *sample_at(2, 6).histogram;
  gauge.reset_hint = Histogram::ResetHint::kGauge;
  EXPECT_EQ(length({2, std::make_shared<const Histogram>(gauge)}), 1U);
  Histogram stale;
  stale.sum = stale_marker();
  const HistogramSample marker{2, std::make_shared<const Histogram>(stale)};
  EXPECT_EQ(length(marker), 1U);
  const std::vector<HistogramSample> alone{marker};
  EXPECT_TRUE(is_stale_marker(read(histogram_chunk(alone)).samples.front().second.sum));
  const std::vector<HistogramSample> gauges{{1, std::make_shared<const Histogram>(gauge)},
                                            {2, std::make_shared<const Histogram>(gauge)}};
  EXPECT_EQ(histogram_chunk_length(gauges, 100), 2U);
  EXPECT_EQ(histogram_chunk_length(gauges, 1), 1U);
  EXPECT_EQ(read(histogram_chunk(gauges)).flags, 0b11U);
}

}  // namespace
}  // namespace wellrun::telemetry
