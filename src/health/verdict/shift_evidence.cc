#include "health/verdict/shift_evidence.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/assert.h"
#include "health/verdict/normal.h"
#include "health/verdict/shift_hypotheses.h"

namespace wellrun::health {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

/// An effect, in units of the smallest that matters.
struct Effect {
  double size, weight;
};
constexpr std::array<Effect, 6> kMoved{
    {{1, 0.3}, {1.5, 0.25}, {2.2, 0.2}, {3.3, 0.12}, {5, 0.08}, {8, 0.05}}};
constexpr std::array<Effect, 6> kNotMoved{
    {{0.25, 0.1}, {0, 0.5}, {-0.5, 0.15}, {-1, 0.1}, {-2, 0.1}, {-4, 0.05}}};

/// Belief that there is no effect, so that the evidence for one has to be the stronger: a season of
/// the week that is known from two weeks is never quite the right one.
constexpr double kDoubt = 0.28;

/// Of the scale's inverse-gamma prior: worth two readings whose scatter is a quarter of the
/// smallest effect, so that a series without any scatter is not proof of anything at once.
constexpr double kScaleShape = 1;
constexpr double kScaleShare = 0.25;

/// Sums over whitened readings y and whitened steps x, from which follows the likelihood of any
/// effect.
struct Sums {
  double yy = 0, xy = 0, xx = 0, log_determinant = 0, count = 0;

  double scatter(double effect) const { return yy - 2 * effect * xy + effect * effect * xx; }
  double log_likelihood(double effect, double scale) const {
    return -log_determinant / 2 -
           (kScaleShape + count / 2) * std::log(kScaleShape * scale + scatter(effect) / 2);
  }
  double estimate() const { return xx > 0 ? xy / xx : 0; }
  double variance(double scale) const {  ///< of the estimate
    return (kScaleShape * scale + std::max(0.0, scatter(estimate())) / 2) /
           (kScaleShape + count / 2) / xx;
  }
};

/// Four sums, so that one addition need not wait for the one before: this is where the time goes.
double product(const double* a, const double* b, std::size_t count) {
  std::array<double, 4> sums{};
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (std::size_t k = 0; k < 4; ++k) sums[k] += a[i + k] * b[i + k];
  for (; i < count; ++i) sums[0] += a[i] * b[i];
  return sums[0] + sums[1] + sums[2] + sums[3];
}

/// The Cholesky factor of one hypothesis's covariance grows reading by reading; each row whitens
/// one more reading, so one pass gives the sums after every reading.
class Whitening {
 public:
  Whitening(const ShiftKernels& kernels, const ShiftHypothesis& hypothesis, std::size_t count)
      : kernels_(kernels), hypothesis_(hypothesis), factor_(count * (count + 1) / 2) {}

  const Sums& add(double y, double x) {
    const auto i = readings_.size();
    double* row = &factor_[i * (i + 1) / 2];
    double own = kernels_.covariance(hypothesis_, i, i), known_y = 0, known_x = 0;
    for (std::size_t j = 0; j < i; ++j) {
      const double* other = &factor_[j * (j + 1) / 2];
      row[j] = (kernels_.covariance(hypothesis_, i, j) - product(row, other, j)) / other[j];
      own -= row[j] * row[j];
      known_y += row[j] * readings_[j];
      known_x += row[j] * steps_[j];
    }
    row[i] = std::sqrt(std::max(own, 1e-9));
    readings_.push_back((y - known_y) / row[i]);
    steps_.push_back((x - known_x) / row[i]);
    sums_.yy += readings_.back() * readings_.back();
    sums_.xy += readings_.back() * steps_.back();
    sums_.xx += steps_.back() * steps_.back();
    sums_.log_determinant += 2 * std::log(row[i]);
    ++sums_.count;
    return sums_;
  }

 private:
  const ShiftKernels& kernels_;
  const ShiftHypothesis& hypothesis_;
  std::vector<double> factor_;  ///< lower triangle, row by row
  std::vector<double> readings_, steps_;
  Sums sums_;
};

/// What all hypotheses together say after one reading; logs.
struct Mixture {
  double moved = kMinusInfinity, none = kMinusInfinity, not_moved = kMinusInfinity,
         smallest = kMinusInfinity;
  double best = kMinusInfinity;
  ShiftEvidence told;

  void add(const Sums& sums, double log_prior, double unit, double scale) {
    const auto likelihood = [&](double effect) {
      return log_prior + sums.log_likelihood(effect * unit, scale);
    };
    for (const auto& each : kMoved)
      moved = log_add(moved, std::log(each.weight) + likelihood(each.size));
    for (const auto& each : kNotMoved)
      not_moved = log_add(not_moved, std::log(each.weight) + likelihood(each.size));
    none = log_add(none, likelihood(0));
    smallest = log_add(smallest, likelihood(1));
    const double variance = sums.variance(scale);
    const double explained =
        log_prior + sums.log_likelihood(sums.estimate(), scale) + std::log(variance) / 2;
    if (explained <= best) return;
    best = explained;
    told.size = sums.estimate();
    told.standard_error = std::sqrt(variance);
  }

  ShiftEvidence evidence() const {
    ShiftEvidence all = told;
    all.log_for = log_add(std::log(1 - kDoubt) + moved - none, std::log(kDoubt));
    all.log_against = not_moved - smallest;
    return all;
  }
};

}  // namespace

std::vector<ShiftEvidence> shift_evidence(std::span<const ShiftReading> readings,
                                          const ShiftModel& model) {
  WELLRUN_ASSERT(readings.size() <= kMostReadings, "at most kMostReadings readings");
  WELLRUN_ASSERT(model.smallest > 0 && model.step_s > 0, "the effect and the step are above zero");
  const auto first_after = static_cast<std::size_t>(
      std::ranges::lower_bound(readings, model.changed_s, {}, &ShiftReading::time_s) -
      readings.begin());
  double level = 0;
  if (!model.level_known && first_after > 0) {
    for (std::size_t i = 0; i < first_after; ++i) level += readings[i].value;
    level /= static_cast<double>(first_after);
  }
  const double scale = std::pow(kScaleShare * model.smallest, 2);
  const ShiftKernels kernels(readings, model);
  std::vector<Mixture> mixtures(readings.size() - first_after);
  for (const auto& hypothesis : shift_hypotheses()) {
    Whitening whitening(kernels, hypothesis, readings.size());
    for (std::size_t i = 0; i < readings.size(); ++i) {
      const auto& sums = whitening.add(readings[i].value - level, i >= first_after ? 1 : 0);
      if (i >= first_after)
        mixtures[i - first_after].add(sums, std::log(hypothesis.weight), model.smallest, scale);
    }
  }
  std::vector<ShiftEvidence> evidence;
  for (const auto& each : mixtures) evidence.push_back(each.evidence());
  return evidence;
}

}  // namespace wellrun::health
