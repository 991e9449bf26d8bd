// A query's limit of samples is one of memory, whatever the samples are.

#include <gtest/gtest.h>

#include "telemetry/promql/engine.h"
#include "telemetry/promql/testing/memory_reader.h"
#include "telemetry/sample_weight.h"

namespace wellrun::telemetry::promql {
namespace {

constexpr std::size_t kCount = 100, kBuckets = 100;
constexpr std::int64_t kStep = 15'000;
constexpr std::size_t kLimit = 2 * kCount;

HistogramSample histogram_at(std::int64_t time_ms, double count) {
  Histogram made;
  made.positive_spans = {{0, kBuckets}};
  made.positive_counts.assign(kBuckets, count);
  made.count = made.sum = count * kBuckets;
  return {time_ms, std::make_shared<const Histogram>(std::move(made))};
}

Result<QueryResult> asked(std::string_view query, std::size_t max_samples) {
  testing::MemoryReader reader;
  SeriesWrite floats, histograms;
  floats.labels.set("__name__", "f");
  histograms.labels.set("__name__", "h");
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto time = static_cast<std::int64_t>(i) * kStep;
    floats.samples.push_back({time, static_cast<double>(i)});
    histograms.histograms.push_back(histogram_at(time, static_cast<double>(i)));
  }
  reader.add(floats);
  reader.add(histograms);
  EngineOptions options;
  options.max_samples = max_samples;
  const Engine engine(reader, options);
  return engine.range(query, from_unix_ms(60'000), from_unix_ms(kCount * kStep), Duration(kStep));
}

TEST(SampleWeight, IsWhatPrometheusReckons) {
  EXPECT_EQ(weight_of(Histogram{}), 11U);
  EXPECT_EQ(weight_of(*histogram_at(0, 1).histogram), (168 + 8 * (kBuckets + 1) + 8) / 16);
}

TEST(QueryMemory, AHistogramCountsForWhatItTakes) {
  EXPECT_TRUE(asked("f", kLimit));
  EXPECT_TRUE(asked("rate(f[1m])", kLimit));
  for (const char* query : {"h", "rate(h[1m])", "sum(h)", "last_over_time(h[10m:15s])"}) {
    const auto refused = asked(query, kLimit);
    ASSERT_FALSE(refused) << query;
    EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge) << query;
    const auto taken = asked(query, 300 * kLimit);
    EXPECT_TRUE(taken) << query << ": " << to_string(taken.error());
  }
}

}  // namespace
}  // namespace wellrun::telemetry::promql
