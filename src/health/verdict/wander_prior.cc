#include "health/verdict/wander_prior.h"

#include <algorithm>
#include <cmath>

namespace wellrun::health {
namespace {

// Independent values.
constexpr double kRatios[] = {0.003, 0.01, 0.03, 0.1, 0.3, 1, 3};  // of a single value's variance
constexpr double kMemories_s[] = {10, 60, 300, 1200};
constexpr double kNoWander = 20;  // weight, beside about one for each harmless combination
constexpr double kHarmless_s =
    1;  // ratio x memory up to here costs little; beyond, weight falls with the third power
// Values that follow their neighbours (a queue, a retry) look more certain than they are. Such
// short memory hides no lasting effect, and where there is none a minute or two tell; so it may be
// thought probable, however strong.
constexpr double kShortMemory_s = 30, kLeastShort = 0.1, kShort = 1.5;

// Gauges: deviation as a share of the level. What does harm is wide *and* long: a deviation of
// twice the usual that is forgotten in a quarter of the usual time hides no more.
constexpr double kDeviations[] = {0.01, 0.03, 0.06, 0.09, 0.12, 0.18, 0.25, 0.5, 1};
constexpr double kGaugeMemories_s[] = {10, 25, 60, 150, 300, 600, 1200, 3000};
constexpr double kUsualDeviation = 0.1;
constexpr double kUsualMemory_s = 480;
// A coarse gauge wanders by its steps: from a quarter of the level on they widen all these
// deviations.
constexpr double kSteps = 4;

// What mostly repeats is a gauge, and no healthy gauge is expected not to wander.
constexpr double kIndependentThoughCoarse = 0.1;

/// One below `limit`, falling with the `steepness`-th power beyond it.
double soft_limit(double value, double limit, double steepness) {
  return 1 / (1 + std::pow(value / limit, steepness));
}

double independent_weight(double ratio, double memory_s) {
  if (memory_s < kShortMemory_s && ratio >= kLeastShort) return kShort;
  return soft_limit(ratio * memory_s, kHarmless_s, 3);
}

double gauge_weight(double deviation, double memory_s) {
  const double lasting = deviation * std::sqrt(std::min(1.0, memory_s / kUsualMemory_s));
  return soft_limit(lasting, kUsualDeviation, 12) * soft_limit(memory_s, kUsualMemory_s, 6);
}

void scale_to(std::vector<WanderHypothesis>& family, double total) {
  double sum = 0;
  for (const auto& each : family) sum += each.weight;
  for (auto& each : family) each.weight *= total / sum;
}

}  // namespace

std::vector<WanderHypothesis> wander_hypotheses(const MetricReadings& readings) {
  const double coarse = std::max(1.0, kSteps * readings.usual_step);

  std::vector<WanderHypothesis> independent{{kNoWander, 0, 1, false}};
  for (const double ratio : kRatios)
    for (const double memory_s : kMemories_s)
      independent.push_back(
          {independent_weight(ratio, memory_s), ratio * readings.value_variance, memory_s, false});
  std::vector<WanderHypothesis> gauges;
  for (const double deviation : kDeviations)
    for (const double memory_s : kGaugeMemories_s)
      gauges.push_back({gauge_weight(deviation, memory_s), coarse * coarse * deviation * deviation,
                        memory_s, true});
  const double share = readings.coarse ? kIndependentThoughCoarse : 0.5;
  scale_to(independent, share);
  scale_to(gauges, 1 - share);
  independent.insert(independent.end(), gauges.begin(), gauges.end());
  return independent;
}

}  // namespace wellrun::health
