#pragma once

// Closed forms of the normal distribution that the evidence needs. Pure.

namespace wellrun::health {

/// 2 Phi(z) exp(z^2 / 2): the likelihood ratio of a half-normal mixture, apart from its scale.
/// Finite: `z` counts for at most 37 deviations.
double half_normal_ratio(double z);

/// log(exp(a) + exp(b)); either may be minus infinity.
double log_add(double a, double b);

}  // namespace wellrun::health
