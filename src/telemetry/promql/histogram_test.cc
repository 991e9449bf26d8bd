#include "telemetry/promql/histogram.h"

#include <cmath>
#include <gtest/gtest.h>

#include "telemetry/promql/engine.h"
#include "telemetry/promql/testing/memory_reader.h"

namespace wellrun::telemetry::promql {
namespace {

/// `zero` observations of 0, and of (1, 2] and (2, 4] as many as said.
Histogram histogram(double zero, double low, double high) {
  Histogram h;
  h.schema = 0;
  h.zero_count = zero;
  h.positive_spans = {{1, 2}};
  h.positive_counts = {low, high};
  h.count = zero + low + high;
  h.sum = low * 1.5 + high * 3;
  return h;
}

TEST(Trimmed, ObservationsOfNothingAreNotBelowZero) {
  EXPECT_EQ(trimmed(histogram(2, 1, 1), 0, TrimSide::kKeepAbove).count, 4);
  EXPECT_EQ(trimmed(histogram(2, 1, 1), 0, TrimSide::kKeepBelow).count, 0);
}

TEST(Trimmed, AtALimitThatIsNoNumberNothingIsKnownToStay) {
  for (const auto side : {TrimSide::kKeepAbove, TrimSide::kKeepBelow}) {
    const auto out = trimmed(histogram(0, 1, 2), std::nan(""), side);
    EXPECT_EQ(out.count, 0);
    EXPECT_EQ(out.sum, 0);
    EXPECT_EQ(out.positive_counts, (std::vector<double>{0, 0}));
    EXPECT_TRUE(std::isnan(trimmed(histogram(2, 1, 1), std::nan(""), side).count));
  }
}

TEST(DetectReset, AGaugeIsLookedAtAsACounterWouldBe) {
  auto after = histogram(0, 2, 2);
  after.reset_hint = Histogram::ResetHint::kGauge;
  EXPECT_TRUE(detect_reset(after, histogram(0, 4, 6)));
  EXPECT_FALSE(detect_reset(after, histogram(0, 1, 1)));
}

TEST(Histograms, IncreaseOfGaugesThatFellIsNotNegative) {
  testing::MemoryReader reader;
  SeriesWrite series;
  series.labels = Labels{{"__name__", "g"}};
  std::int64_t time = 0;
  for (const double count : {10, 4, 6}) {
    auto h = histogram(0, count, 0);
    h.reset_hint = Histogram::ResetHint::kGauge;
    series.histograms.push_back({.time_ms = time, .histogram = std::make_shared<Histogram>(h)});
    time += 60'000;
  }
  reader.add(series);
  const Engine engine(reader);
  const auto ask = [&](const char* query) {
    const auto result = engine.instant(query, from_unix_ms(120'000));
    EXPECT_TRUE(result) << result.error().message;
    return result->series.at(0).samples.at(0).value;
  };
  EXPECT_EQ(ask("histogram_count(increase(g[121s]))"), 6 * 121.0 / 120);
  EXPECT_EQ(ask("histogram_count(irate(g[3m]) * 60)"), 2);
  EXPECT_EQ(ask("resets(g[3m])"), 1);
}

}  // namespace
}  // namespace wellrun::telemetry::promql
