#include "telemetry/otlp/exponential.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <map>

#include "core/assert.h"
#include "telemetry/promql/histogram.h"

namespace wellrun::telemetry::otlp {
namespace {

constexpr std::int32_t kMaxSchema = 8, kMinSchema = -4;
constexpr double kDefaultZeroThreshold = 1e-128;
constexpr std::int64_t kLongestGap = 2;  // empty buckets kept, where a new span would cost more

using Counts = std::map<std::int64_t, double>;  // by Prometheus' bucket index

/// OpenTelemetry's lower-inclusive index to Prometheus' upper-bound index, `shift` scales coarser.
std::int64_t native_index(std::int64_t index, int shift) {
  return (index >> shift) + 1;
}

Counts counts_of(const ExponentialBuckets& buckets, int shift) {
  Counts out;
  for (std::size_t i = 0; i < buckets.counts.size(); ++i)
    if (buckets.counts[i] != 0)
      out[native_index(std::int64_t{buckets.offset} + static_cast<std::int64_t>(i), shift)] +=
          static_cast<double>(buckets.counts[i]);
  return out;
}

Counts counts_of(const std::vector<Histogram::Span>& spans, const std::vector<double>& counts) {
  Counts out;
  std::int64_t index = 0;
  std::size_t next = 0;
  for (const auto& span : spans) {
    index += span.offset;
    for (std::uint32_t i = 0; i < span.length && next < counts.size(); ++i, ++index, ++next)
      if (counts[next] != 0) out[index] += counts[next];
  }
  return out;
}

bool fits(const Counts& counts) {
  constexpr std::int64_t kLimit = std::numeric_limits<std::int32_t>::max() / 2;
  return counts.empty() || (counts.begin()->first > -kLimit && counts.rbegin()->first < kLimit);
}

void store(const Counts& counts, std::vector<Histogram::Span>& spans, std::vector<double>& out) {
  std::int64_t end = 0;
  for (const auto& [index, count] : counts) {
    const auto gap = index - end;
    if (spans.empty() || gap > kLongestGap) {
      spans.push_back({static_cast<std::int32_t>(gap), 0});
    } else {
      out.insert(out.end(), static_cast<std::size_t>(gap), 0.0);
      spans.back().length += static_cast<std::uint32_t>(gap);
    }
    ++spans.back().length;
    out.push_back(count);
    end = index + 1;
  }
}

/// Without empty buckets at the edges, and with those between that cost less than a span.
Histogram packed(Histogram h) {
  const auto positive = counts_of(h.positive_spans, h.positive_counts),
             negative = counts_of(h.negative_spans, h.negative_counts);
  for (auto* spans : {&h.positive_spans, &h.negative_spans}) spans->clear();
  for (auto* counts : {&h.positive_counts, &h.negative_counts}) counts->clear();
  store(positive, h.positive_spans, h.positive_counts);
  store(negative, h.negative_spans, h.negative_counts);
  return h;
}

/// False when the buckets and the zero bucket do not add up to `count`, or overflow on the way.
bool adds_up(const ExponentialPoint& point) {
  std::uint64_t total = point.zero_count;
  for (const auto* side : {&point.positive, &point.negative})
    for (auto count : side->counts)
      if (__builtin_add_overflow(total, count, &total)) return false;
  return total == point.count;
}

}  // namespace

Result<Histogram> to_native_histogram(const ExponentialPoint& point) {
  if (point.scale < kMinSchema)
    return fail(ErrorCode::kUnsupported,
                fmt::format("exponential histogram of scale {}, the lowest is {}", point.scale,
                            kMinSchema));
  if (!adds_up(point))
    return fail(ErrorCode::kInvalid,
                "exponential histogram whose buckets do not add up to its count");
  const auto shift = std::min(std::max(point.scale - kMaxSchema, 0), 62);
  const auto positive = counts_of(point.positive, shift),
             negative = counts_of(point.negative, shift);
  if (!fits(positive) || !fits(negative))
    return fail(ErrorCode::kInvalid, "exponential histogram with a bucket index out of range");
  Histogram out;
  out.schema = std::min(point.scale, kMaxSchema);
  out.zero_threshold = point.zero_threshold > 0 ? point.zero_threshold : kDefaultZeroThreshold;
  out.zero_count = static_cast<double>(point.zero_count);
  out.count = static_cast<double>(point.count);
  out.sum = point.sum;
  store(positive, out.positive_spans, out.positive_counts);
  store(negative, out.negative_spans, out.negative_counts);
  return point.zero_threshold > 0 ? packed(promql::with_zero_bucket_apart(out)) : out;
}

Histogram add_histograms(const Histogram& a, const Histogram& b) {
  const auto sum = promql::combine(a, b, promql::Sign::kPlus);
  WELLRUN_ASSERT(sum, "exponential histograms add up");
  return packed(sum->histogram);
}

}  // namespace wellrun::telemetry::otlp
