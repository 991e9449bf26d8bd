#include "health/slo/sli_queries.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <re2/re2.h>
#include <set>
#include <vector>

#include "core/text.h"
#include "telemetry/promql/functions.h"
#include "telemetry/promql/lexer.h"
#include "telemetry/promql/parser.h"

namespace wellrun::health {
namespace {

namespace promql = telemetry::promql;

constexpr Duration kMinute{60'000};

/// A shorter window may hold a single sample, of which increase() says nothing.
constexpr Duration kFewSamples{300'000};

/// Short slices that follow each other are counted from the last sample before them
/// (promql-extended-range-selectors): one sample in each is enough, and together they are all.
const char* edges_of(const catalog::Slo& slo, Duration window) {
  return slo.by_slices() && window < kFewSamples ? " anchored" : "";
}

/// A range of samples, as it is written.
struct Increase {
  promql::Position range;
  Duration length;
};

/// What matters of a query's tree: its selectors, and the range functions over some of them.
struct Found {
  std::vector<promql::Position> selectors;  ///< instant ones, in order
  std::vector<Increase> increases;          ///< that rate() or increase() is taken of, in order
  bool has_range = false;
  bool per_second = false;        ///< rate() or irate()
  std::optional<Duration> range;  ///< of the first range selector
};

/// Of samples, with its edges as they are.
bool is_plain_range(const promql::Expr& expr) {
  const auto* matrix = expr.as<promql::MatrixSelector>();
  if (matrix == nullptr) return false;
  const auto* selector = matrix->selector->as<promql::VectorSelector>();
  return selector != nullptr && !selector->anchored && !selector->smoothed;
}

Duration length_of(const promql::MatrixSelector& matrix) {
  const auto seconds = promql::evaluate_duration(*matrix.range, 0, 0).value_or(0);
  return Duration{static_cast<std::int64_t>(seconds * 1000)};
}

void look(const promql::Expr& expr, Found& found) {
  if (expr.as<promql::VectorSelector>() != nullptr) {
    found.selectors.push_back(expr.position);
  } else if (const auto* matrix = expr.as<promql::MatrixSelector>()) {
    found.has_range = true;
    if (!found.range) found.range = length_of(*matrix);
  } else if (expr.as<promql::Subquery>() != nullptr) {
    found.has_range = true;
  } else if (const auto* call = expr.as<promql::Call>()) {
    const std::string_view name = call->function->name;
    found.per_second = found.per_second || name == "rate" || name == "irate";
    if ((name == "rate" || name == "increase") && is_plain_range(*call->args.front())) {
      const auto& range = *call->args.front();
      found.increases.push_back({range.position, length_of(*range.as<promql::MatrixSelector>())});
    }
    for (const auto& argument : call->args) look(*argument, found);
  } else if (const auto* aggregate = expr.as<promql::Aggregate>()) {
    look(*aggregate->expr, found);
  } else if (const auto* binary = expr.as<promql::Binary>()) {
    look(*binary->left, found);
    look(*binary->right, found);
  } else if (const auto* unary = expr.as<promql::Unary>()) {
    look(*unary->expr, found);
  } else if (const auto* paren = expr.as<promql::Paren>()) {
    look(*paren->expr, found);
  }
}

/// A selector as it is written, and its `offset` and `@`.
struct WrittenSelector {
  std::string metric, shift;
};

WrittenSelector written_selector(const std::string& text) {
  std::size_t end = text.size();
  if (const auto tokens = promql::tokenize(text)) {
    end = tokens->front().position.end;
    for (const auto& token : *tokens)
      if (token.kind == promql::TokenKind::kRightBrace) end = token.position.end;
  }
  return {text.substr(0, end), text.substr(end)};
}

/// `query` with something else in place of every selector.
std::string replaced(const std::string& query, const Found& found,
                     const std::function<std::string(const WrittenSelector&)>& with) {
  std::string text;
  std::size_t done = 0;
  for (const auto& at : found.selectors) {
    text += query.substr(done, at.start - done);
    text += with(written_selector(query.substr(at.start, at.end - at.start)));
    done = at.end;
  }
  return text + query.substr(done);
}

/// `query` with `words` behind each range that is the window and that an increase is taken of.
std::string with_edges(const std::string& query, const Found& found, Duration window,
                       const std::string& words) {
  std::string text;
  std::size_t done = 0;
  for (const auto& each : found.increases) {
    if (each.length != window) continue;
    text += query.substr(done, each.range.end - done) + words;
    done = each.range.end;
  }
  return text + query.substr(done);
}

/// Something may stand behind it, also when it ends with a comment.
std::string closed(const std::string& query) {
  return query.contains('#') ? query + "\n" : query;
}

/// What there is of it: NaN says that there was nothing to measure, and makes every sum NaN.
std::string known(const std::string& query) {
  return fmt::format("({}) <= +Inf", closed(query));
}

/// The sum of the samples in the window. Where one of them is NaN, so that their sum is: that of
/// the others, as far as a look a minute finds them.
std::string sum_of_samples(const WrittenSelector& selector, Duration window) {
  const auto over = format_duration(window);
  const auto samples = fmt::format("{}[{}]{}", selector.metric, over, selector.shift);
  const auto looks = fmt::format("[{}:{}]", over, format_duration(std::min(kMinute, window / 5)));
  const auto each = fmt::format("({}{})", selector.metric, selector.shift);
  return fmt::format(
      "((sum_over_time({0}) <= +Inf) or sum_over_time(({1} <= +Inf){2}) * count_over_time({0}) / "
      "count_over_time({1}{2}))",
      samples, each, looks);
}

/// How finely a long window is looked through where there is no counter to subtract.
Duration step_within(Duration window) {
  return std::clamp(window / 60, Duration{10'000}, Duration{300'000});
}

std::string number(double value) {
  return fmt::format("{}", value);
}

/// Samples of a value are taken this far apart, the same in every window of an SLO.
Duration sample_step(const catalog::Slo& slo) {
  Duration step = kMinute;
  if (const auto slice = slo.slice(); slo.by_slices() && slice) step = std::min(step, *slice / 5);
  for (const auto& window : slo.alerting.windows) step = std::min(step, window.short_window / 5);
  return std::max(step, Duration{1000});
}

std::string over_samples(const char* function, const std::string& query, Duration window,
                         Duration step) {
  return fmt::format("sum({}(({})[{}:{}]))", function, closed(query), format_duration(window),
                     format_duration(step));
}

const char* comparison(const std::string& op) {
  if (op == "lte") return "<=";
  if (op == "lt") return "<";
  if (op == "gte") return ">=";
  return ">";
}

const std::string& query_of(const std::optional<catalog::MetricCount>& metric) {
  static const std::string kNone;
  return metric ? metric->metric_source.spec.query : kNone;
}

SliQueries value_queries(const catalog::Slo& slo, Duration window) {
  const auto& query = query_of(slo.indicator.spec.threshold_metric);
  const auto& objective = slo.objective();
  const auto holds = fmt::format("({}) {} {}", closed(query), comparison(objective.op),
                                 number(objective.value.value_or(0)));
  const auto step = sample_step(slo);
  return {.good = over_samples("count_over_time", holds, window, step),
          .total = over_samples("count_over_time", known(query), window, step)};
}

/// "name{matchers}" with something behind the name.
std::string with_suffix(const std::string& selector, const char* suffix) {
  const auto end = std::min(selector.find('{'), selector.size());
  return std::string(trimmed(selector.substr(0, end))) + suffix + selector.substr(end);
}

/// Source of the share: histogram_fraction(), which reads classic and native histograms alike.
SliQueries latency_queries(const catalog::LatencyMetric& latency, Duration window,
                           const std::string& edges) {
  const auto over = "[" + format_duration(window) + "]" + edges;
  const auto buckets = with_suffix(latency.histogram, "_bucket");
  const auto count = with_suffix(latency.histogram, "_count");
  const auto native = fmt::format("sum(increase({}{}))", latency.histogram, over);
  const auto classic_total = fmt::format("sum(increase({}{}))", count, over);
  const auto native_total = fmt::format("histogram_count({})", native);
  const auto share = [&](const std::string& of) {
    return fmt::format("histogram_fraction(-Inf, {}, {})", number(latency.threshold), of);
  };
  // The share of nothing is NaN.
  return {.good = fmt::format("(({} * {}) or ({} * {})) <= +Inf",
                              share(fmt::format("sum by (le) (increase({}{}))", buckets, over)),
                              classic_total, share(native), native_total),
          .total = fmt::format("({}) or ({})", classic_total, native_total)};
}

SliQueries ratio_queries(const catalog::Slo& slo, Duration window, const std::string& edges,
                         NanSamples nan) {
  const auto& ratio = *slo.indicator.spec.ratio_metric;
  if (ratio.raw) {
    const auto step = sample_step(slo);
    const auto share = known(query_of(ratio.raw));
    return {.good = over_samples("sum_over_time", share, window, step),
            .total = over_samples("count_over_time", share, window, step),
            .bad = ratio.raw_type == "failure"};
  }
  const auto count = [&](const std::optional<catalog::MetricCount>& of) {
    return count_query(query_of(of), {ratio.counter, window, edges, nan});
  };
  return {.good = count(ratio.good ? ratio.good : ratio.bad),
          .total = count(ratio.total),
          .bad = !ratio.good};
}

/// Of one objective.
SliQueries counted(const catalog::Slo& slo, Duration window, const std::string& edges,
                   NanSamples nan) {
  const auto& indicator = slo.indicator.spec;
  if (indicator.latency_metric) return latency_queries(*indicator.latency_metric, window, edges);
  if (indicator.threshold_metric) return value_queries(slo, window);
  if (indicator.ratio_metric) return ratio_queries(slo, window, edges, nan);
  return {};
}

// ---- composites ----

/// One value of each objective, told apart by a label, for an aggregation over all of them.
std::string each_of(const std::vector<std::string>& values) {
  std::vector<std::string> named;
  for (std::size_t i = 0; i < values.size(); ++i)
    named.push_back(
        fmt::format("label_replace({}, \"objective\", \"{}\", \"\", \"\")", values[i], i + 1));
  return fmt::format("{}", fmt::join(named, " or "));
}

/// Of one objective.
std::string share_query(const catalog::Slo& slo, Duration length, NanSamples nan) {
  const auto counts = counted(slo, length, edges_of(slo, length), nan);
  // Good series may be absent: then none was good. increase() extrapolates: never more than all.
  const auto share =
      fmt::format("clamp_max((({0}) or 0 * ({1})) / (({1}) > 0), 1)", counts.good, counts.total);
  return counts.bad ? fmt::format("1 - {}", share) : share;
}

/// The share that a part counted as good over the window.
std::string part_share(const catalog::Slo& part, Duration window, NanSamples nan) {
  if (!part.by_slices()) return share_query(part, window, nan);
  const auto counts = sli_queries(part, window);
  return fmt::format("({}) / ({})", counts.good, counts.total);
}

/// What is missing to all in the objectives' shares, by weight. Source: OpenSLO v1, "Composite
/// SLO": an objective burns the composite's budget as fast as its own (`Occurrences`), or adds what
/// it is missing (`RatioTimeslices`).
std::string missing_query(const catalog::Slo& slo, Duration window, NanSamples nan) {
  std::vector<std::string> missing;
  for (const auto& part : slo.parts()) {
    const double scale = slo.by_slices() ? 1 : (1 - slo.target()) / (1 - part.target());
    missing.push_back(fmt::format("(1 - ({})) * {}", part_share(part, window, nan),
                                  number(part.objective().composite_weight * scale)));
  }
  return fmt::format("clamp_max(sum({}), 1)", each_of(missing));
}

std::vector<std::string> part_totals(const catalog::Slo& slo, Duration window, NanSamples nan) {
  std::vector<std::string> totals;
  for (const auto& part : slo.parts()) totals.push_back(sli_queries(part, window, nan).total);
  return totals;
}

/// 1 for a slice in which every objective that had traffic was good, else 0.
std::string good_slice(const catalog::Slo& slo, Duration slice) {
  std::vector<std::string> holds;
  for (const auto& part : slo.parts())
    holds.push_back(fmt::format("(({}) >= bool {})", known(ratio_query(part, slice)),
                                number(part.objective().time_slice_target.value_or(1))));
  return fmt::format("min({})", each_of(holds));
}

SliQueries composite_queries(const catalog::Slo& slo, Duration window, NanSamples nan) {
  const auto slice = slo.slice();
  if (slo.budgeting_method == "Timeslices" && slice) {
    const auto good = good_slice(slo, *slice);
    return {.good = over_samples("sum_over_time", good, window, *slice),
            .total = over_samples("count_over_time", good, window, *slice)};
  }
  const auto total = fmt::format("{}({})", slo.by_slices() ? "max" : "sum",
                                 each_of(part_totals(slo, window, nan)));
  return {.good = fmt::format("{} * {}", missing_query(slo, window, nan), total),
          .total = total,
          .bad = true};
}

/// All objectives' together.
SliQueries composite_events(const catalog::Slo& slo, Duration window, NanSamples nan) {
  std::vector<std::string> good, total;
  for (const auto& part : slo.parts()) {
    const auto counts = event_queries(part, window, nan);
    const auto some = fmt::format("(({}) or 0 * ({}))", counts.good, counts.total);
    good.push_back(counts.bad ? fmt::format("(({}) - {})", counts.total, some) : some);
    total.push_back(counts.total);
  }
  return {.good = fmt::format("sum({})", each_of(good)),
          .total = fmt::format("sum({})", each_of(total))};
}

/// Of slices that are good or bad: the share of the objective that is worst.
std::string composite_ratio(const catalog::Slo& slo, Duration length) {
  if (slo.budgeting_method == "Occurrences")
    return fmt::format("1 - {}", missing_query(slo, length, NanSamples::kLeftOut));
  std::vector<std::string> shares;
  for (const auto& part : slo.parts()) shares.push_back(ratio_query(part, length));
  return fmt::format("min({})", each_of(shares));
}

}  // namespace

std::string count_query(const std::string& query, const Counting& how) {
  static const RE2 kWindow(R"(\{\{\s*\.window\s*\}\})");
  std::string text = query;
  const bool filled = RE2::GlobalReplace(&text, kWindow, format_duration(how.window)) > 0;
  const auto parsed = promql::parse(text);
  Found found;
  if (parsed) look(**parsed, found);
  const double seconds = to_seconds(how.window);
  if (filled) text = with_edges(text, found, how.window, how.edges);
  if (filled)
    return found.per_second ? fmt::format("sum({}) * {}", closed(text), number(seconds))
                            : fmt::format("sum({})", closed(text));
  const bool plain = !found.has_range && !found.selectors.empty();
  if (plain) {
    const auto in_window = [&](const WrittenSelector& selector) {
      if (!how.counter && how.nan == NanSamples::kLeftOut)
        return sum_of_samples(selector, how.window);
      return fmt::format("{}({}[{}]{}{})", how.counter ? "increase" : "sum_over_time",
                         selector.metric, format_duration(how.window), how.counter ? how.edges : "",
                         selector.shift);
    };
    return fmt::format("sum({})", closed(replaced(text, found, in_window)));
  }
  const auto step = step_within(how.window);
  if (!how.counter) return over_samples("sum_over_time", known(text), how.window, kMinute);
  const double scale =
      found.per_second || !found.range ? seconds : seconds / to_seconds(*found.range);
  return fmt::format("{} * {}", over_samples("avg_over_time", known(text), how.window, step),
                     number(scale));
}

SliQueries event_queries(const catalog::Slo& slo, Duration window, NanSamples nan) {
  if (slo.is_composite()) return composite_events(slo, window, nan);
  return counted(slo, window, {}, nan);
}

SliQueries event_queries(const catalog::Slo& slo, Duration window) {
  return event_queries(slo, window, NanSamples::kLeftOut);
}

std::string ratio_query(const catalog::Slo& slo, Duration length) {
  if (slo.is_composite()) return composite_ratio(slo, length);
  return share_query(slo, length, NanSamples::kLeftOut);
}

SliQueries sli_queries(const catalog::Slo& slo, Duration window) {
  return sli_queries(slo, window, NanSamples::kLeftOut);
}

SliQueries sli_queries(const catalog::Slo& slo, Duration window, NanSamples nan) {
  if (slo.is_composite()) return composite_queries(slo, window, nan);
  const auto slice = slo.slice();
  if (!slo.by_slices() || !slice) return event_queries(slo, window, nan);
  // A slice that is spoilt would not be told from one without traffic.
  const auto share = known(ratio_query(slo, *slice));
  const auto total = over_samples("count_over_time", share, window, *slice);
  if (slo.budgeting_method == "RatioTimeslices")
    return {.good = over_samples("sum_over_time", share, window, *slice), .total = total};
  const auto holds =
      fmt::format("({}) >= {}", share, number(slo.objective().time_slice_target.value_or(1)));
  return {.good = over_samples("count_over_time", holds, window, *slice), .total = total};
}

Status check_slo_queries(const catalog::Slo& slo) {
  std::set<std::string> asked;
  const auto add = [&](const SliQueries& queries) {
    asked.insert(queries.good);
    asked.insert(queries.total);
  };
  add(sli_queries(slo, slo.window()));
  for (const auto& part : slo.parts()) {
    add(sli_queries(part, slo.window()));
    add(event_queries(part, slo.window()));
  }
  asked.insert(ratio_query(slo, chart_length(slo)));
  for (const auto& query : asked) {
    if (const auto parsed = promql::parse(query); !parsed)
      return fail(ErrorCode::kInvalid,
                  fmt::format("what it counts becomes {}, which is no PromQL: {}", quote(query),
                              parsed.error().message));
  }
  return {};
}

Duration chart_length(const catalog::Slo& slo) {
  const auto slice = slo.slice();
  if (slo.by_slices() && slice) return *slice;
  const auto hundredth = std::chrono::floor<std::chrono::seconds>(slo.window() / 100);
  return std::clamp<Duration>(hundredth, kMinute, 60 * kMinute);
}

std::string unit_of(const catalog::Slo& slo) {
  if (const auto slice = slo.slice(); slo.by_slices() && slice)
    return "slices of " + format_duration(*slice);
  if (slo.is_composite()) {
    const auto parts = slo.parts();
    const auto unit = unit_of(parts.front());
    const bool same =
        std::ranges::all_of(parts, [&](const catalog::Slo& part) { return unit_of(part) == unit; });
    return same ? unit : "events and samples";
  }
  const auto& indicator = slo.indicator.spec;
  const bool sampled =
      indicator.threshold_metric || (indicator.ratio_metric && indicator.ratio_metric->raw);
  return sampled ? "samples" : "events";
}

}  // namespace wellrun::health
