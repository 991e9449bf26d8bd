#include "health/verdict/canary_judge.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "core/text.h"
#include "health/verdict/normal.h"
#include "health/verdict/verdict_words.h"

namespace wellrun::health {
namespace {

constexpr double kRoster_s = 120;       // metrics that appear by then share the error rate equally
constexpr std::size_t kFirstGuess = 4;  // before that, shares as if there were so many

std::string quantile_name(std::string_view metric, double quantile) {
  return fmt::format("{} p{:g}", metric, 100 * quantile);
}

}  // namespace

CanaryJudge::CanaryJudge(JudgePolicy policy) : policy_(std::move(policy)) {
  for (const auto& name : policy_.expected) (void)watched(name);
}

Result<MetricJudge*> CanaryJudge::watched(std::string_view metric, std::optional<double> quantile) {
  const std::string name = quantile ? quantile_name(metric, *quantile) : std::string(metric);
  const auto known = std::ranges::find(
      metrics_, name, [](const Watched& each) -> const std::string& { return each.judge.name(); });
  if (known != metrics_.end()) return &known->judge;
  if (metrics_.size() == kMostMetrics)
    return fail(
        ErrorCode::kExhausted,
        fmt::format(
            "metric {} is one too many: at most {} are watched; send only those that decide",
            quote(name), kMostMetrics));
  const bool lower =
      std::ranges::find(policy_.lower_is_worse, metric) != policy_.lower_is_worse.end();
  metrics_.push_back(
      {MetricJudge(name, lower ? Direction::kLowerIsWorse : Direction::kHigherIsWorse, quantile)});
  return &metrics_.back().judge;
}

Status CanaryJudge::add_value(std::string_view metric, Group group, std::optional<double> value) {
  TRY(MetricJudge* const level, watched(metric));
  TRY_STATUS(level->add_value(group, now_s_, value));
  for (const auto& [name, quantile] : policy_.quantiles) {
    if (name != metric) continue;
    TRY(MetricJudge* const tail, watched(metric, quantile));
    TRY_STATUS(tail->add_value(group, now_s_, value));
  }
  return {};
}

Status CanaryJudge::add_count(std::string_view metric, Group group, const EventCount& count) {
  TRY(MetricJudge* const judge, watched(metric));
  return judge->add_count(group, now_s_, count);
}

Result<std::optional<Verdict>> CanaryJudge::advance(double now_s) {
  const auto tick_before = [](double time_s) { return std::floor(time_s / kTick_s) * kTick_s; };
  if (!first_s_) {
    first_s_ = now_s_ = said_s_ = now_s;
    next_tick_s_ = tick_before(now_s) + kTick_s;
  }
  if (now_s < now_s_)
    return fail(
        ErrorCode::kInvalid,
        fmt::format("t goes back from {} to {}: rows come in order of time", now_s_, now_s));
  now_s_ = now_s;
  if (decided_ || now_s < next_tick_s_) return std::nullopt;
  // After a silence there are two moments of interest: the tick that rows were waiting for, and the
  // present.
  Verdict found = look(next_tick_s_);
  if (const double latest_s = tick_before(now_s); latest_s > next_tick_s_ && !decided_)
    found = look(latest_s);
  next_tick_s_ = tick_before(now_s) + kTick_s;
  if (!decided_ && found.time_s - said_s_ < kSay_s) return std::nullopt;
  said_s_ = found.time_s;
  return found;
}

Verdict CanaryJudge::finish() {
  return decided_ ? *decided_ : look(now_s_);
}

Verdict CanaryJudge::look(double time_s) {
  double log_evidence = -std::numeric_limits<double>::infinity();
  share_out(time_s);
  for (auto& [judge, share] : metrics_) {
    judge.tick(time_s);
    if (judge.is_practical(policy_))
      log_evidence = log_add(log_evidence, std::log(share) + judge.log_worse());
  }
  Verdict found = verdict(time_s, log_evidence);
  if (found.decision != Decision::kContinue) decided_ = found;
  return found;
}

// Over all its life no metric gets more than one share of a whole that is at most one; so the
// average stays an e-value although metrics come later.
void CanaryJudge::share_out(double time_s) {
  if (shared_out_) {
    for (auto& each : metrics_)
      if (each.share == 0) each.share = reserve_ /= 2;
    return;
  }
  const auto count = static_cast<double>(metrics_.size());
  shared_out_ = !metrics_.empty() && watched_s(time_s) >= kRoster_s;
  const double share =
      (1 - kReserve) / (shared_out_ ? count : std::max(count + 1, double{kFirstGuess}));
  for (auto& each : metrics_) each.share = share;
}

double CanaryJudge::watched_s(double time_s) const {
  return time_s - first_s_.value_or(time_s);
}

bool CanaryJudge::is_fail(double log_evidence) const {
  return log_evidence >= -std::log(policy_.false_alarm);
}

bool CanaryJudge::is_pass(double time_s) const {
  if (metrics_.empty() || watched_s(time_s) < policy_.pass_after_s) return false;
  return std::ranges::all_of(metrics_, [&](const Watched& each) {
    return each.judge.finding(time_s) == Finding::kWatching &&
           each.judge.log_equivalent(policy_.margin) >= -std::log(policy_.false_pass);
  });
}

Verdict CanaryJudge::verdict(double time_s, double log_evidence) const {
  Verdict said{.time_s = time_s};
  if (is_fail(log_evidence))
    said.decision = Decision::kFail;
  else if (is_pass(time_s))
    said.decision = Decision::kPass;

  const auto weighted = [&](const Watched& each) {
    return each.judge.is_practical(policy_) ? std::log(each.share) + each.judge.log_worse()
                                            : -std::numeric_limits<double>::infinity();
  };
  const auto leading = std::ranges::max_element(metrics_, {}, weighted);
  said.finding = said.decision == Decision::kFail   ? Finding::kFail
                 : said.decision == Decision::kPass ? Finding::kPass
                 : metrics_.empty()                 ? Finding::kNoData
                                                    : Finding::kWatching;
  for (auto each = metrics_.begin(); each != metrics_.end(); ++each) {
    Finding finding = each->judge.finding(time_s);
    if (said.decision == Decision::kFail && each == leading) finding = Finding::kFail;
    if (said.decision == Decision::kPass) finding = Finding::kPass;
    if (said.decision == Decision::kContinue && said.finding == Finding::kWatching &&
        is_inconclusive(finding))
      said.finding = finding;
    said.metrics.push_back(
        each->judge.verdict(time_s, finding, 1 / (policy_.false_alarm * each->share)));
  }
  said.reason = overall_reason(said, policy_, watched_s(time_s));
  return said;
}

}  // namespace wellrun::health
