#pragma once

// Arithmetic and statistics on native histograms. Pure.
// Source: Prometheus' native histogram specification,
// https://prometheus.io/docs/specs/native_histograms/

#include <optional>
#include <vector>

#include "telemetry/model.h"

namespace wellrun::telemetry::promql {

/// A bucket with its borders. `index` is that of the schema.
struct Bucket {
  double lower = 0;
  double upper = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = true;
  double count = 0;
};

bool has_custom_buckets(const Histogram& histogram);

/// Positive side from zero up, negative side from zero down; empty buckets included.
std::vector<Bucket> positive_buckets(const Histogram& histogram);
std::vector<Bucket> negative_buckets(const Histogram& histogram);

/// Negative, zero, positive: ascending. The zero bucket is left out when it is empty.
std::vector<Bucket> all_buckets(const Histogram& histogram);

struct Combined {
  Histogram histogram;
  bool reset_hint_collision = false;  ///< one said "reset" and the other "no reset"
  bool bounds_reconciled =
      false;  ///< custom bounds differed and were cut down to those that both have
};

enum class Sign { kPlus, kMinus };

/// left ± right in the coarser of both schemas and the wider of both zero buckets. std::nullopt:
/// one has exponential, the other custom buckets.
std::optional<Combined> combine(const Histogram& left, const Histogram& right, Sign sign);

/// Sum or mean of all, each field with Kahan's compensation; `histograms` is not empty. The hint is
/// what all have in common. std::nullopt as for combine().
enum class Total { kSum, kMean };
std::optional<Combined> total_of(const std::vector<const Histogram*>& histograms, Total total);

/// What samples are taken for, by whoever reads them.
enum class Reading { kCounter, kGauge };

/// Between two samples at `share` of the way; a counter grew from nothing after a reset.
/// std::nullopt as for combine().
std::optional<Histogram> interpolated(const Histogram& before, const Histogram& after, double share,
                                      Reading reading);

Histogram scaled(Histogram histogram, double factor);
Histogram divided(Histogram histogram, double divisor);

/// To a coarser exponential schema; the same or a finer one: as it is.
Histogram to_schema(const Histogram& histogram, std::int32_t schema);

/// Buckets that lie wholly within the zero bucket are counted there; those that it cuts stay.
/// `histogram` is exponential.
Histogram with_zero_bucket_apart(const Histogram& histogram);

/// Without buckets of count 0.
Histogram compacted(const Histogram& histogram);

/// True when `current` cannot be `previous` having only grown, or says so itself. A gauge says
/// nothing about it: it is looked at as a counter would be.
bool detect_reset(const Histogram& current, const Histogram& previous);

/// Buckets, counts, sum, schema and zero bucket equal; NaN equals NaN in counts and sum of the same
/// bits.
bool equal(const Histogram& left, const Histogram& right);

struct QuantileOutcome {
  double value = 0;
  bool nan_result = false;  ///< observations of NaN made it NaN
  bool nan_skew = false;    ///< observations of NaN pushed it up
};
QuantileOutcome quantile(double q, const Histogram& histogram);

struct FractionOutcome {
  double value = 0;
  bool has_nan = false;
};
FractionOutcome fraction(double lower, double upper, const Histogram& histogram);

/// Estimated variance of the observations, from the middle of each bucket.
double variance(const Histogram& histogram);

/// `</` keeps observations up to `limit`, `>/` those above it; buckets that hold the limit are cut
/// by interpolation.
enum class TrimSide { kKeepBelow, kKeepAbove };
Histogram trimmed(const Histogram& histogram, double limit, TrimSide side);

/// `{count:3, sum:4, [-1,1]:2, (1,2]:1}`: what count_values uses as a value.
std::string to_string(const Histogram& histogram);

}  // namespace wellrun::telemetry::promql
