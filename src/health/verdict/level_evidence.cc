#include "health/verdict/level_evidence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/assert.h"
#include "health/verdict/normal.h"

namespace wellrun::health {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

// How large an effect is thought to be (shares of the level), as normal distributions above zero.
//
// A bet on an effect d is won, in the end, by whatever lies above d/2. So the smallest bet is twice
// the change that matters in practice (JudgePolicy: 3 %): a trifle never wins it, and it asks much
// of the first minutes, in which the mean of a wandering group is far from its level, and little of
// the last. A bet nearer to the effect that is to be found would reach it no sooner within an hour,
// and lose to wander on the way. Large effects show so fast that a small part of the belief is
// enough. What begins later has less time to be shown in, so there the larger ones count more.
//
// A gauge wanders so much that only its larger effects can be shown at all.
struct EffectPrior {
  double middle, deviation, weight;
};
using EffectPriors = std::array<EffectPrior, 3>;
struct Effects {
  EffectPriors from_the_start, later;
};
constexpr Effects kIndependent{
    .from_the_start = {{{0.06, 0.01, 0.9}, {0.2, 0.07, 0.08}, {0.45, 0.25, 0.02}}},
    .later = {{{0.1, 0.04, 0.2}, {0.2, 0.08, 0.7}, {0.45, 0.25, 0.1}}}};
constexpr Effects kSmooth{
    .from_the_start = {{{0.08, 0.03, 0.65}, {0.15, 0.07, 0.25}, {0.45, 0.25, 0.1}}},
    .later = {{{0.1, 0.04, 0.4}, {0.2, 0.08, 0.5}, {0.45, 0.25, 0.1}}}};

double mixed_ratio(const EffectPriors& priors, double score, double information) {
  double ratio = 0;
  for (const auto& [middle, deviation, weight] : priors) {
    const double precision = 1 / (deviation * deviation);
    const double shrink = std::sqrt(precision / (precision + information));
    const double z = (score + middle * precision) / std::sqrt(precision + information);
    ratio += weight * shrink * half_normal_ratio(z) / half_normal_ratio(middle / deviation);
  }
  return std::log(ratio);
}

constexpr double kHopeless =
    12;  // nats behind the best: such a hypothesis explains nothing any more
// Of coarse readings: chance, from block to block, that another hypothesis of wander holds from
// then on. A gauge that stood still for a quarter of an hour may move like any other afterwards.
constexpr double kChanges = 0.03;
constexpr double kMostSmooth = 40;  // bound on what the shape of readings may say
constexpr double kAgeFloor_s =
    10;  // ages are compared in proportion; this keeps the youngest apart

}  // namespace

LevelEvidence::LevelEvidence(const MetricReadings& readings, const ChangePrior& change)
    : change_(change), changes_(readings.coarse ? kChanges : 0) {
  for (const auto& each : wander_hypotheses(readings)) {
    Hypothesis& hypothesis = hypotheses_.emplace_back();
    hypothesis.log_prior = std::log(each.weight);
    hypothesis.wander_variance = hypothesis.uncertainty = each.variance;
    hypothesis.memory_s = each.memory_s;
    hypothesis.smooth = each.smooth;
  }
}

void LevelEvidence::add(const Block& block) {
  WELLRUN_ASSERT(block.noise_variance > 0, "a block's noise variance is above zero");
  if (start_count_ == 0) first_s_ = last_s_ = block.time_s;
  begin_step(block.time_s);
  // How coarse readings move from one to the next says more of rounding than of the gauge.
  if (changes_ == 0)
    smoothness_ = std::clamp(smoothness_ + block.smoothness, -kMostSmooth, kMostSmooth);
  for (auto& hypothesis : hypotheses_) update(hypothesis, block);
  last_s_ = block.time_s;
  weigh();
}

void LevelEvidence::begin_step(double time_s) {
  const double weight =
      start_count_ == 0 ? change_.at_start : change_.between(last_s_ - first_s_, time_s - first_s_);
  if (weight <= 0) return;  // two blocks at one time
  if (start_count_ == kStarts) merge_steps(time_s);
  starts_[start_count_] = time_s;
  for (auto& hypothesis : hypotheses_)
    hypothesis.steps[start_count_] = {.weight = std::log(weight)};
  ++start_count_;
}

// Two neighbouring moments become one: the pair whose ages differ least in proportion. Of the two
// the one that explains more stays, and takes over the other's present likelihood as it stands, so
// nothing is won or lost at the moment of merging. The very start stays.
void LevelEvidence::merge_steps(double time_s) {
  std::size_t pair = 1;
  double nearest = 0;
  for (std::size_t i = 1; i + 1 < kStarts; ++i) {
    const double nearness =
        (time_s - starts_[i + 1] + kAgeFloor_s) / (time_s - starts_[i] + kAgeFloor_s);
    if (nearness <= nearest) continue;
    nearest = nearness;
    pair = i;
  }
  const std::size_t kept = explained_by(pair) >= explained_by(pair + 1) ? pair : pair + 1;
  const std::size_t other = kept == pair ? pair + 1 : pair;
  const auto gone = static_cast<std::ptrdiff_t>(other);
  for (auto& hypothesis : hypotheses_) {
    Step& into = hypothesis.steps[kept];
    const Step& from = hypothesis.steps[other];
    into.weight = log_add(into.weight + into.ratio, from.weight + from.ratio) - into.ratio;
    std::shift_left(hypothesis.steps.begin() + gone, hypothesis.steps.end(), 1);
  }
  std::shift_left(starts_.begin() + gone, starts_.end(), 1);
  --start_count_;
}

// How much of the posterior of a change began at one of the kept moments; log, not normalised.
double LevelEvidence::explained_by(std::size_t start) const {
  double sum = kMinusInfinity;
  for (const auto& hypothesis : hypotheses_) {
    const Step& step = hypothesis.steps[start];
    sum = log_add(sum, log_posterior(hypothesis) + step.weight + step.ratio);
  }
  return sum;
}

void LevelEvidence::update(Hypothesis& hypothesis, const Block& block) const {
  const double carry = std::exp(-(block.time_s - last_s_) / hypothesis.memory_s);
  hypothesis.mean *= carry;
  hypothesis.uncertainty =
      carry * carry * hypothesis.uncertainty + (1 - carry * carry) * hypothesis.wander_variance;
  const double variance = hypothesis.uncertainty + block.noise_variance;
  const double gain = hypothesis.uncertainty / variance;
  const double innovation = block.difference - hypothesis.mean;
  const double density = -(std::log(variance) + innovation * innovation / variance) / 2;
  hypothesis.log_likelihood += density;
  hypothesis.log_null += density;
  hypothesis.mean += gain * innovation;
  hypothesis.uncertainty *= 1 - gain;
  const Effects& effects = hypothesis.smooth ? kSmooth : kIndependent;
  for (std::size_t i = 0; i < start_count_; ++i) {
    Step& step = hypothesis.steps[i];
    const double response = 1 - carry * step.state;
    step.state = carry * step.state + gain * response;
    step.score += response * innovation / variance;
    step.information += response * response / variance;
    step.ratio =
        mixed_ratio(i == 0 ? effects.from_the_start : effects.later, step.score, step.information);
  }
}

double LevelEvidence::log_posterior(const Hypothesis& hypothesis) const {
  return hypothesis.log_prior + hypothesis.log_likelihood + (hypothesis.smooth ? smoothness_ : 0);
}

double LevelEvidence::log_null(const Hypothesis& hypothesis) const {
  return hypothesis.log_prior + hypothesis.log_null + (hypothesis.smooth ? smoothness_ : 0);
}

void LevelEvidence::weigh() {
  const double still_to_come = std::log(change_.after(last_s_ - first_s_));
  double worse = kMinusInfinity, same = kMinusInfinity, best = kMinusInfinity;
  std::vector<double> reach;
  for (const auto& hypothesis : hypotheses_) {
    double mixed = still_to_come;
    for (std::size_t i = 0; i < start_count_; ++i)
      mixed = log_add(mixed, hypothesis.steps[i].weight + hypothesis.steps[i].ratio);
    const double posterior = log_posterior(hypothesis);
    same = log_add(same, log_null(hypothesis));
    worse = log_add(worse, posterior + mixed);
    reach.push_back(posterior + std::max(mixed, 0.0));
    best = std::max(best, reach.back());
  }
  log_worse_ = worse - same;
  if (changes_ > 0) return share_null(same);
  // Hypotheses that explain the data under "no effect" stay as well, else the null would lose its
  // best advocate.
  const double floor = std::min(best, same) - kHopeless;
  std::size_t next = 0;
  std::erase_if(hypotheses_, [&](const Hypothesis&) { return reach[next++] < floor; });
}

// Any measure may stand above the line of a likelihood ratio; below it stands the one that has to
// be disproved. So it is enough, and safe, that wander may change there.
void LevelEvidence::share_null(double same) {
  for (auto& hypothesis : hypotheses_)
    hypothesis.log_null =
        log_add(std::log1p(-changes_) + hypothesis.log_null, std::log(changes_) + same);
}

double LevelEvidence::log_equivalent(double margin) const {
  // Against the margin stands "about equal": effects normally distributed about zero, mostly within
  // it.
  const double spread = margin * margin / 9;
  double near = kMinusInfinity, far = kMinusInfinity;
  for (const auto& hypothesis : hypotheses_) {
    const Step& whole = hypothesis.steps[0];
    const double posterior = log_posterior(hypothesis);
    const double shrink = 1 + spread * whole.information;
    near = log_add(
        near, posterior - std::log(shrink) / 2 + whole.score * whole.score * spread / shrink / 2);
    far = log_add(far, posterior + margin * whole.score - margin * margin * whole.information / 2);
  }
  return near - far;
}

LevelEffect LevelEvidence::effect() const {
  LevelEffect found;
  double best = kMinusInfinity;
  for (const auto& hypothesis : hypotheses_)
    for (std::size_t i = 0; i < start_count_; ++i) {
      const Step& step = hypothesis.steps[i];
      const double weight = log_posterior(hypothesis) + step.weight + step.ratio;
      if (weight <= best) continue;
      best = weight;
      found = {step.score / step.information, 1 / std::sqrt(step.information), starts_[i]};
    }
  return found;
}

}  // namespace wellrun::health
