#include "telemetry/store/chunk.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <rapidcheck/gtest.h>

#include "telemetry/store/crc32c.h"
#include "telemetry/store/histogram_codec.h"
#include "telemetry/store/label_bytes.h"
#include "telemetry/store/wal_records.h"

namespace wellrun::telemetry::store {
namespace {

bool same(const std::vector<Sample>& a, const std::vector<Sample>& b) {
  return std::ranges::equal(a, b, [](const Sample& x, const Sample& y) {
    return x.time_ms == y.time_ms &&
           std::bit_cast<std::uint64_t>(x.value) == std::bit_cast<std::uint64_t>(y.value);
  });
}

/// Series of the kinds that occur: counters, decimals, memory pages, full mantissas, any bits, with
/// exceptions strewn in.
std::vector<Sample> any_series() {
  const auto count = *rc::gen::inRange<std::size_t>(1, 400);
  const auto kind = *rc::gen::inRange(0, 6);
  const bool regular = *rc::gen::arbitrary<bool>();
  auto time = chunk_window(*rc::gen::inRange<std::int64_t>(-4'000'000'000'000, 4'000'000'000'000));
  std::vector<Sample> samples;
  double value = *rc::gen::inRange(0, 1000);
  for (std::size_t i = 0; i < count; ++i) {
    time += regular ? 15'000 : *rc::gen::inRange<std::int64_t>(1, 30'000);
    switch (kind) {
      case 0:
        value += *rc::gen::inRange(0, 50);
        break;
      case 1:
        value = std::round((value + *rc::gen::inRange(-500, 500) / 100.0) * 100) / 100;
        break;
      case 2:
        value = 4096.0 * *rc::gen::inRange(0, 100'000'000);
        break;
      case 3:
        value += *rc::gen::inRange(1, 1000) / 7.0;
        break;
      case 4:
        value = std::bit_cast<double>(*rc::gen::arbitrary<std::uint64_t>());
        break;
      default:
        break;
    }
    const bool exception = *rc::gen::inRange(0, 40) == 0;
    samples.push_back(
        {time, exception ? *rc::gen::element(stale_marker(), -0.0, HUGE_VAL, 0.1, 5e-324) : value});
  }
  return samples;
}

RC_GTEST_PROP(Chunk, FloatsComeBackBitForBit, ()) {
  const auto samples = any_series();
  const auto chunk = encode_floats(samples);
  std::vector<Sample> back;
  RC_ASSERT(decode_floats(chunk, back).has_value());
  RC_ASSERT(same(back, samples));
  const auto header = read_chunk_header(chunk);
  RC_ASSERT(header->count == samples.size() && header->first_ms == samples.front().time_ms &&
            header->last_ms == samples.back().time_ms);
}

/// Irregular as any_series() makes them, and long and regular as scrapes are.
std::vector<Sample> any_long_series() {
  if (*rc::gen::arbitrary<bool>()) return any_series();
  std::vector<Sample> samples;
  const auto count = *rc::gen::inRange<std::int64_t>(1, 400);
  const auto grow = *rc::gen::inRange(0, 3), jump = *rc::gen::inRange(1, 100'000);
  double value = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    value += grow == 0   ? 0
             : grow == 1 ? static_cast<double>(i * i % 90)
                         : static_cast<double>(i * i % jump) / 7;
    samples.push_back({1'000 + i * 15'000, value});
  }
  return samples;
}

RC_GTEST_PROP(Chunk, APartIsThatPartOfTheWhole, ()) {
  const auto samples = any_long_series();
  const auto chunk = encode_floats(samples);
  const auto any_time = [&] {
    const auto& near = samples[*rc::gen::inRange<std::size_t>(0, samples.size())];
    return near.time_ms + *rc::gen::inRange(-20'000, 20'000);
  };
  const TimeRange range{any_time(), any_time()};
  std::vector<Sample> part, wanted;
  RC_ASSERT(decode_floats(chunk, range, part).has_value());
  for (const auto& sample : samples)
    if (sample.time_ms >= range.start_ms && sample.time_ms <= range.end_ms)
      wanted.push_back(sample);
  RC_ASSERT(same(part, wanted));
}

RC_GTEST_PROP(Chunk, DamagedBytesNeverReadBeyondTheChunk, ()) {
  auto chunk = encode_floats(any_series());
  chunk[*rc::gen::inRange<std::size_t>(0, chunk.size())] ^=
      static_cast<char>(*rc::gen::inRange(1, 256));
  if (*rc::gen::arbitrary<bool>()) chunk.resize(*rc::gen::inRange<std::size_t>(0, chunk.size()));
  std::vector<Sample> back;
  if (!decode_floats(chunk, back)) RC_ASSERT(back.empty());
  const auto start = *rc::gen::inRange<std::int64_t>(-100'000, 2'000'000);
  std::vector<Sample> part;
  if (!decode_floats(chunk, {start, start + 100'000}, part)) RC_ASSERT(part.empty());
  std::vector<HistogramSample> histograms;
  if (!decode_histograms(chunk, histograms)) RC_ASSERT(histograms.empty());
}

RC_GTEST_PROP(Chunk, HistogramsComeBack, ()) {
  std::vector<HistogramSample> samples;
  const auto count = *rc::gen::inRange(1, 20);
  for (int i = 0; i < count; ++i) {
    auto h = std::make_shared<Histogram>();
    h->schema = *rc::gen::element(-53, -4, 0, 8);
    h->sum = *rc::gen::arbitrary<double>();
    h->count = *rc::gen::inRange(0, 1000);
    h->zero_count = *rc::gen::arbitrary<double>();
    h->positive_spans = {{*rc::gen::inRange(-100, 100), 2}};
    h->positive_counts = {1, *rc::gen::arbitrary<double>()};
    h->custom_bounds = *rc::gen::arbitrary<std::vector<double>>();
    samples.push_back({1000 + i * 15'000, h});
  }
  std::vector<HistogramSample> back;
  RC_ASSERT(decode_histograms(encode_histograms(samples), back).has_value());
  RC_ASSERT(back.size() == samples.size());
  for (std::size_t i = 0; i < back.size(); ++i)
    RC_ASSERT(back[i].time_ms == samples[i].time_ms &&
              same_histogram(*back[i].histogram, *samples[i].histogram));
}

RC_GTEST_PROP(WalRecords, FloatsComeBackBitForBit, ()) {
  std::vector<std::pair<std::uint32_t, Sample>> wanted;
  const auto count = *rc::gen::inRange(1, 200);
  FloatRecordWriter writer(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const auto value = *rc::gen::arbitrary<bool>()
                           ? static_cast<double>(*rc::gen::arbitrary<std::int64_t>())
                           : std::bit_cast<double>(*rc::gen::arbitrary<std::uint64_t>());
    wanted.emplace_back(*rc::gen::arbitrary<std::uint32_t>(),
                        Sample{*rc::gen::arbitrary<std::int64_t>(), value});
    writer.append(wanted.back().first, wanted.back().second);
  }
  std::size_t at = 0;
  RC_ASSERT(read_float_record(writer.payload(), [&](std::uint32_t ref, Sample sample) {
    RC_ASSERT(ref == wanted[at].first && same({sample}, {wanted[at].second}));
    ++at;
  }));
  RC_ASSERT(at == wanted.size());
}

TEST(Chunk, RegularCountersTakeAboutOneByteASample) {
  std::vector<Sample> samples;
  for (int i = 0; i < 1000; ++i)
    samples.push_back({1'700'000'000'000 + i * 15'000, 1e9 + i * 37.0 + i % 5});
  EXPECT_LT(encode_floats(samples).size(), 1050U);
}

TEST(Chunk, ACounterThatIsResetComesBackBitForBit) {
  for (const std::size_t count : {127U, 128U, 129U, 5000U}) {
    std::vector<Sample> samples;
    double value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      value = i % 1000 == 777 ? 0 : value + static_cast<double>(1800 + i / 10 + i * i % 97);
      samples.push_back({static_cast<std::int64_t>(i) * 15'000, value});
    }
    samples[count / 2].value = stale_marker();
    const auto chunk = encode_floats(samples);
    std::vector<Sample> back;
    ASSERT_TRUE(decode_floats(chunk, back)) << count;
    EXPECT_TRUE(same(back, samples)) << count;
  }
}

/// What lies before a part is added up by the block: of differences, and of their differences.
TEST(Chunk, APartFarIntoItIsThatPartOfTheWhole) {
  std::mt19937_64 random(11);
  for (const std::int64_t most : {1, 100, 16'000, 100'000})
    for (const bool second : {false, true}) {
      std::vector<Sample> samples;
      std::int64_t value = 0, step = 1'000'000;
      for (std::int64_t i = 0; i < 5'000; ++i) {
        const auto change = std::uniform_int_distribution<std::int64_t>(-most, most)(random);
        step = second ? step + change : 1'000'000 + change;
        samples.push_back({i * 15'000, static_cast<double>(value += step)});
      }
      const auto chunk = encode_floats(samples);
      for (const std::size_t first :
           {0U, 1U, 2U, 3U, 127U, 128U, 255U, 256U, 257U, 258U, 259U, 1'000U, 4'000U, 4'999U}) {
        std::vector<Sample> part;
        ASSERT_TRUE(decode_floats(chunk, {samples[first].time_ms, INT64_MAX}, part));
        EXPECT_TRUE(
            same(part, {samples.begin() + static_cast<std::ptrdiff_t>(first), samples.end()}))
            << most << " from " << first << (second ? " of second differences" : "");
      }
    }
}

TEST(Chunk, IsCutAtItsWindowAndAtItsLimit) {
  std::vector<Sample> samples;
  for (std::int64_t i = 0; i < 10'000; ++i) samples.push_back({i, 0});
  EXPECT_EQ(chunk_length(std::span<const Sample>(samples)), kMaxChunkSamples);
  samples = {{kChunkSpanMs - 2, 0}, {kChunkSpanMs - 1, 0}, {kChunkSpanMs, 0}};
  EXPECT_EQ(chunk_length(std::span<const Sample>(samples)), 2U);
}

TEST(Crc32c, MatchesTheStandardsVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(LabelBytes, AreReadBackAndOrderedAsLabels) {
  const std::vector<Labels> sets = {
      Labels{{"__name__", "a"}}, Labels{{"__name__", "a"}, {"b", "1"}},
      Labels{{"__name__", "a"}, {"b", "10"}}, Labels{{"__name__", "aa"}, {"a", "2"}}};
  for (std::size_t i = 0; i < sets.size(); ++i) {
    EXPECT_EQ(labels_from_bytes(label_bytes(sets[i])), sets[i]);
    EXPECT_EQ(*canonical_label_bytes(label_bytes(sets[i]), 1000), label_bytes(sets[i]));
    for (std::size_t j = 0; j < sets.size(); ++j)
      EXPECT_EQ(compare_label_bytes(label_bytes(sets[i]), label_bytes(sets[j])) < 0,
                sets[i] < sets[j]);
  }
}

TEST(LabelBytes, AreOrderedAsLabelsHoweverMuchTheyShare) {
  std::mt19937_64 random(5);
  std::vector<Labels> sets;
  for (int i = 0; i < 200; ++i) {
    Labels labels{{"__name__", "name"}};
    for (const char* name : {"a", "aa", "b", "c"}) {
      // Of lengths whose own length takes one byte or two; mostly the same.
      if (random() % 4 != 0) labels.set(name, std::string(random() % 3 == 0 ? 200 : 5, 'x'));
      if (random() % 3 == 0) labels.set(name, std::string(1 + random() % 3, "xy"[random() % 2]));
    }
    sets.push_back(std::move(labels));
  }
  for (const auto& a : sets)
    for (const auto& b : sets) {
      const auto order = compare_label_bytes(label_bytes(a), label_bytes(b));
      ASSERT_EQ(order < 0, a < b);
      ASSERT_EQ(order == 0, a == b);
    }
}

}  // namespace
}  // namespace wellrun::telemetry::store
