#pragma once

// How rare a value is in a series' own history, on a log scale: the currency in which every part
// of the baseline is paid, so that parts and series can be compared.
//
// Inside the history the answer is a count; beyond it a power-law tail is fitted to the top of the
// history (Hill's estimator), so that the answer stays graded. Old values fade. Not thread-safe.

#include <array>
#include <cstddef>

namespace wellrun::health::baseline {

/// -log10 of a probability: 3 is "once in a thousand observations".
using Surprise = double;

/// How much was observed: the weight of all observations, and of the newest (older ones weigh
/// less).
struct Observed {
  double total = 0;
  double newest = 1;
};

/// Magnitudes (>= 0) on one side of zero, counted in bins of half an octave from 2^-6 to 2^12.
class Tail {
 public:
  static constexpr std::size_t kBins = 36;
  using Counts = std::array<float, kBins>;

  void add(double magnitude, double weight);
  void scale(double factor);
  /// The same magnitudes in a unit that is 2^`octaves` as large; what leaves the range counts at
  /// its end.
  void restate(int octaves);

  /// -log10 P(magnitude or more); `observed` counts both sides of zero.
  /// 0 for magnitudes <= 0; finite for every finite one.
  /// Source: Hill (1975), with a prior worth five observations for short histories.
  [[nodiscard]] Surprise surprise(double magnitude, const Observed& observed) const;

  /// The magnitude that is exceeded with `probability`; 0 with an empty history.
  [[nodiscard]] double quantile(double probability, const Observed& observed) const;

  [[nodiscard]] const Counts& counts() const { return counts_; }
  void set_counts(const Counts& counts) { counts_ = counts; }

 private:
  struct Fit {
    double from = 0;   ///< the bin edge where the tail begins
    double mass = 0;   ///< weight above it
    double scale = 0;  ///< mean excess above it, in bins
  };
  [[nodiscard]] double weight_above(double position) const;
  [[nodiscard]] Fit fit(const Observed& observed) const;

  Counts counts_{};
};

/// Both sides of zero.
class Rarity {
 public:
  /// -log10 of the chance that the history holds something as far out on this side.
  [[nodiscard]] Surprise surprise(double value) const;
  void add(double value, double weight);

  /// The value that is exceeded with `probability`, above (positive) or below (negative) zero.
  [[nodiscard]] double upper(double probability) const {
    return up_.quantile(probability, observed_);
  }
  [[nodiscard]] double lower(double probability) const {
    return -down_.quantile(probability, observed_);
  }

  /// The history in a unit that is 2^`octaves` as large.
  void restate(int octaves);

  // For the codec of the state.
  [[nodiscard]] const Tail& up() const { return up_; }
  [[nodiscard]] const Tail& down() const { return down_; }
  [[nodiscard]] double total() const { return observed_.total; }
  /// `total`: the weight of all observations, zeros included, in units of the newest.
  void restore(const Tail::Counts& up, const Tail::Counts& down, double total);
  /// Makes the newest observation weigh 1.
  void normalise();

 private:
  Tail up_, down_;
  Observed observed_;  ///< weights grow instead of old ones shrinking: one bin an update
};

}  // namespace wellrun::health::baseline
