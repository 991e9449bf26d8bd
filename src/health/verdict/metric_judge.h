#pragma once

// One metric of two groups: rows in, evidence and a finding out. Whether it is a count or a level
// is told by its first row. canary_judge.h puts several together. Not thread-safe; memory is
// bounded.

#include <array>
#include <optional>
#include <string>

#include "core/result.h"
#include "health/verdict/count_evidence.h"
#include "health/verdict/judge_policy.h"
#include "health/verdict/level_evidence.h"
#include "health/verdict/tail_counts.h"
#include "health/verdict/value_blocks.h"
#include "health/verdict/verdict.h"

namespace wellrun::health {

class MetricJudge {
 public:
  /// With `quantile`, values are compared by how many lie above that quantile of both groups
  /// (tail_counts.h); else by their level.
  MetricJudge(std::string name, Direction direction, std::optional<double> quantile = std::nullopt);

  const std::string& name() const { return name_; }

  /// A reading; nothing for a missing one, which is only counted. kInvalid when the metric is one
  /// of counts.
  Status add_value(Group group, double time_s, std::optional<double> value);
  /// `count.events` of `count.exposure`. kInvalid when the metric is one of values.
  Status add_count(Group group, double time_s, const EventCount& count);

  /// Takes in what has come since the last tick. Ticks never go back.
  void tick(double time_s);

  /// log of the e-value against "not worse".
  double log_worse() const;
  /// log of the e-value against "worse by the margin"; counts have a margin of their own.
  double log_equivalent(double margin) const;
  /// Whether the most plausible change is large enough to matter.
  bool is_practical(const JudgePolicy& policy) const;
  /// Inconclusive, or watching.
  Finding finding(double time_s) const;

  /// Everything known, with `finding` as given and the metric alone failing at `fails_at`.
  MetricVerdict verdict(double time_s, Finding finding, double fails_at) const;

 private:
  enum class Kind { kUnknown, kCount, kLevel, kTail };

  Status be(Kind kind);
  GroupTally& tally(Group group) { return tallies_[static_cast<std::size_t>(group)]; }
  void tick_counts(double time_s);
  void tick_level(double time_s);
  void begin_level(const std::vector<Block>& blocks);
  void tick_tail(double time_s);
  std::string test() const;
  std::string reason(const MetricVerdict& metric, double time_s) const;
  void note_row(Group group, double time_s);
  double stale_after_s() const;
  bool is_stale(double time_s) const;
  std::optional<double> change() const;

  std::string name_;
  Direction direction_;
  Kind kind_ = Kind::kUnknown;
  std::array<GroupTally, 2> tallies_;
  std::array<double, 2> first_s_{};
  std::array<double, 2> moments_{};  ///< distinct times of rows, for the usual interval
  ValueBlocks blocks_;
  std::optional<LevelEvidence> level_;
  double log_worse_before_ = 0;         ///< of scales that were left; at most 0
  std::optional<CountEvidence> count_;  ///< of counts, or of a quantile
  std::array<EventCount, 2> pending_;
  std::optional<double> quantile_;
  std::optional<TailCounts> tail_;
};

}  // namespace wellrun::health
