#include "health/baseline/rarity.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "health/baseline/tuning.h"

namespace wellrun::health::baseline {
namespace {

constexpr double kBinsPerOctave = 2;
constexpr double kLowestOctave = -6;
constexpr double kTop = Tail::kBins - 1e-6;
constexpr double kLog10E = std::numbers::log10e;
/// Two magnitudes within a quarter octave count as equally large: a spike that comes back at 90 %
/// of its height has been seen before.
constexpr double kSameSize = 0.5;

/// Position among the bins, not bounded above.
double position(double magnitude) {
  return std::max(0.0, (std::log2(magnitude) - kLowestOctave) * kBinsPerOctave);
}

double magnitude_at(double position) {
  return std::exp2(position / kBinsPerOctave + kLowestOctave);
}

double minus_log10(double probability) {
  return -std::log10(std::min(1.0, probability));
}

}  // namespace

void Tail::add(double magnitude, double weight) {
  const double bounded = std::min(kTop, position(magnitude));
  counts_[static_cast<std::size_t>(bounded)] += static_cast<float>(weight);
}

void Tail::scale(double factor) {
  for (auto& count : counts_) count *= static_cast<float>(factor);
}

void Tail::restate(int octaves) {
  const auto moved =
      static_cast<std::ptrdiff_t>(octaves) * static_cast<std::ptrdiff_t>(kBinsPerOctave);
  Counts restated{};
  for (std::size_t i = 0; i < kBins; ++i) {
    const auto to = static_cast<std::ptrdiff_t>(i) - moved;
    const auto inside = std::clamp<std::ptrdiff_t>(to, 0, kBins - 1);
    restated[static_cast<std::size_t>(inside)] += counts_[i];
  }
  counts_ = restated;
}

double Tail::weight_above(double position) const {
  const auto bin = static_cast<std::size_t>(position);
  double weight = 0;
  for (std::size_t i = bin + 1; i < kBins; ++i) weight += counts_[i];
  return weight + counts_[bin] * (1 - (position - static_cast<double>(bin)));
}

Tail::Fit Tail::fit(const Observed& observed) const {
  constexpr double kFewest = 5;
  const double wanted = std::max(kTuning.tail_share * observed.total, kFewest * observed.newest);
  std::size_t bin = kBins;
  double mass = 0;
  double moment = 0;
  while (bin > 0 && mass < wanted) {
    --bin;
    mass += counts_[bin];
    moment += counts_[bin] * (static_cast<double>(bin) + 0.5);
  }
  const auto from = static_cast<double>(bin);
  const double excess = mass > 0 ? moment - mass * from : 0;
  const double prior = kTuning.tail_prior_weight * observed.newest;
  return {from, mass, (excess + kTuning.tail_prior * prior) / (mass + prior)};
}

Surprise Tail::surprise(double magnitude, const Observed& observed) const {
  if (!(magnitude > 0)) return 0;
  // One observation more than was made: nothing is impossible, and a short history says little.
  const double all = observed.total + observed.newest;
  const double half = 0.5 * observed.newest;
  const double where = position(magnitude);
  const double inside = std::min(kTop, where);
  const Fit tail = fit(observed);
  if (tail.mass <= 0 || inside <= tail.from)
    return minus_log10((weight_above(inside) + half) / all);
  const double at_edge = minus_log10((tail.mass + half) / all);
  const double beyond = (where - tail.from) / tail.scale * kLog10E;
  const Surprise fitted = at_edge + std::min(beyond, kTuning.tail_reach);
  // What has been seen is never called rarer than it was.
  const double seen = weight_above(std::max(0.0, inside - kSameSize));
  return seen > half ? std::min(fitted, minus_log10(seen / all)) : fitted;
}

double Tail::quantile(double probability, const Observed& observed) const {
  const Fit tail = fit(observed);
  if (tail.mass <= 0) return 0;
  const double wanted = probability * (observed.total + observed.newest);
  if (wanted < tail.mass)
    return magnitude_at(tail.from + tail.scale * std::log(tail.mass / wanted));
  auto bin = static_cast<std::size_t>(tail.from);
  double weight = tail.mass;
  while (bin > 0 && weight + counts_[bin - 1] < wanted) weight += counts_[--bin];
  if (bin == 0) return 0;
  const double share = (wanted - weight) / std::max(1e-12, static_cast<double>(counts_[bin - 1]));
  return magnitude_at(static_cast<double>(bin) - share);
}

Surprise Rarity::surprise(double value) const {
  return value >= 0 ? up_.surprise(value, observed_) : down_.surprise(-value, observed_);
}

void Rarity::add(double value, double weight) {
  const double weighed = observed_.newest * weight;
  if (value > 0) up_.add(value, weighed);
  if (value < 0) down_.add(-value, weighed);
  observed_.total += weighed;
  observed_.newest *= 1 + 1 / kTuning.memory_rows;
  constexpr double kNormaliseAt = 1e6;
  if (observed_.newest > kNormaliseAt) normalise();
}

void Rarity::restate(int octaves) {
  up_.restate(octaves);
  down_.restate(octaves);
}

void Rarity::normalise() {
  up_.scale(1 / observed_.newest);
  down_.scale(1 / observed_.newest);
  observed_ = {observed_.total / observed_.newest, 1};
}

void Rarity::restore(const Tail::Counts& up, const Tail::Counts& down, double total) {
  up_.set_counts(up);
  down_.set_counts(down);
  observed_ = {total, 1};
}

}  // namespace wellrun::health::baseline
