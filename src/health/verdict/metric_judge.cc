#include "health/verdict/metric_judge.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "core/text.h"
#include "health/verdict/verdict_words.h"

namespace wellrun::health {
namespace {

constexpr double kLeastStale_s = 60;
constexpr double kStaleIntervals = 5;
constexpr double kLargestEvidence = 1e12;

std::size_t at(Group group) {
  return static_cast<std::size_t>(group);
}

}  // namespace

MetricJudge::MetricJudge(std::string name, Direction direction, std::optional<double> quantile)
    : name_(std::move(name)), direction_(direction), quantile_(quantile) {
  if (quantile_) tail_.emplace(*quantile_);
}

Status MetricJudge::be(Kind kind) {
  if (kind_ == Kind::kUnknown) kind_ = kind;
  if (kind_ == kind) return {};
  return fail(ErrorCode::kInvalid,
              fmt::format("metric {} began with {} and now has {}: give the two different names",
                          quote(name_), kind_ == Kind::kCount ? "num/den" : "value",
                          kind == Kind::kCount ? "num/den" : "value"));
}

void MetricJudge::note_row(Group group, double time_s) {
  GroupTally& seen = tally(group);
  if (seen.rows == 0) first_s_[at(group)] = time_s;
  if (seen.rows == 0 || time_s > seen.last_s) ++moments_[at(group)];
  ++seen.rows;
  seen.last_s = time_s;
}

Status MetricJudge::add_value(Group group, double time_s, std::optional<double> value) {
  TRY_STATUS(be(tail_ ? Kind::kTail : Kind::kLevel));
  if (!value) {
    ++tally(group).missing;
    return {};
  }
  note_row(group, time_s);
  if (tail_)
    tail_->add(group, direction_ == Direction::kHigherIsWorse ? *value : -*value);
  else
    blocks_.add(group, *value);
  return {};
}

Status MetricJudge::add_count(Group group, double time_s, const EventCount& count) {
  TRY_STATUS(be(Kind::kCount));
  if (!count_) count_.emplace();
  note_row(group, time_s);
  tally(group).events += count.events;
  tally(group).exposure += count.exposure;
  pending_[at(group)] += count;
  return {};
}

void MetricJudge::tick(double time_s) {
  if (is_stale(time_s)) {  // what one group sent alone cannot be compared with what the other sends
                           // much later
    blocks_.discard();
    if (tail_) tail_->discard();
    pending_ = {};
  }
  switch (kind_) {
    case Kind::kUnknown:
      return;
    case Kind::kCount:
      return tick_counts(time_s);
    case Kind::kLevel:
      return tick_level(time_s);
    case Kind::kTail:
      return tick_tail(time_s);
  }
}

void MetricJudge::tick_counts(double time_s) {
  if (pending_[0].exposure <= 0 || pending_[1].exposure <= 0) return;
  const bool swapped = direction_ == Direction::kLowerIsWorse;
  count_->add(time_s, pending_[swapped ? 1 : 0], pending_[swapped ? 0 : 1]);
  pending_ = {};
}

void MetricJudge::tick_level(double time_s) {
  auto blocks = blocks_.close(time_s);
  if (direction_ == Direction::kLowerIsWorse)
    for (auto& block : blocks) block.difference = -block.difference;
  if (!blocks.empty() && blocks.front().begins) begin_level(blocks);
  for (const auto& block : blocks) level_->add(block);
}

// What was found on a scale that was left cannot be continued. It counts as nothing where it spoke
// for a decision, and as it stands where it spoke against one: so the product stays an e-value.
void MetricJudge::begin_level(const std::vector<Block>& blocks) {
  log_worse_before_ = std::min(log_worse(), 0.0);
  double variance = 0;
  for (const auto& block : blocks) variance += block.value_variance;
  level_.emplace(MetricReadings{variance / static_cast<double>(blocks.size()), blocks_.usual_step(),
                                blocks_.is_coarse()});
}

void MetricJudge::tick_tail(double time_s) {
  const auto block = tail_->close();
  if (!block) return;
  if (!count_) count_.emplace();
  for (const Group group : kGroups) {
    tally(group).events += (*block)[at(group)].events;
    tally(group).exposure += (*block)[at(group)].exposure;
  }
  count_->add(time_s, (*block)[0], (*block)[1]);
}

double MetricJudge::log_worse() const {
  if (level_) return log_worse_before_ + level_->log_worse();
  return count_ ? count_->log_worse() : 0;
}

double MetricJudge::log_equivalent(double margin) const {
  if (level_) return level_->log_equivalent(margin);
  return count_ ? count_->log_equivalent() : 0;
}

std::optional<double> MetricJudge::change() const {
  if (count_ && count_->has_events())
    return direction_ == Direction::kHigherIsWorse || tail_ ? count_->factor() - 1
                                                            : 1 / count_->factor() - 1;
  if (!level_) return std::nullopt;
  const double size = level_->effect().size * (direction_ == Direction::kHigherIsWorse ? 1 : -1);
  return blocks_.logarithmic() ? std::expm1(size) : size;
}

bool MetricJudge::is_practical(const JudgePolicy& policy) const {
  if (count_) return count_->factor() >= policy.practical_factor;
  return level_ && level_->effect().size >= policy.practical_change;
}

double MetricJudge::stale_after_s() const {
  double slowest = 0;
  for (const Group group : kGroups)
    if (moments_[at(group)] > 1)
      slowest = std::max(
          slowest, (tallies_[at(group)].last_s - first_s_[at(group)]) / (moments_[at(group)] - 1));
  return std::max(kLeastStale_s, kStaleIntervals * slowest);
}

bool MetricJudge::is_stale(double time_s) const {
  return std::ranges::any_of(tallies_, [&](const GroupTally& each) {
    return each.rows > 0 && time_s - each.last_s > stale_after_s();
  });
}

Finding MetricJudge::finding(double time_s) const {
  if (tallies_[0].rows == 0 || tallies_[1].rows == 0) return Finding::kNoData;
  if (is_stale(time_s)) return Finding::kStale;
  if (kind_ == Kind::kLevel) return blocks_.learned() ? Finding::kWatching : Finding::kTooFew;
  if (kind_ == Kind::kTail && !count_) return Finding::kTooFew;
  if (tallies_[0].exposure == 0 || tallies_[1].exposure == 0) return Finding::kNoData;
  if (!count_->has_events()) return Finding::kTooFew;
  return tallies_[0].events == 0 ? Finding::kZeroBaseline : Finding::kWatching;
}

MetricVerdict MetricJudge::verdict(double time_s, Finding finding, double fails_at) const {
  MetricVerdict said;
  said.metric = name_;
  said.finding = finding;
  said.baseline = tallies_[0];
  said.canary = tallies_[1];
  said.evidence = std::min(std::exp(std::min(log_worse(), 700.0)), kLargestEvidence);
  said.fails_at = fails_at;
  said.change = change();
  double first_s = time_s;
  for (const Group group : kGroups)
    if (tallies_[at(group)].rows > 0) first_s = std::min(first_s, first_s_[at(group)]);
  said.window_s = time_s - first_s;
  said.test = test();
  said.threshold = threshold_words(fails_at);
  said.reason = reason(said, time_s);
  return said;
}

std::string MetricJudge::test() const {
  switch (kind_) {
    case Kind::kUnknown:
      return "none: no row yet";
    case Kind::kCount:
      return count_test_words();
    case Kind::kLevel:
      return level_test_words(blocks_.logarithmic());
    case Kind::kTail:
      return quantile_test_words(*quantile_);
  }
  return {};
}

std::string MetricJudge::reason(const MetricVerdict& metric, double time_s) const {
  if (kind_ == Kind::kCount || kind_ == Kind::kTail) return count_reason(metric, time_s);
  return level_reason(metric, time_s, level_ ? level_->effect() : LevelEffect{});
}

}  // namespace wellrun::health
