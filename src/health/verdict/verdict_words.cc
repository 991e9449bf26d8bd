#include "health/verdict/verdict_words.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "core/text.h"
#include "core/time.h"

namespace wellrun::health {
namespace {

std::string span_words(double seconds) {
  return format_age(Duration{static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e12) * 1000)});
}

std::string evidence_words(const MetricVerdict& metric) {
  return fmt::format("evidence {:.3g} of {:.3g} needed, over {}", metric.evidence, metric.fails_at,
                     span_words(metric.window_s));
}

std::string share_words(const GroupTally& tally) {
  return fmt::format("{:g} of {:g} ({:.3g} %)", tally.events, tally.exposure,
                     tally.exposure > 0 ? 100 * tally.events / tally.exposure : 0.0);
}

std::string silent_words(const MetricVerdict& metric) {
  const bool baseline = metric.baseline.rows == 0, canary = metric.canary.rows == 0;
  const std::string who = baseline && canary ? "neither group has"
                          : baseline         ? "the baseline has not"
                                             : "the canary has not";
  return fmt::format(
      "{} sent this metric (baseline {:g} rows, canary {:g}, {:g} null): check its name and that "
      "both groups report it",
      who, metric.baseline.rows, metric.canary.rows,
      metric.baseline.missing + metric.canary.missing);
}

std::string stale_words(const MetricVerdict& metric, double time_s) {
  const bool canary = metric.canary.last_s < metric.baseline.last_s;
  return fmt::format("the {} has sent nothing for {}", canary ? "canary" : "baseline",
                     span_words(time_s - std::min(metric.canary.last_s, metric.baseline.last_s)));
}

std::string change_words(const MetricVerdict& metric) {
  if (!metric.change) return "no change can be named yet";
  if (metric.finding == Finding::kFail && *metric.change >= 1)
    return fmt::format("about {:.2g} times as much", 1 + *metric.change);
  return fmt::format("if anything changed, by {:+.1f} %", 100 * *metric.change);
}

}  // namespace

std::string count_test_words() {
  return "canary's share of all events given their number (conditional binomial), mixed over size "
         "and beginning of a "
         "change, odds allowed to wander";
}

std::string quantile_test_words(double quantile) {
  return fmt::format(
      "values beyond the {:g} quantile of both groups together, block by block; of these the {}",
      quantile, count_test_words());
}

std::string level_test_words(bool logarithmic) {
  return fmt::format(
      "difference of {} in blocks of time, mixed over size and beginning of a change, "
      "autocorrelated "
      "wander allowed for",
      logarithmic ? "log levels" : "levels");
}

std::string threshold_words(double fails_at) {
  return fmt::format("alone a fail at evidence (e-value) {:.3g}; valid however often one looks",
                     fails_at);
}

std::string count_reason(const MetricVerdict& metric, double time_s) {
  if (metric.baseline.rows == 0 || metric.canary.rows == 0) return silent_words(metric);
  const std::string counts = fmt::format("canary {}, baseline {}", share_words(metric.canary),
                                         share_words(metric.baseline));
  switch (metric.finding) {
    case Finding::kNoData:
      return counts + ": a group has had no requests";
    case Finding::kTooFew:
      return counts + ": no event in either group, so nothing to compare";
    case Finding::kStale:
      return counts + ": " + stale_words(metric, time_s);
    case Finding::kZeroBaseline:
      return counts + ": no ratio to a baseline without events; " + evidence_words(metric);
    case Finding::kWatching:
    case Finding::kPass:
    case Finding::kFail:
      break;
  }
  return fmt::format("{}: {}; {}", counts, change_words(metric), evidence_words(metric));
}

std::string level_reason(const MetricVerdict& metric, double time_s, const LevelEffect& effect) {
  if (metric.baseline.rows == 0 || metric.canary.rows == 0) return silent_words(metric);
  std::string counts = fmt::format("{:g} values of the canary, {:g} of the baseline",
                                   metric.canary.rows, metric.baseline.rows);
  switch (metric.finding) {
    case Finding::kTooFew:
      return counts + ": too few to know their size and scatter, or nearly all zero";
    case Finding::kStale:
      return counts + ": " + stale_words(metric, time_s);
    default:
      break;
  }
  if (effect.standard_error == 0) return counts;
  return fmt::format("{}: {} (standard error {:.1f} %), most plausibly since {} ago; {}", counts,
                     change_words(metric), 100 * effect.standard_error,
                     span_words(time_s - effect.since_s), evidence_words(metric));
}

std::string overall_reason(const Verdict& verdict, const JudgePolicy& policy, double watched_s) {
  if (verdict.metrics.empty()) return "inconclusive: no row was read; is the stream the right one?";
  const auto with = [&](auto wanted) {
    std::vector<std::string> names;
    for (const auto& metric : verdict.metrics)
      if (wanted(metric)) names.push_back(metric.metric);
    return names;
  };
  if (verdict.decision == Decision::kFail) {
    const auto worse = std::ranges::find(verdict.metrics, Finding::kFail, &MetricVerdict::finding);
    return fmt::format("fail: {} is worse: {}", worse->metric, worse->reason);
  }
  if (verdict.decision == Decision::kPass)
    return fmt::format(
        "pass: no metric is worse by its margin ({:g} % for levels), after {} and at an error rate "
        "of {:g} %",
        100 * policy.margin, span_words(watched_s), 100 * policy.false_pass);
  const auto doubtful =
      with([](const MetricVerdict& each) { return is_inconclusive(each.finding); });
  if (doubtful.empty()) return "continue: nothing worse so far, and not yet shown to be equivalent";
  std::string reason = "inconclusive:";
  for (const auto& metric : verdict.metrics)
    if (is_inconclusive(metric.finding))
      reason +=
          fmt::format(" {} ({}: {});", metric.metric, doubt_of(metric.finding), metric.reason);
  reason.pop_back();
  return reason;
}

}  // namespace wellrun::health
