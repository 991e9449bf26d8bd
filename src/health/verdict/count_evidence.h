#pragma once

// Evidence that one group's rate of events (failures of requests) lies above another's, from counts
// in short periods.
//
// Given how many events a period had in both groups together, how many of them are the canary's is
// binomial with its share of the exposure, if nothing changed: the common rate, its season and its
// drift cancel. The odds may wander although nothing changed (e^w, w a first-order autoregression),
// or jump from one period to the next (bursts); how much is learned while watching. The e-process
// is the ratio of two mixtures over the same prior of wander: odds multiplied by a factor above
// one, beginning at any moment, against no factor. Exact for any counts, also none in the baseline:
// no normal approximation. Sources: conditional binomial of two Poisson rates (Przyborowski and
// Wilenski 1940), as in arXiv 2205.14762; discretised autoregression: Rouwenhorst (1995), Kopecky
// and Suen (2010); the forward recursion of hidden Markov models; Ville's inequality.
//
// Not thread-safe. Memory is fixed; time for each period is fixed.

#include <array>
#include <vector>

#include "health/verdict/change_prior.h"

namespace wellrun::health {

/// `events` of `exposure`: 3 of 500 requests. Both finite and not negative.
struct EventCount {
  double events = 0;
  double exposure = 0;
  EventCount& operator+=(const EventCount& other);
};

class CountEvidence {
 public:
  /// A slow rise of the odds that passes again looks like a late change, so late changes are
  /// thought rarer than those of levels; where failures truly rise, a few of them make up for it.
  /// Four fifths for "never": most of what healthy groups' odds do by themselves is not among
  /// the hypotheses of wander, and this asks for more than five times the evidence instead.
  static constexpr ChangePrior kMostlyFromTheStart{
      .at_start = 0.15, .never = 0.82, .typical_s = 30 * 60, .tail = 0.5};

  explicit CountEvidence(const ChangePrior& change = kMostlyFromTheStart);

  /// One period that ended at `time_s` (not before the last one). A period in which either group
  /// has no exposure, or neither has events, says nothing.
  void add(double time_s, const EventCount& baseline, const EventCount& canary);

  /// log of the e-value against "the same odds, or lower". Zero before the first event.
  double log_worse() const { return log_worse_; }

  /// log of the e-value against "odds higher by `kMargin` or more, all the time".
  double log_equivalent() const { return log_equivalent_; }

  bool has_events() const { return has_events_; }

  /// The factor that is most plausible if the canary got worse.
  double factor() const;

  static constexpr double kMargin = 1.5;

 private:
  static constexpr int kStates = 7;
  static constexpr int kFactors = 10;
  // One row of masses for each hypothesis about the canary: none, the margin, then each factor.
  static constexpr int kNone = 0, kEquivalent = 1, kFirstFactor = 2,
                       kRows = kFirstFactor + kFactors;
  using States = std::array<double, kStates>;
  using Matrix = std::array<States, kStates>;

  using Table = std::array<States, kRows>;

  struct Wander {
    double deviation = 0;  ///< of the log odds
    double memory_s = 0;   ///< 0: every period for itself
    double prior = 0;
    double elapsed_s = -1;  ///< what `moves` was made for
    Matrix moves{};
    Table mass{};
    Table log_odds{}, odds{};  ///< odds less one
  };

  static Matrix rouwenhorst(double carry);
  void move(Wander& wander, double elapsed_s) const;
  void begin_changes(double time_s);
  void observe(double canary_events, double all_events, double share);
  void weigh(double time_s);

  ChangePrior change_;
  std::array<double, kRows> log_factors_{};
  std::vector<Wander> wanders_;
  double first_s_ = 0, last_s_ = 0;
  bool begun_ = false, has_events_ = false;
  double log_worse_ = 0, log_equivalent_ = 0;
};

}  // namespace wellrun::health
