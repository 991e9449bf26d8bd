#include "health/verdict/change_prior.h"

#include <cmath>

namespace wellrun::health {

double ChangePrior::after(double time_s) const {
  return never + (1 - at_start - never) * std::pow(1 + time_s / typical_s, -tail);
}

double ChangePrior::between(double from_s, double to_s) const {
  return after(from_s) - after(to_s);
}

}  // namespace wellrun::health
