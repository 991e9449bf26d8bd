#pragma once

// Watches a baseline and a canary group and says, at any moment, whether the canary is worse: over
// several metrics, with one probability of a false alarm for the whole watch however often one
// looks. Pure: time comes with the rows. Called by `wellrun canary judge` (canary_stream.h) and
// made for the deployments of `change`.
//
// The metrics' e-values are averaged; the average is an e-value whatever the metrics have to do
// with each other (arXiv 1912.06116), so the canary fails when it reaches 1 / false_alarm. A pass
// needs every metric to be shown equivalent (intersection-union), so there the error rate needs no
// sharing out.
//
// Not thread-safe. Memory is bounded: kMostMetrics metrics, each bounded. Time for each row is
// constant, for each tick proportional to the metrics.

#include <optional>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "health/verdict/judge_policy.h"
#include "health/verdict/metric_judge.h"
#include "health/verdict/verdict.h"

namespace wellrun::health {

class CanaryJudge {
 public:
  static constexpr std::size_t kMostMetrics = 64;
  static constexpr double kTick_s = 10;  ///< the judge looks this often
  static constexpr double kSay_s = 60;   ///< and says at least this often how it stands

  explicit CanaryJudge(JudgePolicy policy = {});

  /// Takes `now_s` as the present: looks at what came before it, if a tick has passed. A verdict
  /// where there is a decision or it is time to say how it stands. kInvalid when `now_s` lies
  /// before a moment already given.
  Result<std::optional<Verdict>> advance(double now_s);

  /// Rows of the present moment, as MetricJudge takes them; advance() to their time comes first.
  /// kExhausted: too many metrics.
  Status add_value(std::string_view metric, Group group, std::optional<double> value);
  Status add_count(std::string_view metric, Group group, const EventCount& count);

  /// How it stands at the end of the rows.
  Verdict finish();

  /// After a decision nothing changes any more.
  bool decided() const { return decided_.has_value(); }

 private:
  /// Of the error rate, for metrics that appear later: half of what is left for each in turn.
  static constexpr double kReserve = 0.05;

  struct Watched {
    MetricJudge judge;
    double share = 0;  ///< of the error rate; 0: not given yet
  };

  Result<MetricJudge*> watched(std::string_view metric, std::optional<double> quantile = {});
  Verdict look(double time_s);
  double watched_s(double time_s) const;  ///< since the first row
  void share_out(double time_s);
  Verdict verdict(double time_s, double log_evidence) const;
  bool is_fail(double log_evidence) const;
  bool is_pass(double time_s) const;

  JudgePolicy policy_;
  std::vector<Watched> metrics_;
  std::optional<double> first_s_;
  bool shared_out_ = false;
  double reserve_ = kReserve;
  double now_s_ = 0, next_tick_s_ = 0, said_s_ = 0;
  std::optional<Verdict> decided_;
};

}  // namespace wellrun::health
