#pragma once

// Evidence that one group's level lies above another's, from their differences in blocks of time:
// latencies, queue lengths, CPU. The differences are noisy and may wander slowly although nothing
// changed; how much and how slowly is learned while watching.
//
// Model of the k-th difference: d_k = effect * [t_k >= start] + w_k + e_k, with e_k ~ N(0, noise
// variance of the block) and w a stationary first-order autoregression (wander_prior.h). The
// e-process is the ratio of two mixtures over the same prior of wander: effect above zero,
// beginning at any moment, against no effect. Under "no effect" its expectation is one at every
// stopping time, averaged over that prior; for any single hypothesis of the prior the error rate is
// at most the threshold's divided by the hypothesis's weight. Sources: Ville's inequality; mixtures
// as in Robbins (1970) and Howard et al., arXiv 1810.08240; sums over starting moments as in
// Shiryaev-Roberts and e-detectors, arXiv 2203.03532; the likelihood of the noisy autoregression is
// the Kalman filter's.
//
// Not thread-safe. Memory and time for each block are bounded: kStarts moments x the wander
// hypotheses.

#include <array>
#include <vector>

#include "health/verdict/change_prior.h"
#include "health/verdict/value_blocks.h"
#include "health/verdict/wander_prior.h"

namespace wellrun::health {

/// What is believed about the difference of levels.
struct LevelEffect {
  double size = 0;            ///< most plausible, in the unit of the differences
  double standard_error = 0;  ///< of `size`
  double since_s = 0;         ///< most plausible beginning
};

class LevelEvidence {
 public:
  explicit LevelEvidence(const MetricReadings& readings, const ChangePrior& change = {});

  /// Blocks come in order of time; their noise variance is above zero.
  void add(const Block& block);

  /// log of the e-value against "no effect, or a lower level". Zero before the first block.
  double log_worse() const { return log_worse_; }

  /// log of the e-value against "higher by `margin` or more, all the time".
  double log_equivalent(double margin) const;

  /// Zero size before the first block.
  LevelEffect effect() const;

 private:
  static constexpr std::size_t kStarts = 16;

  /// Response of one wander hypothesis to a unit step that began at one moment.
  struct Step {
    double weight = 0;       ///< log prior weight, after merging
    double state = 0;        ///< the filter's own response to the step
    double score = 0;        ///< sum of response x innovation / variance
    double information = 0;  ///< sum of response^2 / variance
    double ratio = 0;        ///< log likelihood ratio, mixed over effects
  };
  struct Hypothesis {
    double log_prior = 0;
    double wander_variance = 0;
    double memory_s = 0;
    bool smooth = false;
    double mean = 0, uncertainty = 0;  ///< the filter's state
    double log_likelihood = 0;         ///< of no effect, and this hypothesis all the time
    double log_null = 0;               ///< of no effect, and this one now; before, perhaps others
    std::array<Step, kStarts> steps{};
  };

  void begin_step(double time_s);
  void merge_steps(double time_s);
  void update(Hypothesis& hypothesis, const Block& block) const;
  double explained_by(std::size_t start) const;
  double log_posterior(const Hypothesis& hypothesis) const;
  double log_null(const Hypothesis& hypothesis) const;
  void share_null(double same);
  void weigh();

  ChangePrior change_;
  double changes_ = 0;                  ///< chance that the kind of wander changes at a block
  std::vector<Hypothesis> hypotheses_;  ///< those that still explain anything
  std::array<double, kStarts> starts_{};
  std::size_t start_count_ = 0;
  double first_s_ = 0, last_s_ = 0;
  double smoothness_ = 0;
  double log_worse_ = 0;
};

}  // namespace wellrun::health
