// Functions on histograms, classic (series with an `le` label) and native.

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "telemetry/promql/evaluator.h"
#include "telemetry/promql/functions.h"
#include "telemetry/promql/histogram.h"
#include "telemetry/promql/lexer.h"

namespace wellrun::telemetry::promql {
namespace {

struct ClassicBucket {
  double upper = 0;
  double count = 0;
};

/// As OpenMetrics writes label values: with a fraction always.
std::string open_metrics_number(double value) {
  std::string text = go_number(value);
  if (text.find_first_of(".eIN") == std::string::npos) text += ".0";
  return text;
}

std::optional<double> bound_of(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double sign = 1;
  if (text[0] == '+' || text[0] == '-') {
    sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
  }
  // Go takes what strtod() takes, but for blanks, a second sign, "nan(…)" and 0x1 without exponent.
  const bool starts = std::isalnum(static_cast<unsigned char>(text.empty() ? ' ' : text[0])) ||
                      text.starts_with('.');
  const bool hex = text.find_first_of("xX") != std::string_view::npos;
  if (!starts || text.find('(') != std::string_view::npos) return std::nullopt;
  if (hex && text.find_first_of("pP") == std::string_view::npos) return std::nullopt;
  char* end = nullptr;
  const std::string copy(text);
  const double value = std::strtod(copy.c_str(), &end);
  if (*end != '\0') return std::nullopt;
  return sign * value;
}

/// What had to be taken for measured wrongly so that counts are monotonic.
struct Repair {
  double lowest = INFINITY, highest = -INFINITY;  ///< borders of the buckets whose counts fell
  double most = 0;                                ///< by how much at most
};

struct ClassicOutcome {
  double value = 0;
  std::optional<Repair> repair;
};

/// The repairs of a query, by metric.
class Repairs {
 public:
  void add(const std::string& for_metric, const Repair& repair, std::int64_t time_ms) {
    auto& all = by_metric_[for_metric];
    all.widest.lowest = std::min(all.widest.lowest, repair.lowest);
    all.widest.highest = std::max(all.widest.highest, repair.highest);
    all.widest.most = std::max(all.widest.most, repair.most);
    if (all.count++ == 0) all.first_ms = time_ms;
    all.first_ms = std::min(all.first_ms, time_ms);
    all.last_ms = std::max(all.last_ms, time_ms);
  }

  /// In the words of Prometheus.
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const auto& [for_metric, all] : by_metric_)
      texts.push_back(fmt::format(
          "input to histogram_quantile needed to be fixed for monotonicity (see "
          "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}, "
          "from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
          for_metric, go_number(all.widest.lowest), go_number(all.widest.highest),
          go_number(all.widest.most), all.count, format_rfc3339(from_unix_ms(all.first_ms)),
          format_rfc3339(from_unix_ms(all.last_ms))));
    return texts;
  }

 private:
  struct OfMetric {
    Repair widest;
    std::size_t count = 0;
    std::int64_t first_ms = 0, last_ms = 0;
  };
  std::map<std::string, OfMetric> by_metric_;
};

/// Sorts by border and adds equal borders up. False unless the last border is +Inf.
bool sort_and_join(std::vector<ClassicBucket>& buckets) {
  std::ranges::stable_sort(buckets, {}, &ClassicBucket::upper);
  if (buckets.empty() || !(std::isinf(buckets.back().upper) && buckets.back().upper > 0))
    return false;
  std::vector<ClassicBucket> joined;
  for (const auto& bucket : buckets) {
    if (!joined.empty() && joined.back().upper == bucket.upper) {
      joined.back().count += bucket.count;
    } else {
      joined.push_back(bucket);
    }
  }
  buckets = std::move(joined);
  return true;
}

/// Says what that took, unless it was no more than what arithmetic on floats costs.
std::optional<Repair> make_monotonic(std::vector<ClassicBucket>& buckets) {
  std::optional<Repair> repair;
  double previous = buckets[0].count;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    double& count = buckets[i].count;
    if (count == previous) continue;
    // Differences within 1e-12 come from arithmetic on floats, not from the data.
    if (std::abs(count - previous) < 1e-12 * (std::abs(count) + std::abs(previous))) {
      count = previous;
    } else if (count < previous) {
      if (!repair) repair.emplace();
      repair->lowest = std::min(repair->lowest, buckets[i].upper);
      repair->highest = std::max(repair->highest, buckets[i].upper);
      repair->most = std::max(repair->most, previous - count);
      count = previous;
    }
    previous = count;
  }
  return repair;
}

ClassicOutcome classic_quantile(double q, std::vector<ClassicBucket> buckets) {
  ClassicOutcome out;
  if (std::isnan(q)) return {std::nan("")};
  if (q < 0) return {-INFINITY};
  if (q > 1) return {INFINITY};
  if (!sort_and_join(buckets)) return {std::nan("")};
  out.repair = make_monotonic(buckets);
  if (buckets.size() < 2 || buckets.back().count == 0) {
    out.value = std::nan("");
    return out;
  }
  const double rank = q * buckets.back().count;
  std::size_t b = 0;
  while (b + 1 < buckets.size() && !(buckets[b].count >= rank)) ++b;
  if (b == buckets.size() - 1) {
    out.value = buckets[buckets.size() - 2].upper;
  } else if (b == 0 && buckets[0].upper <= 0) {
    out.value = buckets[0].upper;
  } else {
    const double start = b == 0 ? 0 : buckets[b - 1].upper, end = buckets[b].upper;
    const double before = b == 0 ? 0 : buckets[b - 1].count;
    out.value = start + (end - start) * ((rank - before) / (buckets[b].count - before));
  }
  return out;
}

double classic_fraction(double lower, double upper, std::vector<ClassicBucket> buckets) {
  if (!sort_and_join(buckets) || buckets.back().count == 0 || std::isnan(lower) ||
      std::isnan(upper))
    return std::nan("");
  if (lower >= upper) return 0;
  const double all = buckets.back().count;
  const auto rank_of = [&](double limit) {
    double before = 0, start = buckets[0].upper > 0 ? 0 : -INFINITY;
    for (const auto& bucket : buckets) {
      if (limit >= bucket.upper) {
        before = bucket.count;
        start = bucket.upper;
        continue;
      }
      if (limit <= start || std::isinf(bucket.upper)) return before;
      if (std::isinf(start)) return bucket.count;
      return before + (bucket.count - before) * (limit - start) / (bucket.upper - start);
    }
    return all;
  };
  return (rank_of(upper) - rank_of(lower)) / all;
}

/// The input of a quantile or fraction, taken apart into groups of classic buckets and native
/// histograms.
struct HistogramGroup {
  Labels labels;  ///< without `le`, with the name
  bool drop_name = false;
  std::vector<std::size_t> classic;  ///< columns of buckets
  std::vector<double> borders;       ///< of `classic`
  std::vector<std::size_t> native;
};

}  // namespace

namespace {

struct GroupedInput {
  std::vector<HistogramGroup> groups;
};

}  // namespace

Result<Columns> Evaluator::histogram_value(const Call& call, const Steps& steps) {
  const auto name = call.function->name;
  const bool statistics =
      name == "histogram_count" || name == "histogram_sum" || name == "histogram_avg";
  TRY(Columns out, histograms(*call.args[0], steps, statistics));
  const auto value_of = [&](const Histogram& h) {
    if (name == "histogram_count") return h.count;
    if (name == "histogram_sum") return h.sum;
    if (name == "histogram_avg") return h.sum / h.count;
    return name == "histogram_stdvar" ? variance(h) : std::sqrt(variance(h));
  };
  for (auto& column : out) {
    for (std::size_t i = 0; i < column.cells.size(); ++i) {
      if (column.cells[i] == Cell::kFloat) column.cells[i] = Cell::kAbsent;
      if (column.cells[i] == Cell::kHistogram) column.set(i, value_of(*column.histograms[i]));
    }
    drop_name(column);
  }
  std::erase_if(out, [](const Column& column) { return column.empty(); });
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(out));
  return out;
}

namespace {

/// Says what is wrong with `le` labels, once a series that has floats.
template <typename Complain>
GroupedInput grouped(const Columns& input, Complain bad_bucket) {
  GroupedInput out;
  std::unordered_map<Labels, std::size_t, LabelsHash> index;
  const auto group_for = [&](Labels labels, bool drop) -> HistogramGroup& {
    auto [at, fresh] = index.emplace(labels, out.groups.size());
    if (fresh) out.groups.push_back({.labels = std::move(labels), .drop_name = drop});
    return out.groups[at->second];
  };
  for (std::size_t s = 0; s < input.size(); ++s) {
    const Column& column = input[s];
    const bool floats = std::ranges::find(column.cells, Cell::kFloat) != column.cells.end();
    const bool histograms = std::ranges::find(column.cells, Cell::kHistogram) != column.cells.end();
    if (histograms) group_for(column.labels, column.drop_name).native.push_back(s);
    if (!floats) continue;
    const auto le = column.labels.get("le");
    const auto border = bound_of(le);
    if (!border) {
      bad_bucket(column.labels, le);
      continue;
    }
    Labels labels = column.labels;
    labels.remove("le");
    auto& group = group_for(std::move(labels), column.drop_name);
    group.classic.push_back(s);
    group.borders.push_back(*border);
  }
  return out;
}

/// Named only while names are kept to the end: else they are gone by then in Prometheus, too.
std::string for_metric(const Labels& labels, bool names_are_kept) {
  const auto name = labels.metric_name();
  return name.empty() || !names_are_kept ? std::string() : " for metric name " + go_quoted(name);
}

}  // namespace

Result<Columns> Evaluator::histogram_quantile(const Call& call, const Steps& steps) {
  const std::size_t count = steps.count();
  TRY(auto quantiles, scalar(*call.args[0], steps));
  TRY(Columns input, histograms(*call.args[1], steps, false));
  const auto where = call.args[1]->position;
  for (double q : quantiles)
    if (!(q >= 0 && q <= 1))
      warn(fmt::format("quantile value should be between 0 and 1, got {}", go_number(q)),
           call.args[0]->position);
  auto in = grouped(input, [&](const Labels& labels, std::string_view le) {
    warn(fmt::format("bucket label \"le\" is missing or has a malformed value of {}{}",
                     go_quoted(le), for_metric(labels, options_.delayed_name_removal)),
         where);
  });
  Repairs repairs;
  Columns out;
  for (auto& group : in.groups) {
    Column column(count);
    column.labels = group.labels;
    column.drop_name = group.drop_name;
    for (std::size_t i = 0; i < count; ++i) {
      TRY_STATUS(check_alive());
      const Histogram* native = nullptr;
      for (std::size_t s : group.native)
        if (input[s].cells[i] == Cell::kHistogram) native = input[s].histograms[i].get();
      std::vector<ClassicBucket> buckets;
      for (std::size_t k = 0; k < group.classic.size(); ++k)
        if (input[group.classic[k]].cells[i] == Cell::kFloat)
          buckets.push_back({group.borders[k], input[group.classic[k]].floats[i]});
      if (native && !buckets.empty()) {
        warn("vector contains a mix of classic and native histograms" +
                 for_metric(group.labels, options_.delayed_name_removal),
             where);
        continue;
      }
      if (native) {
        const auto outcome = quantile(quantiles[i], *native);
        if (outcome.nan_result)
          inform("input to histogram_quantile has NaN observations, result is NaN" +
                     for_metric(group.labels, options_.delayed_name_removal),
                 where);
        if (outcome.nan_skew)
          inform("input to histogram_quantile has NaN observations, result is skewed higher" +
                     for_metric(group.labels, options_.delayed_name_removal),
                 where);
        column.set(i, outcome.value);
      } else if (!buckets.empty()) {
        const auto outcome = classic_quantile(quantiles[i], std::move(buckets));
        if (outcome.repair)
          repairs.add(for_metric(group.labels, options_.delayed_name_removal), *outcome.repair,
                      steps.at(i));
        column.set(i, outcome.value);
      }
    }
    if (column.empty()) continue;
    drop_name(column);
    out.push_back(std::move(column));
  }
  for (const auto& text : repairs.texts()) inform(text, where);
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(out));
  return out;
}

Result<Columns> Evaluator::histogram_quantiles(const Call& call, const Steps& steps) {
  const std::size_t count = steps.count();
  TRY(const auto label, text(*call.args[1]));
  if (label.empty())
    return fail(ErrorCode::kUnsupported, "invalid label name in histogram_quantiles(): \"\"");
  TRY(Columns input, histograms(*call.args[0], steps, false));
  const auto where = call.args[0]->position;
  auto in = grouped(input, [&](const Labels& labels, std::string_view le) {
    warn(fmt::format("bucket label \"le\" is missing or has a malformed value of {}{}",
                     go_quoted(le), for_metric(labels, options_.delayed_name_removal)),
         where);
  });
  Repairs repairs;
  Columns out;
  for (std::size_t a = 2; a < call.args.size(); ++a) {
    TRY(auto quantiles, scalar(*call.args[a], steps));
    for (double q : quantiles)
      if (!(q >= 0 && q <= 1))
        warn(fmt::format("quantile value should be between 0 and 1, got {}", go_number(q)),
             call.args[a]->position);
    for (auto& group : in.groups) {
      std::map<std::string, Column> by_quantile;
      for (std::size_t i = 0; i < count; ++i) {
        TRY_STATUS(check_alive());
        const Histogram* native = nullptr;
        for (std::size_t s : group.native)
          if (input[s].cells[i] == Cell::kHistogram) native = input[s].histograms[i].get();
        std::vector<ClassicBucket> buckets;
        for (std::size_t k = 0; k < group.classic.size(); ++k)
          if (input[group.classic[k]].cells[i] == Cell::kFloat)
            buckets.push_back({group.borders[k], input[group.classic[k]].floats[i]});
        if (native && !buckets.empty()) {
          warn("vector contains a mix of classic and native histograms" +
                   for_metric(group.labels, options_.delayed_name_removal),
               where);
          continue;
        }
        if (!native && buckets.empty()) continue;
        double value = 0;
        if (native) {
          const auto outcome = quantile(quantiles[i], *native);
          if (outcome.nan_result)
            inform("input to histogram_quantile has NaN observations, result is NaN" +
                       for_metric(group.labels, options_.delayed_name_removal),
                   where);
          if (outcome.nan_skew)
            inform("input to histogram_quantile has NaN observations, result is skewed higher" +
                       for_metric(group.labels, options_.delayed_name_removal),
                   where);
          value = outcome.value;
        } else {
          const auto outcome = classic_quantile(quantiles[i], std::move(buckets));
          if (outcome.repair)
            repairs.add(for_metric(group.labels, options_.delayed_name_removal), *outcome.repair,
                        steps.at(i));
          value = outcome.value;
        }
        auto [at, fresh] = by_quantile.emplace(open_metrics_number(quantiles[i]), Column(count));
        at->second.set(i, value);
      }
      for (auto& [text, column] : by_quantile) {
        TRY_STATUS(count_samples(count));
        column.labels = group.labels;
        column.labels.set(label, text);
        column.drop_name = group.drop_name;
        drop_name(column);
        out.push_back(std::move(column));
      }
    }
  }
  for (const auto& text : repairs.texts()) inform(text, where);
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(out));
  return out;
}

Result<Columns> Evaluator::histogram_fraction(const Call& call, const Steps& steps) {
  const std::size_t count = steps.count();
  TRY(auto lower, scalar(*call.args[0], steps));
  TRY(auto upper, scalar(*call.args[1], steps));
  TRY(Columns input, histograms(*call.args[2], steps, false));
  const auto where = call.args[2]->position;
  auto in = grouped(input, [&](const Labels& labels, std::string_view le) {
    warn(fmt::format("bucket label \"le\" is missing or has a malformed value of {}{}",
                     go_quoted(le), for_metric(labels, options_.delayed_name_removal)),
         where);
  });
  Columns out;
  for (auto& group : in.groups) {
    Column column(count);
    column.labels = group.labels;
    column.drop_name = group.drop_name;
    for (std::size_t i = 0; i < count; ++i) {
      TRY_STATUS(check_alive());
      const Histogram* native = nullptr;
      for (std::size_t s : group.native)
        if (input[s].cells[i] == Cell::kHistogram) native = input[s].histograms[i].get();
      std::vector<ClassicBucket> buckets;
      for (std::size_t k = 0; k < group.classic.size(); ++k)
        if (input[group.classic[k]].cells[i] == Cell::kFloat)
          buckets.push_back({group.borders[k], input[group.classic[k]].floats[i]});
      if (native && !buckets.empty()) {
        warn("vector contains a mix of classic and native histograms" +
                 for_metric(group.labels, options_.delayed_name_removal),
             where);
        continue;
      }
      if (native) {
        const auto outcome = fraction(lower[i], upper[i], *native);
        if (outcome.has_nan)
          inform(
              "input to histogram_fraction has NaN observations, which are excluded from all "
              "fractions" +
                  for_metric(group.labels, options_.delayed_name_removal),
              where);
        column.set(i, outcome.value);
      } else if (!buckets.empty()) {
        column.set(i, classic_fraction(lower[i], upper[i], std::move(buckets)));
      }
    }
    if (column.empty()) continue;
    drop_name(column);
    out.push_back(std::move(column));
  }
  if (!options_.delayed_name_removal) TRY_STATUS(join_same_labels(out));
  return out;
}

}  // namespace wellrun::telemetry::promql
