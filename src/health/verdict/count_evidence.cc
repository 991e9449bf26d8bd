#include "health/verdict/count_evidence.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/assert.h"

namespace wellrun::health {
namespace {

// By how much the odds may have risen, and how probable that is thought: of a rise that is there
// from the start, and of one that begins later. The first is mostly a little more than a doubling:
// a bet on a factor is won, in the end, by whatever lies above its root, and half as much again is
// what healthy odds reach by themselves; less cannot be shown in an hour of few failures. Later, a
// slight rise cannot be told from wander, so there it gets little.
struct Factor {
  double value, from_start, later;
};
constexpr Factor kFactorPrior[] = {
    {1.25, 0.005, 0},  {1.6, 0.005, 0}, {2.15, 0.61, 0.02}, {2.6, 0.1, 0.1},  {3.2, 0.01, 0.3},
    {4.5, 0.13, 0.25}, {7, 0.03, 0.15}, {12, 0.06, 0.1},    {30, 0.03, 0.06}, {100, 0.02, 0.02}};

// How the odds wander in health: not at all; from period to period (bursts, memory 0); slowly.
struct WanderPrior {
  double deviation, memory_s, weight;
};
constexpr WanderPrior kWanderPrior[] = {
    {0, 0, 5},        {0.5, 0, 0.15},     {1, 0, 0.06},     {2, 0, 0.08},       {0.2, 60, 0.03},
    {0.5, 60, 0.007}, {0.15, 300, 0.045}, {0.3, 300, 0.08}, {0.2, 1500, 0.015},
};

// Masses are double: what is below their range is as good as refuted. It stays there, so that some
// hypothesis is left whatever comes.
constexpr double kRefuted = 1e-300;

double log_ratio(double a, double b) {
  return std::log(std::max(a, kRefuted)) - std::log(std::max(b, kRefuted));
}

}  // namespace

EventCount& EventCount::operator+=(const EventCount& other) {
  events += other.events;
  exposure += other.exposure;
  return *this;
}

CountEvidence::CountEvidence(const ChangePrior& change) : change_(change) {
  static_assert(std::size(kFactorPrior) == kFactors);
  log_factors_[kEquivalent] = std::log(kMargin);
  for (std::size_t f = 0; f < kFactors; ++f)
    log_factors_[kFirstFactor + f] = std::log(kFactorPrior[f].value);
  double total = 0;
  for (const auto& each : kWanderPrior) total += each.weight;
  States stationary{};
  double term = std::pow(0.5, kStates - 1);
  for (int i = 0; i < kStates; ++i) {
    stationary[static_cast<std::size_t>(i)] = term;
    term *= static_cast<double>(kStates - 1 - i) / (i + 1);
  }
  for (const auto& [deviation, memory_s, weight] : kWanderPrior) {
    Wander& wander = wanders_.emplace_back();
    wander.deviation = deviation;
    wander.memory_s = memory_s;
    wander.prior = weight / total;
    const double middle = (kStates - 1) / 2.0;
    for (std::size_t row = 0; row < kRows; ++row)
      for (std::size_t i = 0; i < kStates; ++i) {
        const double z = (static_cast<double>(i) - middle) / std::sqrt(middle / 2);
        wander.log_odds[row][i] = log_factors_[row] + deviation * z;
        wander.odds[row][i] = std::expm1(wander.log_odds[row][i]);
      }
    for (int i = 0; i < kStates; ++i) {
      const auto at = static_cast<std::size_t>(i);
      wander.mass[kNone][at] = wander.mass[kEquivalent][at] = wander.prior * stationary[at];
    }
  }
}

// The transition of an autoregression with correlation `carry`, on kStates equally spaced points.
CountEvidence::Matrix CountEvidence::rouwenhorst(double carry) {
  const double stay = (1 + carry) / 2;
  Matrix moves{};
  moves[0][0] = moves[1][1] = stay;
  moves[0][1] = moves[1][0] = 1 - stay;
  for (std::size_t n = 2; n < kStates; ++n) {
    Matrix next{};
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        next[i][j] += stay * moves[i][j];
        next[i][j + 1] += (1 - stay) * moves[i][j];
        next[i + 1][j] += (1 - stay) * moves[i][j];
        next[i + 1][j + 1] += stay * moves[i][j];
      }
    for (std::size_t i = 1; i < n; ++i)
      for (std::size_t j = 0; j <= n; ++j) next[i][j] /= 2;
    moves = next;
  }
  return moves;
}

void CountEvidence::move(Wander& wander, double elapsed_s) const {
  if (wander.deviation == 0) return;
  if (wander.elapsed_s != elapsed_s) {
    wander.moves = rouwenhorst(wander.memory_s > 0 ? std::exp(-elapsed_s / wander.memory_s) : 0);
    wander.elapsed_s = elapsed_s;
  }
  for (auto& row : wander.mass) {
    States moved{};
    for (std::size_t i = 0; i < kStates; ++i)
      for (std::size_t j = 0; j < kStates; ++j) moved[j] += row[i] * wander.moves[i][j];
    row = moved;
  }
}

void CountEvidence::add(double time_s, const EventCount& baseline, const EventCount& canary) {
  const double all = baseline.events + canary.events;
  const double exposure = baseline.exposure + canary.exposure;
  if (baseline.exposure <= 0 || canary.exposure <= 0) return;
  if (!begun_) first_s_ = time_s;
  if (all > 0 || !begun_) {
    const double elapsed_s = begun_ ? time_s - last_s_ : 0;
    for (auto& wander : wanders_) move(wander, elapsed_s);
    begin_changes(time_s);
    observe(canary.events, all, canary.exposure / exposure);
    last_s_ = time_s;
    weigh(time_s);
  }
  begun_ = true;
}

// Of the mass "worse, but not yet" the part whose moment has come is spread over the factors. kNone
// itself stays whole: it is also the null hypothesis, so what is still to come is kNone x the
// prior's remaining weight.
void CountEvidence::begin_changes(double time_s) {
  const double moment =
      begun_ ? change_.between(last_s_ - first_s_, time_s - first_s_) : change_.at_start;
  for (std::size_t f = 0; f < kFactors; ++f) {
    const double weight = moment * (begun_ ? kFactorPrior[f].later : kFactorPrior[f].from_start);
    for (auto& wander : wanders_)
      for (std::size_t i = 0; i < kStates; ++i)
        wander.mass[kFirstFactor + f][i] += weight * wander.mass[kNone][i];
  }
}

void CountEvidence::observe(double canary_events, double all_events, double share) {
  if (all_events <= 0) return;
  has_events_ = true;
  std::vector<double> ratios;
  ratios.reserve(wanders_.size() * kRows * kStates);
  for (const auto& wander : wanders_)
    for (std::size_t row = 0; row < kRows; ++row)
      for (std::size_t i = 0; i < kStates; ++i)
        ratios.push_back(canary_events * wander.log_odds[row][i] -
                         all_events * std::log(1 + share * wander.odds[row][i]));
  // Only proportions matter: the best explanation keeps its mass, so that no count is too large for
  // a double.
  const double best = *std::max_element(ratios.begin(), ratios.end());
  auto ratio = ratios.begin();
  for (auto& wander : wanders_)
    for (auto& row : wander.mass)
      for (auto& mass : row) mass = std::max(mass * std::exp(*ratio++ - best), kRefuted);
}

void CountEvidence::weigh(double time_s) {
  std::array<double, kRows> total{};
  for (const auto& wander : wanders_)
    for (std::size_t row = 0; row < kRows; ++row)
      total[row] += std::accumulate(wander.mass[row].begin(), wander.mass[row].end(), 0.0);
  const double worse = std::accumulate(total.begin() + kFirstFactor, total.end(), 0.0) +
                       total[kNone] * change_.after(time_s - first_s_);
  log_worse_ = log_ratio(worse, total[kNone]);
  log_equivalent_ = log_ratio(total[kNone], total[kEquivalent]);
  const double scale = std::max(worse, total[kNone]);
  for (auto& wander : wanders_)
    for (auto& row : wander.mass)
      for (auto& mass : row) mass /= scale;
}

double CountEvidence::factor() const {
  double sum = 0, weighted = 0;
  for (const auto& wander : wanders_)
    for (std::size_t f = 0; f < kFactors; ++f) {
      const auto& row = wander.mass[kFirstFactor + f];
      const double mass = std::accumulate(row.begin(), row.end(), 0.0);
      sum += mass;
      weighted += mass * std::log(kFactorPrior[f].value);
    }
  return sum > 0 ? std::exp(weighted / sum) : 1;
}

}  // namespace wellrun::health
