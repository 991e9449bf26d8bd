#pragma once

// Evidence that a series moved when something was done: the time after against the time before.
// Used by shift_judge.h.
//
// Model of the readings: y_i = level + season + wander + noise + effect * [t_i >= changed], a
// Gaussian process of unknown scale. The season (of the day, of the week), the wander's memory and
// strength, and a trend are hypotheses, weighed by how well they explain all readings. The e-value
// "for" is the ratio of two mixtures over the same hypotheses: an effect of at least `smallest`,
// against none; "against": none, a trifle or the other way, against exactly `smallest`. Given what
// came before, the expectation of each under its null is one at every stopping time, on average
// over the hypotheses. Sources: Ville's inequality; marginal likelihood of a Gaussian process with
// its scale integrated out (Rasmussen and Williams 2006, chapters 2 and 5; the inverse-gamma
// prior's Student t); right to stop whenever one likes as in Johari et al., arXiv 1512.04922.
//
// Pure. Time: hypotheses x n^3 / 6; memory: n^2 for each kernel. n at most kMostReadings.

#include <cstddef>
#include <span>
#include <vector>

namespace wellrun::health {

/// Mean of one step.
struct ShiftReading {
  double time_s = 0;
  double value = 0;  ///< finite
};

struct ShiftModel {
  double changed_s = 0;      ///< readings from here on are "after"
  double step_s = 0;         ///< usual distance of readings; above zero
  double smallest = 0;       ///< effect that matters, in the readings' unit; above zero: upwards
  bool level_known = false;  ///< the level before is zero by design (groups drawn by lot)
};

struct ShiftEvidence {
  double log_for = 0;      ///< e-value against "no effect, or downwards"
  double log_against = 0;  ///< e-value against "an effect of `smallest` or more"
  double size = 0;         ///< most plausible effect
  double standard_error = 0;
};

inline constexpr std::size_t kMostReadings = 256;

/// What is known after each reading that is "after", in their order; empty when there is none.
/// `readings`: sorted by time, times unique, at most kMostReadings.
std::vector<ShiftEvidence> shift_evidence(std::span<const ShiftReading> readings,
                                          const ShiftModel& model);

}  // namespace wellrun::health
