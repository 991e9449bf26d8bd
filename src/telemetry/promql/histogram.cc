#include "telemetry/promql/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <utility>

#include "telemetry/promql/evaluator.h"

namespace wellrun::telemetry::promql {
namespace {

/// One side's buckets as (index, count), ascending by index.
struct Entry {
  std::int32_t index;
  double count;
};
using Entries = std::vector<Entry>;

Entries entries_of(const std::vector<Histogram::Span>& spans, const std::vector<double>& counts) {
  Entries out;
  out.reserve(counts.size());
  std::int64_t index = 0;
  std::size_t at = 0;
  for (const auto& span : spans) {
    index += span.offset;
    for (std::uint32_t i = 0; i < span.length && at < counts.size(); ++i, ++index, ++at)
      out.push_back({static_cast<std::int32_t>(index), counts[at]});
  }
  return out;
}

void store(const Entries& entries, std::vector<Histogram::Span>& spans,
           std::vector<double>& counts) {
  spans.clear();
  counts.clear();
  std::int32_t next = 0;
  for (const auto& entry : entries) {
    if (spans.empty() || entry.index != next) {
      spans.push_back({entry.index - (spans.empty() ? 0 : next), 1});
    } else {
      ++spans.back().length;
    }
    counts.push_back(entry.count);
    next = entry.index + 1;
  }
}

/// Adds up entries of one index; `entries` is ascending.
Entries merged(const Entries& entries) {
  Entries out;
  for (const auto& entry : entries) {
    if (!out.empty() && out.back().index == entry.index) {
      out.back().count += entry.count;
    } else {
      out.push_back(entry);
    }
  }
  return out;
}

Entries sum_of(const Entries& left, const Entries& right, double sign) {
  Entries out;
  out.reserve(left.size() + right.size());
  std::size_t i = 0, j = 0;
  while (i < left.size() || j < right.size()) {
    if (j >= right.size() || (i < left.size() && left[i].index < right[j].index)) {
      out.push_back(left[i++]);
    } else if (i >= left.size() || right[j].index < left[i].index) {
      out.push_back({right[j].index, sign * right[j].count});
      ++j;
    } else {
      out.push_back({left[i].index, left[i].count + sign * right[j].count});
      ++i, ++j;
    }
  }
  return out;
}

/// The upper border of an exponential bucket on the positive side.
double bound(std::int32_t index, std::int32_t schema) {
  if (schema < 0) {
    const std::int64_t exponent = static_cast<std::int64_t>(index) << -schema;
    if (exponent > 1024) return INFINITY;
    if (exponent == 1024) return std::numeric_limits<double>::max();
    return std::ldexp(1.0, static_cast<int>(std::max<std::int64_t>(exponent, -1100)));
  }
  const std::int32_t whole = index >> schema, part = index - (whole << schema);
  if (whole == 1024 && part == 0) return std::numeric_limits<double>::max();
  return std::ldexp(std::exp2(static_cast<double>(part) / static_cast<double>(1 << schema)), whole);
}

/// A histogram taken apart, for arithmetic.
struct Parts {
  Entries positive, negative;
};

Parts parts_of(const Histogram& h) {
  return {entries_of(h.positive_spans, h.positive_counts),
          entries_of(h.negative_spans, h.negative_counts)};
}

Entries coarser(const Entries& entries, std::int32_t from, std::int32_t to) {
  if (to >= from) return entries;
  const int shift = std::min(from - to, 31);
  Entries out = entries;
  for (auto& entry : out) entry.index = ((entry.index - 1) >> shift) + 1;
  return merged(out);
}

/// The zero count if the zero bucket reached at least to `threshold`; `threshold` grows to the end
/// of a populated bucket that it would cut.
double widened_zero_count(const Histogram& h, const Parts& parts, double& threshold) {
  while (true) {
    double count = h.zero_count;
    bool grown = false;
    for (const Entries* side : {&parts.positive, &parts.negative})
      for (const auto& entry : *side) {
        if (bound(entry.index - 1, h.schema) >= threshold) break;
        count += entry.count;
        const double upper = bound(entry.index, h.schema);
        if (entry.count != 0 && upper > threshold) {
          threshold = upper;
          grown = true;
        }
      }
    if (!grown) return count;
  }
}

void widen_zero(Histogram& h, Parts& parts, double threshold) {
  if (threshold <= h.zero_threshold) return;
  h.zero_count = widened_zero_count(h, parts, threshold);
  for (Entries* side : {&parts.positive, &parts.negative})
    std::erase_if(*side,
                  [&](const Entry& entry) { return bound(entry.index - 1, h.schema) < threshold; });
  h.zero_threshold = threshold;
}

void reconcile_zero(Histogram& left, Parts& left_parts, Histogram& right, Parts& right_parts) {
  // Neither is less where one is NaN.
  while (left.zero_threshold < right.zero_threshold || right.zero_threshold < left.zero_threshold) {
    if (left.zero_threshold < right.zero_threshold)
      widen_zero(left, left_parts, right.zero_threshold);
    if (right.zero_threshold < left.zero_threshold)
      widen_zero(right, right_parts, left.zero_threshold);
  }
}

/// Custom bounds that both have.
std::vector<double> common_bounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out;
  std::ranges::set_intersection(a, b, std::back_inserter(out));
  return out;
}

Entries onto_bounds(const Entries& entries, const std::vector<double>& from,
                    const std::vector<double>& to) {
  Entries out;
  for (const auto& entry : entries) {
    std::size_t target = to.size();
    if (static_cast<std::size_t>(entry.index) < from.size())
      target = static_cast<std::size_t>(
          std::ranges::lower_bound(to, from[static_cast<std::size_t>(entry.index)]) - to.begin());
    out.push_back({static_cast<std::int32_t>(target), entry.count});
  }
  return merged(out);
}

Histogram::ResetHint combined_hint(Histogram::ResetHint a, Histogram::ResetHint b,
                                   bool& collision) {
  using Hint = Histogram::ResetHint;
  if (a == b) return a;
  if (a == Hint::kGauge || b == Hint::kGauge) return Hint::kGauge;
  collision =
      (a == Hint::kReset && b == Hint::kNoReset) || (a == Hint::kNoReset && b == Hint::kReset);
  return Hint::kUnknown;
}

Bucket bucket_of(const Histogram& h, const Entry& entry, bool positive) {
  Bucket bucket;
  bucket.count = entry.count;
  if (has_custom_buckets(h)) {
    const auto index = static_cast<std::size_t>(std::max(entry.index, 0));
    bucket.lower = index == 0                           ? -INFINITY
                   : index - 1 < h.custom_bounds.size() ? h.custom_bounds[index - 1]
                                                        : INFINITY;
    bucket.upper = index < h.custom_bounds.size() ? h.custom_bounds[index] : INFINITY;
    bucket.lower_inclusive = index == 0;
    return bucket;
  }
  const double low = bound(entry.index - 1, h.schema), high = bound(entry.index, h.schema);
  if (positive) {
    bucket.lower = low;
    bucket.upper = high;
  } else {
    bucket.lower = -high;
    bucket.upper = -low;
    bucket.lower_inclusive = true;
    bucket.upper_inclusive = false;
  }
  return bucket;
}

/// Where the observations of a bucket are taken to be: the zero bucket only on sides that have
/// buckets at all, and the first custom bucket from 0.
Bucket estimation_bucket(const Histogram& h, Bucket bucket) {
  if (has_custom_buckets(h)) {
    if (std::isinf(bucket.lower) && bucket.lower < 0 && bucket.upper > 0) bucket.lower = 0;
    return bucket;
  }
  if (bucket.lower < 0 && bucket.upper > 0) {
    if (h.negative_counts.empty() && !h.positive_counts.empty()) bucket.lower = 0;
    if (h.positive_counts.empty() && !h.negative_counts.empty()) bucket.upper = 0;
  }
  return bucket;
}

/// The share of a bucket's observations below `value`, which lies in it.
double share_below(const Histogram& h, const Bucket& bucket, double value) {
  if (std::isinf(bucket.lower)) return 1;
  if (std::isinf(bucket.upper)) return 0;
  if (has_custom_buckets(h) || (bucket.lower <= 0 && bucket.upper >= 0))
    return (value - bucket.lower) / (bucket.upper - bucket.lower);
  const double low = std::log2(std::abs(bucket.lower)), high = std::log2(std::abs(bucket.upper)),
               at = std::log2(std::abs(value));
  return bucket.lower > 0 ? (at - low) / (high - low) : 1 - (at - high) / (low - high);
}

double value_at_share(const Histogram& h, const Bucket& bucket, double share) {
  if (has_custom_buckets(h) || (bucket.lower <= 0 && bucket.upper >= 0))
    return bucket.lower + (bucket.upper - bucket.lower) * share;
  const double low = std::log2(std::abs(bucket.lower)), high = std::log2(std::abs(bucket.upper));
  if (bucket.lower > 0) return std::exp2(low + (high - low) * share);
  return -std::exp2(high + (low - high) * (1 - share));
}

}  // namespace

bool has_custom_buckets(const Histogram& histogram) {
  return histogram.schema == kCustomBucketsSchema;
}

std::vector<Bucket> positive_buckets(const Histogram& h) {
  std::vector<Bucket> out;
  for (const auto& entry : entries_of(h.positive_spans, h.positive_counts))
    out.push_back(bucket_of(h, entry, true));
  return out;
}

std::vector<Bucket> negative_buckets(const Histogram& h) {
  std::vector<Bucket> out;
  for (const auto& entry : entries_of(h.negative_spans, h.negative_counts))
    out.push_back(bucket_of(h, entry, false));
  return out;
}

std::vector<Bucket> all_buckets(const Histogram& h) {
  auto out = negative_buckets(h);
  std::ranges::reverse(out);
  const bool custom = has_custom_buckets(h);
  // The zero bucket cuts the buckets that reach into it.
  for (auto& bucket : out)
    if (!custom && bucket.upper > -h.zero_threshold) bucket.upper = -h.zero_threshold;
  if (h.zero_count > 0)
    out.push_back({-h.zero_threshold, h.zero_threshold, true, true, h.zero_count});
  for (auto bucket : positive_buckets(h)) {
    if (!custom && bucket.lower < h.zero_threshold) bucket.lower = h.zero_threshold;
    out.push_back(bucket);
  }
  return out;
}

std::optional<Combined> combine(const Histogram& left, const Histogram& right, Sign sign) {
  if (has_custom_buckets(left) != has_custom_buckets(right)) return std::nullopt;
  Combined out;
  Histogram l = left, r = right;
  Parts lp = parts_of(l), rp = parts_of(r);
  const double factor = sign == Sign::kPlus ? 1 : -1;
  if (has_custom_buckets(l)) {
    if (l.custom_bounds != r.custom_bounds) {
      const auto bounds = common_bounds(l.custom_bounds, r.custom_bounds);
      lp.positive = onto_bounds(lp.positive, l.custom_bounds, bounds);
      rp.positive = onto_bounds(rp.positive, r.custom_bounds, bounds);
      l.custom_bounds = bounds;
      out.bounds_reconciled = true;
    }
  } else {
    reconcile_zero(l, lp, r, rp);
    const std::int32_t schema = std::min(l.schema, r.schema);
    lp.positive = coarser(lp.positive, l.schema, schema);
    lp.negative = coarser(lp.negative, l.schema, schema);
    rp.positive = coarser(rp.positive, r.schema, schema);
    rp.negative = coarser(rp.negative, r.schema, schema);
    l.schema = schema;
  }
  l.reset_hint = combined_hint(left.reset_hint, right.reset_hint, out.reset_hint_collision);
  if (sign == Sign::kMinus) l.reset_hint = Histogram::ResetHint::kGauge;
  l.zero_count += factor * r.zero_count;
  l.count += factor * r.count;
  l.sum += factor * r.sum;
  store(sum_of(lp.positive, rp.positive, factor), l.positive_spans, l.positive_counts);
  store(sum_of(lp.negative, rp.negative, factor), l.negative_spans, l.negative_counts);
  out.histogram = std::move(l);
  return out;
}

namespace {

struct Compensated {
  double sum = 0, compensation = 0;
  void add(double value) { kahan_add(value, sum, compensation); }
  double value() const { return std::isinf(sum) ? sum : sum + compensation; }
};

Entries entries_from(const std::map<std::int32_t, Compensated>& sums) {
  Entries out;
  for (const auto& [index, sum] : sums) out.push_back({index, sum.value()});
  return out;
}

}  // namespace

std::optional<Combined> total_of(const std::vector<const Histogram*>& histograms, Total total) {
  using Hint = Histogram::ResetHint;
  // The first pass finds the layout that all fit into, the second adds up in it.
  Combined out{.histogram = *histograms[0]};
  bool reset = false, no_reset = false;
  for (const Histogram* histogram : histograms) {
    reset |= histogram->reset_hint == Hint::kReset;
    no_reset |= histogram->reset_hint == Hint::kNoReset;
    if (histogram == histograms[0]) continue;
    auto combined = combine(out.histogram, *histogram, Sign::kPlus);
    if (!combined) return std::nullopt;
    out.bounds_reconciled |= combined->bounds_reconciled;
    out.histogram = std::move(combined->histogram);
  }
  out.reset_hint_collision = reset && no_reset;
  const double size = static_cast<double>(histograms.size());
  const bool overflow =
      total == Total::kMean && (std::isinf(out.histogram.sum) || std::isinf(out.histogram.count));
  if (histograms.size() > 1) {
    Histogram layout;
    layout.schema = out.histogram.schema;
    layout.zero_threshold = out.histogram.zero_threshold;
    layout.custom_bounds = out.histogram.custom_bounds;
    Compensated count, sum, zero;
    std::map<std::int32_t, Compensated> positive, negative;
    for (const Histogram* histogram : histograms) {
      const double factor = overflow ? 1 / size : 1;
      const Histogram fitted = combine(layout, *histogram, Sign::kPlus)->histogram;
      count.add(fitted.count * factor);
      sum.add(fitted.sum * factor);
      zero.add(fitted.zero_count * factor);
      const Parts parts = parts_of(fitted);
      for (const auto& entry : parts.positive) positive[entry.index].add(entry.count * factor);
      for (const auto& entry : parts.negative) negative[entry.index].add(entry.count * factor);
    }
    out.histogram.count = count.value();
    out.histogram.sum = sum.value();
    out.histogram.zero_count = zero.value();
    store(entries_from(positive), out.histogram.positive_spans, out.histogram.positive_counts);
    store(entries_from(negative), out.histogram.negative_spans, out.histogram.negative_counts);
    if (total == Total::kMean && !overflow) out.histogram = divided(std::move(out.histogram), size);
  }
  return out;
}

std::optional<Histogram> interpolated(const Histogram& before, const Histogram& after, double share,
                                      Reading reading) {
  if (reading == Reading::kCounter && detect_reset(after, before)) return scaled(after, share);
  auto growth = combine(after, before, Sign::kMinus);
  if (!growth) return std::nullopt;
  auto sum = combine(before, scaled(std::move(growth->histogram), share), Sign::kPlus);
  if (!sum) return std::nullopt;
  return std::move(sum->histogram);
}

Histogram scaled(Histogram h, double factor) {
  h.zero_count *= factor;
  h.count *= factor;
  h.sum *= factor;
  for (auto* counts : {&h.positive_counts, &h.negative_counts})
    for (double& count : *counts) count *= factor;
  if (factor < 0) h.reset_hint = Histogram::ResetHint::kGauge;
  return h;
}

Histogram divided(Histogram h, double divisor) {
  h.zero_count /= divisor;
  h.count /= divisor;
  h.sum /= divisor;
  if (divisor == 0) {
    h.positive_spans.clear(), h.negative_spans.clear();
    h.positive_counts.clear(), h.negative_counts.clear();
  }
  for (auto* counts : {&h.positive_counts, &h.negative_counts})
    for (double& count : *counts) count /= divisor;
  if (divisor < 0) h.reset_hint = Histogram::ResetHint::kGauge;
  return h;
}

Histogram to_schema(const Histogram& histogram, std::int32_t schema) {
  if (has_custom_buckets(histogram) || schema >= histogram.schema || schema == kCustomBucketsSchema)
    return histogram;
  Histogram out = histogram;
  const Parts parts = parts_of(histogram);
  store(coarser(parts.positive, histogram.schema, schema), out.positive_spans, out.positive_counts);
  store(coarser(parts.negative, histogram.schema, schema), out.negative_spans, out.negative_counts);
  out.schema = schema;
  return out;
}

Histogram with_zero_bucket_apart(const Histogram& histogram) {
  Histogram out = histogram;
  Parts parts = parts_of(histogram);
  for (Entries* side : {&parts.positive, &parts.negative})
    std::erase_if(*side, [&](const Entry& entry) {
      const bool within = bound(entry.index, out.schema) <= out.zero_threshold;
      if (within) out.zero_count += entry.count;
      return within;
    });
  store(parts.positive, out.positive_spans, out.positive_counts);
  store(parts.negative, out.negative_spans, out.negative_counts);
  return out;
}

Histogram compacted(const Histogram& histogram) {
  Histogram out = histogram;
  Parts parts = parts_of(histogram);
  const auto empty = [](const Entry& entry) { return entry.count == 0; };
  std::erase_if(parts.positive, empty);
  std::erase_if(parts.negative, empty);
  store(parts.positive, out.positive_spans, out.positive_counts);
  store(parts.negative, out.negative_spans, out.negative_counts);
  return out;
}

namespace {

bool any_shrunk(const Entries& current, const Entries& previous) {
  std::size_t i = 0;
  for (const auto& before : previous) {
    if (before.count == 0) continue;
    while (i < current.size() && current[i].index < before.index) ++i;
    if (i >= current.size() || current[i].index != before.index || current[i].count < before.count)
      return true;
  }
  return false;
}

}  // namespace

bool detect_reset(const Histogram& current, const Histogram& previous) {
  using Hint = Histogram::ResetHint;
  if (current.reset_hint == Hint::kReset) return true;
  if (current.reset_hint == Hint::kNoReset) return false;
  if (current.count < previous.count) return true;
  if (has_custom_buckets(current) != has_custom_buckets(previous)) return true;
  Parts now = parts_of(current), before = parts_of(previous);
  if (has_custom_buckets(current)) {
    if (current.custom_bounds != previous.custom_bounds) {
      const auto bounds = common_bounds(current.custom_bounds, previous.custom_bounds);
      now.positive = onto_bounds(now.positive, current.custom_bounds, bounds);
      before.positive = onto_bounds(before.positive, previous.custom_bounds, bounds);
    }
    return any_shrunk(now.positive, before.positive);
  }
  if (current.schema > previous.schema) return true;
  if (current.zero_threshold < previous.zero_threshold) return true;
  Histogram old = previous;
  if (current.zero_threshold > previous.zero_threshold) {
    double threshold = current.zero_threshold;
    widened_zero_count(old, before, threshold);
    if (threshold != current.zero_threshold) return true;
    widen_zero(old, before, threshold);
  }
  if (current.zero_count < old.zero_count) return true;
  before.positive = coarser(before.positive, previous.schema, current.schema);
  before.negative = coarser(before.negative, previous.schema, current.schema);
  return any_shrunk(now.positive, before.positive) || any_shrunk(now.negative, before.negative);
}

bool equal(const Histogram& left, const Histogram& right) {
  const auto same = [](double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  };
  const auto same_entries = [&](Entries a, Entries b) {
    const auto empty = [](const Entry& entry) { return entry.count == 0; };
    std::erase_if(a, empty);
    std::erase_if(b, empty);
    return std::ranges::equal(a, b, [&](const Entry& x, const Entry& y) {
      return x.index == y.index && same(x.count, y.count);
    });
  };
  if (left.schema != right.schema || !same(left.count, right.count) || !same(left.sum, right.sum))
    return false;
  if (has_custom_buckets(left)) {
    if (left.custom_bounds != right.custom_bounds) return false;
  } else if (left.zero_threshold != right.zero_threshold ||
             !same(left.zero_count, right.zero_count)) {
    return false;
  }
  const Parts a = parts_of(left), b = parts_of(right);
  return same_entries(a.positive, b.positive) && same_entries(a.negative, b.negative);
}

QuantileOutcome quantile(double q, const Histogram& h) {
  QuantileOutcome out;
  if (std::isnan(q)) return {std::nan("")};
  if (q < 0) return {-INFINITY};
  if (q > 1) return {INFINITY};
  if (h.count == 0) return {std::nan("")};
  auto buckets = all_buckets(h);
  const bool nan_sum = std::isnan(h.sum);
  const bool forward = nan_sum || q < 0.5;
  if (!forward) std::ranges::reverse(buckets);
  double rank = forward ? q * h.count : (1 - q) * h.count;
  double seen = 0;
  Bucket found;
  std::size_t i = 0;
  for (; i < buckets.size(); ++i) {
    if (buckets[i].count == 0) continue;
    found = buckets[i];
    seen += found.count;
    if (seen >= rank) break;
  }
  if (nan_sum) {
    double all = seen;
    for (std::size_t k = i + 1; k < buckets.size(); ++k) all += buckets[k].count;
    if (seen < rank) return {std::nan(""), /*nan_result=*/all < h.count, false};
    out.nan_skew = all < h.count;
  }
  if (has_custom_buckets(h)) {
    if (std::isinf(found.lower) && found.lower < 0) {
      if (found.upper <= 0 || std::isinf(found.upper)) {
        out.value = found.upper;
        return out;
      }
    } else if (std::isinf(found.upper)) {
      out.value = found.lower;
      return out;
    }
  }
  found = estimation_bucket(h, found);
  if (seen < rank) rank = seen;
  rank = forward ? rank - (seen - found.count) : seen - rank;
  out.value = value_at_share(h, found, rank / found.count);
  return out;
}

FractionOutcome fraction(double lower, double upper, const Histogram& h) {
  FractionOutcome out;
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return {std::nan("")};
  double all = 0, lower_rank = 0, upper_rank = 0;
  for (Bucket bucket : all_buckets(h)) {
    bucket = estimation_bucket(h, bucket);
    const auto rank_of = [&](double limit) {
      if (limit >= bucket.upper) return bucket.count;
      if (limit <= bucket.lower) return 0.0;
      return bucket.count * share_below(h, bucket, limit);
    };
    lower_rank += rank_of(lower);
    upper_rank += rank_of(upper);
    all += bucket.count;
  }
  out.has_nan = std::isnan(h.sum) && all < h.count;
  out.value = lower >= upper ? 0 : (upper_rank - lower_rank) / h.count;
  return out;
}

double variance(const Histogram& h) {
  const double mean = h.sum / h.count;
  double total = 0, compensation = 0;
  for (const auto& bucket : all_buckets(h)) {
    if (bucket.count == 0) continue;
    double middle = 0;
    if (has_custom_buckets(h)) {
      middle = (bucket.lower + bucket.upper) / 2;
    } else if (!(bucket.lower <= 0 && bucket.upper >= 0)) {
      middle = std::sqrt(bucket.lower * bucket.upper);
      if (bucket.upper < 0) middle = -middle;
    }
    const double distance = middle - mean;
    kahan_add(bucket.count * distance * distance, total, compensation);
  }
  return (total + compensation) / h.count;
}

Histogram trimmed(const Histogram& h, double limit, TrimSide side) {
  Histogram out = h;
  Parts parts = parts_of(h);
  double kept = 0, removed = 0, kept_sum = 0;
  const auto keep = [&](Bucket bucket) {
    const Bucket real = bucket;
    if (std::isinf(real.lower) && std::isinf(real.upper) && std::isfinite(limit)) {
      removed += bucket.count;  // nothing is known about where its observations are
      return 0.0;
    }
    bucket = estimation_bucket(h, bucket);
    double share = limit <= real.lower     ? 0
                   : limit >= real.upper   ? 1
                   : limit <= bucket.lower ? 0
                   : limit >= bucket.upper ? 1
                                           : share_below(h, bucket, limit);
    if (std::isinf(limit)) share = limit > 0 ? 1 : 0;
    if (side == TrimSide::kKeepAbove) share = 1 - share;
    const double count = bucket.count * share;
    if (share < 1) removed += bucket.count - count;
    if (count != 0) {
      double low = bucket.lower, high = bucket.upper;
      if (side == TrimSide::kKeepBelow)
        high = std::min(high, limit);
      else
        low = std::max(low, limit);
      double middle;
      if (std::isinf(low) || std::isinf(high))
        middle = std::isinf(low) ? high : low;
      else if (has_custom_buckets(h) || (bucket.lower <= 0 && bucket.upper >= 0))
        middle = (low + high) / 2;
      else
        middle = low > 0 ? std::sqrt(low * high) : -std::sqrt(low * high);
      kept_sum += count * middle;
    }
    kept += count;
    return count;
  };
  if (std::isnan(limit)) {  // no bucket is known to lie on the side that is kept
    for (auto* entries : {&parts.positive, &parts.negative})
      for (auto& entry : *entries) removed += std::exchange(entry.count, 0);
  } else {
    for (auto& entry : parts.positive) entry.count = keep(bucket_of(h, entry, true));
    for (auto& entry : parts.negative) entry.count = keep(bucket_of(h, entry, false));
  }
  if (h.zero_count != 0)
    out.zero_count = keep({-h.zero_threshold, h.zero_threshold, true, true, h.zero_count});
  store(parts.positive, out.positive_spans, out.positive_counts);
  store(parts.negative, out.negative_spans, out.negative_counts);
  if (removed != 0) {
    out.count = kept;
    out.sum = kept_sum;
  }
  return out;
}

std::string to_string(const Histogram& h) {
  std::string out = fmt::format("{{count:{}, sum:{}", go_number(h.count), go_number(h.sum));
  for (const auto& bucket : all_buckets(h))
    if (bucket.count != 0)
      out += fmt::format(", {}{},{}{}:{}", bucket.lower_inclusive ? '[' : '(',
                         go_number(bucket.lower), go_number(bucket.upper),
                         bucket.upper_inclusive ? ']' : ')', go_number(bucket.count));
  return out + "}";
}

}  // namespace wellrun::telemetry::promql
