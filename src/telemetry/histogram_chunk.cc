#include "telemetry/histogram_chunk.h"

#include <cmath>

#include "core/assert.h"
#include "telemetry/chunk_bits.h"
#include "telemetry/promql/histogram.h"

namespace wellrun::telemetry {
namespace {

struct Width {
  unsigned bits, prefix, prefix_bits;
};
constexpr Width kWidths[] = {{3, 0b10, 2},       {6, 0b110, 3},     {9, 0b1110, 4},
                             {12, 0b11110, 5},   {18, 0b111110, 6}, {25, 0b1111110, 7},
                             {56, 0b11111110, 8}};
constexpr Width kWidest = {64, 0b11111111, 8};

void put(BitWriter& out, const Width& width, std::uint64_t value) {
  out.put(width.prefix, width.prefix_bits);
  out.put(value, width.bits);
}

void put_varbit_int(BitWriter& out, std::int64_t value) {
  if (value == 0) return out.put(0, 1);
  for (const auto& width : kWidths)
    if (fits(value, width.bits)) return put(out, width, static_cast<std::uint64_t>(value));
  put(out, kWidest, static_cast<std::uint64_t>(value));
}

void put_varbit_uint(BitWriter& out, std::uint64_t value) {
  if (value == 0) return out.put(0, 1);
  for (const auto& width : kWidths)
    if (value >> width.bits == 0) return put(out, width, value);
  put(out, kWidest, value);
}

/// Powers of two from 2^-243 to 2^10 in one byte.
void put_zero_threshold(BitWriter& out, double threshold) {
  int exponent = 0;
  if (threshold == 0) return out.put(0, 8);
  if (std::frexp(threshold, &exponent) == 0.5 && exponent >= -242 && exponent <= 11)
    return out.put(static_cast<std::uint64_t>(exponent + 243), 8);
  out.put(255, 8);
  out.put(std::bit_cast<std::uint64_t>(threshold), 64);
}

void put_spans(BitWriter& out, const std::vector<Histogram::Span>& spans) {
  put_varbit_uint(out, spans.size());
  for (const auto& span : spans) {
    put_varbit_uint(out, span.length);
    put_varbit_int(out, span.offset);
  }
}

/// Bounds with up to three decimals are written as whole thousandths.
void put_bound(BitWriter& out, double bound) {
  constexpr double kMost = 33'554'430;
  const auto thousandths = bound * 1000;
  if (thousandths >= 0 && thousandths <= kMost && thousandths == std::trunc(thousandths))
    return put_varbit_uint(out, static_cast<std::uint64_t>(thousandths) + 1);
  out.put(0, 1);
  out.put(std::bit_cast<std::uint64_t>(bound), 64);
}

std::uint64_t flags_of(Histogram::ResetHint hint) {
  switch (hint) {
    case Histogram::ResetHint::kUnknown:
      return 0b00;
    case Histogram::ResetHint::kNoReset:
      return 0b01;
    case Histogram::ResetHint::kReset:
      return 0b10;
    case Histogram::ResetHint::kGauge:
      return 0b11;
  }
  return 0b00;
}

void put_layout(BitWriter& out, const Histogram& first) {
  out.put(flags_of(first.reset_hint) << 6, 8);
  put_zero_threshold(out, first.zero_threshold);
  put_varbit_int(out, first.schema);
  put_spans(out, first.positive_spans);
  put_spans(out, first.negative_spans);
  if (first.schema != kCustomBucketsSchema) return;
  put_varbit_uint(out, first.custom_bounds.size());
  for (const auto bound : first.custom_bounds) put_bound(out, bound);
}

/// The numbers of one histogram, in the order of the format.
std::vector<double> numbers_of(const Histogram& histogram) {
  std::vector<double> numbers{histogram.count, histogram.zero_count, histogram.sum};
  for (const auto* counts : {&histogram.positive_counts, &histogram.negative_counts})
    numbers.insert(numbers.end(), counts->begin(), counts->end());
  return numbers;
}

bool same_spans(const std::vector<Histogram::Span>& a, const std::vector<Histogram::Span>& b) {
  return std::ranges::equal(a, b, [](const Histogram::Span& x, const Histogram::Span& y) {
    return x.offset == y.offset && x.length == y.length;
  });
}

bool same_layout(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
         same_spans(a.positive_spans, b.positive_spans) &&
         same_spans(a.negative_spans, b.negative_spans) && a.custom_bounds == b.custom_bounds;
}

/// Within a chunk of counters a reader takes every histogram but the first for one without a reset.
bool goes_on(const Histogram& before, const Histogram& next) {
  using Hint = Histogram::ResetHint;
  if (is_stale_marker(before.sum) || is_stale_marker(next.sum)) return false;
  if (!same_layout(before, next)) return false;
  const bool gauge = before.reset_hint == Hint::kGauge;
  if (gauge || next.reset_hint == Hint::kGauge) return gauge && next.reset_hint == Hint::kGauge;
  return next.reset_hint != Hint::kReset && !promql::detect_reset(next, before);
}

}  // namespace

std::size_t histogram_chunk_length(std::span<const HistogramSample> samples, std::size_t limit) {
  std::size_t length = 1;
  while (length < std::min(samples.size(), limit) &&
         goes_on(*samples[length - 1].histogram, *samples[length].histogram))
    ++length;
  return length;
}

std::string histogram_chunk(std::span<const HistogramSample> samples) {
  WELLRUN_ASSERT(!samples.empty() && samples.size() <= 65'535, "a chunk of 1 to 65,535 samples");
  BitWriter out;
  out.put(samples.size(), 16);
  put_layout(out, *samples.front().histogram);
  std::vector<ValueWriter> values(numbers_of(*samples.front().histogram).size());
  std::int64_t before = 0, delta = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto step = store::wrapping_sub(samples[i].time_ms, before);
    put_varbit_int(out, store::wrapping_sub(step, delta));
    before = samples[i].time_ms;
    delta = i == 0 ? 0 : step;
    const auto numbers = numbers_of(*samples[i].histogram);
    for (std::size_t k = 0; k < values.size(); ++k) {
      const auto bits = std::bit_cast<std::uint64_t>(numbers[k]);
      if (i == 0)
        values[k].begin(out, bits);
      else
        values[k].put(out, bits);
    }
  }
  return out.take();
}

}  // namespace wellrun::telemetry
